"""How far the founding of this installation is: what there is already, and which step comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, may_touch
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.organization.queries import GroupRef, MallRef
from zhike.privacy import queries as privacy
from zhike.ui.components.staff import StaffRequest

STEPS: dict[str, Any] = {
    "group": _("Group"),
    "mall": _("First mall"),
    "programme": _("Loyalty programme"),
    "policy": _("Privacy policy"),
}
PERMISSIONS = ("organization.edit", "programme.edit")
_FOUNDED = "console:founded"


@dataclass(frozen=True)
class Founding:
    """What stands. Nothing is remembered besides it, so the founding can be left and taken up again anywhere."""

    group: GroupRef | None
    mall: MallRef | None
    programme: str
    policy: privacy.PolicyView | None

    @property
    def next_step(self) -> str:
        """The first step that is missing, "" once all are done."""
        return next((step for step in STEPS if not getattr(self, step)), "")


def founding_of(request: StaffRequest) -> Founding:
    group = organization.founded_group()
    malls = organization.malls(request.viewer)
    policies = privacy.policies(group.id) if group else []
    return Founding(
        group, malls[0] if malls else None, _programme(request), policies[0] if policies else None
    )


def _programme(request: StaffRequest) -> str:
    """The programme's name once it has a tier and a rule."""
    program_id = loyalty.default_program_id()
    if program_id is None or not loyalty.tiers(program_id):
        return ""
    has_rules = loyalty.rules(request.viewer, program_id, request.now)
    return loyalty.program_name(program_id) if has_rules else ""


def may_found(viewer: Viewer) -> bool:
    return all(may_touch(viewer, permission) for permission in PERMISSIONS)


def is_unfinished(request: StaffRequest) -> bool:
    """Whether this viewer should be led to the founding. Once it is finished it stays so, and is not asked again."""
    if cache.get(_FOUNDED) or not may_found(request.viewer):
        return False
    is_finished = not founding_of(request).next_step
    if is_finished:
        cache.set(_FOUNDED, 1, None)
    return not is_finished

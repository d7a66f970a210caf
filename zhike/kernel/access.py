"""Who is asking, and what they may see and touch. Deny by default.

A grant is a set of permissions at one level of scope: "all", or some ids of a level. The kernel does not know what the
levels are; the context that hands out grants does. Every filter by scope in the program is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from django.db.models import Model, Q, QuerySet

from zhike.kernel.errors import NotAllowed, NotFound

ALL = "all"

Kind = Literal["staff", "api", "member", "system"]
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Grant:
    permissions: frozenset[str]
    level: str
    ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Viewer:
    """One asker. `label` is for people (a name, a key's name); `id` is the row of its kind."""

    kind: Kind
    id: int | None
    label: str
    grants: tuple[Grant, ...] = ()
    request_id: str = ""

    def may(self, permission: str) -> bool:
        """Whether the permission is held anywhere at all; the scope is checked where rows are loaded."""
        return self.kind == "system" or any(permission in grant.permissions for grant in self.grants)

    @property
    def audit_id(self) -> str:
        return f"{self.kind}:{self.label if self.id is None else self.id}"


def system_viewer(label: str, *, request_id: str = "") -> Viewer:
    """The program itself: a job, a handler, a command. It may do everything, and is audited by its label."""
    return Viewer(kind="system", id=None, label=label, request_id=request_id)


def require(viewer: Viewer, permission: str) -> None:
    """Raises NotAllowed unless the viewer holds the permission somewhere."""
    if not viewer.may(permission):
        raise NotAllowed


def visible(
    queryset: QuerySet[M], viewer: Viewer, permission: str, columns: Mapping[str, str]
) -> QuerySet[M]:
    """The rows the viewer may see: the union of what each grant with the permission opens.

    `columns` names, for each level of scope, the to-one look-up that holds its id. A level without one opens nothing.
    """
    if viewer.kind == "system":
        return queryset
    scope = Q()
    for grant in _grants_with(viewer, permission):
        if grant.level == ALL:
            return queryset
        if grant.level in columns:
            scope |= Q(**{f"{columns[grant.level]}__in": grant.ids})
    return queryset.filter(scope) if scope else queryset.none()


def load_visible(
    queryset: QuerySet[M], pk: object, viewer: Viewer, permission: str, columns: Mapping[str, str]
) -> M:
    """One row, loaded and authorised in one go. Raises NotFound alike for a missing and for a hidden row."""
    try:
        row = visible(queryset, viewer, permission, columns).filter(pk=pk).first()
    except (TypeError, ValueError, OverflowError):
        row = None
    if row is None:
        raise NotFound
    return row


def may_touch(viewer: Viewer, permission: str, **levels_to_id: int | None) -> bool:
    """Whether an object at these levels is in scope: may_touch(viewer, "receipts.record", mall=3, merchant=12).

    Without levels only a grant for "all" will do.
    """
    if viewer.kind == "system":
        return True
    return any(
        grant.level == ALL or levels_to_id.get(grant.level) in grant.ids
        for grant in _grants_with(viewer, permission)
    )


def require_touch(viewer: Viewer, permission: str, **levels_to_id: int | None) -> None:
    """Raises NotAllowed unless `may_touch`."""
    if not may_touch(viewer, permission, **levels_to_id):
        raise NotAllowed


def _grants_with(viewer: Viewer, permission: str) -> tuple[Grant, ...]:
    return tuple(grant for grant in viewer.grants if permission in grant.permissions)

"""The programme that the console's pages are about."""

from __future__ import annotations

from typing import Any

from zhike.kernel.errors import NotFound
from zhike.loyalty import queries
from zhike.ui.components.staff import StaffRequest


def first_programme(request: StaffRequest) -> Any | None:
    """The group's programme; read once a request. None before there is one."""
    if not hasattr(request, "_programme"):
        found = queries.programs(request.viewer)
        request._programme = found[0] if found else None  # type: ignore[attr-defined]
    return request._programme  # type: ignore[attr-defined]


def known_programme(request: StaffRequest) -> Any:
    """The group's programme. Raises NotFound before there is one."""
    found = first_programme(request)
    if found is None:
        raise NotFound
    return found


def tier_names(request: StaffRequest) -> dict[int, str]:
    """Names of the ladder's steps by id; whoever may not see the programme reads none."""
    if not request.viewer.may("programme.view"):
        return {}
    programme = first_programme(request)
    return {step.tier_id: step.name for step in programme.ladder} if programme else {}


def tier_choices(request: StaffRequest) -> list[tuple[int, str]]:
    """The ladder's steps as choices, from the lowest up."""
    return list(tier_names(request).items())

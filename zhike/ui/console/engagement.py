"""What the pages of engagement share: who may pay, which coupons there are, shares in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest
from zhike.ui.console.pages import malls_of
from zhike.ui.console.payers import payer_name


def payer_choices(request: StaffRequest, group_id: int) -> list[tuple[str, Any]]:
    """The mall, the merchants of the chosen mall, the brands of the group."""
    merchants = organization.merchants(request.viewer, malls_of(request).chosen_id)
    found = ["mall", *(f"merchant:{one.id}" for one in merchants if one.is_open)]
    found += [f"brand:{one.id}" for one in organization.brands(group_id)]
    return [(code, payer_name(code, group_id)) for code in found]


def batch_choices(request: StaffRequest) -> list[tuple[str, str]]:
    """Batches whose coupons can be given to members now."""
    page = offers.batches_page(request.viewer, now=request.now, limit=200)
    return [
        (str(one.id), f"{one.id} · {one.name}")
        for one in page.items
        if not one.is_bearer and one.state in ("open", "early", "sold-out")
    ]


def shares(funding: Mapping[str, int], group_id: int) -> list[tuple[str, float]]:
    """(payer, share) in words; the mall alone when nothing is said."""
    return [(payer_name(code, group_id), bp / 10_000) for code, bp in (funding or {"mall": 10_000}).items()]

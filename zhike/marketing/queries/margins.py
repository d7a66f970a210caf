"""What is left of a yuan of sales, as it was set."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from zhike.kernel.access import Viewer, require, system_viewer
from zhike.marketing.models import MarginRate, MarketingPolicy
from zhike.marketing.queries.found import APPROVE, VIEW, may
from zhike.marketing.rules.margins import DatedRate, Margins
from zhike.organization import queries as organization

READER = system_viewer("marketing")


@dataclass(frozen=True, slots=True)
class MarginView:
    """A rate of a merchant or a line of business; ``state``: past, now or coming. ``may_set``: whether the viewer may change it."""

    id: int
    kind: str
    subject_id: int
    name: str
    mall_name: str
    margin_bp: int | None
    valid_from: dt.date
    state: str
    set_at: dt.datetime
    set_by: str
    may_set: bool

    @property
    def share(self) -> float | None:
        return None if self.margin_bp is None else self.margin_bp / 10_000


def margins_of(group_id: int) -> Margins:
    """Every rate of a group, for whoever reckons with them."""
    merchants: dict[int, list[DatedRate]] = defaultdict(list)
    categories: dict[int, list[DatedRate]] = defaultdict(list)
    for row in MarginRate.objects.filter(group_id=group_id).order_by("valid_from"):
        rates = merchants[row.merchant_id] if row.merchant_id else categories[row.category_id or 0]
        rates.append(DatedRate(row.valid_from, row.margin_bp))
    return Margins(
        merchants=merchants,
        categories=categories,
        parents={one.id: one.parent_id for one in organization.trade_categories(group_id)},
        house_bp=house_margin(group_id),
    )


def house_margin(group_id: int) -> int | None:
    """For whatever has no rate of its own; None when nobody set one."""
    row = MarketingPolicy.objects.filter(group_id=group_id).first()
    return row.margin_bp if row else None


def margin_rates(viewer: Viewer, group_id: int, today: dt.date) -> list[MarginView]:
    """Every rate in scope, lines of business first, newest first within each. Raises NotAllowed."""
    require(viewer, VIEW)
    malls = {one.id: one.name for one in organization.malls(READER)}
    names = {one.id: one.name for one in organization.trade_categories(group_id)}
    found: list[MarginView] = []
    holding: set[tuple[str, int]] = set()
    for row in MarginRate.objects.filter(group_id=group_id).order_by("-valid_from", "-id"):
        kind = "merchant" if row.merchant_id else "category"
        subject_id = row.merchant_id or row.category_id or 0
        merchant = organization.merchant_ref(subject_id) if row.merchant_id else None
        if merchant is not None and not may(viewer, VIEW, merchant.mall_id):
            continue
        if row.valid_from > today:
            state = "coming"
        else:
            state = "past" if (kind, subject_id) in holding else "now"
            holding.add((kind, subject_id))
        found.append(
            MarginView(
                id=row.pk,
                kind=kind,
                subject_id=subject_id,
                name=merchant.name if merchant else names.get(subject_id, f"#{subject_id}"),
                mall_name=malls.get(merchant.mall_id, "") if merchant else "",
                margin_bp=row.margin_bp,
                valid_from=row.valid_from,
                state=state,
                set_at=row.set_at,
                set_by=row.set_by,
                may_set=may(viewer, APPROVE, merchant.mall_id if merchant else None),
            )
        )
    return sorted(found, key=lambda one: (one.kind, one.mall_name, one.name, -one.valid_from.toordinal()))

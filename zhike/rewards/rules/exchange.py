"""May this member have this reward now, what does it cost them, and in which period does it count. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from zhike.kernel import codes

EVER = dt.date(1, 1, 1)
AT_ONCE = frozenset({"code", "coupon", "donation", "tier"})
"""Kinds that are had the moment they are exchanged: nothing is collected."""
SINGLE = frozenset({"code", "coupon", "tier"})
"""Kinds of which an order holds one."""
FINAL = frozenset({"code", "donation"})
"""Kinds that never come back: a code that was shown may be used, a donation is a donation."""
QUANTITY_MAX = 100
TIER_LENGTH_MAX = {"day": 366, "month": 12}
TIER_CANCEL_DAYS = 7
"""A bought tier of which nothing was had goes back within so many days."""
CODE_FREE = 9
QR_PREFIX = "ZKE."


@dataclass(frozen=True, slots=True)
class Early:
    """What some tiers may have before everybody: from when, who, and how many are left."""

    opens_at: dt.datetime
    tier_ids: Sequence[int]
    left: int

    def refusal(self, tier_id: int, now: dt.datetime, quantity: int) -> str | None:
        """early: not yet for this tier; early_quota: what was kept for it is gone until the public opening."""
        if now < self.opens_at or tier_id not in self.tier_ids:
            return "early"
        return "early_quota" if self.left < quantity else None


@dataclass(frozen=True, slots=True)
class Offered:
    """A reward as far as the decision goes; ``is_in_season`` is its category's."""

    kind: str
    status: str
    opens_at: dt.datetime
    closes_at: dt.datetime | None
    is_in_season: bool
    tier_ids: Sequence[int]
    left: int | None
    per_member: int
    starts_at: dt.datetime | None
    early: Early | None = None


def refusal(one: Offered, tier_id: int, taken: int, now: dt.datetime, quantity: int = 1) -> str | None:
    """Why a member of this tier who took ``taken`` in this period cannot have ``quantity``; None: they can.

    One of closed, early, early_quota, late, season, started, tier, stock, limit; in the order in which it helps to know.
    """
    if one.status != "open":
        return "closed"
    if now < one.opens_at:
        why_not = one.early.refusal(tier_id, now, quantity) if one.early else "early"
        if why_not:
            return why_not
    if one.closes_at is not None and now >= one.closes_at:
        return "late"
    if not one.is_in_season:
        return "season"
    if one.starts_at is not None and now >= one.starts_at:
        return "started"
    if one.tier_ids and tier_id not in one.tier_ids:
        return "tier"
    if one.left is not None and one.left < quantity:
        return "stock"
    if one.per_member and taken + quantity > one.per_member:
        return "limit"
    return None


def is_in_season(first: dt.date | None, last: dt.date | None, today: dt.date) -> bool:
    """Both days belong to the season."""
    return (first is None or first <= today) and (last is None or today <= last)


def price_for(points: int, tier_points: Mapping[str, int], tier_id: int) -> int:
    """Points one costs a member of this tier; JSON keys are text."""
    return int(tier_points.get(str(tier_id), points))


def period_of(kind: str, today: dt.date) -> dt.date:
    """The first day of the period a limit counts in; EVER for ever."""
    if kind == "year":
        return today.replace(month=1, day=1)
    if kind == "month":
        return today.replace(day=1)
    return today if kind == "day" else EVER


def collect_by(now: dt.datetime, days: int, starts_at: dt.datetime | None, zone: str) -> dt.datetime:
    """The first moment it is too late: the end of the last of so many whole days, of a seat the end of its day."""
    local = ZoneInfo(zone)
    last = (
        starts_at.astimezone(local).date() if starts_at else now.astimezone(local).date() + dt.timedelta(days)
    )
    return dt.datetime.combine(last + dt.timedelta(1), dt.time.min, tzinfo=local).astimezone(dt.UTC)


def may_cancel(state: str, kind: str, *, by_member: bool, member_may: bool, has_started: bool) -> bool:
    """Members may until it is collected, where the reward allows it; staff also a coupon that nobody used.

    A tier is had at once; that nothing was had of it is for the caller to see (`may_return_tier`).
    """
    if kind in FINAL:
        return False
    if kind == "tier":
        return state == "collected" and (member_may or not by_member)
    if kind == "coupon":
        return state == "collected" and not by_member
    if state not in ("reserved", "ready"):
        return False
    return not by_member or (member_may and not has_started)


def may_return_tier(bought_at: dt.datetime, ends_at: dt.datetime, now: dt.datetime, *, used: bool) -> bool:
    """A tier that still runs, bought lately, of which nothing was had."""
    return not used and now < min(ends_at, bought_at + dt.timedelta(days=TIER_CANCEL_DAYS))


def new_code(random: bytes) -> str | None:
    """A pick-up code from random bytes; None when there were too few of use."""
    return codes.code_of(random, CODE_FREE)


def read_code(text: str) -> str:
    """A pick-up code as scanned or typed, in the form in which it is stored."""
    return codes.read(text, QR_PREFIX)


def is_code(code: str) -> bool:
    return codes.is_right(code, CODE_FREE)


def shares_of(fen: int, funding: Mapping[str, int]) -> dict[str, int]:
    """``fen`` parted by basis points; what rounding leaves goes to the party with the largest share."""
    parts = {party: fen * share // 10_000 for party, share in funding.items()}
    if parts:
        parts[max(funding, key=lambda party: (funding[party], party))] += fen - sum(parts.values())
    return parts

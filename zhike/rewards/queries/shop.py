"""The points mall as one member sees it: what there is, what it costs them, and why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum

from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.loyalty.queries import Held, MemberFile, held_tiers, member_file
from zhike.rewards.models import ExchangeOrder, Reward, RewardHolding
from zhike.rewards.queries.catalogue import CategoryView, RewardView, categories, reward_view
from zhike.rewards.queries.known import Places, offered
from zhike.rewards.rules.exchange import QUANTITY_MAX, SINGLE, period_of, price_for, refusal

HIDDEN = ("closed", "late", "season", "started")
"""Whoever looks through the shop does not meet these; a link to one still says why it cannot be had."""
SORTS = ("fit", "cheap", "new")


@dataclass(frozen=True, slots=True)
class ShopItem:
    """A reward in front of one member. ``points`` is their own price; ``refusal`` why they cannot have one (None: they
    can), as `rules.exchange.refusal` names it, ``held`` when they have that tier or a higher one for as long already, or
    ``points`` when they have too few. ``most`` they could take now. ``last_day`` of a tier, were it taken today. ``is_early``: out of
    what is kept for their tier before everybody's opening.
    """

    reward: RewardView
    points: int
    refusal: str | None
    taken: int
    most: int
    missing: int
    mall_name: str
    last_day: dt.date | None = None
    is_early: bool = False

    @property
    def is_cheaper(self) -> bool:
        """Their tier pays less than others."""
        return self.points < self.reward.points


@dataclass(frozen=True, slots=True)
class Shop:
    items: list[ShopItem]
    categories: list[CategoryView]
    balance: int


@dataclass(frozen=True, slots=True)
class DonationState:
    """How far a project got: points and members."""

    points: int
    members: int


def shop(
    viewer: Viewer,
    member_id: int,
    now: dt.datetime,
    *,
    category: str = "",
    q: str = "",
    sort: str = "fit",
    affordable: bool = False,
) -> Shop:
    """What this member may look through, what they can have first. Raises MemberNotFound."""
    file = member_file(viewer, member_id, now)
    rows = Reward.objects.select_related("category").filter(
        group_id=file.programme.group_id, status=Reward.Status.OPEN, category__retired_at=None
    )
    if q:
        rows = rows.filter(Q(name__icontains=q) | Q(summary__icontains=q) | Q(category__name__icontains=q))
    found = [one for one in _items(list(rows), file, now) if one.refusal not in HIDDEN]
    filled = {one.reward.category.id for one in found}
    shelves = [one for one in categories(now) if one.id in filled]
    if category:
        found = [one for one in found if one.reward.category.code == category]
    if affordable:
        found = [one for one in found if one.refusal is None]
    found.sort(key=_SORT_KEYS.get(sort, _fit))
    return Shop(found, shelves, file.balance)


def _fit(one: ShopItem) -> tuple[bool, int, int, int]:
    return (one.refusal is not None, one.reward.category.position, -one.reward.taken, one.reward.id)


def _cheap(one: ShopItem) -> tuple[bool, int, int, int]:
    return (False, one.points, one.reward.cash_fen, one.reward.id)


def _new(one: ShopItem) -> tuple[bool, int, int, int]:
    return (False, -int(one.reward.opens_at.timestamp()), 0, -one.reward.id)


_SORT_KEYS = {"fit": _fit, "cheap": _cheap, "new": _new}


def shop_item(viewer: Viewer, member_id: int, reward_id: int, now: dt.datetime) -> ShopItem:
    """One reward in front of a member, also when it cannot be had. Raises NotFound for drafts and other groups'."""
    file = member_file(viewer, member_id, now)
    row = (
        Reward.objects.select_related("category")
        .filter(id=reward_id, group_id=file.programme.group_id)
        .exclude(status=Reward.Status.DRAFT)
        .first()
    )
    if row is None:
        raise NotFound
    return _items([row], file, now)[0]


def _items(rows: list[Reward], file: MemberFile, now: dt.datetime) -> list[ShopItem]:
    places = Places(now)
    taken = _taken(rows, file.member_id, places)
    lends = any(row.tier_id for row in rows)
    held = held_tiers(file.member_id, now) if lends else None
    return [_item(row, file, taken.get(row.pk, 0), now, places, held) for row in rows]


def _taken(rows: list[Reward], member_id: int, places: Places) -> Mapping[int, int]:
    periods = {row.pk: period_of(row.limit_period, places.today(row.mall_id)) for row in rows}
    held = RewardHolding.objects.filter(member_id=member_id, reward_id__in=list(periods))
    return {
        reward_id: taken
        for reward_id, period, taken in held.values_list("reward_id", "period", "taken")
        if periods[reward_id] == period
    }


def _item(
    row: Reward, file: MemberFile, taken: int, now: dt.datetime, places: Places, held: Held | None
) -> ShopItem:
    view = reward_view(row, now, places)
    points = price_for(row.points, row.tier_points, file.tier.id)
    why_not = refusal(offered(row, places.today(row.mall_id)), file.tier.id, taken, now)
    last_day = None
    if row.tier_id is not None and held is not None:
        last_day = held.last_day(row.tier_length, row.tier_unit)
        if why_not is None and held.covers(row.tier_id, last_day):
            why_not = "held"
    missing = max(0, points - file.balance)
    if why_not is None and missing:
        why_not = "points"
    is_early = now < row.opens_at and why_not in (None, "points")
    bounds = [file.balance // points, 1 if row.kind in SINGLE else QUANTITY_MAX]
    if view.left is not None:
        bounds.append(view.left)
    if is_early:
        bounds.append(row.early_quota - row.early_taken)
    if row.per_member:
        bounds.append(row.per_member - taken)
    return ShopItem(
        view,
        points,
        why_not,
        taken,
        max(0, min(bounds)),
        missing,
        places.name(row.mall_id),
        last_day,
        is_early,
    )


def donation_state(reward_id: int) -> DonationState:
    """What members gave to a project so far."""
    sums = ExchangeOrder.objects.filter(reward_id=reward_id, state=ExchangeOrder.State.COLLECTED).aggregate(
        points=Sum(F("points")), members=Count("member_id", distinct=True)
    )
    return DonationState(sums["points"] or 0, sums["members"] or 0)

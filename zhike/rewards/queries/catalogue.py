"""The points mall as staff see it: shelves, rewards with their figures, pools of codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, Sum

from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.clock import business_date
from zhike.kernel.errors import NotFound
from zhike.kernel.reencryption import EncryptedColumn
from zhike.rewards.models import ExchangeOrder, Reward, RewardCategory, RewardCode, RewardPicture
from zhike.rewards.queries.known import CODE_FIELD, SEED_FIELD, Places, code_index, offered, zone_of
from zhike.rewards.rules.exchange import is_in_season, refusal, shares_of

VIEW = "rewards.view"
COLUMNS = {"mall": "mall_id"}
REWARDS_MAX = 500


@dataclass(frozen=True, slots=True)
class CategoryView:
    """A shelf; ``is_open``: its season is now, or it has none. ``rewards`` counts what can be had on it."""

    id: int
    code: str
    name: str
    icon: str
    tone: str
    position: int
    season_from: dt.date | None
    season_until: dt.date | None
    is_open: bool
    rewards: int = 0


@dataclass(frozen=True, slots=True)
class RewardView:
    """``state`` is what it means now: draft, paused, closed, early, late, season, started, stock or open."""

    id: int
    group_id: int
    mall_id: int | None
    category: CategoryView
    code: str
    name: str
    kind: str
    summary: str
    description: str
    icon: str
    place: str
    points: int
    cash_fen: int
    tier_points: Mapping[str, int]
    market_fen: int
    cost_fen: int
    funding: Mapping[str, int]
    tier_ids: tuple[int, ...]
    stock: int | None
    taken: int
    per_member: int
    limit_period: str
    opens_at: dt.datetime
    closes_at: dt.datetime | None
    needs_preparing: bool
    collect_days: int
    on_expiry: str
    member_may_cancel: bool
    starts_at: dt.datetime | None
    goal_points: int
    coupon_batch_id: int | None
    tier_id: int | None
    tier_length: int
    tier_unit: str
    early_opens_at: dt.datetime | None
    early_tier_ids: tuple[int, ...]
    early_quota: int
    early_taken: int
    status: str
    state: str
    picture: str
    version: int
    created_at: dt.datetime

    @property
    def sign(self) -> str:
        """What stands for it while it has no picture: its own icon, or its shelf's."""
        return self.icon or self.category.icon

    @property
    def left(self) -> int | None:
        return None if self.stock is None else self.stock - self.taken


@dataclass(frozen=True, slots=True)
class RewardFigures:
    """Orders by state; what was given for those that stand: pieces, points, cash, cost and who pays it."""

    counts: Mapping[str, int] = field(default_factory=dict)
    pieces: int = 0
    points: int = 0
    cash_fen: int = 0
    cost_fen: int = 0
    members: int = 0
    free_codes: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        return self.counts.get("reserved", 0) + self.counts.get("ready", 0)


def category_view(row: RewardCategory, today: dt.date, rewards: int = 0) -> CategoryView:
    return CategoryView(
        row.pk,
        row.code,
        row.name,
        row.icon,
        row.tone,
        row.position,
        row.season_from,
        row.season_until,
        is_in_season(row.season_from, row.season_until, today),
        rewards,
    )


def categories(now: dt.datetime) -> list[CategoryView]:
    """All shelves in their order, with the number of open rewards."""
    today = business_date(now, zone_of(None))
    open_ones = Q(retired_at=None)
    rows = RewardCategory.objects.filter(open_ones).order_by("position", "id")
    counts = dict(
        Reward.objects.filter(status=Reward.Status.OPEN).values_list("category_id").annotate(n=Count("id"))
    )
    return [category_view(row, today, counts.get(row.pk, 0)) for row in rows]


def reward_view(row: Reward, now: dt.datetime, places: Places) -> RewardView:
    today = places.today(row.mall_id)
    why_not = refusal(offered(row, today), (row.tier_ids or [0])[0], 0, now)
    state = row.status if row.status != Reward.Status.OPEN else why_not or "open"
    plain = {
        name: getattr(row, name)
        for name in RewardView.__dataclass_fields__
        if name not in ("category", "state", "tier_ids", "early_tier_ids", "id")
    }
    return RewardView(
        id=row.pk,
        category=category_view(row.category, today),
        state=state,
        tier_ids=tuple(row.tier_ids),
        early_tier_ids=tuple(row.early_tier_ids),
        **plain,
    )


def rewards(
    viewer: Viewer,
    now: dt.datetime,
    *,
    mall_id: int | None = None,
    category_id: int | None = None,
    status: str = "",
    q: str = "",
) -> list[RewardView]:
    """Rewards in scope by shelf, the newest first; ``q`` is a part of the name or the beginning of the code.

    Those of the whole group are shown to whoever sees rewards anywhere. Closed ones only by ``status``.
    """
    require(viewer, VIEW)
    own = visible(Reward.objects.all(), viewer, VIEW, COLUMNS).values("pk")
    rows = Reward.objects.select_related("category").filter(Q(pk__in=own) | Q(mall=None))
    if mall_id is not None:
        rows = rows.filter(Q(mall_id=mall_id) | Q(mall=None))
    if category_id is not None:
        rows = rows.filter(category_id=category_id)
    rows = rows.filter(status=status) if status else rows.exclude(status=Reward.Status.CLOSED)
    if q:
        rows = rows.filter(Q(name__icontains=q) | Q(code__istartswith=q))
    ordered = rows.order_by("category__position", "category_id", "-created_at", "-id")
    places = Places(now)
    return [reward_view(row, now, places) for row in ordered[:REWARDS_MAX]]


def reward(viewer: Viewer, reward_id: int, now: dt.datetime) -> RewardView:
    """One in scope, or of the whole group. Raises NotFound."""
    rows = Reward.objects.select_related("category")
    shared = rows.filter(pk=reward_id, mall=None).first() if viewer.may(VIEW) else None
    found = shared or load_visible(rows, reward_id, viewer, VIEW, COLUMNS)
    return reward_view(found, now, Places(now))


def reward_names(reward_ids: Sequence[int]) -> dict[int, str]:
    return dict(Reward.objects.filter(id__in=reward_ids).values_list("id", "name"))


def reward_figures(reward_ids: Sequence[int]) -> dict[int, RewardFigures]:
    """The figures of some rewards, in three statements. The caller has authorised them."""
    orders = ExchangeOrder.objects.filter(reward_id__in=reward_ids)
    counts: dict[int, dict[str, int]] = {one: {} for one in reward_ids}
    for reward_id, state, number in orders.values_list("reward_id", "state").annotate(n=Count("id")):
        counts[reward_id][state] = number
    sums = {
        row["reward_id"]: row
        for row in orders.exclude(state__in=("cancelled", "expired"))
        .values("reward_id")
        .annotate(
            pieces=Sum("quantity") - Sum("returned"),
            points=Sum("points"),
            cash_fen=Sum("cash_fen"),
            cost_fen=Sum("cost_fen"),
            members=Count("member_id", distinct=True),
        )
    }
    free = dict(
        RewardCode.objects.filter(reward_id__in=reward_ids, order=None)
        .values_list("reward_id")
        .annotate(n=Count("id"))
    )
    funding = dict(Reward.objects.filter(id__in=reward_ids).values_list("id", "funding"))
    found = {}
    for one in reward_ids:
        known: Mapping[str, Any] = sums.get(one) or {}
        cost_fen = known.get("cost_fen") or 0
        found[one] = RewardFigures(
            counts[one],
            known.get("pieces") or 0,
            known.get("points") or 0,
            known.get("cash_fen") or 0,
            cost_fen,
            known.get("members") or 0,
            free.get(one, 0),
            shares_of(cost_fen, funding.get(one, {})),
        )
    return found


def picture(digest: str) -> tuple[str, bytes]:
    """(media type, content) of a picture, which is public. Raises NotFound."""
    row = RewardPicture.objects.filter(digest=digest).first()
    if row is None:
        raise NotFound
    return row.media_type, bytes(row.content)


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(CODE_FIELD, "rewards_rewardcode", "value", index_column="index", index_of=code_index),
        EncryptedColumn(SEED_FIELD, "rewards_luckydraw", "seed"),
    ]

"""The shelves of the points mall: categories, rewards with price and stock, pictures, pools of codes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid
from zhike.loyalty import queries as members
from zhike.offers import queries as offers
from zhike.rewards.events import RewardPublished
from zhike.rewards.models import Reward, RewardCategory, RewardCode, RewardPicture
from zhike.rewards.operations._words import GIVER, ReasonMissing, RewardNotFound
from zhike.rewards.queries.known import CODE_FIELD, code_index
from zhike.rewards.rules.exchange import AT_ONCE, TIER_LENGTH_MAX

EDIT = "rewards.edit"
POINTS_MAX = 100_000_000
FEN_MAX = 100_000_000
STOCK_MAX = 10_000_000
CODES_MAX = 50_000
CODE_LENGTH_MAX = 200
PICTURE_BYTES_MAX = 600_000
FUNDERS = ("mall", "merchant", "brand")
_RANGE = _("This is out of range.")
_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


class CodeTaken(Conflict):
    code = "code-taken"
    title = _("This code is taken. Choose another.")


class RewardUnusable(Invalid):
    code = "reward-unusable"
    title = _("A reward cannot be like this.")


class RewardClosed(Conflict):
    code = "reward-closed"
    title = _("This reward is closed for good.")


class NoCodePool(Conflict):
    code = "reward-without-pool"
    title = _("Only rewards that are codes have a pool of codes.")


class CodesUnusable(Invalid):
    code = "reward-codes-unusable"
    title = _("These codes cannot be used: %(codes)s.")


class PictureUnusable(Invalid):
    code = "picture-unusable"
    title = _("A picture is a JPEG, PNG or WebP of at most 600 KB.")


class CategoryInUse(Conflict):
    code = "reward-category-in-use"
    title = _("There are rewards on this shelf. Move or close them first.")


@dataclass(frozen=True, slots=True)
class NewCategory:
    """``icon`` a lucide name, ``tone`` a colour's name; both days of the season belong to it, None: all year."""

    code: str
    name: str
    icon: str = "gift"
    tone: str = "teal"
    position: int = 0
    season_from: dt.date | None = None
    season_until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class NewReward:
    """All that is said of a reward; the names are the model's. ``stock`` and ``status`` change by operations of their own."""

    code: str
    name: str
    kind: str
    category_id: int
    points: int
    opens_at: dt.datetime
    closes_at: dt.datetime | None = None
    cash_fen: int = 0
    tier_points: Mapping[str, int] = field(default_factory=dict)
    market_fen: int = 0
    cost_fen: int = 0
    funding: Mapping[str, int] = field(default_factory=lambda: {"mall": 10_000})
    tier_ids: Sequence[int] = ()
    per_member: int = 0
    limit_period: str = "ever"
    summary: str = ""
    description: str = ""
    icon: str = ""
    place: str = ""
    needs_preparing: bool = False
    collect_days: int = 14
    on_expiry: str = "give_back"
    member_may_cancel: bool = True
    starts_at: dt.datetime | None = None
    goal_points: int = 0
    coupon_batch_id: int | None = None
    tier_id: int | None = None
    tier_length: int = 0
    tier_unit: str = "day"
    early_opens_at: dt.datetime | None = None
    early_tier_ids: Sequence[int] = ()
    early_quota: int = 0


@transaction.atomic
def save_category(*, actor: Viewer, group_id: int, category: NewCategory, now: dt.datetime) -> int:
    """Make a shelf or change the one with this code; its id. Raises Invalid, CodeTaken, NotAllowed."""
    require_touch(actor, EDIT)
    code, name = category.code.strip(), category.name.strip()
    season = (category.season_from, category.season_until)
    if not (0 < len(code) <= 40 and 0 < len(name) <= 40) or (None not in season and season[0] > season[1]):  # type: ignore[operator]
        raise Invalid
    row = RewardCategory.objects.select_for_update().filter(code=code).first()
    if row is not None and row.group_id != group_id:
        raise CodeTaken
    row = row or RewardCategory(group_id=group_id, code=code)
    row.name, row.icon, row.tone, row.position = name, category.icon, category.tone, category.position
    row.season_from, row.season_until, row.retired_at = *season, None
    row.save()
    audit.record(
        actor=actor,
        action="reward_category.save",
        subject=("reward_category", row.pk),
        after={"name": name, "season": [None if day is None else day.isoformat() for day in season]},
        now=now,
    )
    return row.pk


@transaction.atomic
def retire_category(*, actor: Viewer, category_id: int, now: dt.datetime) -> None:
    """Take an empty shelf away. Raises RewardNotFound, CategoryInUse, NotAllowed."""
    require_touch(actor, EDIT)
    row = RewardCategory.objects.select_for_update().filter(id=category_id).first()
    if row is None:
        raise RewardNotFound
    if Reward.objects.filter(category=row).exclude(status=Reward.Status.CLOSED).exists():
        raise CategoryInUse
    row.retired_at = now
    row.save(update_fields=["retired_at"])
    audit.record(
        actor=actor, action="reward_category.retire", subject=("reward_category", category_id), now=now
    )


@transaction.atomic
def add_reward(
    *,
    actor: Viewer,
    group_id: int,
    reward: NewReward,
    now: dt.datetime,
    mall_id: int | None = None,
    stock: int | None = None,
) -> int:
    """A new reward, as a draft nobody sees yet; its id. The stock of codes is what is imported.

    Raises RewardUnusable (naming fields), CodeTaken, NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    _check(reward, group_id, stock)
    row = Reward(group_id=group_id, mall_id=mall_id, created_at=now, created_by=actor.audit_id, version=1)
    row.stock = 0 if reward.kind == Reward.Kind.CODE else stock
    _fill(row, reward)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise CodeTaken from error
    audit.record(actor=actor, action="reward.add", subject=("reward", row.pk), after=_shown(row), now=now)
    return row.pk


@transaction.atomic
def change_reward(*, actor: Viewer, reward_id: int, reward: NewReward, now: dt.datetime) -> None:
    """Change what is said of a reward; orders that are there keep their terms. Kind and code stay.

    Raises RewardNotFound, RewardClosed, RewardUnusable (naming fields), NotAllowed.
    """
    row = _locked(actor, reward_id)
    if (reward.kind, reward.code) != (row.kind, row.code):
        raise RewardUnusable
    _check(reward, row.group_id, row.stock, row.early_taken)
    before = _shown(row)
    _fill(row, reward)
    row.version += 1
    row.save()
    audit.record(
        actor=actor,
        action="reward.change",
        subject=("reward", reward_id),
        before=before,
        after=_shown(row),
        now=now,
    )
    if row.status == Reward.Status.OPEN:
        events.publish(RewardPublished(row.pk, row.version), actor=actor, now=now)


@transaction.atomic
def set_reward_status(*, actor: Viewer, reward_id: int, status: str, now: dt.datetime) -> None:
    """Open, pause or close a reward; what is closed stays closed. Raises RewardNotFound, RewardClosed, Invalid."""
    row = _locked(actor, reward_id)
    if status not in (Reward.Status.OPEN, Reward.Status.PAUSED, Reward.Status.CLOSED):
        raise Invalid
    if status == row.status:
        return
    before, row.status = row.status, status
    row.version += 1
    row.save(update_fields=["status", "version"])
    audit.record(
        actor=actor,
        action="reward.status",
        subject=("reward", reward_id),
        before={"status": before},
        after={"status": status},
        now=now,
    )
    if status == Reward.Status.OPEN:
        events.publish(RewardPublished(row.pk, row.version), actor=actor, now=now)


@transaction.atomic
def set_stock(*, actor: Viewer, reward_id: int, stock: int | None, reason: str, now: dt.datetime) -> None:
    """So many in all (None: without end), never fewer than are taken. A pool of codes grows by importing only.

    Raises RewardNotFound, RewardClosed, RewardUnusable, ReasonMissing, NotAllowed.
    """
    row = _locked(actor, reward_id)
    if not reason.strip():
        raise ReasonMissing
    if row.kind == Reward.Kind.CODE or (stock is not None and not row.taken <= stock <= STOCK_MAX):
        raise RewardUnusable(fields={"stock": [_("The stock cannot be less than what is taken.")]})
    before, row.stock = row.stock, stock
    row.save(update_fields=["stock"])
    audit.record(
        actor=actor,
        action="reward.stock",
        subject=("reward", reward_id),
        before={"stock": before},
        after={"stock": stock},
        reason=reason.strip(),
        now=now,
    )


@transaction.atomic
def import_codes(*, actor: Viewer, reward_id: int, codes: Sequence[str], now: dt.datetime) -> int:
    """Add a partner's codes to the pool, encrypted, and as many to the stock; how many. All of them or none.

    Raises CodesUnusable (naming the first that are too long, twice in the list or there already, by their ends only),
    NoCodePool, RewardNotFound, RewardClosed, NotAllowed.
    """
    row = _locked(actor, reward_id)
    if row.kind != Reward.Kind.CODE:
        raise NoCodePool
    cleaned = [code.strip() for code in codes if code.strip()]
    if not 0 < len(cleaned) <= CODES_MAX:
        raise CodesUnusable(codes="–")
    seen: set[str] = set()
    bad = [code for code in cleaned if len(code) > CODE_LENGTH_MAX or code in seen or seen.add(code)]  # type: ignore[func-returns-value]
    indexes = {code_index(code): code for code in cleaned}
    every = {index: code for code in cleaned for index in crypto.blind_indexes(code, field=CODE_FIELD)}
    known = RewardCode.objects.filter(reward=row, index__in=list(every)).values_list("index", flat=True)
    bad += [every[bytes(index)] for index in known]
    if bad:
        raise CodesUnusable(codes=", ".join(f"…{code[-4:]}" for code in bad[:5]))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('rewards_rewardcode', 'id')) FROM generate_series(1, %s)",
            [len(cleaned)],
        )
        ids = [number for (number,) in cursor.fetchall()]
    RewardCode.objects.bulk_create(
        [
            RewardCode(
                id=number,
                reward=row,
                value=crypto.encrypt(code, field=CODE_FIELD, row=number),
                index=index,
                added_at=now,
            )
            for number, (index, code) in zip(ids, indexes.items(), strict=True)
        ],
        batch_size=2_000,
    )
    row.stock = (row.stock or 0) + len(cleaned)
    row.save(update_fields=["stock"])
    audit.record(
        actor=actor,
        action="reward.codes",
        subject=("reward", reward_id),
        after={"codes": len(cleaned)},
        now=now,
    )
    return len(cleaned)


@transaction.atomic
def set_picture(*, actor: Viewer, reward_id: int, content: bytes, now: dt.datetime) -> None:
    """The picture members see; empty: none. Raises PictureUnusable, RewardNotFound, RewardClosed, NotAllowed."""
    row = _locked(actor, reward_id)
    digest = ""
    if content:
        media_type = _media_type(content)
        if media_type is None or len(content) > PICTURE_BYTES_MAX:
            raise PictureUnusable
        digest = hashlib.sha256(content).hexdigest()
        RewardPicture.objects.get_or_create(
            digest=digest, defaults={"media_type": media_type, "content": content, "added_at": now}
        )
    row.picture = digest
    row.save(update_fields=["picture"])
    audit.record(
        actor=actor, action="reward.picture", subject=("reward", reward_id), after={"sha256": digest}, now=now
    )


def _media_type(content: bytes) -> str | None:
    """By the first bytes, never by what a browser says it is."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)


def _locked(actor: Viewer, reward_id: int) -> Reward:
    row = Reward.objects.select_for_update(of=("self",)).filter(id=reward_id).first()
    if row is None:
        raise RewardNotFound
    require_touch(actor, EDIT, mall=row.mall_id)
    if row.status == Reward.Status.CLOSED:
        raise RewardClosed
    return row


_PLAIN = (
    "code", "name", "kind", "category_id", "points", "opens_at", "closes_at", "cash_fen", "market_fen", "cost_fen",
    "per_member", "limit_period", "summary", "description", "icon", "place", "needs_preparing", "collect_days", "on_expiry",
    "member_may_cancel", "starts_at", "goal_points", "coupon_batch_id",
    "tier_id", "tier_length", "tier_unit", "early_opens_at", "early_quota",
)  # fmt: skip


def _fill(row: Reward, reward: NewReward) -> None:
    for name in _PLAIN:
        setattr(row, name, getattr(reward, name))
    row.code, row.name = reward.code.strip(), reward.name.strip()
    row.tier_points, row.funding = dict(reward.tier_points), dict(reward.funding)
    row.tier_ids = sorted(set(reward.tier_ids))
    row.early_tier_ids = sorted(set(reward.early_tier_ids))


def _shown(row: Reward) -> dict[str, Any]:
    shown = {
        name: getattr(row, name)
        for name in (*_PLAIN, "tier_points", "funding", "tier_ids", "early_tier_ids", "stock")
    }
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value
        for name, value in shown.items()
        if name != "description"
    }


def _tiers(group_id: int) -> set[int]:
    """Those of the group's programmes that are above the lowest."""
    ladders = [members.tiers(one.id) for one in members.programs(GIVER) if one.group_id == group_id]
    return {tier.id for ladder in ladders for tier in ladder[1:]}


def _early_is_right(reward: NewReward, taken: int, stock: int | None) -> bool:
    """All of it or none: a moment before everybody's, tiers, and a quota within the stock, not below what is taken."""
    if reward.early_opens_at is None:
        return not reward.early_tier_ids and reward.early_quota == taken == 0
    most = STOCK_MAX if stock is None or reward.kind == "code" else stock
    return (
        reward.early_opens_at < reward.opens_at
        and bool(reward.early_tier_ids)
        and max(1, taken) <= reward.early_quota <= most
    )


def _check(reward: NewReward, group_id: int, stock: int | None, taken: int = 0) -> None:
    """Raises RewardUnusable with a sentence for each field that is wrong."""
    tests = {
        "code": 0 < len(reward.code.strip()) <= 40,
        "name": 0 < len(reward.name.strip()) <= 80,
        "kind": reward.kind in Reward.Kind.values,
        "points": 0 < reward.points <= POINTS_MAX,
        "cash_fen": 0 <= reward.cash_fen <= (0 if reward.kind in AT_ONCE else FEN_MAX),
        "tier_points": all(0 < points <= POINTS_MAX for points in reward.tier_points.values()),
        "market_fen": 0 <= reward.market_fen <= FEN_MAX,
        "cost_fen": 0 <= reward.cost_fen <= FEN_MAX,
        "mall_share": set(reward.funding) <= set(FUNDERS)
        and all(share > 0 for share in reward.funding.values())
        and sum(reward.funding.values()) == 10_000,
        "per_member": 0 <= reward.per_member <= 1_000,
        "limit_period": reward.limit_period in Reward.Period.values,
        "summary": len(reward.summary) <= 120,
        "description": len(reward.description) <= 5_000,
        "place": len(reward.place) <= 120,
        "collect_days": 1 <= reward.collect_days <= 365,
        "on_expiry": reward.on_expiry in Reward.OnExpiry.values,
        "closes_at": reward.closes_at is None or reward.closes_at > reward.opens_at,
        "starts_at": (reward.starts_at is not None) == (reward.kind == "seat"),
        "goal_points": 0 <= reward.goal_points <= POINTS_MAX * 100,
        "coupon_batch": (reward.coupon_batch_id is not None) == (reward.kind == "coupon"),
        "tier": (reward.tier_id in _tiers(group_id)) if reward.kind == "tier" else reward.tier_id is None,
        "tier_length": 1 <= reward.tier_length <= TIER_LENGTH_MAX.get(reward.tier_unit, 0)
        if reward.kind == "tier"
        else reward.tier_length == 0,
        "early_quota": _early_is_right(reward, taken, stock),
        "category": RewardCategory.objects.filter(
            id=reward.category_id, group_id=group_id, retired_at=None
        ).exists(),
        "stock": stock is None or 0 <= stock <= STOCK_MAX,
    }
    wrong = {name: [_RANGE] for name, is_right in tests.items() if not is_right}
    if reward.coupon_batch_id is not None and not wrong:
        offers.batch_name(reward.coupon_batch_id)
    if wrong:
        raise RewardUnusable(fields=wrong)

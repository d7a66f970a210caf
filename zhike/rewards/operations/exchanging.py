"""Points become a reward."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, Invalid, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers
from zhike.organization import queries as organization
from zhike.rewards.events import RewardExchanged
from zhike.rewards.models import ExchangeOrder, Reward, RewardCode
from zhike.rewards.operations._words import GIVER, RewardNotFound, SoldOut
from zhike.rewards.operations.lent import lend_tier
from zhike.rewards.queries.known import offered, zone_of
from zhike.rewards.queries.orders import WON
from zhike.rewards.rules import exchange as rules

EXCHANGE = "rewards.exchange"
_RANDOM_BYTES = 30


class NotOnSale(Conflict):
    code = "reward-not-on-sale"
    title = _("This reward cannot be exchanged at the moment.")


class NotYetOnSale(Conflict):
    code = "reward-not-yet-on-sale"
    title = _("The exchange of this reward has not begun yet.")


class EarlyQuotaGone(Conflict):
    code = "reward-early-quota"
    title = _("What was kept for your tier is gone. It opens for everybody later.")


class SaleOver(Conflict):
    code = "reward-sale-over"
    title = _("The exchange of this reward is over.")


class WrongTier(Conflict):
    code = "reward-tier"
    title = _("This reward is for members of other tiers.")


class LimitReached(Conflict):
    code = "reward-limit-reached"
    title = _("One member cannot have more of this reward in this time.")


class PriceChanged(Conflict):
    code = "reward-price-changed"
    title = _("The reward has changed in the meantime. Look at it again.")


class QuantityUnusable(Invalid):
    code = "reward-quantity"
    title = _("Choose a number from 1 to %(most)s.")


class WrongMall(Invalid):
    code = "reward-mall"
    title = _("This reward is not collected at that mall.")


_REFUSALS: dict[str, type[Problem]] = {
    "closed": NotOnSale,
    "early": NotYetOnSale,
    "early_quota": EarlyQuotaGone,
    "late": SaleOver,
    "season": NotOnSale,
    "started": SaleOver,
    "tier": WrongTier,
    "stock": SoldOut,
    "limit": LimitReached,
}


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An order just made; ``balance`` is what can be spent now."""

    order_id: int
    state: str
    points: int
    cash_fen: int
    balance: int


@dataclass(frozen=True, slots=True)
class _Call:
    actor: Viewer
    member_id: int
    person_id: int
    mall_id: int
    quantity: int
    points: int
    period: dt.date
    source: str
    now: dt.datetime
    is_early: bool = False


@transaction.atomic
def exchange_reward(
    *,
    actor: Viewer,
    member_id: int,
    reward_id: int,
    now: dt.datetime,
    quantity: int = 1,
    expected_points: int | None = None,
    mall_id: int | None = None,
    source: str = "app",
) -> Exchanged:
    """Spend points on a reward: the order, the points, the stock and the member's limit move together or not at all.

    ``expected_points`` is the price the member saw, for all of ``quantity``. ``mall_id`` is where it is collected, of a
    reward that more than one mall hands out (None: the member's own mall). What is had at once is collected at once.
    Never more than the stock nor than a member's limit, however many come at once. Raises RewardNotFound, NotOnSale,
    NotYetOnSale, EarlyQuotaGone, SaleOver, WrongTier, SoldOut, LimitReached, PriceChanged, QuantityUnusable, WrongMall,
    InsufficientPoints, MemberFrozen, MemberNotFound, NotAllowed, of coupons what `offers.give_coupon` raises, and of tiers
    TierHeldAlready to whoever stands as high for as long already.
    """
    reward = Reward.objects.select_related("category").filter(id=reward_id).first()
    if reward is None:
        raise RewardNotFound
    person_id = members.person_id_of(member_id)
    place = _collected_at(reward, mall_id, member_id, now)
    require_touch(actor, EXCHANGE, mall=place, person=person_id)
    most = 1 if reward.kind in rules.SINGLE else rules.QUANTITY_MAX
    if not 1 <= quantity <= most:
        raise QuantityUnusable(most=most)
    file = members.member_file(GIVER, member_id, now)
    zone = zone_of(reward.mall_id)
    today = business_date(now, zone)
    period = rules.period_of(reward.limit_period, today)
    why_not = rules.refusal(offered(reward, today), file.tier.id, 0, now, quantity)
    if why_not:
        raise _REFUSALS[why_not]
    points = rules.price_for(reward.points, reward.tier_points, file.tier.id) * quantity
    if expected_points not in (None, points):
        raise PriceChanged
    is_early = now < reward.opens_at
    call = _Call(actor, member_id, person_id, place, quantity, points, period, source, now, is_early)
    spent = loyalty.spend_points(
        actor=actor, member_id=member_id, points=points, purpose=f"exchange:{reward.code}", now=now
    )
    _count(reward, call, reward.per_member)
    order = _order(reward, call, spent.redemption_id)
    _hand_over(reward, order, call)
    _take_stock(reward, quantity, is_early=is_early)
    if actor.kind != "member":
        audit.record(
            actor=actor,
            action="exchange_order.make",
            subject=("exchange_order", order.pk),
            after={"reward": reward.pk, "member": member_id, "quantity": quantity, "points": points},
            now=now,
        )
    fact = RewardExchanged(
        order.pk, reward.pk, member_id, person_id, reward.kind, quantity, points, order.cash_fen
    )
    events.publish(fact, actor=actor, now=now)
    return Exchanged(order.pk, order.state, points, order.cash_fen, spent.balance)


def _collected_at(reward: Reward, mall_id: int | None, member_id: int, now: dt.datetime) -> int:
    if reward.mall_id is not None:
        if mall_id not in (None, reward.mall_id):
            raise WrongMall
        return reward.mall_id
    if mall_id is not None:
        if organization.mall(mall_id).group_id != reward.group_id:
            raise WrongMall
        return mall_id
    own = members.member_file(GIVER, member_id, now).mall_id or organization.first_mall_id()
    assert own is not None, "a group with a reward has a mall"
    return own


def won_order(
    *, actor: Viewer, reward: Reward, member_id: int, points: int, redemption_id: UUID, now: dt.datetime
) -> ExchangeOrder:
    """The order of whoever won one of a reward whose stock was set aside and whose points are spent: as any other, but
    no limit keeps it from them. It counts toward the limit of later exchanges."""
    person_id = members.person_id_of(member_id)
    place = _collected_at(reward, None, member_id, now)
    period = rules.period_of(reward.limit_period, business_date(now, zone_of(reward.mall_id)))
    call = _Call(actor, member_id, person_id, place, 1, points, period, WON, now)
    _count(reward, call, 0)
    order = _order(reward, call, redemption_id)
    fact = RewardExchanged(order.pk, reward.pk, member_id, person_id, reward.kind, 1, points, order.cash_fen)
    events.publish(fact, actor=actor, now=now)
    return order


def _count(reward: Reward, call: _Call, most: int) -> None:
    """Count toward the member's limit in this period; the row is held until the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO rewards_rewardholding AS h (reward_id, member_id, period, taken)
            SELECT %(reward)s, %(member)s, %(period)s, %(quantity)s
            WHERE %(most)s = 0 OR %(quantity)s <= %(most)s
            ON CONFLICT (reward_id, member_id, period) DO UPDATE SET taken = h.taken + excluded.taken
            WHERE %(most)s = 0 OR h.taken + excluded.taken <= %(most)s
            RETURNING taken""",
            {
                "reward": reward.pk,
                "member": call.member_id,
                "period": call.period,
                "quantity": call.quantity,
                "most": most,
            },
        )
        if cursor.fetchone() is None:
            raise LimitReached


def _order(reward: Reward, call: _Call, redemption_id: UUID) -> ExchangeOrder:
    at_once = reward.kind in rules.AT_ONCE
    waits = reward.needs_preparing and not at_once
    return ExchangeOrder.objects.create(
        reward=reward,
        member_id=call.member_id,
        mall_id=call.mall_id,
        code=new_code(),
        state="collected" if at_once else "reserved" if waits else "ready",
        quantity=call.quantity,
        points=call.points,
        cash_fen=reward.cash_fen * call.quantity,
        cost_fen=reward.cost_fen * call.quantity,
        funding=reward.funding,
        period=call.period,
        redemption_id=redemption_id,
        is_early=call.is_early,
        source=call.source,
        ordered_at=call.now,
        ordered_by=call.actor.audit_id,
        ready_at=None if waits else call.now,
        collect_by=None
        if at_once or waits
        else rules.collect_by(call.now, reward.collect_days, reward.starts_at, zone_of(call.mall_id)),
        collected_at=call.now if at_once else None,
        collected_by=call.actor.audit_id if at_once else "",
    )


def new_code() -> str:
    """An unguessable pick-up code."""
    while True:
        code = rules.new_code(secrets.token_bytes(_RANDOM_BYTES))
        if code is not None:
            return code


def _hand_over(reward: Reward, order: ExchangeOrder, call: _Call) -> None:
    """What the order is for, where it is had at once."""
    of_kind: dict[str, Callable[[Reward, ExchangeOrder, _Call], None]] = {
        "code": _take_code,
        "coupon": _coupon,
        "tier": _tier,
    }
    if reward.kind in of_kind:
        of_kind[reward.kind](reward, order, call)


def _take_code(reward: Reward, order: ExchangeOrder, call: _Call) -> None:
    free = (
        RewardCode.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(reward=reward, order=None)
        .order_by("id")
        .first()
    )
    if free is None:
        raise SoldOut
    free.order = order
    free.save(update_fields=["order"])


def _coupon(reward: Reward, order: ExchangeOrder, call: _Call) -> None:
    assert reward.coupon_batch_id is not None
    issued = offers.give_coupon(
        actor=GIVER,
        batch_id=reward.coupon_batch_id,
        member_id=call.member_id,
        source="rewards",
        reference=f"exchange:{order.pk}",
        now=call.now,
    )
    order.coupon_id = issued.coupon_id
    order.save(update_fields=["coupon"])


def _tier(reward: Reward, order: ExchangeOrder, call: _Call) -> None:
    lend_tier(reward, order, call.now)


def _take_stock(reward: Reward, quantity: int, *, is_early: bool) -> None:
    """Last of all, so that the row of a reward that everybody wants is held for a moment only."""
    asked = {"n": quantity, "early": quantity if is_early else 0, "id": reward.pk, "version": reward.version}
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE rewards_reward SET taken = taken + %(n)s, early_taken = early_taken + %(early)s
            WHERE id = %(id)s AND version = %(version)s AND status = 'open' AND (stock IS NULL OR taken + %(n)s <= stock)
                AND (%(early)s = 0 OR early_taken + %(early)s <= early_quota)""",
            asked,
        )
        if cursor.rowcount:
            return
    now = Reward.objects.get(id=reward.pk)
    if (now.version, now.status) != (reward.version, "open"):
        raise PriceChanged
    if is_early and now.early_taken + quantity > now.early_quota:
        raise EarlyQuotaGone
    raise SoldOut


def set_aside(reward: Reward, quantity: int) -> None:
    """Keep so many of it for what else they are promised to. Raises SoldOut."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rewards_reward SET taken = taken + %s WHERE id = %s AND (stock IS NULL OR taken + %s <= stock)",
            [quantity, reward.pk, quantity],
        )
        if not cursor.rowcount:
            raise SoldOut


def put_back(reward_id: int, quantity: int, *, early: int = 0) -> None:
    """What was set aside and not given; ``early`` of it goes back into the early quota as well."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rewards_reward SET taken = taken - %s, early_taken = early_taken - %s WHERE id = %s",
            [quantity, early, reward_id],
        )


def give_stock_back(order: ExchangeOrder, quantity: int) -> None:
    """Both counters, the member's first. The caller holds the order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE rewards_rewardholding SET taken = taken - %s
            WHERE reward_id = %s AND member_id = %s AND period = %s""",
            [quantity, order.reward_id, order.member_id, order.period],
        )
    put_back(order.reward_id, quantity, early=quantity if order.is_early else 0)

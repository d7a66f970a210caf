"""What happens to an order after it was made: prepared, handed over, cancelled, taken back, forgotten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, may_touch, require, require_touch
from zhike.kernel.errors import Conflict, Invalid
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers
from zhike.rewards.events import OrderCancelled, OrderCollected, OrderExpired, OrderReady, OrderTakenBack
from zhike.rewards.models import ExchangeOrder, Reward
from zhike.rewards.operations._words import GIVER, OrderNotFound, ReasonMissing
from zhike.rewards.operations.exchanging import EXCHANGE, give_stock_back
from zhike.rewards.operations.lent import end_tier
from zhike.rewards.queries.catalogue import VIEW
from zhike.rewards.queries.known import zone_of
from zhike.rewards.queries.orders import WON, OrderRow, orders_for_export
from zhike.rewards.rules import exchange as rules

SERVE = "rewards.serve"
EXTENSION_DAYS_MAX = 90
AT_ONCE_MAX = 500
State = ExchangeOrder.State


class OrderMoved(Conflict):
    code = "exchange-order-moved"
    title = _("This order is no longer waiting to be collected.")


class NotReady(Conflict):
    code = "exchange-order-not-ready"
    title = _("This order is still being prepared.")


class TooLate(Conflict):
    code = "exchange-order-too-late"
    title = _("The time to collect this order is over.")


class NotCancellable(Conflict):
    code = "exchange-order-not-cancellable"
    title = _("This order cannot be cancelled any more.")


class TenderMissing(Invalid):
    code = "exchange-order-unpaid"
    title = _("Say how the cash part was paid.")


class ReturnTooMuch(Conflict):
    code = "exchange-return-too-much"
    title = _("Only %(left)s pieces of this order can still come back.")


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """An order as it stands now; ``points`` were given back, ``cash_fen`` is to be taken or refunded."""

    order_id: int
    state: str
    points: int = 0
    cash_fen: int = 0
    replayed: bool = False


def _locked(order_id: int) -> ExchangeOrder:
    found = (
        ExchangeOrder.objects.select_for_update(of=("self",))
        .select_related("reward")
        .filter(id=order_id)
        .first()
    )
    if found is None:
        raise OrderNotFound
    return found


def _served(actor: Viewer, order_id: int) -> ExchangeOrder:
    order = _locked(order_id)
    require_touch(actor, SERVE, mall=order.mall_id)
    return order


def _person(order: ExchangeOrder) -> int:
    return members.person_id_of(order.member_id)


def mark_ready(*, actor: Viewer, order_ids: Sequence[int], now: dt.datetime) -> int:
    """Orders are prepared and can be collected; how many were. Others are passed over. Each by itself.

    Raises OrderNotFound, NotAllowed.
    """
    return sum(_mark_ready(actor, order_id, now) for order_id in sorted(set(order_ids))[:AT_ONCE_MAX])


@transaction.atomic
def _mark_ready(actor: Viewer, order_id: int, now: dt.datetime) -> int:
    order = _served(actor, order_id)
    if order.state != State.RESERVED:
        return 0
    until = rules.collect_by(now, order.reward.collect_days, order.reward.starts_at, zone_of(order.mall_id))
    order.state, order.ready_at, order.collect_by = State.READY, now, until
    order.save(update_fields=["state", "ready_at", "collect_by"])
    _record(actor, "ready", order, now)
    fact = OrderReady(order.pk, order.reward_id, order.member_id, _person(order), until)
    events.publish(fact, actor=actor, now=now)
    return 1


@transaction.atomic
def collect_order(*, actor: Viewer, order_id: int, now: dt.datetime, tender: str = "") -> OrderOutcome:
    """Hand the order over; its code was shown. ``tender`` is how its cash part was paid. Once: again, nothing happens.

    Raises OrderNotFound, NotReady, OrderMoved (cancelled, expired), TooLate, TenderMissing, NotAllowed.
    """
    order = _served(actor, order_id)
    if order.state == State.COLLECTED:
        return OrderOutcome(order.pk, order.state, cash_fen=order.cash_fen, replayed=True)
    if order.state == State.RESERVED:
        raise NotReady
    if order.state != State.READY:
        raise OrderMoved
    if order.collect_by is not None and order.collect_by <= now:
        raise TooLate
    if order.cash_fen and not tender:
        raise TenderMissing
    order.state, order.collected_at, order.collected_by = State.COLLECTED, now, actor.audit_id
    order.tender = tender if order.cash_fen else ""
    order.save(update_fields=["state", "collected_at", "collected_by", "tender"])
    _record(actor, "collect", order, now, tender=order.tender)
    fact = OrderCollected(
        order.pk, order.reward_id, order.member_id, _person(order), order.quantity, order.cash_fen
    )
    events.publish(fact, actor=actor, now=now)
    return OrderOutcome(order.pk, order.state, cash_fen=order.cash_fen)


@transaction.atomic
def cancel_order(*, actor: Viewer, order_id: int, now: dt.datetime, reason: str = "") -> OrderOutcome:
    """Give the points back to the lots they came from, and the stock back. Cancelled before: nothing happens.

    Members may cancel their own where the reward allows it, but not what they won by bidding. Staff with a reason (out
    of stock, mistake), also a coupon that nobody used yet: it becomes void. A tier goes back within days, while nothing
    was had of it. Raises OrderNotFound, NotCancellable, TierWasUsed, ReasonMissing, NotAllowed.
    """
    order = _locked(order_id)
    person_id = _person(order)
    by_member = actor.kind == "member"
    if by_member and not may_touch(actor, EXCHANGE, person=person_id):
        raise OrderNotFound
    if not by_member:
        require_touch(actor, SERVE, mall=order.mall_id)
        if not reason.strip():
            raise ReasonMissing
    if order.state == State.CANCELLED:
        return OrderOutcome(order.pk, order.state, replayed=True)
    reward = order.reward
    has_started = reward.starts_at is not None and reward.starts_at <= now
    if order.returned or not rules.may_cancel(
        order.state,
        reward.kind,
        by_member=by_member,
        member_may=reward.member_may_cancel and order.source != WON,
        has_started=has_started,
    ):
        raise NotCancellable
    if order.coupon_id is not None:
        _void_coupon(order.coupon_id, reason, now)
    if order.tier_grant_id is not None:
        end_tier(order, reason.strip(), now)
    _undo(order, State.CANCELLED, actor, reason.strip(), now)
    if not by_member:
        _record(actor, "cancel", order, now, reason=reason.strip())
    fact = OrderCancelled(
        order.pk, order.reward_id, order.member_id, person_id, order.points, order.end_reason
    )
    events.publish(fact, actor=actor, now=now)
    return OrderOutcome(order.pk, order.state, points=order.points)


def _void_coupon(coupon_id: int, reason: str, now: dt.datetime) -> None:
    try:
        offers.void_coupon(actor=GIVER, coupon_id=coupon_id, reason=reason.strip(), now=now)
    except offers.NotVoidable:
        raise NotCancellable from None


def _undo(
    order: ExchangeOrder,
    state: str,
    actor: Viewer,
    reason: str,
    now: dt.datetime,
    *,
    with_points: bool = True,
) -> None:
    """The order ends, and what it held goes back. The caller holds the order."""
    if with_points:
        loyalty.return_spent_points(
            actor=actor,
            redemption_id=order.redemption_id,
            reason=reason or f"exchange order {order.pk}",
            now=now,
        )
    order.state, order.ended_at, order.ended_by, order.end_reason = state, now, actor.audit_id, reason[:200]
    order.collected_at, order.collected_by = None, ""
    order.save(update_fields=["state", "ended_at", "ended_by", "end_reason", "collected_at", "collected_by"])
    give_stock_back(order, order.quantity)


@transaction.atomic
def take_back(
    *,
    actor: Viewer,
    order_id: int,
    quantity: int,
    reason: str,
    now: dt.datetime,
    restock: bool = True,
) -> OrderOutcome:
    """Goods of a collected order come back: the points of so many pieces return to their lots, and the answer says what
    cash is refunded; both exactly in proportion, for all pieces cost the same. Raises OrderNotFound, OrderMoved,
    ReturnTooMuch, ReasonMissing, NotAllowed.
    """
    order = _served(actor, order_id)
    if not reason.strip():
        raise ReasonMissing
    if order.state != State.COLLECTED or order.reward.kind not in (Reward.Kind.GOODS, Reward.Kind.SERVICE):
        raise OrderMoved
    left = order.quantity - order.returned
    if not 1 <= quantity <= left:
        raise ReturnTooMuch(left=left)
    points, cash_fen = (part // order.quantity * quantity for part in (order.points, order.cash_fen))
    loyalty.return_spent_points(
        actor=actor, redemption_id=order.redemption_id, points=points, reason=reason.strip(), now=now
    )
    order.returned += quantity
    order.save(update_fields=["returned"])
    if restock:
        give_stock_back(order, quantity)
    _record(actor, "take_back", order, now, reason=reason.strip(), quantity=quantity, points=points)
    fact = OrderTakenBack(
        order.pk, order.reward_id, order.member_id, _person(order), quantity, points, cash_fen
    )
    events.publish(fact, actor=actor, now=now)
    return OrderOutcome(order.pk, order.state, points, cash_fen)


@transaction.atomic
def extend_order(*, actor: Viewer, order_id: int, days: int, reason: str, now: dt.datetime) -> dt.datetime:
    """Some more days to collect an order; the new end. Raises OrderNotFound, OrderMoved, Invalid, ReasonMissing."""
    order = _served(actor, order_id)
    if not 1 <= days <= EXTENSION_DAYS_MAX:
        raise Invalid
    if not reason.strip():
        raise ReasonMissing
    if order.state != State.READY or order.collect_by is None:
        raise OrderMoved
    order.collect_by = max(order.collect_by, now) + dt.timedelta(days=days)
    order.save(update_fields=["collect_by"])
    _record(actor, "extend", order, now, reason=reason.strip(), until=order.collect_by.isoformat())
    return order.collect_by


def export_orders(
    *, actor: Viewer, now: dt.datetime, mall_id: int | None = None, state: str = "", q: str = ""
) -> Iterator[OrderRow]:
    """The rows of the desk's list, for a file; it names members, so it is audited first. Raises NotAllowed."""
    require(actor, VIEW)
    audit.record(
        actor=actor,
        action="exchange_order.export",
        subject=("exchange_orders", mall_id or "all"),
        after={"state": state, "q": q},
        now=now,
    )
    return orders_for_export(actor, mall_id=mall_id, state=state, q=q)


def expire_orders(*, actor: Viewer, now: dt.datetime) -> int:
    """End the orders that nobody collected in time; how many. One transaction each, so it can be stopped and run again."""
    require(actor, "rewards.edit")
    due = list(
        ExchangeOrder.objects.filter(state=State.READY, collect_by__lte=now)
        .order_by("id")
        .values_list("id", flat=True)
    )
    return sum(_expire(actor, order_id, now) for order_id in due)


@transaction.atomic
def _expire(actor: Viewer, order_id: int, now: dt.datetime) -> int:
    order = _locked(order_id)
    if order.state != State.READY or order.collect_by is None or order.collect_by > now:
        return 0
    gives_back = order.reward.on_expiry == Reward.OnExpiry.GIVE_BACK
    _undo(order, State.EXPIRED, actor, "", now, with_points=gives_back)
    points = order.points if gives_back else 0
    fact = OrderExpired(order.pk, order.reward_id, order.member_id, _person(order), points)
    events.publish(fact, actor=actor, now=now)
    return 1


def _record(
    actor: Viewer, action: str, order: ExchangeOrder, now: dt.datetime, *, reason: str = "", **after: object
) -> None:
    audit.record(
        actor=actor,
        action=f"exchange_order.{action}",
        subject=("exchange_order", order.pk),
        after={"state": str(order.state), **after},
        reason=reason,
        now=now,
    )

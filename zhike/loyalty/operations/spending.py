"""Points leave and come back: redemptions, their reversal, adjustments by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.events import wake
from zhike.kernel.ids import uuid7
from zhike.kernel.statements import fetch_row
from zhike.loyalty.events import PointsAdjusted, PointsRedeemed, PointsRestored
from zhike.loyalty.models import Member, Redemption, Transfer
from zhike.loyalty.operations.earning import event_row
from zhike.loyalty.operations.state import (
    OPTIMISTIC_TRIES,
    Holder,
    MemberFrozen,
    Once,
    Posting,
    Stale,
    call,
    from_json,
    locked_holder,
    post,
    posting_for,
    read_holder,
    to_json,
)
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.snapshots import ADJUSTED, EXPIRED, REDEEMED, Programme
from zhike.loyalty.rules.accounts import NotEnoughPoints, credit, debit, expire, restore
from zhike.loyalty.rules.calendar import expires_on as expiry_of


class InsufficientPoints(Conflict):
    code = "insufficient-points"
    title = _("Only %(available)s points are available.")


class PointsOutOfRange(Invalid):
    code = "points-out-of-range"
    title = _("Between %(minimum)s and %(maximum)s points can be redeemed at once, in steps of %(step)s.")


class RedemptionNotFound(NotFound):
    code = "redemption-not-found"
    title = _("There is no such redemption.")


class ReversalTooMuch(Conflict):
    code = "reversal-exceeds-redemption"
    title = _("Only %(left)s points of this redemption can still be given back.")


class ReasonMissing(Invalid):
    code = "reason-missing"
    title = _("A correction needs a reason.")


class NothingToAdjust(Invalid):
    code = "nothing-to-adjust"
    title = _("The correction must add or take at least one point and at most 10,000,000.")


ADJUSTMENT_MAX = 10_000_000


@dataclass(frozen=True, slots=True)
class RedemptionOutcome:
    """``lots`` lists what was taken, or given back: (expiry, points)."""

    redemption_id: UUID
    member_id: int
    points: int
    value_fen: int
    balance: int
    lots: tuple[tuple[dt.date, int], ...] = ()
    replayed: bool = False


def redeem_points(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    now: dt.datetime,
    merchant_id: int | None = None,
    mall_id: int | None = None,
    reference: str = "",
    once: Once | None = None,
) -> RedemptionOutcome:
    """Spend points at the programme's rate, earliest expiry first. Never overdraws, however many tills try at once.

    Raises InsufficientPoints, PointsOutOfRange, MemberNotFound, MemberFrozen, NotAllowed, InFlight, KeyReused.
    """
    require_touch(actor, "points.redeem", mall=mall_id, merchant=merchant_id)
    redemption_id = uuid7()
    for attempt in range(OPTIMISTIC_TRIES + 1):
        try:
            if attempt < OPTIMISTIC_TRIES:
                holder = read_holder(member_id=member_id, lots=True)
                return _redeem(holder, redemption_id, points, merchant_id, reference, actor, now, once)
            with transaction.atomic():
                holder = locked_holder(member_id)
                return _redeem(holder, redemption_id, points, merchant_id, reference, actor, now, once)
        except Stale:
            continue
    raise AssertionError("the account is held, it cannot move")


def _redeem(
    holder: Holder | None,
    redemption_id: UUID,
    points: int,
    merchant_id: int | None,
    reference: str,
    actor: Viewer,
    now: dt.datetime,
    once: Once | None,
) -> RedemptionOutcome:
    if once is not None and (known := stored_answer(once)) is not None:
        return _from_stored(known)
    if holder is None:
        raise MemberNotFound
    if not holder.is_active:
        raise MemberFrozen
    programme = holder.programme
    check_amount(programme, points)
    posting = posting_for(holder)
    expire_overdue(posting, actor, now)
    try:
        movement = debit(holder.state, points)
    except NotEnoughPoints as short:
        raise InsufficientPoints(available=short.available) from None
    value_fen = points * programme.redeem_fen // programme.redeem_points
    explanation = {"redemption": str(redemption_id), "rate": [programme.redeem_points, programme.redeem_fen]}
    _add(posting, movement, REDEEMED, "redeem", f"redemption:{redemption_id}", actor, now, explanation)
    outcome = RedemptionOutcome(
        redemption_id,
        holder.member_id,
        points,
        value_fen,
        holder.state.net,
        tuple((expires_on, part) for expires_on, _, part in movement.lots),
    )
    fact = PointsRedeemed(holder.member_id, holder.person_id, str(redemption_id), points, value_fen)
    head = {
        "id": str(redemption_id),
        "member": holder.member_id,
        "merchant": merchant_id,
        "points": points,
        "value_fen": value_fen,
        "reference": reference[:80],
        "at": now.isoformat(),
        "by": actor.audit_id,
    }
    row = call(
        "SELECT loyalty_redeem(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            once.scope if once else None,
            once.key if once else None,
            once.digest if once else None,
            to_json(head),
            holder.state.account_id,
            posting.version,
            to_json(posting.transfers),
            to_json([event_row(fact, now)]),
            to_json(_stored_form(outcome)) if once else None,
        ],
    )
    if row[0] is not None:
        return _from_stored(from_json(row[0]))
    wake()
    return outcome


def stored_answer(once: Once) -> dict[str, Any] | None:
    """The answer kept under the key, so that a replay is answered before today's balance is looked at."""
    row = fetch_row(
        "SELECT body FROM kernel_idempotency WHERE scope = %s AND key = %s AND request_hash = %s",
        [once.scope, once.key, once.digest],
    )
    return None if row is None else from_json(row[0])


def check_amount(programme: Programme, points: int) -> None:
    in_range = programme.redeem_minimum <= points <= programme.redeem_maximum
    if not in_range or points % programme.redeem_step:
        raise PointsOutOfRange(
            minimum=programme.redeem_minimum, maximum=programme.redeem_maximum, step=programme.redeem_step
        )


def expire_overdue(posting: Posting, actor: Viewer, now: dt.datetime) -> int:
    """Take out lots that are past their day before anything is spent from them; returns the points that lapsed."""
    lapsed = 0
    for movement in expire(posting.holder.state, now.date()):
        day = movement.lots[0][0]
        _add(
            posting, movement, EXPIRED, "expire", f"expiry:{day}", actor, now, {"expired_on": day.isoformat()}
        )
        lapsed += movement.points
    return lapsed


@transaction.atomic
def reverse_redemption(
    *, actor: Viewer, redemption_id: UUID, now: dt.datetime, points: int | None = None, reason: str = ""
) -> RedemptionOutcome:
    """Give back all, or ``points``, of a redemption to the lots they came from; debt is repaid first.

    Raises RedemptionNotFound, ReversalTooMuch, NotAllowed.
    """
    redemption = Redemption.objects.select_for_update(of=("self",)).filter(id=redemption_id).first()
    if redemption is None:
        raise RedemptionNotFound
    mall_id = redemption.merchant.mall_id if redemption.merchant else None
    require_touch(actor, "points.redeem", mall=mall_id, merchant=redemption.merchant_id)
    left = redemption.points - redemption.reversed_points
    asked = left if points is None else points
    if not 0 < asked <= left:
        raise ReversalTooMuch(left=left)
    holder = locked_holder(redemption.member_id)
    taken = Transfer.objects.get(id=redemption.transfer_id)
    lots = tuple((dt.date.fromisoformat(day), funding_id, part) for day, funding_id, part in taken.lots)
    posting = posting_for(holder)
    movement = restore(holder.state, lots, redemption.reversed_points, asked)
    explanation = {"redemption": str(redemption_id), "reason": reason}
    _add(
        posting,
        movement,
        REDEEMED,
        "restore",
        f"redemption:{redemption_id}",
        actor,
        now,
        explanation,
        reverses=taken.pk,
    )
    post(posting)
    redemption.reversed_points += asked
    redemption.save(update_fields=["reversed_points"])
    audit.record(
        actor=actor,
        action="redemption.reverse",
        subject=("redemption", redemption_id),
        before={"reversed_points": redemption.reversed_points - asked},
        after={"reversed_points": redemption.reversed_points},
        reason=reason,
        now=now,
    )
    fact = PointsRestored(holder.member_id, holder.person_id, str(redemption_id), asked)
    events.publish(fact, actor=actor, now=now)
    value_fen = asked * redemption.value_fen // redemption.points
    given = tuple((expires_on, part) for expires_on, _, part in movement.lots)
    return RedemptionOutcome(redemption_id, holder.member_id, asked, value_fen, holder.state.net, given)


@transaction.atomic
def adjust_points(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    reason: str,
    now: dt.datetime,
    expires_on: dt.date | None = None,
) -> int:
    """Add (> 0) or take (< 0) points by hand; returns the new balance.

    Raises NothingToAdjust, ReasonMissing, InsufficientPoints, MemberNotFound, NotAllowed.
    """
    if not points or abs(points) > ADJUSTMENT_MAX:
        raise NothingToAdjust
    if not reason.strip():
        raise ReasonMissing
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    require_touch(actor, "points.adjust", mall=member.mall_id, merchant=member.merchant_id)
    holder = locked_holder(member_id)
    programme, posting = holder.programme, posting_for(holder)
    before = holder.state.net
    expire_overdue(posting, actor, now)
    if points > 0:
        expiry = expires_on or expiry_of(programme.expiry, programme.expiry_months, now.date())
        movement = credit(holder.state, points, expiry, programme.funding_id)
    else:
        try:
            movement = debit(holder.state, -points)
        except NotEnoughPoints as short:
            raise InsufficientPoints(available=short.available) from None
    _add(
        posting, movement, ADJUSTED, "adjust", f"adjustment:{uuid7()}", actor, now, {"reason": reason.strip()}
    )
    post(posting)
    audit.record(
        actor=actor,
        action="points.adjust",
        subject=("member", member_id),
        before={"balance": before},
        after={"balance": holder.state.net, "points": points},
        reason=reason.strip(),
        now=now,
    )
    fact = PointsAdjusted(member_id, holder.person_id, points, reason.strip())
    events.publish(fact, actor=actor, now=now)
    return holder.state.net


def _add(
    posting: Posting,
    movement: Any,
    against: int,
    reason: str,
    reference: str,
    actor: Viewer,
    now: dt.datetime,
    explanation: dict[str, Any],
    *,
    reverses: int | None = None,
) -> None:
    posting.add(
        movement,
        against=against,
        reason=reason,
        reference=reference,
        actor=actor,
        occurred_at=now,
        now=now,
        explanation=explanation,
        reverses=reverses,
    )


def _stored_form(outcome: RedemptionOutcome) -> dict[str, Any]:
    return {
        "redemption_id": str(outcome.redemption_id),
        "member_id": outcome.member_id,
        "points": outcome.points,
        "value_fen": outcome.value_fen,
        "balance": outcome.balance,
        "lots": [[day.isoformat(), part] for day, part in outcome.lots],
    }


def _from_stored(body: dict[str, Any]) -> RedemptionOutcome:
    lots = tuple((dt.date.fromisoformat(day), part) for day, part in body["lots"])
    return RedemptionOutcome(
        **{**body, "redemption_id": UUID(body["redemption_id"]), "lots": lots}, replayed=True
    )

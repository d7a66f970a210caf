"""Points leave and come back: redemptions, their reversal, adjustments by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.ids import uuid7
from zhike.loyalty.events import PointsAdjusted, PointsRedeemed, PointsRestored
from zhike.loyalty.models import Member, Redemption, Transfer
from zhike.loyalty.operations.earning import event_row
from zhike.loyalty.operations.moving import (
    Decided,
    Moves,
    holder_of,
    holders_of,
    locked_holder_of,
    stored_answer,
)
from zhike.loyalty.operations.pools import restore_to_pool
from zhike.loyalty.operations.quotes import take_quote
from zhike.loyalty.operations.state import (
    Holder,
    Once,
    Posting,
    locked_holder,
    lots_of_json,
    post,
    posting_for,
)
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.rates import parts_of, terms_of
from zhike.loyalty.queries.snapshots import ADJUSTED, EXPIRED, REDEEMED
from zhike.loyalty.rules.accounts import LotParts, NotEnoughPoints, credit, debit, expire, restore
from zhike.loyalty.rules.rates import Parts, Terms, cost_of_back
from zhike.loyalty.rules.sealing import slip


class InsufficientPoints(Conflict):
    code = "insufficient-points"
    title = _("Only %(available)s points are available.")


class PointsOutOfRange(Invalid):
    code = "points-out-of-range"
    title = _("Between %(minimum)s and %(maximum)s points can be redeemed at once, in steps of %(step)s.")


class RedemptionNotFound(NotFound):
    code = "redemption-not-found"
    title = _("There is no such redemption.")


class RedemptionBought(Conflict):
    code = "redemption-bought"
    title = _("These points bought something. They come back when that is cancelled.")


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
    quote_id: UUID | None = None,
) -> RedemptionOutcome:
    """Spend points at the rate of here and now, earliest expiry first. Never overdraws, however many tills try at once.

    With a quote the rate is the one it was given for; it is used up. Raises QuoteNotFound, QuoteExpired, QuoteUsed,
    QuoteDiffers; InsufficientPoints, PointsOutOfRange, MemberNotFound, MemberFrozen, NotAllowed, InFlight, KeyReused.
    """
    require_touch(actor, "points.redeem", mall=mall_id, merchant=merchant_id)
    asked = _Call(actor, member_id, points, merchant_id, reference, now, once, uuid7())
    return _redeem(asked) if quote_id is None else _redeem_quoted(asked, quote_id)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of `redeem_points`, allowed."""

    actor: Viewer
    member_id: int
    points: int
    merchant_id: int | None
    reference: str
    now: dt.datetime
    once: Once | None
    redemption_id: UUID
    purpose: str = ""
    terms: Terms | None = None
    quote_id: UUID | None = None


@transaction.atomic
def _redeem_quoted(asked: _Call, quote_id: UUID) -> RedemptionOutcome:
    """At the rate of a quote. The account is held first, as everywhere, so that what is asked twice finds its answer."""
    holder = locked_holder(asked.member_id)
    if asked.once is not None and (known := stored_answer(asked.once)) is not None:
        return _from_stored(known)
    quote = take_quote(
        quote_id, asked.member_id, asked.points, asked.merchant_id, asked.redemption_id, asked.now
    )
    return _redeem.do(holder, replace(asked, terms=quote, quote_id=quote_id))


def _decide(holder: Holder | None, asked: _Call) -> Decided[RedemptionOutcome]:
    if holder is None:
        raise MemberNotFound
    holder.require_spending()
    redemption_id = asked.redemption_id
    terms = asked.terms or terms_of(holder.programme, holder.state.tier_id, asked.merchant_id, asked.now)
    if not asked.purpose:
        check_amount(terms, asked.points)
    posting = posting_for(holder)
    lapsed = expire_overdue(posting, asked.actor, asked.now)
    try:
        movement = debit(holder.state, asked.points)
    except NotEnoughPoints as short:
        raise InsufficientPoints(available=short.available) from None
    parts = parts_of(movement.lots)
    value_fen = terms.fen(parts)
    explanation: dict[str, Any] = {
        "redemption": str(redemption_id),
        "slip": slip(asked.merchant_id, asked.reference[:80]),
        **terms.told(parts),
    }
    if asked.purpose:
        explanation["for"] = asked.purpose
    if asked.quote_id:
        explanation["quote"] = str(asked.quote_id)
    reference = f"redemption:{redemption_id}"
    _add(posting, movement, REDEEMED, "redeem", reference, asked.actor, asked.now, explanation)
    outcome = RedemptionOutcome(
        redemption_id,
        holder.member_id,
        asked.points,
        value_fen,
        holder.state.net,
        tuple((expires_on, part) for expires_on, _, part in movement.lots),
    )
    by = asked.actor.audit_id
    row = {
        "id": redemption_id,
        "member": outcome.member_id,
        "merchant": asked.merchant_id,
        "points": outcome.points,
        "value_fen": value_fen,
        "reference": asked.reference[:80],
        "transfer": len(posting.transfers),
        "at": asked.now,
        "by": by,
    }
    fact = PointsRedeemed(outcome.member_id, holder.person_id, str(redemption_id), outcome.points, value_fen)
    return Decided(
        outcome,
        posting,
        taken=lapsed + movement.lots,
        rows={"redemptions": row},
        events=(event_row(fact, asked.now, by),),
    )


def spend_points(
    *, actor: Viewer, member_id: int, points: int, purpose: str, now: dt.datetime
) -> RedemptionOutcome:
    """Spend points on what a context above sells at a price of its own, in its transaction; it has authorised the actor.

    ``purpose`` says what for ("exchange:12"); such a redemption is given back by `return_spent_points` only. The account
    is held until the transaction ends. Raises InsufficientPoints, MemberNotFound, MemberFrozen.
    """
    asked = _Call(actor, member_id, points, None, purpose, now, None, uuid7(), purpose)
    return _redeem.locked(asked)


def check_amount(terms: Terms, points: int) -> None:
    if not terms.minimum <= points <= terms.maximum or points % terms.step:
        raise PointsOutOfRange(minimum=terms.minimum, maximum=terms.maximum, step=terms.step)


def expire_overdue(posting: Posting, actor: Viewer, now: dt.datetime) -> LotParts:
    """Take out lots that are past their day before anything is spent from them; returns what lapsed."""
    lapsed: LotParts = ()
    for movement in expire(posting.holder.state, posting.holder.programme.today(now)):
        day = movement.lots[0][0]
        _add(
            posting, movement, EXPIRED, "expire", f"expiry:{day}", actor, now, {"expired_on": day.isoformat()}
        )
        lapsed += movement.lots
    return lapsed


@transaction.atomic
def reverse_redemption(
    *, actor: Viewer, redemption_id: UUID, now: dt.datetime, points: int | None = None, reason: str = ""
) -> RedemptionOutcome:
    """Give back all, or ``points``, of a redemption to the lots they came from; debt is repaid first.

    ``value_fen`` of the answer is what the customer pays for them: parts of any sizes cost what the whole gave.

    Raises RedemptionNotFound, RedemptionBought, ReversalTooMuch, NotAllowed.
    """
    found = Redemption.objects.filter(id=redemption_id).select_related("merchant").first()
    if found is None:
        raise RedemptionNotFound
    mall_id = found.merchant.mall_id if found.merchant else None
    require_touch(actor, "points.redeem", mall=mall_id, merchant=found.merchant_id)
    if "for" in Transfer.objects.get(id=found.transfer_id).explanation:
        raise RedemptionBought
    return return_spent_points(
        actor=actor, redemption_id=redemption_id, points=points, reason=reason, now=now
    )


@transaction.atomic
def return_spent_points(
    *, actor: Viewer, redemption_id: UUID, now: dt.datetime, points: int | None = None, reason: str = ""
) -> RedemptionOutcome:
    """As `reverse_redemption`, for the context that spent them: it has authorised the actor, and what was bought ends
    in the same transaction. Raises RedemptionNotFound, ReversalTooMuch.
    """
    found = Redemption.objects.filter(id=redemption_id).first()
    if found is None:
        raise RedemptionNotFound
    holder = locked_holder(found.member_id)  # the account first, as everywhere
    redemption = Redemption.objects.select_for_update(of=("self",)).get(id=redemption_id)
    left = redemption.points - redemption.reversed_points
    asked = left if points is None else points
    if not 0 < asked <= left:
        raise ReversalTooMuch(left=left)
    told, parts = told_of_redemption(redemption)
    given = give_back(redemption, holder, asked, actor=actor, now=now, why={"reason": reason})
    value_fen = cost_of_back(told, parts, redemption.reversed_points) - cost_of_back(
        told, parts, redemption.reversed_points - asked
    )
    return RedemptionOutcome(redemption_id, holder.member_id, asked, value_fen, holder.state.net, given)


def told_of_redemption(redemption: Redemption) -> tuple[dict[str, Any], Parts]:
    """What the transfer of a redemption says of its rates, and its (funding, points) in the order they were taken."""
    taken = Transfer.objects.get(id=redemption.transfer_id)
    if "pool" in taken.explanation:
        return taken.explanation, [
            (funding_id, points) for _member, _day, funding_id, points in taken.explanation["shares"]
        ]
    return taken.explanation, parts_of(lots_of_json(taken.lots))


def give_back(
    redemption: Redemption,
    holder: Holder,
    points: int,
    *,
    actor: Viewer,
    now: dt.datetime,
    why: dict[str, Any],
) -> tuple[tuple[dt.date, int], ...]:
    """Restore points of a redemption; what entered which lot. The caller holds account and redemption."""
    taken = Transfer.objects.get(id=redemption.transfer_id)
    posting = posting_for(holder)
    if "pool" in taken.explanation:
        back = restore_to_pool(posting, redemption, taken, points, actor=actor, why=why, now=now)
        return _given_back(redemption, holder, posting, points, back, actor=actor, why=why, now=now)
    movement = restore(holder.state, lots_of_json(taken.lots), redemption.reversed_points, points)
    posting.add(
        movement,
        against=REDEEMED,
        reason="restore",
        reference=f"redemption:{redemption.pk}",
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"redemption": str(redemption.pk), **why},
        reverses=taken.pk,
    )
    return _given_back(redemption, holder, posting, points, movement.lots, actor=actor, why=why, now=now)


def _given_back(
    redemption: Redemption,
    holder: Holder,
    posting: Posting,
    points: int,
    lots: LotParts,
    *,
    actor: Viewer,
    now: dt.datetime,
    why: dict[str, Any],
) -> tuple[tuple[dt.date, int], ...]:
    post(posting)
    redemption.reversed_points += points
    redemption.save(update_fields=["reversed_points"])
    audit.record(
        actor=actor,
        action="redemption.reverse",
        subject=("redemption", redemption.pk),
        before={"reversed_points": redemption.reversed_points - points},
        after={"reversed_points": redemption.reversed_points, **why},
        reason=why.get("reason", ""),
        now=now,
    )
    fact = PointsRestored(holder.member_id, holder.person_id, str(redemption.pk), points)
    events.publish(fact, actor=actor, now=now)
    return tuple((expires_on, part) for expires_on, _, part in lots)


@transaction.atomic
def adjust_points(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    reason: str,
    now: dt.datetime,
    expires_on: dt.date | None = None,
    reference: str = "",
    told: Mapping[str, Any] | None = None,
) -> int:
    """Add (> 0) or take (< 0) points by hand; returns the new balance.

    People come by `ask_adjustment`, which keeps their limits; ``told`` is what it adds to the explanation.
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
        expiry = expires_on or programme.expiry_policy.last_day(programme.today(now))
        movement = credit(holder.state, points, expiry, programme.funding_id)
    else:
        try:
            movement = debit(holder.state, -points)
        except NotEnoughPoints as short:
            raise InsufficientPoints(available=short.available) from None
    why = {"reason": reason.strip(), **(told or {})}
    _add(posting, movement, ADJUSTED, "adjust", reference or f"adjustment:{uuid7()}", actor, now, why)
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


_redeem: Moves[_Call, Holder, RedemptionOutcome] = Moves(
    find_all=holders_of,
    find=holder_of,
    lock=locked_holder_of,
    decide=_decide,
    stored_form=_stored_form,
    from_stored=_from_stored,
)
_redeem_group = _redeem.group

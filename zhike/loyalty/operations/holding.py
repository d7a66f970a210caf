"""Points are set aside while a purchase is paid, then spent or given back: redemption in two phases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.events.base import Fact
from zhike.kernel.ids import uuid7
from zhike.loyalty.events import HoldEnded, PointsHeld, PointsRedeemed
from zhike.loyalty.models import Hold
from zhike.loyalty.operations.crediting import credit_sql
from zhike.loyalty.operations.earning import event_row
from zhike.loyalty.operations.moving import (
    Decided,
    Moves,
    holder_of,
    holders_of,
    locked_holder_of,
    stored_answer,
)
from zhike.loyalty.operations.quotes import take_quote
from zhike.loyalty.operations.spending import InsufficientPoints, check_amount, expire_overdue
from zhike.loyalty.operations.state import (
    HeldPoints,
    Holder,
    Once,
    Posting,
    locked_holder,
    posting_for,
    read_held,
)
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.rates import parts_of, terms_of
from zhike.loyalty.queries.snapshots import HELD, REDEEMED
from zhike.loyalty.rules.accounts import LotParts, NotEnoughPoints, debit, first_of, restore
from zhike.loyalty.rules.rates import Terms, rates_told, worth
from zhike.loyalty.rules.sealing import slip

HOLD_MINUTES_MAX = 7 * 24 * 60
EXPIRY_BATCH = 5_000
PLEDGE = "for"
"""In the explanation of a transfer: what a context above sells for these points, at a price of its own."""


class HoldNotFound(NotFound):
    code = "hold-not-found"
    title = _("There is no such hold.")


class HoldHasEnded(Conflict):
    code = "hold-ended"
    title = _("This hold has ended already; its points were spent or given back.")


class HoldTooLong(Invalid):
    code = "hold-too-long"
    title = _("Points can be held from 1 to %(minutes)s minutes.")


class MoreThanHeld(Invalid):
    code = "more-than-held"
    title = _("Between 1 and %(points)s points of this hold can be spent.")


@dataclass(frozen=True, slots=True)
class HoldOutcome:
    """A hold as it stands. ``used_points`` were spent and worth ``value_fen``; ``balance`` is what can be spent now."""

    hold_id: UUID
    member_id: int
    points: int
    value_fen: int
    status: str
    balance: int
    expires_at: dt.datetime
    used_points: int = 0
    replayed: bool = False


def hold_points(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    now: dt.datetime,
    merchant_id: int | None = None,
    mall_id: int | None = None,
    reference: str = "",
    minutes: int | None = None,
    once: Once | None = None,
    quote_id: UUID | None = None,
) -> HoldOutcome:
    """Set points aside at the rate of here and now, which stays theirs, for ``minutes`` (None: as long as the programme
    says). With a quote the rate is the one it was given for; it is used up.

    Held points are out of the balance: nobody else spends them, and they do not lapse. Never overdraws, however many
    tills try at once. Raises InsufficientPoints, PointsOutOfRange, HoldTooLong, MemberNotFound, MemberFrozen, NotAllowed,
    InFlight, KeyReused.
    """
    require_touch(actor, "points.redeem", mall=mall_id, merchant=merchant_id)
    if minutes is not None and not 1 <= minutes <= HOLD_MINUTES_MAX:
        raise HoldTooLong(minutes=HOLD_MINUTES_MAX)
    asked = _Call(actor, member_id, points, minutes, merchant_id, reference, now, once, uuid7())
    return _hold(asked) if quote_id is None else _hold_quoted(asked, quote_id)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of `hold_points`, allowed."""

    actor: Viewer
    member_id: int
    points: int
    minutes: int | None
    merchant_id: int | None
    reference: str
    now: dt.datetime
    once: Once | None
    hold_id: UUID
    pledge: str | None = None
    terms: Terms | None = None
    quote_id: UUID | None = None


@transaction.atomic
def _hold_quoted(asked: _Call, quote_id: UUID) -> HoldOutcome:
    holder = locked_holder(asked.member_id)
    if asked.once is not None and (known := stored_answer(asked.once)) is not None:
        return _from_stored(known)
    terms = take_quote(quote_id, asked.member_id, asked.points, asked.merchant_id, asked.hold_id, asked.now)
    return _hold.do(holder, replace(asked, terms=terms, quote_id=quote_id))


def _decide(holder: Holder | None, asked: _Call) -> Decided[HoldOutcome]:
    if holder is None:
        raise MemberNotFound
    holder.require_spending()
    programme, hold_id, now = holder.programme, str(asked.hold_id), asked.now
    terms = asked.terms or terms_of(programme, holder.state.tier_id, asked.merchant_id, now)
    if asked.pledge is None:
        check_amount(terms, asked.points)
    posting = posting_for(holder)
    lapsed = expire_overdue(posting, asked.actor, now)
    try:
        movement = debit(holder.state, asked.points)
    except NotEnoughPoints as short:
        raise InsufficientPoints(available=short.available) from None
    parts = parts_of(movement.lots)
    quoted = {"quote": str(asked.quote_id)} if asked.quote_id else {}
    pledged = {} if asked.pledge is None else {PLEDGE: asked.pledge}
    posting.add(
        movement,
        against=HELD,
        reason="hold",
        reference=f"hold:{hold_id}",
        actor=asked.actor,
        occurred_at=now,
        now=now,
        explanation={
            "hold": hold_id,
            "slip": slip(asked.merchant_id, asked.reference[:80]),
            **terms.told(parts),
            **quoted,
            **pledged,
        },
    )
    expires_at = now + dt.timedelta(minutes=asked.minutes or programme.hold_minutes)
    outcome = HoldOutcome(
        asked.hold_id, holder.member_id, asked.points, terms.fen(parts), "open", holder.state.net, expires_at
    )
    fact = PointsHeld(holder.member_id, holder.person_id, hold_id, asked.points, expires_at)
    return Decided(
        outcome,
        posting,
        taken=lapsed + movement.lots,
        rows={"holds": _hold_row(outcome, asked, len(posting.transfers))},
        events=(event_row(fact, now, asked.actor.audit_id),),
    )


def _hold_row(made: HoldOutcome, asked: _Call, transfer: int) -> dict[str, Any]:
    return {
        "id": made.hold_id,
        "member": made.member_id,
        "merchant": asked.merchant_id,
        "points": made.points,
        "value_fen": made.value_fen,
        "reference": asked.reference[:80],
        "transfer": transfer,
        "at": asked.now,
        "by": asked.actor.audit_id,
        "expires_at": made.expires_at,
    }


def confirm_hold(
    *,
    actor: Viewer,
    hold_id: UUID,
    now: dt.datetime,
    points: int | None = None,
    member_id: int | None = None,
    once: Once | None = None,
) -> HoldOutcome:
    """Spend the held points, or only ``points`` of them; the rest is given back to its lots.

    The redemption has the hold's id and can be reversed like any other. Confirmed again with the same points, the
    answer is the first one's. Raises HoldNotFound (also when it is not ``member_id``'s), HoldHasEnded, MoreThanHeld,
    PointsOutOfRange, MemberFrozen, NotAllowed, InFlight, KeyReused.
    """
    return _confirm(_End(actor, hold_id, now, once, member_id, points))


def release_hold(
    *,
    actor: Viewer,
    hold_id: UUID,
    now: dt.datetime,
    member_id: int | None = None,
    once: Once | None = None,
) -> HoldOutcome:
    """Give all held points back to the lots they came from; debt made meanwhile is repaid first.

    Released again, or after it expired, nothing changes. Raises HoldNotFound, HoldHasEnded when it was confirmed,
    NotAllowed, InFlight, KeyReused.
    """
    return _release(_End(actor, hold_id, now, once, member_id))


@dataclass(frozen=True, slots=True)
class _End:
    """One call that ends a hold: a till's, or with ``is_pledge`` that of the context that sells for these points."""

    actor: Viewer
    hold_id: UUID
    now: dt.datetime
    once: Once | None = None
    member_id: int | None = None
    points: int | None = None
    is_pledge: bool = False


def _require_own(held: HeldPoints | None, asked: _End) -> HeldPoints:
    """The hold, if it is the caller's to end. Raises HoldNotFound, NotAllowed."""
    if (
        held is None
        or asked.member_id not in (None, held.holder.member_id)
        or (PLEDGE in held.explanation) != asked.is_pledge
    ):
        raise HoldNotFound
    if not asked.is_pledge:
        require_touch(asked.actor, "points.redeem", mall=held.mall_id, merchant=held.merchant_id)
    return held


def _decide_confirming(found: HeldPoints | None, asked: _End) -> Decided[HoldOutcome]:
    held, now = _require_own(found, asked), asked.now
    used = held.points if asked.points is None else asked.points
    if held.status == Hold.Status.CONFIRMED and asked.points in (None, held.used_points):
        return Decided(_as_it_stands(held, asked), None)
    if held.status == Hold.Status.OPEN and held.expires_at > now and not asked.is_pledge:
        if not 0 < used <= held.points:
            raise MoreThanHeld(points=held.points)
        state = held.holder.state
        check_amount(terms_of(held.holder.programme, state.tier_id, held.merchant_id, now), used)
    return _spend(held, used, asked)


def _spend(held: HeldPoints, used: int, asked: _End) -> Decided[HoldOutcome]:
    """Turn ``used`` points of an open hold into its redemption."""
    if held.status != Hold.Status.OPEN or held.expires_at <= asked.now:
        raise HoldHasEnded
    holder, hold_id, now, by = held.holder, str(held.id), asked.now, asked.actor.audit_id
    holder.require_spending()
    posting = posting_for(holder)
    about: dict[str, Any] = {
        "actor": asked.actor, "occurred_at": now, "now": now, "reverses": held.transfer_id,
    }  # fmt: skip
    spent = first_of(held.lots, used)
    why = {"redemption": hold_id} | {
        key: held.explanation[key]
        for key in ("slip", "rate", "promises", "rates", "quote", PLEDGE)
        if key in held.explanation
    }
    reference = f"redemption:{hold_id}"
    posting.add_beside(
        spent,
        debit=HELD, credit=REDEEMED, reason="redeem", reference=reference, explanation=why, **about,
    )  # fmt: skip
    given: LotParts = ()
    if used < held.points:
        back = restore(holder.state, tuple(sorted(held.lots)), 0, held.points - used)
        why = {"hold": hold_id, "status": "confirmed"}
        posting.add(
            back, against=HELD, reason="unhold", reference=f"hold:{hold_id}", explanation=why, **about
        )
        given = back.lots
    value_fen = int(worth(parts_of(spent), *rates_told(held.explanation)))
    row = {
        "id": held.id, "member": holder.member_id, "merchant": held.merchant_id, "points": used,
        "value_fen": value_fen, "reference": held.reference, "transfer": 1, "at": now, "by": by,
    }  # fmt: skip
    redeemed = PointsRedeemed(holder.member_id, holder.person_id, hold_id, used, value_fen)
    return _ended(
        held, Hold.Status.CONFIRMED, used, value_fen, asked, posting, given, {"redemptions": row}, redeemed
    )


def _decide_releasing(found: HeldPoints | None, asked: _End) -> Decided[HoldOutcome]:
    held = _require_own(found, asked)
    if held.status == Hold.Status.CONFIRMED:
        raise HoldHasEnded
    if held.status != Hold.Status.OPEN:
        return Decided(_as_it_stands(held, asked), None)
    pledged = {PLEDGE: held.explanation[PLEDGE]} if PLEDGE in held.explanation else {}
    posting = posting_for(held.holder)
    back = restore(held.holder.state, tuple(sorted(held.lots)), 0, held.points)
    posting.add(
        back,
        against=HELD,
        reason="unhold",
        reference=f"hold:{held.id}",
        actor=asked.actor,
        occurred_at=asked.now,
        now=asked.now,
        explanation={"hold": str(held.id), "status": "released"} | pledged,
        reverses=held.transfer_id,
    )
    return _ended(held, Hold.Status.RELEASED, 0, held.value_fen, asked, posting, back.lots, {})


def _ended(
    held: HeldPoints,
    status: str,
    used: int,
    value_fen: int,
    asked: _End,
    posting: Posting,
    given: LotParts,
    rows: dict[str, dict[str, Any]],
    *further: Fact,
) -> Decided[HoldOutcome]:
    holder = held.holder
    row = {"id": held.id, "status": status, "used": used, "value_fen": value_fen, "at": asked.now}
    fact = HoldEnded(holder.member_id, holder.person_id, str(held.id), status, used, held.points - used)
    outcome = HoldOutcome(
        held.id, holder.member_id, held.points, value_fen, status, holder.state.net, held.expires_at, used
    )
    events = tuple(event_row(one, asked.now, asked.actor.audit_id) for one in (fact, *further))
    return Decided(outcome, posting, given=given, rows={"endings": row, **rows}, events=events)


def _as_it_stands(held: HeldPoints, asked: _End) -> HoldOutcome:
    """The answer about a hold that ended so before: given before, unless this key never asked."""
    return HoldOutcome(
        held.id,
        held.holder.member_id,
        held.points,
        held.value_fen,
        held.status,
        held.holder.state.net,
        held.expires_at,
        held.used_points,
        replayed=asked.once is None,
    )


def _find_held(calls: Sequence[_End]) -> dict[int, HeldPoints]:
    found = {held.id: held for held in read_held([asked.hold_id for asked in calls])}
    return {index: found[asked.hold_id] for index, asked in enumerate(calls) if asked.hold_id in found}


def _find_one(asked: _End) -> HeldPoints | None:
    return next(iter(read_held([asked.hold_id])), None)


def _lock_one(asked: _End) -> HeldPoints | None:
    """The account first, as everywhere; what was read before it was held may have changed."""
    found = _find_one(asked)
    if found is None:
        return None
    locked_holder(found.holder.member_id)
    return _find_one(asked)


# --- what a context above keeps for what it sells at a price of its own ---------------------------------------------


def lock_accounts(*, actor: Viewer, member_ids: Sequence[int]) -> None:
    """Hold the accounts of these members, in the order of ids, until the transaction ends. It has authorised the actor.

    For whoever moves points of several members at once: two who do so cannot wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id FROM loyalty_member m JOIN loyalty_account a ON a.member_id = coalesce(m.survivor_id, m.id)
            WHERE m.id = ANY(%s) ORDER BY a.id FOR UPDATE OF a""",
            [list(member_ids)],
        )


def pledge_points(
    *, actor: Viewer, member_id: int, points: int, purpose: str, until: dt.datetime, now: dt.datetime
) -> HoldOutcome:
    """Set points aside until ``until`` for what a context above may sell; it has authorised the actor.

    The programme's least, most and step do not count. No till can spend or release a pledge: `spend_pledge` and
    `release_pledge` only. Raises InsufficientPoints, MemberNotFound, MemberFrozen.
    """
    minutes = max(1, -((now - until) // dt.timedelta(minutes=1)))
    asked = _Call(actor, member_id, points, minutes, None, purpose, now, None, uuid7(), pledge=purpose)
    return _hold.locked(asked)


def spend_pledge(*, actor: Viewer, hold_id: UUID, now: dt.datetime) -> HoldOutcome:
    """A pledge becomes the redemption of the same id, given back by `return_spent_points` only. Again: the same.

    Raises HoldNotFound, HoldHasEnded, MemberFrozen.
    """
    return _confirm.locked(_End(actor, hold_id, now, is_pledge=True))


def release_pledge(*, actor: Viewer, hold_id: UUID, now: dt.datetime) -> HoldOutcome:
    """Give a pledge back to the lots it came from. Again, or after it lapsed: nothing. Raises HoldNotFound, HoldHasEnded."""
    return _release.locked(_End(actor, hold_id, now, is_pledge=True))


_DUE = """
    SELECT a.id AS account_id, h.id::text AS key, h.points, t.lots, t.credit_account_id AS debit_account_id,
        'hold:' || h.id AS reference, t.id AS reverses_id,
        jsonb_build_object('hold', h.id, 'status', 'expired')
            || CASE WHEN m.survivor_id IS NULL THEN '{}' ELSE jsonb_build_object('side', m.id) END AS explanation
    FROM loyalty_hold h JOIN loyalty_member m ON m.id = h.member_id
    JOIN loyalty_account a ON a.member_id = coalesce(m.survivor_id, m.id) JOIN loyalty_transfer t ON t.id = h.transfer_id
    WHERE a.id = ANY(%(accounts)s) AND h.status = 'open' AND h.expires_at <= %(now)s"""


def expire_holds(*, actor: Viewer, now: dt.datetime) -> int:
    """Give back what was held too long; returns how many holds ended. Set-based, in batches that commit one by one."""
    require(actor, "programme.edit")
    ended = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                """SELECT a.id FROM loyalty_account a WHERE a.member_id IN (
                    SELECT coalesce(m.survivor_id, m.id) FROM loyalty_hold h JOIN loyalty_member m ON m.id = h.member_id
                    WHERE h.status = 'open' AND h.expires_at <= %s LIMIT %s)
                ORDER BY a.id FOR UPDATE OF a""",
                [now, EXPIRY_BATCH],
            )
            accounts = [row[0] for row in cursor.fetchall()]
            if not accounts:
                return ended
            cursor.execute(
                credit_sql(_DUE, earned=False),
                {"accounts": accounts, "reason": "unhold", "actor": actor.audit_id, "now": now},
            )
            rows = cursor.fetchall()
            cursor.execute(
                "UPDATE loyalty_hold SET status = 'expired', ended_at = %s WHERE id = ANY(%s::uuid[])",
                [now, [row[3] for row in rows]],
            )
            facts = [
                HoldEnded(member, person, hold_id, "expired", 0, points)
                for _account, member, person, hold_id, points in rows
            ]
            events.publish_many(facts, actor=actor, now=now)
            ended += len(rows)


def _stored_form(outcome: HoldOutcome) -> dict[str, Any]:
    return {
        "hold_id": str(outcome.hold_id),
        "member_id": outcome.member_id,
        "points": outcome.points,
        "value_fen": outcome.value_fen,
        "status": outcome.status,
        "balance": outcome.balance,
        "expires_at": outcome.expires_at.isoformat(),
        "used_points": outcome.used_points,
    }


def _from_stored(body: dict[str, Any]) -> HoldOutcome:
    expires_at = dt.datetime.fromisoformat(body["expires_at"])
    return HoldOutcome(**{**body, "hold_id": UUID(body["hold_id"]), "expires_at": expires_at}, replayed=True)


_hold: Moves[_Call, Holder, HoldOutcome] = Moves(
    find_all=holders_of,
    find=holder_of,
    lock=locked_holder_of,
    decide=_decide,
    stored_form=_stored_form,
    from_stored=_from_stored,
)
_ways: Any = {
    "find_all": _find_held,
    "find": _find_one,
    "lock": _lock_one,
    "stored_form": _stored_form,
    "from_stored": _from_stored,
}
_confirm: Moves[_End, HeldPoints, HoldOutcome] = Moves(decide=_decide_confirming, **_ways)
_release: Moves[_End, HeldPoints, HoldOutcome] = Moves(decide=_decide_releasing, **_ways)

"""Points are set aside while a purchase is paid, then spent or given back: redemption in two phases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.events import wake
from zhike.kernel.ids import uuid7
from zhike.loyalty.events import HoldEnded, PointsHeld, PointsRedeemed
from zhike.loyalty.models import Hold, Redemption, Transfer
from zhike.loyalty.operations.crediting import credit_sql
from zhike.loyalty.operations.earning import event_row
from zhike.loyalty.operations.quotes import take_quote
from zhike.loyalty.operations.spending import InsufficientPoints, check_amount, expire_overdue, stored_answer
from zhike.loyalty.operations.state import (
    OPTIMISTIC_TRIES,
    Holder,
    Once,
    Stale,
    call,
    from_json,
    locked_holder,
    lots_of_json,
    post,
    posting_for,
    read_holder,
    to_json,
)
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.rates import parts_of, terms_of
from zhike.loyalty.queries.snapshots import HELD, REDEEMED
from zhike.loyalty.rules.accounts import NotEnoughPoints, debit, first_of, restore
from zhike.loyalty.rules.rates import Terms, rates_told, worth

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
    head = {"id": str(uuid7()), "merchant": merchant_id, "reference": reference[:80]}
    if quote_id is not None:
        return _hold_quoted(head, points, minutes, actor, now, once, member_id, quote_id)
    for attempt in range(OPTIMISTIC_TRIES + 1):
        try:
            if attempt < OPTIMISTIC_TRIES:
                holder = read_holder(member_id=member_id, lots=True)
                return _hold(holder, head, points, minutes, actor, now, once)
            with transaction.atomic():
                return _hold(locked_holder(member_id), head, points, minutes, actor, now, once)
        except Stale:
            continue
    raise AssertionError("the account is held, it cannot move")


@transaction.atomic
def _hold_quoted(
    head: dict[str, Any],
    points: int,
    minutes: int | None,
    actor: Viewer,
    now: dt.datetime,
    once: Once | None,
    member_id: int,
    quote_id: UUID,
) -> HoldOutcome:
    holder = locked_holder(member_id)
    if once is not None and (known := stored_answer(once)) is not None:
        return _from_stored(known)
    terms = take_quote(quote_id, member_id, points, head["merchant"], UUID(head["id"]), now)
    return _hold(holder, head | {"quote": str(quote_id)}, points, minutes, actor, now, once, terms)


def _hold(
    holder: Holder | None,
    head: dict[str, Any],
    points: int,
    minutes: int | None,
    actor: Viewer,
    now: dt.datetime,
    once: Once | None,
    terms: Terms | None = None,
    *,
    pledge: dict[str, str] | None = None,
) -> HoldOutcome:
    if once is not None and (known := stored_answer(once)) is not None:
        return _from_stored(known)
    if holder is None:
        raise MemberNotFound
    holder.require_spending()
    programme, hold_id = holder.programme, head["id"]
    terms = terms or terms_of(programme, holder.state.tier_id, head["merchant"], now)
    if pledge is None:
        check_amount(terms, points)
    posting = posting_for(holder)
    expire_overdue(posting, actor, now)
    try:
        movement = debit(holder.state, points)
    except NotEnoughPoints as short:
        raise InsufficientPoints(available=short.available) from None
    parts = parts_of(movement.lots)
    quoted = {"quote": head["quote"]} if "quote" in head else {}
    posting.add(
        movement,
        against=HELD,
        reason="hold",
        reference=f"hold:{hold_id}",
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"hold": hold_id, **terms.told(parts), **quoted, **(pledge or {})},
    )
    expires_at = now + dt.timedelta(minutes=minutes or programme.hold_minutes)
    value_fen = terms.fen(parts)
    outcome = HoldOutcome(
        UUID(hold_id), holder.member_id, points, value_fen, "open", holder.state.net, expires_at
    )
    fact = PointsHeld(holder.member_id, holder.person_id, hold_id, points, expires_at)
    row = call(
        "SELECT loyalty_hold_points(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            once.scope if once else None,
            once.key if once else None,
            once.digest if once else None,
            to_json(head | _hold_row(outcome, now, actor)),
            holder.state.account_id,
            posting.version,
            to_json(posting.transfers),
            to_json([event_row(fact, now, actor.audit_id)]),
            to_json(_stored_form(outcome)) if once else None,
        ],
    )
    if row[0] is not None:
        return _from_stored(from_json(row[0]))
    wake()
    return outcome


def _hold_row(made: HoldOutcome, now: dt.datetime, actor: Viewer) -> dict[str, Any]:
    return {
        "member": made.member_id,
        "points": made.points,
        "value_fen": made.value_fen,
        "at": now.isoformat(),
        "by": actor.audit_id,
        "expires_at": made.expires_at.isoformat(),
    }


@transaction.atomic
def confirm_hold(
    *, actor: Viewer, hold_id: UUID, now: dt.datetime, points: int | None = None, member_id: int | None = None
) -> HoldOutcome:
    """Spend the held points, or only ``points`` of them; the rest is given back to its lots.

    The redemption has the hold's id and can be reversed like any other. Confirmed again with the same points, the
    answer is the first one's. Raises HoldNotFound (also when it is not ``member_id``'s), HoldHasEnded, MoreThanHeld,
    PointsOutOfRange, MemberFrozen, NotAllowed.
    """
    holder, hold, taken = _locked_hold(actor, hold_id, member_id)
    used = hold.points if points is None else points
    if hold.status == Hold.Status.CONFIRMED and (points is None or points == hold.used_points):
        return _outcome(hold, holder, replayed=True)
    if hold.status == Hold.Status.OPEN and hold.expires_at > now:
        if not 0 < used <= hold.points:
            raise MoreThanHeld(points=hold.points)
        check_amount(terms_of(holder.programme, holder.state.tier_id, hold.merchant_id, now), used)
    return _spend(holder, hold, taken, used, actor, now)


def _spend(
    holder: Holder, hold: Hold, taken: Transfer, used: int, actor: Viewer, now: dt.datetime
) -> HoldOutcome:
    """Turn ``used`` points of an open hold into its redemption. The caller holds account and hold."""
    if hold.status != Hold.Status.OPEN or hold.expires_at <= now:
        raise HoldHasEnded
    holder.require_spending()
    hold_id = hold.pk
    lots = lots_of_json(taken.lots)
    posting = posting_for(holder)
    about: dict[str, Any] = {"actor": actor, "occurred_at": now, "now": now, "reverses": taken.pk}
    spent = first_of(lots, used)
    why = {"redemption": str(hold_id)} | {
        key: taken.explanation[key]
        for key in ("rate", "promises", "rates", "quote", PLEDGE)
        if key in taken.explanation
    }
    reference = f"redemption:{hold_id}"
    posting.add_beside(
        spent,
        debit=HELD, credit=REDEEMED, reason="redeem", reference=reference, explanation=why, **about,
    )  # fmt: skip
    if used < hold.points:
        back = restore(holder.state, tuple(sorted(lots)), 0, hold.points - used)
        why = {"hold": str(hold_id), "status": "confirmed"}
        posting.add(
            back, against=HELD, reason="unhold", reference=f"hold:{hold_id}", explanation=why, **about
        )
    transfer_id = post(posting)[0]
    hold.value_fen = int(worth(parts_of(spent), *rates_told(taken.explanation)))
    Redemption.objects.create(
        id=hold_id,
        member_id=hold.member_id,
        merchant_id=hold.merchant_id,
        points=used,
        value_fen=hold.value_fen,
        reference=hold.reference,
        transfer_id=transfer_id,
        redeemed_at=now,
        redeemed_by=actor.audit_id,
    )
    _end(hold, Hold.Status.CONFIRMED, used, holder, actor, now)
    redeemed = PointsRedeemed(holder.member_id, holder.person_id, str(hold_id), used, hold.value_fen)
    events.publish(redeemed, actor=actor, now=now)
    return _outcome(hold, holder)


@transaction.atomic
def release_hold(
    *, actor: Viewer, hold_id: UUID, now: dt.datetime, member_id: int | None = None
) -> HoldOutcome:
    """Give all held points back to the lots they came from; debt made meanwhile is repaid first.

    Released again, or after it expired, nothing changes. Raises HoldNotFound, HoldHasEnded when it was confirmed,
    NotAllowed.
    """
    holder, hold, taken = _locked_hold(actor, hold_id, member_id)
    return _release(holder, hold, taken, actor, now)


def _release(holder: Holder, hold: Hold, taken: Transfer, actor: Viewer, now: dt.datetime) -> HoldOutcome:
    if hold.status == Hold.Status.CONFIRMED:
        raise HoldHasEnded
    if hold.status != Hold.Status.OPEN:
        return _outcome(hold, holder, replayed=True)
    posting = posting_for(holder)
    posting.add(
        restore(holder.state, tuple(sorted(lots_of_json(taken.lots))), 0, hold.points),
        against=HELD,
        reason="unhold",
        reference=f"hold:{hold.pk}",
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"hold": str(hold.pk), "status": "released"} | _pledge_of(taken),
        reverses=taken.pk,
    )
    post(posting)
    _end(hold, Hold.Status.RELEASED, 0, holder, actor, now)
    return _outcome(hold, holder)


def _locked_hold(actor: Viewer, hold_id: UUID, member_id: int | None) -> tuple[Holder, Hold, Transfer]:
    """The hold and its account, both held until the transaction ends, and the transfer that made it."""
    found = Hold.objects.filter(id=hold_id).select_related("merchant", "transfer").first()
    if found is None or member_id not in (None, found.member_id) or PLEDGE in found.transfer.explanation:
        raise HoldNotFound
    mall_id = found.merchant.mall_id if found.merchant else None
    require_touch(actor, "points.redeem", mall=mall_id, merchant=found.merchant_id)
    return _lock(found)


def _lock(found: Hold) -> tuple[Holder, Hold, Transfer]:
    """The account first, as everywhere."""
    holder = locked_holder(found.member_id)
    return holder, Hold.objects.select_for_update(of=("self",)).get(id=found.pk), found.transfer


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


@transaction.atomic
def pledge_points(
    *, actor: Viewer, member_id: int, points: int, purpose: str, until: dt.datetime, now: dt.datetime
) -> HoldOutcome:
    """Set points aside until ``until`` for what a context above may sell; it has authorised the actor.

    The programme's least, most and step do not count. No till can spend or release a pledge: `spend_pledge` and
    `release_pledge` only. Raises InsufficientPoints, MemberNotFound, MemberFrozen.
    """
    head = {"id": str(uuid7()), "merchant": None, "reference": purpose[:80]}
    minutes = max(1, -((now - until) // dt.timedelta(minutes=1)))
    return _hold(locked_holder(member_id), head, points, minutes, actor, now, None, pledge={PLEDGE: purpose})


@transaction.atomic
def spend_pledge(*, actor: Viewer, hold_id: UUID, now: dt.datetime) -> HoldOutcome:
    """A pledge becomes the redemption of the same id, given back by `return_spent_points` only. Again: the same.

    Raises HoldNotFound, HoldHasEnded, MemberFrozen.
    """
    holder, hold, taken = _locked_pledge(hold_id)
    if hold.status == Hold.Status.CONFIRMED:
        return _outcome(hold, holder, replayed=True)
    return _spend(holder, hold, taken, hold.points, actor, now)


@transaction.atomic
def release_pledge(*, actor: Viewer, hold_id: UUID, now: dt.datetime) -> HoldOutcome:
    """Give a pledge back to the lots it came from. Again, or after it lapsed: nothing. Raises HoldNotFound, HoldHasEnded."""
    holder, hold, taken = _locked_pledge(hold_id)
    return _release(holder, hold, taken, actor, now)


def _pledge_of(taken: Transfer) -> dict[str, str]:
    """What a pledge was for; nothing of an ordinary hold."""
    return {PLEDGE: taken.explanation[PLEDGE]} if PLEDGE in taken.explanation else {}


def _locked_pledge(hold_id: UUID) -> tuple[Holder, Hold, Transfer]:
    found = Hold.objects.filter(id=hold_id).select_related("transfer").first()
    if found is None or PLEDGE not in found.transfer.explanation:
        raise HoldNotFound
    return _lock(found)


def _end(hold: Hold, status: str, used: int, holder: Holder, actor: Viewer, now: dt.datetime) -> None:
    hold.status, hold.used_points, hold.ended_at = status, used, now
    hold.save(update_fields=["status", "used_points", "value_fen", "ended_at"])
    fact = HoldEnded(holder.member_id, holder.person_id, str(hold.pk), status, used, hold.points - used)
    events.publish(fact, actor=actor, now=now)


def _outcome(hold: Hold, holder: Holder, *, replayed: bool = False) -> HoldOutcome:
    return HoldOutcome(
        hold.pk,
        hold.member_id,
        hold.points,
        hold.value_fen,
        hold.status,
        holder.state.net,
        hold.expires_at,
        hold.used_points,
        replayed,
    )


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
    }


def _from_stored(body: dict[str, Any]) -> HoldOutcome:
    expires_at = dt.datetime.fromisoformat(body["expires_at"])
    return HoldOutcome(**{**body, "hold_id": UUID(body["hold_id"]), "expires_at": expires_at}, replayed=True)

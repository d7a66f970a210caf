"""A receipt comes in and becomes points: two round trips, no ORM; those that come at the same moment share them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import DatabaseError, transaction

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound, Problem
from zhike.kernel.events import wake
from zhike.kernel.events.base import Fact, fact_data, source_of
from zhike.kernel.grouping import Grouped, answer_of
from zhike.loyalty.events import PointsEarned, TierChanged
from zhike.loyalty.models import Award, PendingPoints
from zhike.loyalty.operations.state import (
    OPTIMISTIC_TRIES,
    Holder,
    Once,
    Posting,
    Stale,
    call_each,
    from_json,
    lots_json,
    posting_for,
    read_holder,
    read_holders,
    to_json,
)
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.snapshots import ISSUED, PENDING, Programme
from zhike.loyalty.rules import earning, tiers
from zhike.loyalty.rules.accounts import Movement, Waiting, credit_lots
from zhike.loyalty.rules.calendar import window_start
from zhike.organization import queries as organization
from zhike.sales import operations as sales
from zhike.sales import queries as records
from zhike.sales.events import ReceiptRecorded


class MerchantNotFound(NotFound):
    code = "merchant-not-found"


@dataclass(frozen=True, slots=True)
class ReceiptOutcome:
    """What became of a receipt. ``status`` is accepted or duplicate; ``explanation`` is the award's (rules.earning).

    ``available_on``: the points wait until that day for the return window to close; None when they can be spent.
    """

    receipt_id: UUID
    status: str
    member_id: int | None = None
    points: int = 0
    balance: int = 0
    tier_id: int | None = None
    upgraded: bool = False
    explanation: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False
    available_on: dt.date | None = None


@dataclass(slots=True)
class Decided:
    """A receipt with everything the rules said about it, ready to be written."""

    receipt: sales.NewReceipt
    holder: Holder | None
    decision: earning.Decision | None
    posting: Posting | None
    movement: Movement | None
    qualifying_fen: int
    new_tier: int | None
    waiting: Waiting | None = None

    @property
    def outcome(self) -> ReceiptOutcome:
        if self.holder is None or self.decision is None:
            return ReceiptOutcome(
                self.receipt.id, "accepted", explanation={"refusal": "no_member", "rules": []}
            )
        return ReceiptOutcome(
            receipt_id=self.receipt.id,
            status="accepted",
            member_id=self.holder.member_id,
            points=self.decision.points,
            balance=self.holder.state.net,
            tier_id=self.holder.state.tier_id,
            upgraded=self.new_tier is not None,
            explanation=self.decision.explanation,
            available_on=self.waiting.available_on if self.waiting else None,
        )


def take_receipt(
    *,
    actor: Viewer,
    receipt: sales.NewReceipt,
    now: dt.datetime,
    once: Once | None = None,
    member_id: int | None = None,
) -> ReceiptOutcome:
    """Record a sale and give its member the points, in one transaction.

    The member is the one of ``receipt.person_id``, or ``member_id`` (which spares asking for the person first); without
    either the receipt waits to be claimed. A receipt whose natural key exists changes nothing and comes back as
    ``duplicate`` with the award of the first time. With ``once``, the same key replays the first answer.
    Raises InvalidReceipt, NotAllowed, MerchantNotFound, MemberNotFound, InFlight, KeyReused.
    """
    require_touch(actor, "receipts.record", mall=receipt.mall_id, merchant=receipt.merchant_id)
    sales.check_receipt(actor=actor, receipt=receipt, now=now)
    if receipt.kind == "return":
        raise sales.InvalidReceipt(fields={"kind": [sales.SENTENCES["unknown_kind"]]})
    call = _Call(actor, receipt, now, once, member_id)
    return _take_alone(call) if transaction.get_connection().in_atomic_block else _take_grouped(call)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of `take_receipt`, checked."""

    actor: Viewer
    receipt: sales.NewReceipt
    now: dt.datetime
    once: Once | None
    member_id: int | None


def _take_alone(call: _Call) -> ReceiptOutcome:
    """Optimistically, and when the account keeps moving, with its row held."""
    for _ in range(OPTIMISTIC_TRIES):
        receipt, holder = _with_holder(call.receipt, call.member_id)
        try:
            return _write(decide_receipt(receipt, holder, call.actor, call.now), call)
        except Stale:
            continue
    with transaction.atomic():
        receipt, holder = _with_holder(call.receipt, call.member_id, lock=True)
        return _write(decide_receipt(receipt, holder, call.actor, call.now), call)


def _take_group(calls: Sequence[_Call]) -> list[ReceiptOutcome | Exception]:
    """Calls that came at the same time, in one statement. Whatever does not fit into it is done alone after it."""
    answers = _take_together(calls) if len(calls) > 1 else {}
    return [
        answers[index] if index in answers else answer_of(_take_alone, call)
        for index, call in enumerate(calls)
    ]


_take_grouped = Grouped(_take_group, at_once=2)


def _take_together(calls: Sequence[_Call]) -> dict[int, ReceiptOutcome | Exception]:
    """The answers by position; of calls that move the same account only the first is among them.

    Accounts are moved in the order of their ids, so that the groups of two processes cannot wait for each other. When
    the statement fails, because an account moved or a key was reused, nothing was written and nothing is answered.
    """
    ready: list[tuple[int, int, Decided]] = []
    answers: dict[int, ReceiptOutcome | Exception] = {}
    for index, receipt, holder in _holders_of(calls):
        try:
            decided = decide_receipt(receipt, holder, calls[index].actor, calls[index].now)
        except Problem as problem:
            answers[index] = problem
        else:
            ready.append((holder.state.account_id if holder else 0, index, decided))
    ready.sort(key=itemgetter(0, 1))
    arguments = [_arguments(decided, calls[index]) for _, index, decided in ready]
    try:
        rows = call_each(_TAKE, arguments)
    except (Stale, Problem, DatabaseError):
        return answers
    for (_, index, decided), row in zip(ready, rows, strict=True):
        answers[index] = answer_of(_read_answer, decided, row)
    wake()
    return answers


def _holders_of(calls: Sequence[_Call]) -> Iterator[tuple[int, sales.NewReceipt, Holder | None]]:
    """The receipts naming their persons, with the accounts they move: no account twice. Unknown members are left out."""
    asked = [(call.member_id, call.receipt.person_id) for call in calls]
    found = read_holders(asked, [call.receipt.business_date for call in calls])
    moved: set[int] = set()
    for index, call in enumerate(calls):
        if call.member_id is None and call.receipt.person_id is None:
            yield index, call.receipt, None
            continue
        holder = found.get(asked[index] if call.member_id is None else (call.member_id, None))
        if holder is not None and holder.state.account_id not in moved:
            moved.add(holder.state.account_id)
            yield index, replace(call.receipt, person_id=holder.person_id), holder


def _with_holder(
    receipt: sales.NewReceipt, member_id: int | None, *, lock: bool = False
) -> tuple[sales.NewReceipt, Holder | None]:
    """The receipt, now naming its person, and whose account it moves. Raises MemberNotFound for an unknown member."""
    if member_id is not None:
        holder = read_holder(member_id=member_id, day=receipt.business_date, lock=lock)
        if holder is None:
            raise MemberNotFound
        return replace(receipt, person_id=holder.person_id), holder
    if receipt.person_id is None:
        return receipt, None
    return receipt, read_holder(person_id=receipt.person_id, day=receipt.business_date, lock=lock)


def decide_receipt(
    receipt: sales.NewReceipt, holder: Holder | None, actor: Viewer, now: dt.datetime
) -> Decided:
    """Ask the rules and move the holder's state; nothing is written. A frozen member earns nothing and is told so."""
    if holder is None:
        return Decided(receipt, None, None, None, None, 0, None)
    facts = earn_receipt(receipt)
    posting = posting_for(holder)
    if not holder.is_active:
        refused = earning.Decision(
            0, {"tier": holder.state.tier_id, "rules": [], "points": 0, "refusal": "member_frozen"}
        )
        return Decided(receipt, holder, refused, posting, None, 0, None)
    programme = holder.programme
    decision = earning.decide(holder.state, facts, programme.rules, programme.rounding)
    movement = waiting = None
    if decision.points:
        movement, waiting = _give(posting, decision, facts, receipt, actor, now)
        posting.add_caps(decision.caps)
        for rule_id, cap, period, points in decision.caps:
            used = holder.state.caps.get((rule_id, cap, period), 0)
            holder.state.caps[rule_id, cap, period] = used + points
    qualifying = _qualifying(facts, programme, now)
    new_tier = _count_toward_tier(holder, qualifying)
    posting.qualifying_fen = qualifying
    return Decided(receipt, holder, decision, posting, movement, qualifying, new_tier, waiting)


def _give(
    posting: Posting,
    decision: earning.Decision,
    facts: earning.EarnReceipt,
    receipt: sales.NewReceipt,
    actor: Viewer,
    now: dt.datetime,
) -> tuple[Movement | None, Waiting | None]:
    """The points enter the member's account, or wait for the return window of the merchant's category to close."""
    programme = posting.holder.programme
    available_on = facts.day + dt.timedelta(days=programme.waiting_days(facts.trade_category_id))
    lots = earning.lots_of(
        decision.explanation, programme.expiry_policy, facts.day, programme.funding_id, available_on
    )
    about: dict[str, Any] = {
        "reason": "earn",
        "reference": f"receipt:{receipt.id}",
        "actor": actor,
        "occurred_at": receipt.occurred_at,
        "now": now,
        "explanation": {"award": str(receipt.id), "why": earning.mark_of(decision.explanation)},
        "rule_version_id": decision.rule_version_id,
    }
    if available_on <= now.astimezone(facts.local.tzinfo).date():
        movement = credit_lots(posting.holder.state, lots)
        posting.add(movement, against=ISSUED, **about)
        return movement, None
    about["explanation"] |= {
        "account": posting.holder.state.account_id,
        "available_on": available_on.isoformat(),
    }
    posting.add_beside(lots, debit=ISSUED, credit=PENDING, **about)
    return None, Waiting(decision.points, decision.points, lots, available_on)


def _qualifying(facts: earning.EarnReceipt, programme: Programme, now: dt.datetime) -> int:
    return facts.qualifying_fen if facts.day >= window_start(programme.tier_window, now.date()) else 0


def _count_toward_tier(holder: Holder, qualifying_fen: int) -> int | None:
    """Add the spend to the state; the id of the tier it lifts the member to, or None."""
    state = holder.state
    state.qualifying_fen += qualifying_fen
    reached = tiers.after_spend(state.tier_id, state.qualifying_fen, holder.programme.ladder)
    if reached.tier_id == state.tier_id:
        return None
    state.tier_id = reached.tier_id
    return reached.tier_id


def earn_receipt(receipt: sales.NewReceipt) -> earning.EarnReceipt:
    """The receipt as the rules see it. Raises MerchantNotFound."""
    merchant = organization.merchant_ref(receipt.merchant_id)
    if merchant is None:
        raise MerchantNotFound
    return earning.EarnReceipt(
        mall_id=merchant.mall_id,
        merchant_id=merchant.id,
        trade_category_id=merchant.trade_category_id,
        occurred_at=receipt.occurred_at,
        local=receipt.occurred_at.astimezone(_zone(merchant.time_zone)),
        day=receipt.business_date,
        lines=tuple(earning.EarnLine(line.line_no, line.net_fen, line.category_id) for line in receipt.lines),
        tenders=tuple((tender.kind, tender.amount_fen) for tender in receipt.tenders),
    )


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def facts_of(decided: Decided, tier_before: int | None = None) -> list[Fact]:
    """What the log is told of a receipt that was taken."""
    receipt, holder = decided.receipt, decided.holder
    facts: list[Fact] = [
        ReceiptRecorded(
            receipt_id=str(receipt.id),
            person_id=receipt.person_id,
            merchant_id=receipt.merchant_id,
            mall_id=receipt.mall_id,
            kind=receipt.kind,
            net_fen=receipt.net_fen,
            occurred_at=receipt.occurred_at,
        )
    ]
    if holder is not None and decided.decision is not None and decided.decision.points:
        facts.append(
            PointsEarned(
                holder.member_id,
                holder.person_id,
                str(receipt.id),
                decided.decision.points,
                receipt.occurred_at,
                decided.waiting.available_on if decided.waiting else None,
            )
        )
    if holder is not None and decided.new_tier is not None and tier_before is not None:
        facts.append(TierChanged(holder.member_id, holder.person_id, tier_before, decided.new_tier, "spend"))
    return facts


def event_row(fact: Fact, now: dt.datetime) -> dict[str, Any]:
    """A fact as the posting functions' JSON takes it."""
    return {
        "source": source_of(fact.type),
        "type": fact.type,
        "subject": fact.subject,
        "time": (fact.happened_at or now).isoformat(),
        "data": fact_data(fact),
    }


_TAKE = "loyalty_take_receipt(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def _write(decided: Decided, call: _Call) -> ReceiptOutcome:
    (row,) = call_each(_TAKE, [_arguments(decided, call)])
    outcome = _read_answer(decided, row)
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(wake)
    else:
        wake()
    return outcome


def _arguments(decided: Decided, call: _Call) -> list[Any]:
    """What `loyalty_take_receipt` is called with."""
    once = call.once
    head, lines, tenders = sales.receipt_rows(actor=call.actor, receipt=decided.receipt, now=call.now)
    outcome = decided.outcome
    member: dict[str, Any] | None = None
    transfers: list[Any] = []
    caps: list[Any] = []
    tier_before = None
    if decided.holder is not None and decided.posting is not None:
        tier_before = outcome.explanation["tier"]
        transfers, caps = decided.posting.transfers, decided.posting.caps
        member = {
            "account": decided.holder.state.account_id,
            "version": decided.posting.version,
            "qualifying": decided.qualifying_fen,
            "tier": tier_before,
            "member": decided.holder.member_id,
        }
        if decided.new_tier is not None:
            member["new_tier"] = decided.new_tier
        if decided.waiting is not None:
            member["pending"] = waiting_row(decided.waiting)
    return [
        once.scope if once else None,
        once.key if once else None,
        once.digest if once else None,
        to_json(head),
        to_json(lines),
        to_json(tenders),
        to_json(member) if member else None,
        to_json(transfers),
        to_json(caps),
        to_json(outcome.explanation),
        to_json([event_row(fact, call.now) for fact in facts_of(decided, tier_before)]),
        to_json(stored_form(outcome)) if once else None,
    ]


def _read_answer(decided: Decided, row: Any) -> ReceiptOutcome:
    answer: dict[str, Any] = from_json(row)
    if "replayed" in answer:
        return from_stored(answer["replayed"])
    if "duplicate" in answer:
        return duplicate_outcome(UUID(answer["duplicate"]), decided.receipt)
    return decided.outcome


def waiting_row(waiting: Waiting) -> dict[str, Any]:
    return {
        "points": waiting.points,
        "lots": lots_json(waiting.lots),
        "available_on": waiting.available_on.isoformat(),
    }


def stored_form(outcome: ReceiptOutcome) -> dict[str, Any]:
    """The outcome as it is kept under the idempotency key."""
    return {
        "receipt_id": str(outcome.receipt_id),
        "status": outcome.status,
        "member_id": outcome.member_id,
        "points": outcome.points,
        "balance": outcome.balance,
        "tier_id": outcome.tier_id,
        "upgraded": outcome.upgraded,
        "explanation": outcome.explanation,
        "available_on": outcome.available_on.isoformat() if outcome.available_on else None,
    }


def from_stored(body: dict[str, Any]) -> ReceiptOutcome:
    day = body.get("available_on")
    known = {
        "receipt_id": UUID(body["receipt_id"]),
        "available_on": dt.date.fromisoformat(day) if day else None,
    }
    return ReceiptOutcome(**{**body, **known}, replayed=True)


def duplicate_outcome(receipt_id: UUID, asked: sales.NewReceipt) -> ReceiptOutcome:
    """The answer to a receipt whose natural key exists: the first one's award. Raises ReceiptConflict if it differs."""
    first = records.recorded(receipt_id)
    if first.net_fen != asked.net_fen or first.kind != asked.kind:
        raise sales.ReceiptConflict
    award = Award.objects.filter(receipt_id=receipt_id).select_related("account").first()
    waits = PendingPoints.objects.filter(receipt_id=receipt_id, remaining__gt=0).first() if award else None
    if award is None:
        return ReceiptOutcome(receipt_id, "duplicate", explanation={"refusal": "no_member", "rules": []})
    return ReceiptOutcome(
        receipt_id=receipt_id,
        status="duplicate",
        member_id=award.account.member_id,
        points=award.points,
        balance=award.account.balance - award.account.debt,
        tier_id=award.tier_id,
        explanation=award.explanation,
        available_on=waits.available_on if waits else None,
    )

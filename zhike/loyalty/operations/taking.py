"""A receipt comes in and becomes points: two round trips, no ORM; those that come at the same moment share them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Problem
from zhike.kernel.events import wake
from zhike.kernel.grouping import Grouped, answer_of
from zhike.loyalty.operations.earning import (
    Decided,
    ReceiptOutcome,
    decide_receipt,
    duplicate_outcome,
    event_row,
    facts_of,
    known_explanation,
    waiting_row,
)
from zhike.loyalty.operations.growing import counted_after
from zhike.loyalty.operations.state import (
    OPTIMISTIC_TRIES,
    Holder,
    NotNew,
    Once,
    Stale,
    answer_row,
    call,
    call_each,
    from_json,
    locked_holder,
    read_holder,
    read_holders,
    to_json_text,
)
from zhike.loyalty.operations.tiering import settle_lent, tier_row
from zhike.loyalty.queries.members import MemberNotFound
from zhike.sales import operations as sales


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
    ``duplicate`` with the award of the first time. With ``once``, the same key replays the first answer. Where the ladder
    counts visits or growth value, the answer waits for them too and names the tier they gave; one given again does not.
    Raises InvalidReceipt, NotAllowed, MerchantNotFound, MemberNotFound, InFlight, KeyReused.
    """
    require_touch(actor, "receipts.record", mall=receipt.mall_id, merchant=receipt.merchant_id)
    sales.check_receipt(actor=actor, receipt=receipt, now=now)
    if receipt.kind == "return":
        raise sales.InvalidReceipt(fields={"kind": [sales.SENTENCES["unknown_kind"]]})
    asked = _Call(actor, receipt, now, once, member_id)
    is_alone = transaction.get_connection().in_atomic_block
    outcome = _take_alone(asked) if is_alone else _take_grouped(asked)
    return counted_after(outcome, now=now) if outcome.counts_after else outcome


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of `take_receipt`, checked."""

    actor: Viewer
    receipt: sales.NewReceipt
    now: dt.datetime
    once: Once | None
    member_id: int | None


def _take_alone(asked: _Call) -> ReceiptOutcome:
    """Optimistically, and when the account keeps moving, with its row held."""
    for _ in range(OPTIMISTIC_TRIES):
        receipt, holder = _with_holder(asked)
        try:
            return _write(decide_receipt(receipt, holder, asked.actor, asked.now), asked)
        except Stale:
            continue
    with transaction.atomic():
        receipt, holder = _with_holder(asked, lock=True)
        return _write(decide_receipt(receipt, holder, asked.actor, asked.now), asked)


def _with_holder(asked: _Call, *, lock: bool = False) -> tuple[sales.NewReceipt, Holder | None]:
    """The receipt, now naming its person, and whose account it moves. Raises MemberNotFound for an unknown member.

    Where a temporary tier has begun or ended that nobody settled yet, that is done first.
    """
    receipt, member_id = asked.receipt, asked.member_id
    if member_id is None and receipt.person_id is None:
        return receipt, None
    who = {"member_id": member_id} if member_id is not None else {"person_id": receipt.person_id}
    holder = read_holder(**who, day=receipt.business_date, lock=lock)
    if holder is not None and holder.is_due(asked.now):
        with transaction.atomic():
            settle_lent(locked_holder(holder.owner_id), now=asked.now)
        holder = read_holder(**who, day=receipt.business_date, lock=lock)
    if holder is None and member_id is not None:
        raise MemberNotFound
    if holder is None or member_id is None:
        return receipt, holder
    return replace(receipt, person_id=holder.person_id), holder


def _write(decided: Decided, asked: _Call) -> ReceiptOutcome:
    (row,) = call_each(_TAKE_ONE, [_arguments_alone(decided, asked)])
    outcome = _read_answer(decided, row)
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(wake)
    else:
        wake()
    return outcome


def _take_group(calls: Sequence[_Call]) -> list[ReceiptOutcome | Exception]:
    """Calls that came at the same time, in one statement. Whatever does not fit into it is done alone after it."""
    answers = _take_together(calls) if len(calls) > 1 else {}
    return [
        answers[index] if index in answers else answer_of(_take_alone, asked)
        for index, asked in enumerate(calls)
    ]


_take_grouped = Grouped(_take_group)


def _take_together(calls: Sequence[_Call]) -> dict[int, ReceiptOutcome | Exception]:
    """The answers by position; of calls that move the same account only the first is among them.

    Accounts are moved in the order of their ids, so that the groups of two processes cannot wait for each other. When
    the statement fails, because an account moved or a key was reused, nothing was written and nothing is answered.
    """
    ready: list[tuple[int, str, int, Decided]] = []
    answers: dict[int, ReceiptOutcome | Exception] = {}
    for index, receipt, holder in _holders_of(calls):
        try:
            decided = decide_receipt(receipt, holder, calls[index].actor, calls[index].now)
        except Problem as problem:
            answers[index] = problem
        else:
            ready.append((holder.state.account_id if holder else 0, receipt.number, index, decided))
    ready.sort(key=itemgetter(0, 1, 2))
    try:
        rows = _write_together([(decided, calls[index]) for _, _, index, decided in ready])
    except (Stale, Problem, DatabaseError):
        return answers
    for (_, _, index, decided), row in zip(ready, rows, strict=True):
        answers[index] = answer_of(_read_answer, decided, row)
    wake()
    return answers


def _holders_of(calls: Sequence[_Call]) -> Iterator[tuple[int, sales.NewReceipt, Holder | None]]:
    """The receipts naming their persons, with the accounts they move: no account twice. Unknown members are left out.

    So are those of whom a temporary tier has begun or ended that nobody settled yet.
    """
    asked = [(one.member_id, one.receipt.person_id) for one in calls]
    found = read_holders(asked, [one.receipt.business_date for one in calls])
    moved: set[int] = set()
    for index, one in enumerate(calls):
        if one.member_id is None and one.receipt.person_id is None:
            yield index, one.receipt, None
            continue
        holder = found.get(asked[index] if one.member_id is None else (one.member_id, None))
        if holder is not None and holder.state.account_id not in moved and not holder.is_due(one.now):
            moved.add(holder.state.account_id)
            yield index, replace(one.receipt, person_id=holder.person_id), holder


_COLUMNS = (
    "answers",
    "receipts",
    "lines",
    "tenders",
    "accounts",
    "lots",
    "transfers",
    "awards",
    "rest",
    "events",
)
_TAKE_ALL = f"loyalty_take_receipts({', '.join(['%s'] * len(_COLUMNS))})"
_TAKE_ONE = f"loyalty_take_receipt(%s, %s, %s, {', '.join(['%s'] * len(_COLUMNS))})"


def _write_together(taken: Sequence[tuple[Decided, _Call]]) -> Sequence[Any]:
    """What the database said to each; None to a receipt that was taken. One that is known is looked up by itself."""
    if not taken:
        return ()
    try:
        call(f"SELECT {_TAKE_ALL}", _arguments(taken))
    except NotNew:
        return call_each(_TAKE_ONE, [_arguments_alone(decided, asked) for decided, asked in taken])
    return [None] * len(taken)


def _arguments_alone(decided: Decided, asked: _Call) -> list[Any]:
    once = asked.once
    keys = [once.scope, once.key, once.digest] if once else [None, None, None]
    return [*keys, *_arguments([(decided, asked)])]


def _arguments(taken: Sequence[tuple[Decided, _Call]]) -> list[Any]:
    """The rows of these receipts, by table, as ``loyalty_take_receipts`` takes them."""
    rows: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    rest: dict[str, list[Any]] = {"caps": [], "pending": [], "tiers": []}
    for decided, asked in taken:
        head, lines, tenders = sales.receipt_rows(actor=asked.actor, receipt=decided.receipt, now=asked.now)
        rows["receipts"].append(head)
        rows["lines"] += lines
        rows["tenders"] += tenders
        tier_before = None
        if decided.posting is not None:
            tier_before = decided.outcome.explanation["tier"]
            _add_points(rows, rest, decided, tier_before, asked.now)
        by = asked.actor.audit_id
        rows["events"] += [event_row(fact, asked.now, by) for fact in facts_of(decided, tier_before)]
        if asked.once is not None:
            rows["answers"].append(answer_row(asked.once, stored_form(decided.outcome)))
    arguments: dict[str, Any] = {name: to_json_text(rows[name]) if rows[name] else None for name in _COLUMNS}
    arguments["rest"] = to_json_text(rest) if any(rest.values()) else None
    return list(arguments.values())


def _add_points(
    rows: dict[str, list[Any]],
    rest: dict[str, list[Any]],
    decided: Decided,
    tier_before: int,
    now: dt.datetime,
) -> None:
    """The rows of what the receipt earned."""
    posting, receipt = decided.posting, decided.receipt
    assert posting is not None
    account_id = posting.holder.state.account_id
    rows["accounts"].append(posting.account_row)
    rows["transfers"] += posting.transfers
    if decided.movement is not None:
        rows["lots"] += posting.lot_rows(decided.movement.lots)
    rows["awards"].append(
        {
            "receipt": receipt.id,
            "account": account_id,
            "tier": tier_before,
            "points": decided.outcome.points,
            "qualifying_fen": posting.qualifying_fen,
            "explanation": decided.outcome.explanation,
            "occurred_at": receipt.occurred_at,
        }
    )
    rest["caps"] += [{"account": account_id, **cap} for cap in posting.caps]
    if decided.waiting is not None:
        rest["pending"].append({"receipt": receipt.id, "account": account_id, **waiting_row(decided.waiting)})
    if decided.new_tier is not None:
        rest["tiers"].append(
            tier_row(posting.holder, decided.new_tier, "spend", f"receipt:{receipt.id}", now)
        )


def _read_answer(decided: Decided, row: Any) -> ReceiptOutcome:
    if row is None:
        return decided.outcome
    answer: dict[str, Any] = from_json(row)
    if "replayed" in answer:
        return from_stored(answer["replayed"])
    return duplicate_outcome(UUID(answer["duplicate"]), decided.receipt)


def stored_form(outcome: ReceiptOutcome) -> dict[str, Any]:
    """The outcome as it is kept under the idempotency key; the explanation is the award's, which does not change."""
    return {
        "receipt_id": outcome.receipt_id,
        "status": outcome.status,
        "member_id": outcome.member_id,
        "points": outcome.points,
        "balance": outcome.balance,
        "tier_id": outcome.tier_id,
        "upgraded": outcome.upgraded,
        "available_on": outcome.available_on,
    }


def from_stored(body: dict[str, Any]) -> ReceiptOutcome:
    receipt_id, day = UUID(body["receipt_id"]), body.get("available_on")
    known = {
        "receipt_id": receipt_id,
        "available_on": dt.date.fromisoformat(day) if day else None,
        "explanation": body.get("explanation") or known_explanation(receipt_id),
    }
    return ReceiptOutcome(**{**body, **known}, replayed=True)

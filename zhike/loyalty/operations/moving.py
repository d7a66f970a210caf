"""Points leave and come back in two round trips, no ORM: the account is read, the rules decide, one statement writes.

It goes through only if nobody moved the account in between. Calls of one kind that come at the same moment share both
round trips and the commit; whatever does not fit into their statement is done alone after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeVar

from django.db import DatabaseError, transaction

from zhike.kernel.errors import Problem
from zhike.kernel.events import wake
from zhike.kernel.grouping import Acts
from zhike.kernel.idempotency import KeyReused
from zhike.kernel.statements import fetch_row
from zhike.loyalty.operations.state import (
    OPTIMISTIC_TRIES,
    Holder,
    NotNew,
    Once,
    Posting,
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
from zhike.loyalty.rules.accounts import LotParts

_COLUMNS = (
    "answers", "accounts", "taken", "given", "transfers", "redemptions", "holds", "endings", "events",
)  # fmt: skip
_MOVE_ALL = f"loyalty_move_points({', '.join(['%s'] * len(_COLUMNS))})"
_MOVE_ONE = f"loyalty_move_points_once(%s, %s, %s, {', '.join(['%s'] * len(_COLUMNS))})"


class Asked(Protocol):
    """A call, allowed or yet to be."""

    @property
    def once(self) -> Once | None: ...


A = TypeVar("A", bound=Asked)
F = TypeVar("F")
O = TypeVar("O")  # noqa: E741


@dataclass(frozen=True, slots=True)
class Decided(Generic[O]):
    """What a call comes to, and what is to be written for it.

    ``taken`` left its lots, ``given`` came back to them. ``row`` goes to the ``table`` of the statement; its "transfer" is a
    position among the posting's own transfers, from 1. Without a posting nothing moves: only the answer is kept.
    """

    outcome: O
    posting: Posting | None
    taken: LotParts = ()
    given: LotParts = ()
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: tuple[dict[str, Any], ...] = ()


class Moves(Acts[A, O], Generic[A, F, O]):
    """One kind of act: how what it needs is found, how it is decided, and how its answers are kept.

    ``find_all`` finds for many calls at once, by position, what it can; ``find`` for one; ``lock`` the same with the
    account held until the transaction ends.
    """

    def __init__(
        self,
        *,
        find_all: Callable[[Sequence[A]], dict[int, F]],
        find: Callable[[A], F | None],
        lock: Callable[[A], F | None],
        decide: Callable[[F | None, A], Decided[O]],
        stored_form: Callable[[O], dict[str, Any]],
        from_stored: Callable[[dict[str, Any]], O],
    ) -> None:
        super().__init__()
        self._find_all, self._find, self._lock, self._decide = find_all, find, lock, decide
        self._stored_form, self._from_stored = stored_form, from_stored

    def alone(self, asked: A) -> O:
        """Optimistically, and when the account keeps moving, with its row held."""
        for _attempt in range(OPTIMISTIC_TRIES):
            try:
                return self.do(self._find(asked), asked)
            except Stale:
                continue
        return self.locked(asked)

    def locked(self, asked: A) -> O:
        with transaction.atomic():
            return self.do(self._lock(asked), asked)

    def do(self, found: F | None, asked: A) -> O:
        """Decide and write. What was answered under the same key before is answered again, whatever holds today."""
        try:
            decided = self._decide(found, asked)
        except Problem:
            if asked.once is not None and (known := stored_answer(asked.once)) is not None:
                return self._from_stored(known)
            raise
        if decided.posting is None and asked.once is None:
            return decided.outcome
        (row,) = call_each(_MOVE_ONE, [self._arguments_alone(decided, asked)])
        if row is not None:
            return self._from_stored(from_json(row))
        if transaction.get_connection().in_atomic_block:
            transaction.on_commit(wake, robust=True)
        else:
            wake()
        return decided.outcome

    def together(self, calls: Sequence[A]) -> dict[int, O]:
        """The answers by position, of the first call of each account; none when the statement failed and nothing was
        written.

        Accounts are moved in the order of their ids, so that the groups of two processes cannot wait for each other.
        """
        ready: dict[int, tuple[int, Decided[O]]] = {}
        for index, found in self._find_all(calls).items():
            try:
                decided = self._decide(found, calls[index])
            except Problem:
                continue  # perhaps it was answered before: done alone, that is looked up
            if decided.posting is not None:
                ready.setdefault(decided.posting.holder.state.account_id, (index, decided))
        ordered = [one for _, one in sorted(ready.items(), key=itemgetter(0))]
        try:
            rows = self._write_together([(decided, calls[index]) for index, decided in ordered])
        except (Stale, Problem, DatabaseError):
            return {}
        wake()
        return {
            index: decided.outcome if row is None else self._from_stored(from_json(row))
            for (index, decided), row in zip(ordered, rows, strict=True)
        }

    def _write_together(self, decisions: Sequence[tuple[Decided[O], A]]) -> Sequence[Any]:
        """What the database said to each; None to one that was done. One that is known is looked up by itself."""
        if not decisions:
            return ()
        try:
            call(f"SELECT {_MOVE_ALL}", self._arguments(decisions))
        except NotNew:
            return call_each(_MOVE_ONE, [self._arguments_alone(*one) for one in decisions])
        return [None] * len(decisions)

    def _arguments_alone(self, decided: Decided[O], asked: A) -> list[Any]:
        once = asked.once
        keys = [once.scope, once.key, once.digest] if once else [None, None, None]
        return [*keys, *self._arguments([(decided, asked)])]

    def _arguments(self, decisions: Sequence[tuple[Decided[O], A]]) -> list[Any]:
        """The rows of these decisions, by table, as ``loyalty_move_points`` takes them."""
        rows: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        for decided, asked in decisions:
            if (posting := decided.posting) is not None:
                for table, row in decided.rows.items():
                    if "transfer" in row:
                        row = {**row, "transfer": len(rows["transfers"]) + row["transfer"]}
                    rows[table].append(row)
                rows["accounts"].append(posting.account_row)
                rows["transfers"] += posting.transfers
                rows["taken"] += posting.lot_rows(decided.taken)
                rows["given"] += posting.lot_rows(decided.given)
                rows["events"] += decided.events
            if asked.once is not None:
                rows["answers"].append(answer_row(asked.once, self._stored_form(decided.outcome)))
        return [to_json_text(rows[name]) if rows[name] else None for name in _COLUMNS]


def stored_answer(once: Once) -> dict[str, Any] | None:
    """The answer kept under the key, so that a replay is answered before today's state is looked at. Raises KeyReused."""
    row = fetch_row(
        "SELECT body, request_hash = %s FROM kernel_idempotency WHERE scope = %s AND key = %s",
        [once.digest, once.scope, once.key],
    )
    if row is not None and not row[1]:
        raise KeyReused
    return None if row is None else from_json(row[0])


# --- how accounts are found for acts that name a member ---------------------------------------------------------------


class OfMember(Asked, Protocol):
    @property
    def member_id(self) -> int: ...


def holders_of(calls: Sequence[OfMember]) -> dict[int, Holder]:
    """Their accounts with lots, by position; without those of merged members."""
    holders = read_holders([(asked.member_id, None) for asked in calls], lots=True)
    return {
        index: holders[asked.member_id, None]
        for index, asked in enumerate(calls)
        if (asked.member_id, None) in holders
    }


def holder_of(asked: OfMember) -> Holder | None:
    return read_holder(member_id=asked.member_id, lots=True)


def locked_holder_of(asked: OfMember) -> Holder:
    return locked_holder(asked.member_id)

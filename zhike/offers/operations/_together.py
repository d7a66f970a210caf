"""Acts on coupons that come at the same moment share two statements: one that reads, one that writes, with one commit.

Each is judged by itself. Whatever does not fit into the common statement is done alone after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DatabaseError, transaction

from zhike.kernel.errors import Problem
from zhike.kernel.events import wake
from zhike.kernel.grouping import Acts, answer_of
from zhike.offers.operations._words import Moved, call, call_each

TRIES = 4

A = TypeVar("A")
F = TypeVar("F")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ready(Generic[R]):
    """What an act comes to, the coupons it moves, and the arguments of its function."""

    outcome: R
    coupons: Sequence[int]
    arguments: Sequence[Any]


class Together(Acts[A, R], Generic[A, F, R]):
    """One kind of act: a function of the database, what it is decided by, and how its value becomes the answer.

    ``decide`` and ``answer`` raise what refuses the act. ``known`` finds the answer of the first time for one that is
    refused today; ``given_up`` is what is said when its coupons keep moving.
    """

    def __init__(
        self,
        function: str,
        *,
        read: Callable[[Sequence[A]], Sequence[F]],
        decide: Callable[[F, A], Ready[R]],
        answer: Callable[[Ready[R], Any], R],
        known: Callable[[A], R | None] = lambda asked: None,
        given_up: Callable[[], Exception] = Moved,
    ) -> None:
        super().__init__()
        self._function, self._read, self._decide, self._answer = function, read, decide, answer
        self._known, self._given_up = known, given_up

    def alone(self, asked: A) -> R:
        for _attempt in range(TRIES):
            try:
                ready = self._decide(self._read([asked])[0], asked)
            except Problem:
                known = self._known(asked)
                if known is None:
                    raise
                return known
            try:
                value = call(f"SELECT {self._function}", ready.arguments)
            except Moved:
                continue
            if transaction.get_connection().in_atomic_block:
                transaction.on_commit(wake, robust=True)
            else:
                wake()
            return self._answer(ready, value)
        raise self._given_up()

    def together(self, calls: Sequence[A]) -> dict[int, R | Exception]:
        """The answers by position; none when the statement failed and nothing was written.

        Coupons are held in the order of their ids over the whole group, so that the groups of two processes cannot wait for
        each other; an act whose coupons lie between those of another is left out.
        """
        found = self._read(calls)
        fit: list[tuple[int, Ready[R]]] = []
        for index, asked in enumerate(calls):
            try:
                fit.append((index, self._decide(found[index], asked)))
            except Problem:
                continue  # perhaps it was answered before: done alone, that is looked up
        fit.sort(key=lambda one: min(one[1].coupons))
        ordered: list[tuple[int, Ready[R]]] = []
        for index, ready in fit:
            if not ordered or min(ready.coupons) > max(ordered[-1][1].coupons):
                ordered.append((index, ready))
        try:
            values = call_each(self._function, [ready.arguments for _, ready in ordered])
        except (Moved, Problem, DatabaseError):
            return {}
        wake()
        return {
            index: answer_of(self._answer, ready, value)
            for (index, ready), value in zip(ordered, values, strict=True)
        }

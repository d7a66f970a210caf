"""Group commit: calls that arrive while another is at work are done together by the next one.

A till that is alone is served at once and alone. Where many come at the same time, the statements of a whole group go
to the database in one round trip and share one commit, which is most of what a small write costs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

SIZE_MAX = 16

T = TypeVar("T")
R = TypeVar("R")


class _Ticket(Generic[T, R]):
    """One caller's item and its answer. `group` is what its caller is to do, its own ticket first; empty if others do it."""

    __slots__ = ("answer", "group", "item", "turn")

    def __init__(self, item: T) -> None:
        self.item = item
        self.answer: R | Exception = RuntimeError("the thread that worked for a group of calls was stopped")
        self.group: list[_Ticket[T, R]] = []
        self.turn = threading.Lock()  # held until there is something to do or to take


class Grouped(Generic[T, R]):
    """`grouped(item)` gives the answer of `execute` for this item, or raises the exception that stands in its place.

    `execute` takes the items of a group, in the order they came, in the thread of the first of them, and returns as many
    answers or exceptions. At most `at_once` groups are under way in this process.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[T]], Sequence[R | Exception]],
        *,
        at_once: int = 1,
        size_max: int = SIZE_MAX,
    ) -> None:
        self._execute = execute
        self._size_max = size_max
        self._idle = at_once
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket[T, R]] = deque()

    def __call__(self, item: T) -> R:
        ticket: _Ticket[T, R] = _Ticket(item)
        with self._lock:
            if self._idle:
                self._idle -= 1
                ticket.group = [ticket]
            else:
                ticket.turn.acquire()
                self._waiting.append(ticket)
        if not ticket.group:
            ticket.turn.acquire()
        if ticket.group:
            self._lead(ticket.group)
        if isinstance(ticket.answer, Exception):
            raise ticket.answer
        return ticket.answer

    def _lead(self, group: list[_Ticket[T, R]]) -> None:
        try:
            for ticket, answer in zip(group, self._answers(group), strict=True):
                ticket.answer = answer
        finally:
            self._hand_over()
            for ticket in group[1:]:
                ticket.turn.release()

    def _answers(self, group: list[_Ticket[T, R]]) -> Sequence[R | Exception]:
        try:
            return self._execute([ticket.item for ticket in group])
        except Exception as error:
            return [error] * len(group)

    def _hand_over(self) -> None:
        """The oldest of those that came meanwhile leads the next group."""
        with self._lock:
            if not self._waiting:
                self._idle += 1
                return
            size = min(len(self._waiting), self._size_max)
            group = [self._waiting.popleft() for _ in range(size)]
            group[0].group = group
        group[0].turn.release()


def answer_of(function: Callable[..., R], *args: Any) -> R | Exception:
    """What the function returns, or raises."""
    try:
        return function(*args)
    except Exception as error:
        return error

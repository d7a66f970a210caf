"""Group commit: calls that arrive while another is at work are done together by the next one.

A till that is alone is served at once and alone. Where many come at the same time, the statements of a whole group go
to the database in one round trip and share one commit, which is most of what a small write costs.

Calls come together in two ways. Threads wait for each other (`Grouped`). In a `Lane` many calls run in *one* thread, each
until it asks for a grouped answer; then they are answered together. That spares the changes of thread, which cost more
than all else of a small call.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.db import transaction
from greenlet import getcurrent, greenlet

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
        if (lane := getattr(_here, "lane", None)) is not None:
            answer: R | Exception = lane.wait_for(self, item)
            if isinstance(answer, Exception):
                raise answer
            return answer
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
            answers = self.answers_of([ticket.item for ticket in group])
            for ticket, answer in zip(group, answers, strict=True):
                ticket.answer = answer
        finally:
            self._hand_over()
            for ticket in group[1:]:
                ticket.turn.release()

    def answers_of(self, items: Sequence[T]) -> Sequence[R | Exception]:
        """The answers to a group, or the same exception for all of them."""
        try:
            return self._execute(items)
        except Exception as error:
            return [error] * len(items)

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


class Lane:
    """Runs calls side by side in one thread: each until it waits for a grouped answer, then all that wait together.

    A call must not hold a transaction open when it asks for a grouped answer, for the others use the same connection.
    Each has context variables of its own.
    """

    def __init__(self) -> None:
        self._waiting: dict[Grouped[Any, Any], list[tuple[greenlet, Any]]] = {}
        self._hub = getcurrent()

    def run(self, calls: Sequence[Callable[[], R]]) -> list[R | Exception]:
        """What each call returns or raises, in their order."""
        answers: list[R | Exception] = [RuntimeError("the call was never begun")] * len(calls)

        def begin(index: int, call: Callable[[], R]) -> None:
            answers[index] = answer_of(call)

        self._hub = getcurrent()
        _here.lane = self
        try:
            for index, call in enumerate(calls):
                greenlet(begin).switch(index, call)
            while self._waiting:
                self._answer_together()
        finally:
            _here.lane = None
        return answers

    def wait_for(self, grouped: Grouped[T, R], item: T) -> R | Exception:
        """In a call: what `grouped` says to this item once the other calls have come as far."""
        self._waiting.setdefault(grouped, []).append((getcurrent(), item))
        answer: R | Exception = self._hub.switch()
        return answer

    def _answer_together(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for grouped, entries in waiting.items():
            found = grouped.answers_of([item for _, item in entries])
            for (one, _), answer in zip(entries, found, strict=True):
                one.switch(answer)


_here = threading.local()


class Acts(Generic[T, R]):
    """One kind of act: alone inside a transaction, otherwise with those that come at the same moment."""

    def __init__(self) -> None:
        self._grouped: Grouped[T, R] = Grouped(self.group)

    def __call__(self, asked: T) -> R:
        return self.alone(asked) if transaction.get_connection().in_atomic_block else self._grouped(asked)

    def alone(self, asked: T) -> R:
        raise NotImplementedError

    def together(self, calls: Sequence[T]) -> Mapping[int, R | Exception]:
        """The answers by position of those that went into one statement; none when it failed and nothing was written."""
        raise NotImplementedError

    def group(self, calls: Sequence[T]) -> list[R | Exception]:
        """Whatever does not fit into the common statement is done alone after it."""
        answers = self.together(calls) if len(calls) > 1 else {}
        return [
            answers[index] if index in answers else answer_of(self.alone, asked)
            for index, asked in enumerate(calls)
        ]


def answer_of(function: Callable[..., R], *args: Any) -> R | Exception:
    """What the function returns, or raises."""
    try:
        return function(*args)
    except Exception as error:
        return error

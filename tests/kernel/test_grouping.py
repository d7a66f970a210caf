"""Group commit: whoever comes while another is at work is done with the next group, and hears his own answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from zhike.kernel.grouping import Grouped, Lane


class Gate:
    """An `execute` that lets a test decide when a group may go on, and keeps what the groups were."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(items))
        self.entered.release()
        assert self.may_go.acquire(timeout=10)
        return [ValueError(str(item)) if item % 10 == 9 else item * 2 for item in items]


class Caller(threading.Thread):
    def __init__(self, grouped: Grouped[int, int], item: int) -> None:
        super().__init__(daemon=True)
        self.grouped, self.item = grouped, item
        self.answer: int | Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self.grouped(self.item)
        except Exception as error:
            self.answer = error


def wait_for(grouped: Grouped[int, int], count: int) -> None:
    while len(grouped._waiting) < count:
        pass


def test_who_is_alone_is_done_alone_and_those_who_wait_together() -> None:
    gate = Gate()
    grouped = Grouped(gate, size_max=3)
    first = Caller(grouped, 1)
    assert gate.entered.acquire(timeout=10)
    others = []
    for count, item in enumerate([2, 9, 4, 5], start=1):
        others.append(Caller(grouped, item))
        wait_for(grouped, count)
    for _ in range(3):
        gate.may_go.release()
    for caller in [first, *others]:
        caller.join(10)
    assert gate.groups == [[1], [2, 9, 4], [5]]
    assert [first.answer, others[0].answer, others[2].answer, others[3].answer] == [2, 4, 8, 10]
    assert isinstance(others[1].answer, ValueError), "each hears his own refusal"


def test_a_group_that_fails_fails_for_everyone_in_it_and_the_next_one_goes_on() -> None:
    calls: list[list[int]] = []

    def execute(items: Sequence[int]) -> list[int | Exception]:
        calls.append(list(items))
        if len(calls) == 1:
            raise OSError("the line is dead")
        return list(items)

    grouped = Grouped(execute)
    with pytest.raises(OSError, match="the line is dead"):
        grouped(1)
    assert grouped(2) == 2


@pytest.mark.parametrize("at_once", [1, 3])
def test_32_threads_each_get_their_own(at_once: int) -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    def execute(items: Sequence[int]) -> list[int | Exception]:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        answers: list[int | Exception] = [-item for item in items]
        with lock:
            under_way -= 1
        return answers

    grouped = Grouped(execute, at_once=at_once)
    wrong: list[int] = []

    def call_often(start: int) -> None:
        for item in range(start, start + 200):
            if grouped(item) != -item:
                wrong.append(item)

    threads = [threading.Thread(target=call_often, args=(n * 1000,), daemon=True) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)
    assert most <= at_once


class TestLane:
    """Calls side by side in one thread."""

    @staticmethod
    def groups_of(
        calls: Sequence[Callable[[Grouped[int, int]], object]],
    ) -> tuple[list[list[int]], list[object]]:
        """The groups that were executed, and what the calls returned or raised."""
        groups: list[list[int]] = []

        def execute(items: Sequence[int]) -> list[int | Exception]:
            groups.append(list(items))
            return [ValueError(str(item)) if item % 10 == 9 else item * 2 for item in items]

        grouped = Grouped(execute)
        return groups, Lane().run([partial(call, grouped) for call in calls])

    def test_calls_are_answered_together_and_go_on_by_themselves(self) -> None:
        groups, answers = self.groups_of(
            [
                lambda grouped: grouped(1) + 100,
                lambda grouped: "needs nobody",
                lambda grouped: grouped(grouped(2)),
                lambda grouped: grouped(3),
            ]
        )
        assert groups == [[1, 2, 3], [4]]
        assert answers == [102, "needs nobody", 8, 6]

    def test_what_fails_fails_alone(self) -> None:
        def caught(grouped: Grouped[int, int]) -> str:
            try:
                return str(grouped(19))
            except ValueError as error:
                return f"refused {error}"

        groups, answers = self.groups_of(
            [caught, lambda grouped: 1 // 0, lambda grouped: grouped(9), lambda grouped: grouped(1)]
        )
        assert groups == [[19, 9, 1]]
        assert answers[0] == "refused 19"
        assert isinstance(answers[1], ZeroDivisionError)
        assert isinstance(answers[2], ValueError)
        assert answers[3] == 2

    def test_a_group_that_breaks_is_told_to_all_of_it(self) -> None:
        def execute(items: Sequence[int]) -> list[int | Exception]:
            raise ConnectionError

        grouped = Grouped[int, int](execute)
        answers = Lane().run([partial(grouped, 1), partial(grouped, 2)])
        assert [type(answer) for answer in answers] == [ConnectionError, ConnectionError]

    def test_each_call_speaks_its_own_language(self) -> None:
        from django.utils import translation

        def speak(language: str, grouped: Grouped[int, int]) -> str:
            translation.activate(language)
            grouped(1)
            return translation.get_language()

        _, answers = self.groups_of(
            [partial(speak, "en"), partial(speak, "zh-hans"), partial(speak, "zh-hant")]
        )
        assert answers == ["en", "zh-hans", "zh-hant"]

    def test_outside_of_a_run_threads_wait_for_each_other_again(self) -> None:
        groups, answers = self.groups_of([lambda grouped: grouped])
        (grouped,) = answers
        assert grouped(1) == 2  # type: ignore[operator]
        assert groups == [[1]]

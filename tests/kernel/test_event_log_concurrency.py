"""The log between transactions that really commit: no gap, no repetition, commit order, whoever dies meanwhile."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from django.db import connection, transaction

from tests.databases import close_connections
from tests.kernel.facts import NOON, LampLit, note, seen, seen_table
from tests.kernel.threads import run_threads
from zhike.kernel.connections import open_connection
from zhike.kernel.events import Consumer, StoredEvent, drain, publish
from zhike.kernel.events.consumer import Turn, run_batch
from zhike.kernel.events.rebuild import rebuild
from zhike.kernel.events.runner import Runner
from zhike.kernel.models import Event, EventCursor

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 16
TRANSACTIONS_EACH = 30
SUBJECTS = 5


@pytest.fixture(autouse=True)
def table(transactional_db: None) -> Iterator[None]:
    with seen_table():
        yield
    close_connections()  # the pool may hold some that a test has shot


def on_lamp_lit(event: StoredEvent) -> None:
    note(event.position, event.subject, event.data["number"])


def clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM test_seen")


def consumer(name: str = "lamps", **options: object) -> Consumer:
    return Consumer(name, {LampLit: on_lamp_lit}, reset=clear, **options)  # type: ignore[arg-type]


class RolledBack(Exception):
    pass


@dataclass
class Written:
    """One committed event: when its transaction began to append, and when it was certainly committed."""

    began: float
    committed: float


Writer = Callable[[], dict[int, Written]]


def write(seed: int) -> dict[int, Written]:
    """Some transactions with one to three events each, with pauses; every fourth or so is rolled back."""
    chance = random.Random(seed)
    written: dict[int, Written] = {}
    for number in range(TRANSACTIONS_EACH):
        try:
            began, numbers = time.monotonic(), []
            with transaction.atomic():
                for part in range(chance.randint(1, 3)):
                    numbers.append(seed * 10_000 + number * 10 + part)
                    publish(LampLit(seed, number=numbers[-1]), now=NOON)
                    time.sleep(chance.random() * 0.02)
                if chance.random() < 0.25:
                    raise RolledBack
            committed = time.monotonic()
            written |= {one: Written(began, committed) for one in numbers}
        except RolledBack:
            pass
    return written


def read_until(finished: threading.Event, reader: Consumer) -> dict[int, Written]:
    while not finished.is_set():
        run_batch(reader)
    return {}


def write_and_read(writers: list[Writer], reader: Consumer) -> dict[int, Written]:
    """Run the writers with two readers of one consumer beside them, then read the rest."""
    finished = threading.Event()
    left = threading.Semaphore(0)

    def counted(writer: Writer) -> dict[int, Written]:
        try:
            return writer()
        finally:
            left.release()

    def wait() -> dict[int, Written]:
        for _ in writers:
            left.acquire()
        finished.set()
        return {}

    jobs: list[Writer] = [partial(counted, writer) for writer in writers]
    readers: list[Writer] = [partial(read_until, finished, reader)] * 2
    results = run_threads([*jobs, wait, *readers])
    drain(reader)
    return {number: written for result in results for number, written in result.items()}


def test_reader_meets_every_event_of_16_writers_once_and_in_commit_order() -> None:
    written = write_and_read([partial(write, seed) for seed in range(WRITERS)], consumer(batch_size=100))
    handled = [number for _position, _subject, number in seen()]
    assert sorted(handled) == sorted(written)
    assert Event.objects.count() == len(written)
    latest_beginning = 0.0
    for number in handled:
        assert written[number].committed >= latest_beginning, (
            "a fact came after one that began after its commit"
        )
        latest_beginning = max(latest_beginning, written[number].began)


def write_in_turn(seed: int) -> dict[int, Written]:
    """Append to shared subjects, each under a lock of the subject, as operations do."""
    chance = random.Random(seed)
    for _ in range(TRANSACTIONS_EACH):
        subject = chance.randrange(SUBJECTS)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [subject])
            cursor.execute("SELECT count(*) FROM kernel_event WHERE subject = %s", [f"lamp/{subject}"])
            publish(LampLit(subject, number=cursor.fetchone()[0]), now=NOON)
            time.sleep(chance.random() * 0.005)
    return {}


def test_events_of_one_subject_are_met_in_their_order() -> None:
    write_and_read([partial(write_in_turn, seed) for seed in range(WRITERS)], consumer(batch_size=100))
    of_subject: dict[str, list[int]] = {}
    for _position, subject, number in seen():
        of_subject.setdefault(subject, []).append(number)
    assert sum(map(len, of_subject.values())) == WRITERS * TRANSACTIONS_EACH
    for numbers in of_subject.values():
        assert numbers == list(range(len(numbers)))


def test_late_commit_is_neither_waited_for_nor_skipped() -> None:
    with open_connection() as slow:
        slow.execute("BEGIN")
        slow.execute(
            "SELECT kernel_append_event('/t', 'zhike.test.lamp_lit', 'lamp/1', now(), '{\"lamp\": 1, \"number\": 1}')"
        )
        with transaction.atomic():
            publish(LampLit(2, number=2), now=NOON)
        drain(consumer())
        assert [number for _p, _s, number in seen()] == [2]
        slow.execute("COMMIT")
    drain(consumer())
    assert [number for _p, _s, number in seen()] == [2, 1]


def burn_transaction() -> None:
    """A transaction of someone else that begins and commits now."""
    with open_connection() as other:
        other.execute("SELECT pg_current_xact_id()")


@pytest.mark.parametrize("batch_size", [1, 50])
def test_what_a_handler_publishes_is_met_though_younger_transactions_committed(batch_size: int) -> None:
    def answer(event: StoredEvent) -> None:
        burn_transaction()
        on_lamp_lit(event)
        if event.data["number"] < 3:
            publish(LampLit(1, number=event.data["number"] + 1), now=NOON)
        burn_transaction()

    with transaction.atomic():
        publish(LampLit(1, number=0), now=NOON)
    drain(Consumer("chain", {LampLit: answer}, batch_size=batch_size))
    assert [number for _p, _s, number in seen()] == [0, 1, 2, 3]


class Killed(BaseException):
    """As if the process ended here."""


def test_batch_that_dies_takes_effect_once() -> None:
    deaths = iter([True, True, False])

    def die(event: StoredEvent) -> None:
        on_lamp_lit(event)
        if event.data["number"] == 2 and next(deaths):
            raise Killed

    with transaction.atomic():
        publish(*(LampLit(1, number=number) for number in range(4)), now=NOON)
    mortal = Consumer("mortal", {LampLit: die})
    for _ in range(2):
        with pytest.raises(Killed):
            run_batch(mortal)
        assert seen() == []
    drain(mortal)
    assert [number for _p, _s, number in seen()] == [0, 1, 2, 3]


def test_second_reader_goes_away_while_the_first_works() -> None:
    inside, leave = threading.Event(), threading.Event()

    def work(event: StoredEvent) -> None:
        inside.set()
        assert leave.wait(30)
        on_lamp_lit(event)

    with transaction.atomic():
        publish(LampLit(1, number=1), now=NOON)
    slow = Consumer("slow", {LampLit: work})

    def second() -> Turn:
        assert inside.wait(30)
        turn = run_batch(Consumer("slow", {LampLit: on_lamp_lit}))
        leave.set()
        return turn

    first: Callable[[], Turn] = partial(run_batch, slow)
    assert run_threads([first, second]) == [Turn.WORKED, Turn.BUSY]
    assert len(seen()) == 1


def test_rebuild_ends_where_the_live_reader_goes_on() -> None:
    with transaction.atomic():
        publish(*(LampLit(1, number=number) for number in range(30)), now=NOON)
    drain(consumer())
    live = seen()
    with transaction.atomic():
        publish(LampLit(1, number=30), now=NOON)
    assert rebuild(consumer()) == 31
    assert [number for _p, _s, number in seen()] == list(range(31))
    assert [row[:2] for row in seen()][:30] == [row[:2] for row in live]
    assert run_batch(consumer()) is Turn.IDLE
    with transaction.atomic():
        publish(LampLit(1, number=31), now=NOON)
    drain(consumer())
    assert [number for _p, _s, number in seen()] == list(range(32))


def test_cursor_passes_over_events_of_other_types() -> None:
    quiet = Consumer("quiet", {})
    assert run_batch(quiet) is Turn.IDLE
    before = EventCursor.objects.get().from_snapshot
    with transaction.atomic():
        publish(LampLit(1), now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_event_cursor SET updated_at = now() - interval '1 minute'")
    assert run_batch(quiet) is Turn.IDLE
    assert EventCursor.objects.get().from_snapshot != before


class Arrivals:
    """What the handler of a running consumer has met; tests wait for it."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.numbers: list[int] = []

    def handle(self, event: StoredEvent) -> None:
        with self._condition:
            self.numbers.append(event.data["number"])
            self._condition.notify_all()

    def wait_for(self, number: int) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: number in self.numbers, timeout=30)


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    arrived = Arrivals()
    runner = Runner([Consumer("live", {LampLit: arrived.handle}), consumer("other")], threads=2, poll_s=0.2)
    runner.start()
    try:
        yield arrived
    finally:
        runner.stop()
        assert runner.join(30)


def test_runner_handles_what_is_committed(arrivals: Arrivals) -> None:
    for number in range(3):
        with transaction.atomic():
            publish(LampLit(1, number=number), now=NOON)
        assert arrivals.wait_for(number)
    assert arrivals.numbers == [0, 1, 2]


def test_who_takes_one_event_at_a_time_keeps_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn is a slice of time: a reader with a batch of one is not stopped after each by another reader's backlog."""
    monkeypatch.setattr("zhike.kernel.events.runner.SLICE_S", 60.0)
    with transaction.atomic():
        for number in range(5):
            publish(LampLit(1, number=number), now=NOON)
    order: list[str] = []

    def reader(name: str) -> Consumer:
        return Consumer(name, {LampLit: lambda _event: order.append(name)}, batch_size=1)

    readers = [reader("first"), reader("second")]
    arrived = Arrivals()
    runner = Runner([*readers, Consumer("last", {LampLit: arrived.handle})], threads=1)
    runner.start()
    assert arrived.wait_for(4)
    runner.stop()
    assert runner.join(30)
    assert order == ["first"] * 5 + ["second"] * 5


def test_runner_survives_the_loss_of_its_connections(arrivals: Arrivals) -> None:
    with transaction.atomic():
        publish(LampLit(1, number=1), now=NOON)
    assert arrivals.wait_for(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    with transaction.atomic():
        publish(LampLit(1, number=2), now=NOON)
    assert arrivals.wait_for(2)

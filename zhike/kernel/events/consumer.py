"""A consumer: named handlers that meet every event once, in commit order, in the transaction that moves the cursor.

A batch is tried as a whole first, because that costs one savepoint. If a handler fails, the batch is rolled back and
repeated event by event; an event that fails `tries` times is parked with its error, and the others go on. A handler
that changes only the database therefore takes effect exactly once, whatever dies when.
"""

from __future__ import annotations

import datetime as dt
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from django.db import connection, transaction

from zhike.kernel.events import cursor as log_cursor
from zhike.kernel.events.base import Fact, StoredEvent
from zhike.kernel.events.cursor import Place, Reading, Start

Handler = Callable[[StoredEvent], None]
BatchHandler = Callable[[Sequence[StoredEvent]], None]
Timers = Callable[[dt.datetime], dt.datetime | None]

IDLE_SAVE_S = 1.0


@dataclass(frozen=True, slots=True)
class Consumer:
    """Handlers by fact class. `others` gets every event that has no handler of its own.

    `reset` empties the tables that the handlers fill; only a consumer that has one can be rebuilt, and its handlers
    must write nothing else. `seconds_max` bounds how long one transaction may hold what handlers lock; a handler that
    locks rows which live operations lock too should run with `batch_size=1`.

    `batch` is given all events of a batch at once, of whatever type, and one by one if that fails. `timers` does what
    time alone makes due, in a transaction that has the cursor, and returns when there is more; it writes what the
    handlers write.
    """

    name: str
    handlers: Mapping[type[Fact], Handler]
    tries: int = 3
    start: Start = "beginning"
    others: Handler | None = None
    reset: Callable[[], None] | None = None
    batch_size: int = 500
    seconds_max: float = 0.5
    batch: BatchHandler | None = None
    timers: Timers | None = None
    _by_type: dict[str, Handler] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_type = {fact.type: handler for fact, handler in self.handlers.items()}
        object.__setattr__(self, "_by_type", by_type)

    @property
    def types(self) -> list[str] | None:
        """The types it wants to see; None for all."""
        return None if self.others or self.batch else sorted(self._by_type)

    def handle(self, event: StoredEvent) -> None:
        handler = self._by_type.get(event.type, self.others)
        if self.batch:
            self.batch([event])
        elif handler:
            handler(event)


class Turn(Enum):
    """What came of one attempt to work."""

    IDLE = "idle"
    BUSY = "busy"
    WORKED = "worked"


def run_batch(consumer: Consumer) -> Turn:
    """Handle the next events, at most `batch_size`, in one transaction. Outside any transaction.

    BUSY means that another process was faster.
    """
    reading = log_cursor.read_place(consumer.name, consumer.start)
    place, until = reading.place, reading.place.until or reading.current
    events = log_cursor.read_between(place, until, types=consumer.types, limit=consumer.batch_size)
    if not events and place.until is None:
        return _pass_over(consumer, reading)
    with transaction.atomic(durable=True):
        if not log_cursor.lock_place(consumer.name, place):
            return Turn.BUSY
        _commit_soon()
        handled = handle_all(consumer, events, seconds_max=consumer.seconds_max)
        done = handled == len(events) < consumer.batch_size
        place = Place(until) if done else Place(place.seen, until, events[handled - 1].position)
        log_cursor.save_place(consumer.name, place, handled=handled)
    return Turn.WORKED


def drain(consumer: Consumer) -> int:
    """Handle everything there is now, including what the handlers publish meanwhile. Returns the number of batches.

    Inside an open transaction (a test that will be rolled back) the transaction's own events count as committed.
    """
    turn = _run_own_batch if connection.in_atomic_block else run_batch
    batches = 0
    while (outcome := turn(consumer)) is not Turn.IDLE:
        batches += outcome is Turn.WORKED
        if outcome is Turn.BUSY:
            time.sleep(0.005)
    return batches


def handle_all(
    consumer: Consumer, events: Sequence[StoredEvent], *, seconds_max: float = float("inf")
) -> int:
    """Handle events in order inside the open transaction, parking what fails. Returns how many were dealt with."""
    deadline = time.monotonic() + seconds_max
    count = 0
    try:
        with transaction.atomic():
            if consumer.batch:
                consumer.batch(events)
                return len(events)
            for event in events:
                consumer.handle(event)
                count += 1
                if time.monotonic() > deadline:
                    break
            return count
    except Exception:
        if _is_lost():
            raise
    count = 0
    for event in events:
        _handle_or_park(consumer, event)
        count += 1
        if time.monotonic() > deadline:
            break
    return count


def _handle_or_park(consumer: Consumer, event: StoredEvent) -> None:
    for attempt in range(1, consumer.tries + 1):
        try:
            with transaction.atomic():
                consumer.handle(event)
            return
        except Exception as error:
            if _is_lost():
                raise
            if attempt == consumer.tries:
                _park(consumer, event, error)


def _park(consumer: Consumer, event: StoredEvent, error: Exception) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_parked_event"
            " (consumer, position, event_id, event_type, subject, error, traceback, tries)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (consumer, position) DO UPDATE SET error = EXCLUDED.error, traceback = EXCLUDED.traceback,"
            " tries = kernel_parked_event.tries + EXCLUDED.tries, status = 'parked', settled_at = NULL",
            [
                consumer.name,
                event.position,
                event.id,
                event.type,
                event.subject,
                f"{type(error).__name__}: {error}"[:2000],
                "".join(traceback.format_exception(error))[-20_000:],
                consumer.tries,
            ],
        )


def run_timers(consumer: Consumer, now: dt.datetime) -> dt.datetime | None:
    """Let the consumer do what time made due; when there is more. Outside any transaction.

    None also when another process has the consumer: that one does it.
    """
    if consumer.timers is None:
        return None
    place = log_cursor.read_place(consumer.name, consumer.start).place
    with transaction.atomic(durable=True):
        if not log_cursor.lock_place(consumer.name, place):
            return None
        _commit_soon()
        return consumer.timers(now)


def _pass_over(consumer: Consumer, reading: Reading) -> Turn:
    """Now and then move a cursor past events of other types, so that the difference stays small."""
    if reading.age_s > IDLE_SAVE_S and log_cursor.anything_between(reading.place.seen, reading.current):
        with transaction.atomic(durable=True):
            if log_cursor.lock_place(consumer.name, reading.place):
                _commit_soon()
                log_cursor.save_place(consumer.name, Place(reading.current))
    return Turn.IDLE


def _run_own_batch(consumer: Consumer) -> Turn:
    reading = log_cursor.read_place(consumer.name, consumer.start)
    place = reading.place
    events = log_cursor.read_own(place, reading.current, types=consumer.types, limit=consumer.batch_size)
    if not events:
        return Turn.IDLE
    handled = handle_all(consumer, events)
    place = Place(place.seen, None, events[handled - 1].position)
    log_cursor.save_place(consumer.name, place, handled=handled)
    return Turn.WORKED


def _commit_soon() -> None:
    """Do not wait for the disk: effect and cursor are in one transaction, so a crash loses both or none.

    Whoever acts on the effect commits later, and its own wait covers this one, because the log of the disk is in order.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def _is_lost() -> bool:
    """Whether the connection itself broke: then nothing is the event's fault."""
    raw = connection.connection
    return raw is None or raw.closed

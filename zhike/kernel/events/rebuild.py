"""Throwing a projection away and deriving it again from the whole log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock
from zhike.kernel.errors import Conflict
from zhike.kernel.events import cursor as log_cursor
from zhike.kernel.events.consumer import Consumer, handle_all
from zhike.kernel.events.cursor import Place, Snapshot
from zhike.kernel.events.log import silence

BATCH_SIZE = 1000


class NotRebuildable(Conflict):
    code = "not-rebuildable"
    title = _("“%(name)s” does more than derive rows, so it cannot be rebuilt from the event log.")


def rebuild(
    consumer: Consumer, *, report: Callable[[int], None] | None = None, now: dt.datetime | None = None
) -> int:
    """Empty the consumer's tables and handle the log from its beginning, in one transaction. Nothing is told again.

    What time alone made due until `now` (else this moment) is done as well. Readers see the old rows until the end; the
    live reader waits, and goes on where this one stops. `report` is told the number of events of each batch. Returns
    the number of events. Raises NotRebuildable.
    """
    if consumer.reset is None:
        raise NotRebuildable(name=consumer.name)
    until = log_cursor.read_place(consumer.name, consumer.start).current
    own = connection.in_atomic_block
    with transaction.atomic(), silence():
        _wait_for_place(consumer.name)
        _settle_parked(consumer.name)
        consumer.reset()
        count, last = _handle_from_beginning(consumer, until, own=own, report=report)
        while (
            consumer.timers and (more := consumer.timers(now or clock.now())) and more <= (now or clock.now())
        ):
            pass
        log_cursor.save_place(consumer.name, Place(until, None, last if own else 0), handled=count)
    return count


def _handle_from_beginning(
    consumer: Consumer, until: Snapshot, *, own: bool, report: Callable[[int], None] | None
) -> tuple[int, int]:
    read = log_cursor.read_own if own else log_cursor.read_between
    place = Place(Snapshot.parse(log_cursor.SEES_NOTHING))
    count = 0
    while events := read(place, until, types=consumer.types, limit=BATCH_SIZE):
        handle_all(consumer, events)
        place = Place(place.seen, until, events[-1].position)
        count += len(events)
        if report:
            report(len(events))
    return count, place.position


def _wait_for_place(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM kernel_event_cursor WHERE consumer = %s FOR UPDATE", [name])


def _settle_parked(name: str) -> None:
    """What was parked is met again; what fails again is parked again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kernel_parked_event SET status = 'discarded', settled_at = now()"
            " WHERE consumer = %s AND status = 'parked'",
            [name],
        )

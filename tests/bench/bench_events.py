"""The event log: how soon a handler runs after the commit, how fast facts are appended and read."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from django.db import connection, transaction

from tests.bench.harness import Result, percentile, result, stopwatch
from zhike.kernel import clock
from zhike.kernel.connections import open_connection
from zhike.kernel.events import Consumer, Fact, StoredEvent, drain, publish, publish_many
from zhike.kernel.events.base import fact_data, source_of
from zhike.kernel.events.consumer import run_batch
from zhike.kernel.events.runner import Runner
from zhike.kernel.ids import uuid7

LATENCY_TARGET_MS = 50.0
PROBES = 300
WRITERS = 8
WRITING_S = 3.0
BULK = 50_000


@dataclass(frozen=True, slots=True)
class PointsMoved(Fact):
    type: ClassVar[str] = "zhike.bench.points_moved"
    member_id: int
    points: int
    reason: str = "receipt"

    @property
    def subject(self) -> str:
        return f"member/{self.member_id}"


def run() -> list[Result]:
    return [latency(quiet=True), latency(quiet=False), appending(), appending_in_bulk(), reading()]


def latency(*, quiet: bool) -> Result:
    """From the end of the commit to the beginning of the handler; quiet, or while others append too."""
    committed: dict[int, float] = {}
    waits: list[float] = []
    arrived = threading.Semaphore(0)

    def on_moved(event: StoredEvent) -> None:
        if event.data["points"] == 0:
            waits.append(time.perf_counter() - committed[event.data["member_id"]])
            arrived.release()

    name = "quiet" if quiet else "busy"
    consumer = Consumer(f"bench latency {name}", {PointsMoved: on_moved}, start="end")
    run_batch(consumer)  # now is the end at which it begins
    runner = Runner([consumer], threads=1)
    runner.start()
    stop = threading.Event()
    noise = threading.Thread(target=_append_steadily, args=(stop,), daemon=True)
    if not quiet:
        noise.start()
    for probe in range(PROBES):
        with transaction.atomic():
            transaction.on_commit(partial(_note_time, committed, probe))
            publish(PointsMoved(probe, 0), now=clock.now())
        if not arrived.acquire(timeout=30):
            raise TimeoutError("the runner did not handle an event within 30 s")
    stop.set()
    runner.stop()
    runner.join(10)
    p50_ms = percentile(waits, 0.5) * 1000
    return result(
        f"events: commit to handler, {name}, p50",
        p50_ms,
        "ms",
        limit=LATENCY_TARGET_MS,
        target=1,
        seconds=waits,
    )


def _note_time(committed: dict[int, float], probe: int) -> None:
    committed[probe] = time.perf_counter()


def _append_steadily(stop: threading.Event) -> None:
    while not stop.wait(0.005):
        with transaction.atomic():
            publish(PointsMoved(1, 1), now=clock.now())
    connection.close()


def appending() -> Result:
    """One fact per durable transaction, by several threads, against the same INSERT by hand."""

    def by_us() -> None:
        with transaction.atomic():
            publish(PointsMoved(7, 5), now=clock.now())

    ours, seconds = _transactions_per_second(lambda: by_us)
    by_hand, _ = _transactions_per_second(_insert_by_hand)
    return result(
        "events: append one, 8 threads", ours, "events/s", limit=by_hand, target=0.3, seconds=seconds
    )


def _insert_by_hand() -> Callable[[], None]:
    raw = open_connection()
    row = _row(7)

    def insert() -> None:
        raw.execute(
            'INSERT INTO kernel_event (id, source, type, subject, "time", data) VALUES (%s, %s, %s, %s, now(), %s)',
            (uuid7(), *row),
            prepare=True,
        )

    return insert


def _transactions_per_second(prepare: Callable[[], Callable[[], None]]) -> tuple[float, list[float]]:
    def work(_number: int) -> list[float]:
        act, seconds = prepare(), []
        end = time.perf_counter() + WRITING_S
        while (began := time.perf_counter()) < end:
            act()
            seconds.append(time.perf_counter() - began)
        connection.close()
        return seconds

    with ThreadPoolExecutor(WRITERS) as pool:
        seconds = [one for part in pool.map(work, range(WRITERS)) for one in part]
    return len(seconds) / WRITING_S, seconds


def appending_in_bulk() -> Result:
    """Many facts in one transaction, against COPY of rows that are text already."""
    with stopwatch() as elapsed:
        with transaction.atomic():
            publish_many((PointsMoved(number, 5) for number in range(BULK)), now=clock.now())
        ours = BULK / elapsed()
    lines = "".join("\t".join([str(uuid7()), *_row(number), "2026-01-01"]) + "\n" for number in range(BULK))
    with open_connection() as raw, stopwatch() as elapsed:
        with raw.cursor().copy(
            'COPY kernel_event (id, source, type, subject, data, "time") FROM STDIN'
        ) as copy:
            copy.write(lines)
        by_hand = BULK / elapsed()
    return result("events: append 50,000", ours, "events/s", limit=by_hand, target=0.4)


def reading() -> Result:
    """A consumer whose handler does nothing, against fetching the same rows in the same batches."""
    seen = 0

    def count(event: StoredEvent) -> None:
        nonlocal seen
        seen += 1

    consumer = Consumer("bench reading", {PointsMoved: count})
    with stopwatch() as elapsed:
        drain(consumer)
        ours = seen / elapsed()
    fetched, position = 0, 0
    with open_connection() as raw, stopwatch() as elapsed:
        while rows := raw.execute(
            "SELECT position, id, source, type, subject, actor, time, recorded_at, data FROM kernel_event"
            " WHERE position > %s ORDER BY position LIMIT %s",
            [position, consumer.batch_size],
            prepare=True,
        ).fetchall():
            fetched += len(rows)
            position = rows[-1][0]
        by_hand = fetched / elapsed()
    return result("events: read and handle", ours, "events/s", limit=by_hand, target=0.25)


def _row(number: int) -> tuple[str, str, str, str]:
    fact = PointsMoved(number, 5)
    return source_of(fact.type), fact.type, fact.subject, json.dumps(fact_data(fact))

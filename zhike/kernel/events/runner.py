"""Keeping consumers going: woken by NOTIFY, polling as a safety net, stopped between two batches.

Threads share the consumers of one process; processes share them too, because a batch locks its consumer's cursor and
whoever comes second goes on to the next consumer.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence

import psycopg
from django.db import DatabaseError, connection

from zhike.kernel import clock
from zhike.kernel.connections import open_connection
from zhike.kernel.events.consumer import Consumer, Turn, run_batch, run_timers
from zhike.kernel.events.restored import adopt_restored_log
from zhike.kernel.events.wakeup import CHANNEL

POLL_S = 1.0
RETRY_S = 1.0
PAUSE_MIN_S = 0.02
SLICE_S = 0.25
"""How long a turn may go on with further batches: who must take one event at a time keeps up with who takes many."""
TIMERS_LOOK = dt.timedelta(seconds=POLL_S)
TIMERS_PAUSE = dt.timedelta(seconds=0.1)
"""What was just handled may have set new timers: look again, but not after every batch."""

logger = logging.getLogger(__name__)


class Runner:
    """Runs consumers until `stop`. `start` returns at once, `run` when it is over."""

    def __init__(self, consumers: Sequence[Consumer], *, threads: int = 2, poll_s: float = POLL_S) -> None:
        self._consumers = list(consumers)
        self._poll_s = poll_s
        self._bell = _Bell()
        self._stopping = threading.Event()
        self._stop_wanted: queue.SimpleQueue[None] = (
            queue.SimpleQueue()
        )  # the one lock-free way out of a signal
        self._due: dict[str, dt.datetime] = {}
        self._taken: set[str] = set()
        self._taking = threading.Lock()
        count = max(1, min(threads, len(self._consumers)))
        self._threads = [
            threading.Thread(target=self._work, args=(offset,), name=f"event-runner-{offset}", daemon=True)
            for offset in range(count)
        ]
        self._threads.append(threading.Thread(target=self._listen, name="event-listener", daemon=True))
        self._threads.append(threading.Thread(target=self._end, name="event-stopper", daemon=True))

    def start(self) -> None:
        adopt_restored_log()
        for thread in self._threads:
            thread.start()

    def run(self) -> None:
        self.start()
        self.join()

    def stop(self) -> None:
        """Finish the batches that are being handled, begin no other. Safe in a signal handler."""
        self._stop_wanted.put(None)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False if it did not come in time."""
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _end(self) -> None:
        self._stop_wanted.get()
        self._stopping.set()
        self._bell.ring()

    def _work(self, offset: int) -> None:
        order = self._consumers[offset:] + self._consumers[:offset]
        try:
            while not self._stopping.is_set():
                heard = self._bell.rung
                if Turn.WORKED not in list(self._turns(order)) and not self._stopping.is_set():
                    self._bell.wait_for_more(than=heard, timeout_s=self._patience_s())
        finally:
            connection.close()

    def _turns(self, order: Sequence[Consumer]) -> Iterator[Turn]:
        for consumer in order:
            if self._stopping.is_set():
                return
            with self._taking:
                if consumer.name in self._taken:
                    continue
                self._taken.add(consumer.name)
            try:
                yield self._turn(consumer)
            finally:
                with self._taking:
                    self._taken.discard(consumer.name)

    def _patience_s(self) -> float:
        """Until the next timer, but no longer than between two polls."""
        waiting = [due.timestamp() - clock.now().timestamp() for due in list(self._due.values())]
        return max(min([self._poll_s, *waiting]), PAUSE_MIN_S)

    def _ring(self, consumer: Consumer, turn: Turn) -> Turn:
        """Do what time made due; WORKED when there is more of it at once."""
        now = clock.now()
        if turn is Turn.WORKED:
            self._due[consumer.name] = min(self._due.get(consumer.name, now), now + TIMERS_PAUSE)
        if now < self._due.get(consumer.name, now):
            return turn
        due = run_timers(consumer, now)
        self._due[consumer.name] = min(due or now + TIMERS_LOOK, now + TIMERS_LOOK)
        return Turn.WORKED if due and due <= now else turn

    def _batches(self, consumer: Consumer) -> Turn:
        """One batch, and more of them while a slice of time lasts: a turn is measured in time, not in batches."""
        until = time.monotonic() + SLICE_S
        turn = run_batch(consumer)
        more = turn
        while more is Turn.WORKED and time.monotonic() < until and not self._stopping.is_set():
            more = run_batch(consumer)
        return turn

    def _turn(self, consumer: Consumer) -> Turn:
        try:
            turn = self._batches(consumer)
            return self._ring(consumer, turn) if consumer.timers and turn is not Turn.BUSY else turn
        except Exception as error:
            level = logging.WARNING if isinstance(error, DatabaseError) else logging.ERROR
            logger.log(level, "consumer %s could not work, will try again", consumer.name, exc_info=True)
            self._stopping.wait(RETRY_S)
            _drop_dead_connections()
            return Turn.BUSY

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                with open_connection(application_name="zhike listener") as listener:
                    listener.execute(f"LISTEN {CHANNEL}")
                    self._bell.ring()
                    while not self._stopping.is_set():
                        if any(True for _note in listener.notifies(timeout=self._poll_s, stop_after=1)):
                            self._bell.ring()
            except psycopg.Error as error:
                logger.warning("not listening, polling meanwhile: %s", error)
                self._stopping.wait(RETRY_S)


def _drop_dead_connections() -> None:
    connection.close()
    pool = getattr(connection, "pool", None)
    if pool:
        with contextlib.suppress(psycopg.Error):
            pool.check()


class _Bell:
    """Counts rings, so that one between looking and waiting is not missed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.rung = 0

    def ring(self) -> None:
        with self._condition:
            self.rung += 1
            self._condition.notify_all()

    def wait_for_more(self, *, than: int, timeout_s: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self.rung != than, timeout_s)

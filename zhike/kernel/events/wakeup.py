"""Telling readers that something was committed, without slowing the commit down.

NOTIFY inside a transaction takes a lock that is global to the server and held across the commit's fsync, so writers
would commit one by one. Instead each process has one thread with a connection of its own, started by the first wake-up,
which sends at most one NOTIFY per few milliseconds after the fact. A wake-up that is lost (a crash, a full disk) costs
a reader one poll interval, never an event.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

import psycopg

from zhike.kernel.connections import open_connection

CHANNEL = "kernel_events"
PAUSE_S = 0.005
RETRY_S = 1.0

logger = logging.getLogger(__name__)


class Notifier:
    """One thread that turns any number of wake-ups into few notifications."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Ask for a notification soon. Never blocks, never raises."""
        if not self._wanted.is_set():
            self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="event-notifier", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                if connection is None or connection.closed:
                    connection = _connect()
                connection.execute(f"NOTIFY {CHANNEL}")
                time.sleep(PAUSE_S)
            except psycopg.Error as error:
                logger.warning("wake-up not sent, readers poll meanwhile: %s", error)
                connection = None
                time.sleep(RETRY_S)


def _connect() -> psycopg.Connection[Any]:
    return open_connection(application_name="zhike notifier", options="-c synchronous_commit=off")


_notifier = Notifier()


def wake() -> None:
    """Wake the readers of the log. Call it after the commit; `publish` arranges that by itself."""
    _notifier.wake()


def _forget_parent() -> None:
    """In a forked child: the parent's thread is gone, and its connection is the parent's to close."""
    global _notifier
    _notifier = Notifier()


os.register_at_fork(after_in_child=_forget_parent)

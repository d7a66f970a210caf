"""Short words to the other processes after a commit: "conversation 12 has a new message". They may be lost.

Like the wake-ups of the log they leave by a thread and a connection of their own, because NOTIFY inside a transaction
makes all writers commit one by one. What was said within a few milliseconds leaves in one statement. Whoever listens
must be able to read the truth from the tables; a word holds numbers and codes, never what somebody wrote.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import transaction

from zhike.kernel.connections import connection_options, open_connection

CHANNEL = "kernel_words"
PAUSE_S = 0.005
RETRY_S = 1.0
KEPT_MAX = 10_000

logger = logging.getLogger(__name__)


class Speaker:
    """One thread that sends what was said, many words at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._words: deque[str] = deque(maxlen=KEPT_MAX)
        self._thread: threading.Thread | None = None

    def say(self, word: str) -> None:
        """Send it soon. Never blocks, never raises."""
        self._words.append(word)
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="broadcast", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while True:
            self._wanted.wait()
            self._wanted.clear()
            words = [self._words.popleft() for _ in range(len(self._words))]
            try:
                if connection is None or connection.closed:
                    connection = open_connection(
                        application_name="zhike broadcast", options="-c synchronous_commit=off"
                    )
                connection.execute(
                    "SELECT pg_notify(%s, word) FROM unnest(%s::text[]) word", [CHANNEL, words]
                )
                time.sleep(PAUSE_S)
            except psycopg.Error as error:
                logger.warning("%s words not sent, listeners look again by themselves: %s", len(words), error)
                connection = None
                time.sleep(RETRY_S)


_speaker = Speaker()


def say(topic: str, **values: Any) -> None:
    """Tell whoever listens to ``topic``, once the present transaction has committed."""
    word = json.dumps({"topic": topic, **values}, separators=(",", ":"))
    transaction.on_commit(lambda: _speaker.say(word))


async def listen(hear: Callable[[str], None], begin: Callable[[], None]) -> None:
    """For ever: hand every word to ``hear``. ``begin`` is called whenever listening begins, for what was missed before."""
    while True:
        try:
            raw = await psycopg.AsyncConnection.connect(
                autocommit=True, **connection_options(application_name="zhike listener")
            )
            async with raw:
                await raw.execute(f"LISTEN {CHANNEL}")
                begin()
                async for notice in raw.notifies():
                    hear(notice.payload)
        except (psycopg.Error, OSError) as error:
            logger.warning("not listening, trying again: %s", error)
            await asyncio.sleep(RETRY_S)


def _forget_parent() -> None:
    """In a forked child: the parent's thread is gone, and its connection is the parent's to close."""
    global _speaker
    _speaker = Speaker()


os.register_at_fork(after_in_child=_forget_parent)

"""The thread of the worker that sends webhooks: a round every second, at once again while there is more to send."""

from __future__ import annotations

import logging
import threading

from django.db import connection

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.webhooks import _transport, operations

POLL_S = 1.0
logger = logging.getLogger(__name__)


class Sender:
    """`start` returns at once; `stop` lets the request under way end."""

    def __init__(self, *, poll_s: float = POLL_S) -> None:
        self._poll_s = poll_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="webhook-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float | None = None) -> None:
        self._thread.join(timeout_s)

    def _work(self) -> None:
        actor = system_viewer("webhooks")
        try:
            while not self._stopping.is_set():
                try:
                    sent = operations.deliver_due(actor=actor, post=_transport.post, clock=clock.now)
                except Exception:
                    logger.warning("webhooks could not be sent, will try again", exc_info=True)
                    connection.close()
                    sent = 0
                if not sent:
                    self._stopping.wait(self._poll_s)
        finally:
            connection.close()

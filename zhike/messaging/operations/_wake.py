"""Telling the worker that something waits to be sent. The job is named, not imported: jobs stand above operations."""

from __future__ import annotations

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from zhike.kernel.jobs import CARETAKER_QUEUE

SEND = "zhike.messaging.jobs.send_waiting"
URGENT = 10


def codes() -> None:
    """Now, before anything else that waits."""
    _defer("codes", URGENT)


def messages() -> None:
    """As soon as a worker is free."""
    _defer("messages", 0)


def contacts() -> None:
    """New contacts whose members nobody knows yet."""
    _once("zhike.messaging.jobs.find_contact_owners")


def transfers() -> None:
    """Contacts that shall go to a colleague."""
    _once("zhike.messaging.jobs.call_transfers")


def _once(name: str) -> None:
    try:
        app.configure_task(name, queue=CARETAKER_QUEUE, queueing_lock=name).defer(timestamp=0)
    except AlreadyEnqueued:
        return


def _defer(lane: str, priority: int) -> None:
    """One waiting run is enough: it takes all that is due when it begins."""
    try:
        app.configure_task(
            SEND, queue=CARETAKER_QUEUE, queueing_lock=f"{SEND}:{lane}", priority=priority
        ).defer(lane=lane)
    except AlreadyEnqueued:
        return

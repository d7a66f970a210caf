"""Upkeep of collection; each run repeatable."""

from __future__ import annotations

from zhike.collection import operations
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job


@job(queue=CARETAKER_QUEUE, cron="37 * * * *")
def prune_collection(timestamp: int) -> int:
    """Forget message ids that are past, and add up the deliveries of past hours."""
    return operations.prune_collection(actor=system_viewer("collection"), now=clock.now())

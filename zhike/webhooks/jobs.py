"""Upkeep of webhooks; each run repeatable."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.webhooks import operations


@job(queue=CARETAKER_QUEUE, cron="47 * * * *")
def prune_attempts(timestamp: int) -> int:
    """Forget requests of more than a week ago."""
    return operations.prune_attempts(actor=system_viewer("webhooks"), now=clock.now())

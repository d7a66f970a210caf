"""Housekeeping of messages."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.messaging import operations


@job(queue=CARETAKER_QUEUE, cron="11 4 * * *")
def forget_old_codes(timestamp: int) -> int:
    """One-time codes that nobody can use any more."""
    return operations.forget_old_codes(actor=system_viewer("caretaker"), now=clock.now())

"""Housekeeping of the organisation."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.organization.operations import sessions


@job(queue=CARETAKER_QUEUE, cron="31 4 * * *")
def forget_log_in_attempts(timestamp: int) -> int:
    """Tries that no longer count for any limit; the audit trail keeps what happened."""
    return sessions.forget_log_in_attempts(actor=system_viewer("caretaker"), now=clock.now())

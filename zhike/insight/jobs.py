"""The insight context's periodic work."""

from __future__ import annotations

from zhike.insight import operations
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import job

ACTOR = system_viewer("segments")


@job(cron="11 * * * *", lock="insight.segments")
def count_segments(timestamp: int) -> int:
    """Every hour: how many belong to each segment now."""
    return operations.count_segments(actor=ACTOR, now=clock.now())

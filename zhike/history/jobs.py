"""The nightly export, and those that somebody asked for."""

from __future__ import annotations

from zhike.history import operations
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import job

ACTOR = system_viewer("history")


@job(cron="47 18 * * *", lock="history.lake", retry=3)
def export_nightly(timestamp: int) -> int:
    """At 2:47 in the night of the malls, after old data have gone."""
    return operations.export_history(actor=ACTOR, now=clock.now())


@job(queue="default", lock="history.lake", retry=3)
def export_asked(*, asked_by: str) -> int:
    """One that somebody asked for."""
    return operations.export_history(actor=ACTOR, now=clock.now(), asked_by=asked_by)

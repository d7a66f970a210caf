"""The periodic work of clienteling."""

from __future__ import annotations

from zhike.clienteling import operations
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.organization import queries as organization

ACTOR = system_viewer("reminders")


@job(queue=CARETAKER_QUEUE, cron="17 * * * *")
def find_follow_ups(timestamp: int) -> int:
    """Every hour, so that each mall's day begins with its list; how many reasons are new."""
    malls = organization.malls(ACTOR)
    return sum(operations.find_follow_ups(actor=ACTOR, mall_id=one.id, now=clock.now()) for one in malls)

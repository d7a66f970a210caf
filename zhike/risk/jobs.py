"""Oversight's periodic work; each job can be run again at any time."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.risk import operations

ACTOR = system_viewer("risk")


@job(cron="* * * * *", lock="risk.judge")
def judge_deeds(timestamp: int) -> int:
    """Every minute: what the detectors say of whoever did something since."""
    return operations.judge_deeds(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="25 18 * * *")
def drop_old_deeds(timestamp: int) -> int:
    """In the night: deeds too old for any detector."""
    return operations.drop_old_deeds(actor=ACTOR, now=clock.now())

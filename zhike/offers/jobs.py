"""The offers context's own rounds; each can be run again at any time."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.offers import operations

ACTOR = system_viewer("nightly")


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def lapse_locks(timestamp: int) -> None:
    """Coupons of baskets that nobody paid go back to their holders."""
    operations.lapse_locks(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="5 * * * *")
def expire_coupons(timestamp: int) -> None:
    """Every hour, for malls of any time zone: coupons past their last day end."""
    operations.expire_coupons(actor=ACTOR, now=clock.now())

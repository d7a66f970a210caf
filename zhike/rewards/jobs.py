"""The rewards context's own rounds; each can be run again at any time."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.rewards import operations

ACTOR = system_viewer("nightly")


@job(queue=CARETAKER_QUEUE, cron="15 * * * *")
def expire_orders(timestamp: int) -> None:
    """Every hour, for malls of any time zone: what nobody collected in time ends."""
    operations.expire_orders(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="*/5 * * * *")
def reveal_draws(timestamp: int) -> None:
    """Every five minutes: the seeds of draws that are over become public."""
    operations.reveal_draws(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def close_auctions(timestamp: int) -> None:
    """Every minute: auctions that are over are decided, and the points of those who did not win go back."""
    operations.close_auctions(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="25 * * * *")
def lapse_gifts(timestamp: int) -> None:
    """Every hour, for malls of any time zone: gifts nobody fetched, and those that did not come back in time."""
    operations.lapse_gifts(actor=ACTOR, now=clock.now())

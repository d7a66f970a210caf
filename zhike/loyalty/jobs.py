"""The loyalty context's nightly work; each job can be run again at any time."""

from __future__ import annotations

import uuid

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.loyalty import operations
from zhike.loyalty.models import Program

ACTOR = system_viewer("nightly")


@job(queue=CARETAKER_QUEUE, cron="5 * * * *")
def release_points(timestamp: int) -> None:
    """Every hour: let points whose return window has closed be spent."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.release_points(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def expire_holds(timestamp: int) -> None:
    """Every minute: give back points that were held too long."""
    operations.expire_holds(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="10 16 * * *")
def expire_points(timestamp: int) -> None:
    """Shortly after midnight in China: let overdue lots lapse, in members' accounts and households' pools."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.expire_points(actor=ACTOR, program_id=program_id, now=clock.now())
        operations.settle_pools(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="0 2 * * *")
def notify_of_lapse(timestamp: int) -> None:
    """At ten in the morning in China: tell members of points that lapse in 30, 7 and 1 days."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.notify_of_lapse(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, lock="rate_notices", cron="20 * * * *")
def give_rate_notices(timestamp: int) -> None:
    """Every hour: tell members of redemption rates that make their points worth less, and forget unused quotes."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.give_rate_notices(actor=ACTOR, program_id=program_id, now=clock.now())
    operations.forget_quotes(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def begin_tier_policies(timestamp: int) -> None:
    """Every minute: terms of tiers whose moment has come."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.begin_tier_policies(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, lock="tier_policy_notices", cron="22 * * * *")
def give_tier_policy_notices(timestamp: int) -> None:
    """Every hour: tell members of terms of tiers that take something away."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.give_tier_policy_notices(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="15 2 * * *")
def notify_of_tiers(timestamp: int) -> None:
    """At a quarter past ten in China: tell members of tiers that end, and of those that were kept or lost."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.notify_of_tiers(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="25 * * * *")
def lapse_adjustments(timestamp: int) -> None:
    """Every hour: end corrections of points that nobody decided in time."""
    operations.lapse_adjustments(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, lock="match_photos", cron="*/10 * * * *")
def match_photos(timestamp: int) -> None:
    """Every ten minutes: photographed receipts whose till has sent them meanwhile are given."""
    operations.match_photos(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="30 16 * * *")
def review_tiers(timestamp: int) -> None:
    """In the night: count every member's spend anew, and decide on tiers whose period is over."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.review_tiers(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def settle_tiers(timestamp: int) -> None:
    """Every minute: begin and end temporary tiers whose moment has come."""
    for program_id in Program.objects.values_list("id", flat=True):
        operations.settle_tiers(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="*/10 * * * *")
def seal_transfers(timestamp: int) -> None:
    """Seal what was posted since the last time."""
    operations.seal_transfers(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="40 16 * * *")
def sign_day(timestamp: int) -> None:
    """Sign the day that ended at midnight in China."""
    operations.sign_day(actor=ACTOR, now=clock.now())


@job(queue="replay")
def run_replay(*, run_id: str) -> None:
    """One replay that somebody asked for."""
    operations.run_replay(actor=ACTOR, run_id=uuid.UUID(run_id), now=clock.now())


@job(queue=CARETAKER_QUEUE, lock="find_twins", cron="50 18 * * *")
def find_twins(timestamp: int) -> None:
    """In the night: compare all records, and suggest those that may be one person's."""
    operations.find_twins(actor=ACTOR, now=clock.now())

"""The engagement context's own rounds; each can be run again at any time."""

from __future__ import annotations

from zhike.engagement import operations, queries
from zhike.engagement.models import BirthdayPlan, Mission, ReferralPlan
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job

ACTOR = system_viewer("nightly")


@job(queue=CARETAKER_QUEUE, cron="15 * * * *")
def give_birthday_gifts(timestamp: int) -> None:
    """Every hour, for programmes of any time zone: gifts of the birthdays that are due."""
    for program_id in BirthdayPlan.objects.filter(is_open=True).values_list("program_id", flat=True):
        operations.give_birthday_gifts(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="25 * * * *")
def settle_referrals(timestamp: int) -> None:
    """Every hour: reward invitations whose purchase can no longer be returned."""
    for program_id in ReferralPlan.objects.values_list("program_id", flat=True):
        operations.settle_referrals(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="35 * * * *")
def settle_missions(timestamp: int) -> None:
    """Every hour: reward missions whose purchases can no longer be returned."""
    for program_id in Mission.objects.order_by("program_id").values_list("program_id", flat=True).distinct():
        operations.settle_missions(actor=ACTOR, program_id=program_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="45 * * * *")
def settle_welcomes(timestamp: int) -> None:
    """Every hour: give welcomes whose purchase can no longer be returned, let old promises lapse."""
    for mall_id in queries.welcome_malls():
        operations.settle_welcomes(actor=ACTOR, mall_id=mall_id, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="55 * * * *")
def settle_stamps(timestamp: int) -> None:
    """Every hour: reward stamp cards whose purchases can no longer be returned."""
    for mall_id in queries.stamp_malls():
        operations.settle_stamps(actor=ACTOR, mall_id=mall_id, now=clock.now())

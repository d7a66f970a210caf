"""The rounds of campaigns and journeys; each run may be killed and repeated."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.marketing import operations
from zhike.organization import queries as organization

ACTOR = system_viewer("campaign")
WALKER = system_viewer("journey")


@job(queue=CARETAKER_QUEUE)
def advance() -> int:
    """Take campaigns forward now; how many people were given something."""
    given = 0
    while True:
        done = operations.advance_campaigns(actor=ACTOR, now=clock.now())
        given += done.given
        if not done.is_waiting:
            return given


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def advance_due(timestamp: int) -> int:
    """Whatever became due, or was left behind by a worker that died."""
    return advance()


@job(queue=CARETAKER_QUEUE)
def forecast(*, campaign_id: int, staff_id: int | None) -> None:
    """Reckon one campaign's reach. It may have been launched or deleted meanwhile."""
    actor = ACTOR if staff_id is None else organization.viewer_of_staff(staff_id)
    try:
        operations.forecast_campaign(actor=actor, campaign_id=campaign_id, now=clock.now())
    except Problem:
        return


@job(queue=CARETAKER_QUEUE, cron="31 * * * *")
def measure(timestamp: int) -> int:
    """Every hour, of every campaign whose window is open; what annoys too many is stopped."""
    measured = operations.measure_campaigns(actor=ACTOR, now=clock.now())
    operations.guard_campaigns(actor=ACTOR, now=clock.now())
    return measured


@job()
def learn_uplift(*, group_id: int, mall_id: int | None, staff_id: int | None) -> None:
    """Learn from campaigns that are over whom a message changes."""
    actor = ACTOR if staff_id is None else organization.viewer_of_staff(staff_id)
    operations.learn_uplift(actor=actor, group_id=group_id, mall_id=mall_id, now=clock.now())


@job(queue=CARETAKER_QUEUE)
def step_journeys() -> int:
    """Take people in journeys forward now; how many."""
    moved = 0
    while True:
        done = operations.step_journeys(actor=WALKER, now=clock.now())
        moved += done.count
        if not done.is_waiting:
            return moved


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def step_due_journeys(timestamp: int) -> int:
    """Whoever has waited long enough, and whoever a worker that died left behind."""
    return step_journeys()


@job(queue=CARETAKER_QUEUE, cron="*/10 * * * *")
def look_for_people(timestamp: int) -> int:
    """Whoever came into the segment of a journey, or whose day is near."""
    return operations.look_for_people(actor=WALKER, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="41 * * * *")
def measure_journeys(timestamp: int) -> int:
    """Every hour, of every journey whose windows are open."""
    return operations.measure_journeys(actor=WALKER, now=clock.now())

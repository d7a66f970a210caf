"""Telling the worker that a campaign has something to do. The job is named, not imported: jobs stand above operations."""

from __future__ import annotations

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from zhike.kernel.jobs import CARETAKER_QUEUE

ADVANCE = "zhike.marketing.jobs.advance"
FORECAST = "zhike.marketing.jobs.forecast"
UPLIFT = "zhike.marketing.jobs.learn_uplift"
JOURNEYS = "zhike.marketing.jobs.step_journeys"


def campaigns() -> None:
    """As soon as a worker is free; one waiting run is enough."""
    try:
        app.configure_task(ADVANCE, queue=CARETAKER_QUEUE, queueing_lock=ADVANCE).defer()
    except AlreadyEnqueued:
        return


def journeys() -> None:
    """Somebody may have a step to take."""
    try:
        app.configure_task(JOURNEYS, queue=CARETAKER_QUEUE, queueing_lock=JOURNEYS).defer()
    except AlreadyEnqueued:
        return


def learn_uplift(group_id: int, mall_id: int | None, staff_id: int | None) -> None:
    """Learn anew whom a message changes, in the scope of whoever asked."""
    lock = f"{UPLIFT}:{mall_id}"
    try:
        app.configure_task(UPLIFT, queue="default", queueing_lock=lock).defer(
            group_id=group_id, mall_id=mall_id, staff_id=staff_id
        )
    except AlreadyEnqueued:
        return


def forecast(campaign_id: int, staff_id: int | None) -> None:
    """Reckon one campaign's reach, in the scope of whoever asked."""
    lock = f"{FORECAST}:{campaign_id}"
    try:
        app.configure_task(FORECAST, queue=CARETAKER_QUEUE, queueing_lock=lock).defer(
            campaign_id=campaign_id, staff_id=staff_id
        )
    except AlreadyEnqueued:
        return

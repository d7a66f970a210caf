"""A journey at work is paused, resumed, closed for newcomers, ended."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.marketing.models import Journey
from zhike.marketing.operations import _wake
from zhike.marketing.operations.journeys._telling import tell
from zhike.marketing.operations.journeys.drafting import JourneyStepNotPossible
from zhike.marketing.queries.found import EDIT
from zhike.marketing.queries.journeys.found import locked_journey

Status = Journey.Status


@transaction.atomic
def pause_journey(*, actor: Viewer, journey_id: int, reason: str = "", now: dt.datetime) -> None:
    """Nobody enters and nobody takes a step until it is resumed. Raises NotFound, JourneyStepNotPossible."""
    _become(actor, journey_id, (Status.RUNNING,), Status.PAUSED, "pause", reason, now)


@transaction.atomic
def resume_journey(*, actor: Viewer, journey_id: int, now: dt.datetime) -> None:
    """Go on; whatever became due meanwhile happens now. Raises NotFound, JourneyStepNotPossible."""
    _become(actor, journey_id, (Status.PAUSED,), Status.RUNNING, "resume", "", now)
    transaction.on_commit(_wake.journeys)


@transaction.atomic
def close_journey(*, actor: Viewer, journey_id: int, reason: str = "", now: dt.datetime) -> None:
    """Nobody enters any more; whoever is inside finishes, then it ends. Raises NotFound, JourneyStepNotPossible."""
    _become(actor, journey_id, (Status.RUNNING, Status.PAUSED), Status.CLOSING, "close", reason, now)
    transaction.on_commit(_wake.journeys)


@transaction.atomic
def end_journey(*, actor: Viewer, journey_id: int, reason: str = "", now: dt.datetime) -> None:
    """Everybody leaves at once; what was given stays given and is still measured. Raises NotFound, JourneyStepNotPossible."""
    before = (Status.DRAFT, Status.RUNNING, Status.PAUSED, Status.CLOSING)
    _become(actor, journey_id, before, Status.ENDED, "end", reason, now)
    transaction.on_commit(_wake.journeys)


def _become(
    actor: Viewer,
    journey_id: int,
    before: tuple[Status, ...],
    status: Status,
    change: str,
    reason: str,
    now: dt.datetime,
) -> None:
    """Being so already changes nothing."""
    row = locked_journey(actor, journey_id, EDIT)
    if row.status == status:
        return
    if row.status not in before:
        raise JourneyStepNotPossible
    row.status = status
    if status == Status.ENDED:
        row.ended_at = now
    row.save(update_fields=["status", "ended_at"])
    tell(actor, row, change, 0, now, reason.strip()[:200])

"""Points corrected by hand, by two people above a limit; expired points given back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["members"])
MemberId = Annotated[int, Path(ge=1, le=ID_MAX)]
AdjustmentId = Annotated[int, Path(ge=1, le=ID_MAX)]


class AdjustmentPartIn(Input):
    """Points to add, or with a minus to take; the last day added ones can be spent."""

    member_id: Id
    points: Annotated[int, Field(strict=True, ge=-10_000_000, le=10_000_000)]
    expires_on: dt.date | None = None


class AdjustmentIn(Input):
    parts: Annotated[list[AdjustmentPartIn], Field(min_length=1, max_length=2_000)]
    reason: Annotated[str, text(300, 1)]


class ReinstatementIn(Input):
    """Which transfer the points expired by; without `points` all that are left of it."""

    expired_id: Id
    points: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] | None = None
    expires_on: dt.date | None = None
    reason: Annotated[str, text(300, 1)]


class AdjustmentDecisionIn(Input):
    """A refusal says why."""

    approve: bool
    note: Annotated[str, text(300)] = ""


class AdjustmentOut(Out):
    """`asked`: above the limits of whoever asked, it waits for somebody else's decision."""

    adjustment_id: int
    status: Literal["asked", "done", "approved", "refused", "lapsed"]
    posted: int
    refused: int


class WaitingAdjustmentOut(Out):
    adjustment_id: int
    kind: Literal["adjust", "reinstate"]
    member_id: int
    members: int
    points: int
    reason: str
    asked_by: str
    asked_at: dt.datetime
    due_at: dt.datetime


class WaitingAdjustmentsOut(Out):
    items: list[WaitingAdjustmentOut]


def _done(status: int, outcome: loyalty.AdjustmentOutcome) -> Outcome:
    found = AdjustmentOut(
        adjustment_id=outcome.adjustment_id,
        status=outcome.status,  # type: ignore[arg-type]
        posted=outcome.posted,
        refused=outcome.refused,
    )
    return Outcome(status, found.model_dump(mode="json"))


@router.post("/adjustments", auth=Needs("points.adjust", body=True), response={201: AdjustmentOut})
def adjust_points(request: ApiRequest, body: AdjustmentIn) -> Any:
    """Correct points of one member or many."""
    parts = [loyalty.AdjustmentPart(one.member_id, one.points, one.expires_on) for one in body.parts]

    def execute() -> Outcome:
        done = loyalty.ask_adjustment(actor=request.viewer, parts=parts, reason=body.reason, now=request.now)
        return _done(201, done)

    return run_once(request, execute)


@router.get("/adjustments", auth=Needs("points.adjust"), response=WaitingAdjustmentsOut)
def list_adjustments(request: ApiRequest) -> WaitingAdjustmentsOut:
    """What waits for a decision, the soonest due first."""
    found = queries.adjustments(request.viewer, request.now, waiting_only=True)
    return WaitingAdjustmentsOut(
        items=[
            WaitingAdjustmentOut(
                adjustment_id=one.id,
                kind=one.kind,  # type: ignore[arg-type]
                member_id=one.member_id,
                members=one.members,
                points=one.points,
                reason=one.reason,
                asked_by=one.asked_by,
                asked_at=one.asked_at,
                due_at=one.due_at,
            )
            for one in found
        ]
    )


@router.post(
    "/adjustments/{int:adjustment_id}/decision",
    auth=Needs("adjustments.approve", body=True),
    response={200: AdjustmentOut},
)
def decide_adjustment(request: ApiRequest, adjustment_id: AdjustmentId, body: AdjustmentDecisionIn) -> Any:
    """Approve what somebody else asked for, or refuse it."""

    def execute() -> Outcome:
        done = loyalty.decide_adjustment(
            actor=request.viewer,
            adjustment_id=adjustment_id,
            approve=body.approve,
            note=body.note,
            now=request.now,
        )
        return _done(200, done)

    return run_once(request, execute)


@router.post(
    "/members/{int:member_id}/reinstatements",
    auth=Needs("points.adjust", body=True),
    response={201: AdjustmentOut},
)
def reinstate_points(request: ApiRequest, member_id: MemberId, body: ReinstatementIn) -> Any:
    """Give expired points back, as service recovery."""

    def execute() -> Outcome:
        done = loyalty.ask_reinstatement(
            actor=request.viewer,
            member_id=member_id,
            expired_id=body.expired_id,
            points=body.points,
            expires_on=body.expires_on,
            reason=body.reason,
            now=request.now,
        )
        return _done(201, done)

    return run_once(request, execute)

"""Missions of a member, and what an app tells that members did."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Router
from ninja import Schema as Out

from zhike.engagement import operations, queries
from zhike.kernel.idempotency import Outcome
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["engagement"])
MemberId = Annotated[int, Path(ge=1, le=ID_MAX)]
Kind = Literal["review", "survey", "share", "activity", "profile"]


class StepOut(Out):
    """`goal` and `count` are times; fen where `kind` is spend."""

    kind: str
    goal: int
    count: int
    done: bool


class MissionOut(Out):
    """`state`: open (to be accepted), running, waiting (the reward comes on `due_on`), rewarded, taken_back, missed (the
    rewards were gone), sold_out, over. `left`: how many rewards are left, null without a limit."""

    mission_id: int
    name: str
    description: str
    reward: str
    state: str
    steps: list[StepOut]
    until: dt.datetime | None
    due_on: dt.date | None
    points: int
    left: int | None


class MissionsOut(Out):
    items: list[MissionOut]


class RunOut(Out):
    run_id: int


class DeedIn(Input):
    """`reference` is the teller's own name for it; under one reference a deed of a kind counts once."""

    kind: Kind
    reference: Annotated[str, text(80)]
    happened_at: dt.datetime
    mall_id: Id | None = None
    merchant_id: Id | None = None


class DeedOut(Out):
    deed_id: int


class WithdrawalIn(Input):
    """Which deed is not so after all, and why."""

    kind: Kind
    reference: Annotated[str, text(80)]
    reason: Annotated[str, text(200)]


@router.get("/members/{int:member_id}/missions", auth=Needs("members.view"), response=MissionsOut)
def list_missions(request: ApiRequest, member_id: MemberId) -> MissionsOut:
    """What a member can do, is doing and did lately."""
    found = queries.own_missions(request.viewer, member_id, request.now)
    items = [
        MissionOut(
            mission_id=one.mission_id,
            name=one.name,
            description=one.description,
            reward=one.reward,
            state=one.state,
            steps=[
                StepOut(kind=view.step.kind, goal=view.step.goal, count=view.count, done=view.is_done)
                for view in one.steps
            ],
            until=one.until,
            due_on=one.due_on,
            points=one.points,
            left=one.left,
        )
        for one in found
    ]
    return MissionsOut(items=items)


@router.post(
    "/members/{int:member_id}/missions/{int:mission_id}/acceptance",
    auth=Needs("engagement.take_part"),
    response={200: RunOut},
)
def accept_mission(
    request: ApiRequest, member_id: MemberId, mission_id: Annotated[int, Path(ge=1, le=ID_MAX)]
) -> Any:
    """A member takes on a mission. Twice is once."""

    def execute() -> Outcome:
        run_id = operations.accept_mission(
            actor=request.viewer, member_id=member_id, mission_id=mission_id, now=request.now
        )
        return Outcome(200, {"run_id": run_id})

    return run_once(request, execute)


@router.post(
    "/members/{int:member_id}/deeds", auth=Needs("engagement.take_part", body=True), response={200: DeedOut}
)
def record_deed(request: ApiRequest, member_id: MemberId, body: DeedIn) -> Any:
    """A member did something that missions may count: a review, a survey, a share, an activity, a full profile."""

    def execute() -> Outcome:
        deed_id = operations.record_deed(
            actor=request.viewer, member_id=member_id, now=request.now, **body.model_dump()
        )
        return Outcome(200, {"deed_id": deed_id})

    return run_once(request, execute)


@router.post("/deeds/withdrawal", auth=Needs("engagement.edit", body=True), response={200: WithdrawalIn})
def withdraw_deed(request: ApiRequest, body: WithdrawalIn) -> Any:
    """It was not so: it counts no more, and a reward it brought goes back."""

    def execute() -> Outcome:
        operations.withdraw_deed(actor=request.viewer, now=request.now, **body.model_dump())
        return Outcome(200, body.model_dump())

    return run_once(request, execute)

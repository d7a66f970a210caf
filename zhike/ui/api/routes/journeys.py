"""Journeys: listed, and members let in by programs. Planned, approved and made live by people."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out

from zhike.kernel.idempotency import Outcome
from zhike.marketing import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["journeys"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]
Status = Literal["draft", "running", "paused", "closing", "ended"]
Fate = Literal["walk", "holdout", "global", "known", "inside", "before", "minor", "outside"]


class JourneyOut(Out):
    """A journey; `code` is how its messages, coupons and points are known elsewhere, `version` the one that people enter."""

    journey_id: int
    code: str
    name: str
    status: Status
    trigger: str
    version: int
    mall_id: int | None
    started_at: dt.datetime | None
    entered: int
    held: int
    inside: int
    goals: int


class JourneysOut(Out):
    items: list[JourneyOut]
    next_cursor: str | None


class EntryIn(Input):
    """Who is to enter; `key` names the cause, which lets the member in once for all time."""

    member_id: Id
    key: Annotated[str, text(60, 1)]


class JourneyEntryOut(Out):
    """`fate`: walk; held out (holdout, global) and measured; or not let in: known, inside, before, minor, outside."""

    fate: Fate


@router.get("/journeys", auth=Needs("campaigns.view"), response=JourneysOut)
def list_journeys(
    request: ApiRequest,
    status: Annotated[Literal["", "draft", "running", "paused", "closing", "ended"], Query()] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JourneysOut:
    page = queries.journeys_page(request.viewer, status=status, cursor=cursor, limit=limit)
    return JourneysOut(items=[_out(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/journeys/{int:journey_id}", auth=Needs("campaigns.view"), response=JourneyOut)
def get_journey(request: ApiRequest, journey_id: PathId) -> JourneyOut:
    return _out(queries.journey(request.viewer, journey_id, request.now).row)


@router.post(
    "/journeys/{int:journey_id}/entries", auth=Needs("campaigns.edit", body=True), response=JourneyEntryOut
)
def enter_journey(request: ApiRequest, journey_id: PathId, body: EntryIn) -> Any:
    def enter() -> Outcome:
        fate = operations.enter_member(
            actor=request.viewer,
            journey_id=journey_id,
            member_id=body.member_id,
            once=body.key,
            now=request.now,
        )
        return Outcome(200, {"fate": fate})

    return run_once(request, enter)


def _out(one: queries.JourneyRow) -> JourneyOut:
    return JourneyOut(
        journey_id=one.id,
        code=one.code,
        name=one.name,
        status=one.status,  # type: ignore[arg-type]
        trigger=str(one.trigger.get("kind", "")),
        version=one.live,
        mall_id=one.mall_id,
        started_at=one.started_at,
        entered=one.tally.entered,
        held=one.tally.held,
        inside=one.tally.inside,
        goals=one.tally.goals,
    )

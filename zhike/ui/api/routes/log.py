"""The event log, for programs that follow it."""

from __future__ import annotations

from typing import Annotated

from ninja import Query, Router
from pydantic import Field

from zhike.kernel import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.schemas import CloudEventOut, EventsOut

router = Router(tags=["events"])
EventType = Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,100}$")]


@router.get("/events", auth=Needs("events.view"), response=EventsOut)
def list_events(
    request: ApiRequest,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    type: Annotated[list[EventType] | None, Query(max_length=50)] = None,
) -> EventsOut:
    """What happened, as CloudEvents, in the order it was committed. Nothing is skipped, nothing comes twice."""
    page = queries.events_page(request.viewer, after_cursor=cursor, limit=limit, types=type)
    items = [CloudEventOut(**queries.to_cloudevent(event)) for event in page.items]
    return EventsOut(items=items, next_cursor=page.next_cursor, has_more=page.has_more)

"""What people ask about their own data, taken down by other systems (a hotline, a web form) and followed to its end."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router, Schema
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import queries as loyalty
from zhike.rights import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["rights"])
RequestId = Annotated[int, Path(ge=1, le=ID_MAX)]
Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Kind = Literal["access", "correction", "restriction", "erasure", "closing"]
State = Literal["asked", "waiting", "blocked", "working", "ready", "done", "refused", "cancelled"]


class CorrectionsIn(Schema):
    """How details should read; only what is wrong."""

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")] | None = None
    sex: Literal["female", "male", "unknown"] | None = None
    birthday: dt.date | None = None
    occupation: Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")] | None = None
    address: Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")] | None = None


class RightsRequestIn(Schema):
    """`note` says how they asked and how one knows that it is them; `changes` only for a correction."""

    member_id: Annotated[int, Field(ge=1, le=ID_MAX)]
    kind: Literal["access", "correction", "restriction", "erasure"]
    note: Text = ""
    changes: CorrectionsIn | None = None


class RightsRequestOut(Schema):
    """`due_on` is the day it must be answered by; `standing` is late, soon, fine, or empty once it has ended."""

    id: int
    number: str
    kind: Kind
    state: State
    member_id: int | None
    asked_at: dt.datetime
    due_on: dt.date
    stop_on: dt.date
    ended_at: dt.datetime | None
    standing: Literal["late", "soon", "fine", ""]


class RightsRequestsOut(Schema):
    items: list[RightsRequestOut]
    next_cursor: str | None


@router.post("/rights-requests", auth=Needs("rights.ask", body=True), response={201: RightsRequestOut})
def ask_rights(request: ApiRequest, body: RightsRequestIn) -> Any:
    """Take a request down for a member. What must be settled before an erasure is refused with its reasons."""

    def act() -> Outcome:
        person_id = loyalty.person_id_of(body.member_id)
        changes = body.changes.model_dump(exclude_none=True) if body.changes else None
        request_id = operations.ask(
            actor=request.viewer, person_id=person_id, kind=body.kind, door="api", note=body.note, changes=changes,
            now=request.now,
        )  # fmt: skip
        row = queries.request_file(request.viewer, request_id, request.now).row
        return Outcome(201, _out(row).model_dump(mode="json"))

    return run_once(request, act)


@router.get("/rights-requests", auth=Needs("rights.view"), response=RightsRequestsOut)
def list_rights(
    request: ApiRequest,
    queue: Annotated[str, Query(pattern="^(open|late|done|all)$")] = "open",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RightsRequestsOut:
    """Requests in the key's scope; what is open by the day it is due, the rest newest first."""
    page = queries.requests_page(request.viewer, queue=queue, cursor=cursor, limit=limit, now=request.now)
    return RightsRequestsOut(items=[_out(row) for row in page.items], next_cursor=page.next_cursor)


@router.get("/rights-requests/{request_id}", auth=Needs("rights.view"), response=RightsRequestOut)
def get_rights(request: ApiRequest, request_id: RequestId) -> RightsRequestOut:
    """One request as it stands."""
    return _out(queries.request_file(request.viewer, request_id, request.now).row)


def _out(row: queries.RequestRow) -> RightsRequestOut:
    return RightsRequestOut(
        id=row.id, number=row.number, kind=row.kind, state=row.state, member_id=row.member_id,  # type: ignore[arg-type]
        asked_at=row.asked_at, due_on=row.due_on, stop_on=row.stop_on, ended_at=row.ended_at,
        standing=row.standing,  # type: ignore[arg-type]
    )  # fmt: skip

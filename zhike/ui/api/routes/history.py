"""The columnar history: how it stands, and the figures that are worked out on it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Router, Schema

from zhike.history import operations, queries
from zhike.kernel.errors import NotFound
from zhike.kernel.idempotency import Outcome
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once

router = Router(tags=["segments"])


class HistoryTableOut(Schema):
    """`rows` here and `rows_source` in the database at the same moment; `differing_days` is empty where they agree day by day."""

    name: str
    rows: int
    rows_source: int
    changed: int
    size_bytes: int
    differing_days: list[str]


class HistoryOut(Schema):
    """`state`: done, differs, or "" before the first run. `waiting`: receipts and points entries written since."""

    state: str
    fault: str
    exported_at: dt.datetime | None
    waiting: int
    tables: list[HistoryTableOut]


class HistoryFigureOut(Schema):
    """`rows` under `columns`, as of a moment; money in fen, moments of the parameters in microseconds since 1970."""

    code: str
    as_of: dt.datetime
    parameters: dict[str, Any]
    columns: list[str]
    rows: list[list[Any]]


class HistoryAskedOut(Schema):
    asked: bool


@router.get("/history", auth=Needs("segments.view"), response=HistoryOut)
def get_history(request: ApiRequest) -> HistoryOut:
    """How far the history is, and whether it agrees with the database. For keys that are valid everywhere."""
    found = queries.lake(request.viewer)
    latest = found.latest
    if latest is None:
        return HistoryOut(state="", fault="", exported_at=None, waiting=found.waiting, tables=[])
    tables = [
        HistoryTableOut(**{name: one[name] for name in HistoryTableOut.model_fields}) for one in latest.tables
    ]
    return HistoryOut(
        state=latest.state,
        fault=latest.fault,
        exported_at=latest.started_at,
        waiting=found.waiting,
        tables=tables,
    )


@router.get("/history/figures/{code}", auth=Needs("segments.view"), response=HistoryFigureOut)
def get_history_figure(
    request: ApiRequest, code: Annotated[Literal["rfm", "daily", "cohort", "funnel", "sessions"], Path()]
) -> HistoryFigureOut:
    """The newest figure of a definition. For keys that are valid everywhere."""
    found = queries.figure(request.viewer, code)
    if found is None:
        raise NotFound
    return HistoryFigureOut(
        code=found.code,
        as_of=found.as_of,
        parameters=found.parameters,
        columns=found.columns,
        rows=found.rows,
    )


@router.post("/history/exports", auth=Needs("segments.edit", body=True), response={201: HistoryAskedOut})
def export_history(request: ApiRequest) -> Any:
    """Have the history brought up to date by a worker."""

    def act() -> Outcome:
        operations.ask_export(actor=request.viewer, now=request.now)
        return Outcome(201, HistoryAskedOut(asked=True).model_dump(mode="json"))

    return run_once(request, act)

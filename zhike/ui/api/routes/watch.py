"""Alerts about watched words in chats."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router, Schema

from zhike.kernel.idempotency import Outcome
from zhike.service import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.tickets import Cursor
from zhike.ui.api.schemas import Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["tickets"])
Category = Literal["abuse", "threat", "safety", "promise", "aside", "privacy"]


class WordAlertOut(Schema):
    """Where a watched word was said and by whom; the sentence itself stays in the console."""

    id: int
    conversation: str
    mall_id: int
    speaker: Literal["member", "staff"]
    category: Category
    severity: Literal["notice", "serious"]
    terms: list[str]
    noticed_at: dt.datetime
    verdict: Literal["", "upheld", "harmless"]


class WordAlertsOut(Schema):
    items: list[WordAlertOut]
    next_cursor: str | None


class WordVerdictIn(Input):
    verdict: Literal["upheld", "harmless"]
    note: Annotated[str, text(300)] = ""


@router.get("/word-alerts", auth=Needs("tickets.handle"), response=WordAlertsOut)
def list_word_alerts(
    request: ApiRequest,
    queue: Annotated[str, Query(pattern="^(open|upheld|harmless|all)$")] = "open",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> WordAlertsOut:
    """Alerts in the key's malls, newest first."""
    page = queries.word_alerts_page(request.viewer, queue=queue, cursor=cursor, limit=limit)
    return WordAlertsOut(items=[_out(row) for row in page.items], next_cursor=page.next_cursor)


@router.post(
    "/word-alerts/{alert_id}/verdict", auth=Needs("tickets.handle", body=True), response={200: WordAlertOut}
)
def judge_word_alert(
    request: ApiRequest, alert_id: Annotated[int, Path(ge=1, le=ID_MAX)], body: WordVerdictIn
) -> Any:
    """Upheld or harmless; it can be judged anew."""

    def act() -> Outcome:
        operations.judge_word_alert(
            actor=request.viewer, alert_id=alert_id, verdict=body.verdict, note=body.note, now=request.now
        )
        found = _out(queries.word_alert(request.viewer, alert_id))
        return Outcome(200, found.model_dump(mode="json"))

    return run_once(request, act)


def _out(row: queries.WordAlertView) -> WordAlertOut:
    return WordAlertOut(
        id=row.id,
        conversation=row.number,
        mall_id=row.mall_id,
        speaker=row.speaker,  # type: ignore[arg-type]
        category=row.category,  # type: ignore[arg-type]
        severity=row.severity,  # type: ignore[arg-type]
        terms=list(row.terms),
        noticed_at=row.noticed_at,
        verdict=row.verdict,  # type: ignore[arg-type]
    )

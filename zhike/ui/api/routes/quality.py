"""Reviews of conversations: what was found, and what it adds up to."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router, Schema

from zhike.service import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.routes.tickets import Cursor
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["tickets"])
Reason = Literal["random", "low_csat", "words", "handoff", "vip"]
PERIOD_MAX = dt.timedelta(days=366)


class QualityPickOut(Schema):
    """A conversation that is looked at; scores in tenths of a per cent (975 is 97.5)."""

    id: int
    conversation: str
    mall_id: int
    agent_id: int | None
    agent: str
    skill: str
    week: dt.date
    reasons: list[Reason]
    checklist: str
    checklist_version: int
    is_double: bool
    reviewed_at: dt.datetime | None
    score: int | None
    is_fatal: bool
    appealed_at: dt.datetime | None
    appeal_outcome: Literal["", "upheld", "changed"]


class QualityPicksOut(Schema):
    items: list[QualityPickOut]
    next_cursor: str | None


class QualityReviewOut(Schema):
    """One version of one review. Notes and words of the conversation stay in the console."""

    seat: Literal["first", "second", "appeal"]
    version: int
    answers: dict[str, Literal["yes", "partly", "no", "na"]]
    sections: dict[str, int]
    score: int
    is_fatal: bool
    reviewed_at: dt.datetime
    holds: bool


class QualityFileOut(QualityPickOut):
    reviews: list[QualityReviewOut]


class QualityMeanOut(Schema):
    """``count`` reviews of what was drawn, with their mean; ``others`` were taken for a reason. Under five do not compare."""

    key: str
    name: str
    count: int
    mean: int | None
    fatal: int
    others: int


class QualityReportOut(Schema):
    total: QualityMeanOut
    agents: list[QualityMeanOut]
    skills: list[QualityMeanOut]
    weeks: list[QualityMeanOut]
    appeals: int
    changed: int
    waiting: int
    doubles: int
    kappa: float | None


@router.get("/quality/conversations", auth=Needs("quality.view"), response=QualityPicksOut)
def list_quality_picks(
    request: ApiRequest,
    queue: Annotated[str, Query(pattern="^(waiting|done|appeals|all)$")] = "done",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> QualityPicksOut:
    """Conversations looked at in the key's malls, the newest week first."""
    page = queries.picks_page(request.viewer, queue=queue, cursor=cursor, limit=limit)
    return QualityPicksOut(
        items=[QualityPickOut(**_fields(row)) for row in page.items], next_cursor=page.next_cursor
    )


@router.get("/quality/conversations/{pick_id}", auth=Needs("quality.view"), response=QualityFileOut)
def read_quality_pick(request: ApiRequest, pick_id: Annotated[int, Path(ge=1, le=ID_MAX)]) -> QualityFileOut:
    """One of them with every version of its reviews, once all are written."""
    file = queries.pick_file(request.viewer, pick_id, request.now)
    reviews = [
        QualityReviewOut(
            seat=one.seat,  # type: ignore[arg-type]
            version=one.version,
            answers=dict(one.answers),  # type: ignore[arg-type]
            sections=dict(one.sections),
            score=one.score,
            is_fatal=one.is_fatal,
            reviewed_at=one.reviewed_at,
            holds=one.holds,
        )
        for one in file.reviews
    ]
    return QualityFileOut(**_fields(file.pick), reviews=reviews)


@router.get("/quality/report", auth=Needs("quality.view"), response=QualityReportOut)
def read_quality_report(request: ApiRequest, since: dt.date, until: dt.date) -> QualityReportOut:
    """By agent, subject and week, of weeks that begin from ``since`` to before ``until``, at most 366 days."""
    until = min(until, since + PERIOD_MAX) if since < dt.date.max - PERIOD_MAX else until
    shown = queries.quality_report(request.viewer, since=since, until=until)
    return QualityReportOut(
        total=_mean(shown.total),
        agents=[_mean(row) for row in shown.agents],
        skills=[_mean(row) for row in shown.skills],
        weeks=[_mean(row) for row in shown.weeks],
        appeals=shown.appeals,
        changed=shown.changed,
        waiting=shown.waiting,
        doubles=shown.doubles,
        kappa=shown.agreement.kappa,
    )


def _mean(row: queries.MeanRow) -> QualityMeanOut:
    return QualityMeanOut(
        key=row.key, name=row.name, count=row.many, mean=row.mean, fatal=row.fatal, others=row.others
    )


def _fields(row: queries.PickView) -> dict[str, Any]:
    return {
        "id": row.id,
        "conversation": row.number,
        "mall_id": row.mall_id,
        "agent_id": row.agent_id,
        "agent": row.agent,
        "skill": row.skill,
        "week": row.week,
        "reasons": list(row.reasons),
        "checklist": row.checklist,
        "checklist_version": row.version,
        "is_double": row.is_double,
        "reviewed_at": row.done_at,
        "score": row.score,
        "is_fatal": row.is_fatal,
        "appealed_at": row.appealed_at,
        "appeal_outcome": row.outcome,
    }

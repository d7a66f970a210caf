"""Surveys and their answers, for other systems. Nobody's name is in them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from ninja import Path, Query, Router, Schema

from zhike.organization import queries as organization
from zhike.service import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["surveys"])
SurveyId = Annotated[int, Path(ge=1, le=ID_MAX)]


class ScoreOut(Schema):
    """`value` is the NPS (-100 to 100), the share of 4 and 5 (CSAT) or the mean (CES), with its 95 per cent interval."""

    answers: int
    value: float | None
    low: float | None
    high: float | None


class SurveyOut(Schema):
    id: int
    code: str
    name: str
    kind: Literal["csat", "nps", "ces"]
    trigger: Literal["ticket", "sample", "link"]
    question: str
    is_open: bool
    asked: int
    score: ScoreOut


class SurveysOut(Schema):
    items: list[SurveyOut]


class SurveyAnswerOut(Schema):
    """`ticket` is the number of the ticket it is about; `late`: after the window."""

    id: int
    score: int
    comment: str
    ticket: str
    late: bool
    answered_at: dt.datetime


class SurveyAnswersOut(Schema):
    items: list[SurveyAnswerOut]
    next_cursor: str | None


@router.get("/surveys", auth=Needs("tickets.handle"), response=SurveysOut)
def list_surveys(request: ApiRequest) -> SurveysOut:
    """Every survey with its score in the key's malls."""
    found = queries.surveys(request.viewer, organization.default_group().id)
    return SurveysOut(
        items=[
            SurveyOut(
                id=one.id,
                code=one.code,
                name=one.name,
                kind=one.kind,  # type: ignore[arg-type]
                trigger=one.trigger,  # type: ignore[arg-type]
                question=one.question,
                is_open=one.is_open,
                asked=one.asked,
                score=ScoreOut(
                    answers=one.score.count, value=one.score.value, low=one.score.low, high=one.score.high
                ),
            )
            for one in found
        ]
    )


@router.get("/surveys/{survey_id}/answers", auth=Needs("tickets.handle"), response=SurveyAnswersOut)
def list_survey_answers(
    request: ApiRequest,
    survey_id: SurveyId,
    verdict: Annotated[str, Query(pattern="^(|low|high)$")] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SurveyAnswersOut:
    """Single answers, newest first."""
    page = queries.answers_page(request.viewer, survey_id, verdict=verdict, cursor=cursor, limit=limit)
    return SurveyAnswersOut(
        items=[
            SurveyAnswerOut(
                id=one.id,
                score=one.score,
                comment=one.comment,
                ticket=one.number,
                late=one.is_late,
                answered_at=one.answered_at,
            )
            for one in page.items
        ],
        next_cursor=page.next_cursor,
    )

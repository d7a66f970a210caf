"""What people say in their own words, for other systems. Nobody's name is in it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Field, Path, Query, Router, Schema

from zhike.kernel.idempotency import Outcome
from zhike.service import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["listening"])
VerbatimId = Annotated[int, Path(ge=1, le=ID_MAX)]
Sentiment = Literal["positive", "neutral", "negative"]
DAYS_USUAL, DAYS_MAX = 30, 731


class VerbatimOut(Schema):
    """`topics` is how content they were with each; `sureness` of the whole (0 to 1); `number` of the ticket or conversation."""

    id: int
    source: Literal["answer", "ticket", "chat"]
    words: str
    sentiment: str
    sureness: float
    topics: dict[str, str]
    decided: bool
    score: int | None
    number: str
    merchant_id: int | None
    said_at: dt.datetime


class VerbatimsOut(Schema):
    items: list[VerbatimOut]
    next_cursor: str | None


class TopicOut(Schema):
    """`before` counts discontent comments in the period of the same length before; `change` says whether the share surely moved."""

    code: str
    positive: int
    neutral: int
    negative: int
    before: int
    change: Literal["rose", "fell", "unsure"]


class ListeningOut(Schema):
    since: dt.datetime
    until: dt.datetime
    comments: int
    sentiments: dict[str, int]
    topics: list[TopicOut]


class ReadingIn(Schema):
    sentiment: Sentiment
    topics: list[Annotated[str, Field(max_length=20)]] = Field(default=[], max_length=20)


class ReadingOut(Schema):
    id: int


@router.get("/verbatims", auth=Needs("tickets.handle"), response=VerbatimsOut)
def list_verbatims(
    request: ApiRequest,
    topic: Annotated[str, Query(max_length=20, pattern="^[a-z]*$")] = "",
    sentiment: Annotated[str, Query(pattern="^(|positive|neutral|negative)$")] = "",
    source: Annotated[str, Query(pattern="^(|answer|ticket|chat)$")] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> VerbatimsOut:
    """Comments in the key's malls, newest first."""
    heard = queries.Heard(topic=topic, sentiment=sentiment, source=source)
    page = queries.verbatims_page(request.viewer, heard, cursor=cursor, limit=limit)
    return VerbatimsOut(
        items=[
            VerbatimOut(
                id=one.id,
                source=one.source,  # type: ignore[arg-type]
                words=one.words,
                sentiment=one.sentiment,
                sureness=one.sureness,
                topics={code: how for code, _title, how in one.topics},
                decided=one.is_decided,
                score=one.score,
                number=one.number,
                merchant_id=one.merchant_id,
                said_at=one.said_at,
            )
            for one in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.get("/verbatims/topics", auth=Needs("tickets.handle"), response=ListeningOut)
def list_topics(
    request: ApiRequest, days: Annotated[int, Query(ge=1, le=DAYS_MAX)] = DAYS_USUAL
) -> ListeningOut:
    """So many days by topic and sentiment, against as many before."""
    since = request.now - dt.timedelta(days=days)
    found = queries.listening(
        request.viewer,
        queries.Heard(),
        since=since,
        until=request.now,
        zone=dt.UTC,
    )
    return ListeningOut(
        since=since,
        until=request.now,
        comments=found.total,
        sentiments=found.sentiments,
        topics=[
            TopicOut(
                code=row.code,
                positive=row.positive,
                neutral=row.neutral,
                negative=row.negative,
                before=row.change.before,
                change=row.change.verdict,
            )
            for row in found.topics
        ],
    )


@router.post(
    "/verbatims/{verbatim_id}/decision", auth=Needs("tickets.handle", body=True), response=ReadingOut
)
def decide_verbatim(request: ApiRequest, verbatim_id: VerbatimId, body: ReadingIn) -> Any:
    """Say how a comment is to be read. It stays over every later reading and is learnt from."""

    def act() -> Outcome:
        operations.decide_verbatim(
            actor=request.viewer,
            verbatim_id=verbatim_id,
            sentiment=body.sentiment,
            topics=body.topics,
            now=request.now,
        )
        return Outcome(200, ReadingOut(id=verbatim_id).model_dump(mode="json"))

    return run_once(request, act)

"""Conversations and the knowledge base for other systems: read, answer, hand over, close, look up."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router, Schema
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.tickets import Cursor, Number
from zhike.ui.api.schemas import Input
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["tickets"])
Status = Literal["bot", "queued", "open", "snoozed", "closed"]


class ConversationOut(Schema):
    """`unread` by us; `agent_id` who has it."""

    number: str
    mall_id: int
    status: Status
    subject: str
    skill: str
    agent_id: int | None
    agent: str
    unread: int
    awaits_us: bool
    opened_at: dt.datetime
    changed_at: dt.datetime
    queued_at: dt.datetime | None


class ConversationsOut(Schema):
    items: list[ConversationOut]
    next_cursor: str | None


class ConversationMessageOut(Schema):
    """`kind` is text, note, card or event; `author` is empty for the member."""

    number: int
    kind: str
    audience: Literal["member", "staff"]
    by: Literal["member", "staff", "bot", "system"]
    author: str
    text: str
    details: dict[str, Any]
    written_at: dt.datetime
    files: int


class DeliveryOut(Schema):
    """What became of an answer that went out by e-mail or WeChat; `code` is the vendor's where it did not arrive."""

    number: int
    status: Literal["waiting", "sending", "sent", "unsure", "failed", "bounced"]
    code: str
    settled_at: dt.datetime | None


class ConversationFileOut(Schema):
    """`messages` are the newest 200 of those after the number that was asked for, `deliveries` those of the newest answers."""

    conversation: ConversationOut
    channel: str
    last_number: int
    member_read: int
    queue_place: int | None
    ticket: str
    closed_at: dt.datetime | None
    closed_by: str
    messages: list[ConversationMessageOut]
    deliveries: list[DeliveryOut]


class ConversationMessageIn(Input):
    text: Annotated[str, Field(strict=True, min_length=1, max_length=2_000, pattern=r"^[^\x00]*\S[^\x00]*$")]
    audience: Literal["member", "staff"] = "member"


class MessageWrittenOut(Schema):
    number: str
    message: int


class ConversationStateOut(Schema):
    number: str
    status: Status


class ArticleOut(Schema):
    """An article in its newest version; `helped` and `not_helped` are votes of members."""

    code: str
    skill: str
    state: str
    for_members: bool
    version: int
    title: str
    body: str
    questions: list[str]
    helped: int
    not_helped: int
    written_at: dt.datetime


class ArticlesOut(Schema):
    items: list[ArticleOut]


@router.get("/conversations", auth=Needs("tickets.view"), response=ConversationsOut)
def list_conversations(
    request: ApiRequest,
    queue: Annotated[str, Query(pattern="^(queued|open|bot|snoozed|closed|all)$")] = "all",
    mall_id: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ConversationsOut:
    """Conversations in the key's malls by the last change; the queue in its own order."""
    page = queries.inbox_page(request.viewer, queue=queue, mall_id=mall_id, cursor=cursor, limit=limit)
    return ConversationsOut(items=[_row(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/conversations/{number}", auth=Needs("tickets.view"), response=ConversationFileOut)
def read_conversation(
    request: ApiRequest, number: Number, after: Annotated[int, Query(ge=0, le=2_000_000_000)] = 0
) -> ConversationFileOut:
    """One conversation with what was said after a number, oldest first."""
    row = queries.visible_conversation(request.viewer, number)
    found = queries.conversation_file(request.viewer, row, request.now)
    messages = queries.messages_of(request.viewer, row, after=after)
    other = queries.contact_of(row, request.now)
    return ConversationFileOut(
        conversation=_row(found.row),
        channel=found.channel,
        last_number=found.last_number,
        member_read=found.member_read,
        queue_place=found.queue_place,
        ticket=found.ticket,
        closed_at=found.closed_at,
        closed_by=found.closed_by,
        deliveries=[
            DeliveryOut(
                number=one.number,
                status=one.status,  # type: ignore[arg-type]
                code=one.code,
                settled_at=one.settled_at,
            )
            for one in (other.carriages if other else ())
        ],
        messages=[
            ConversationMessageOut(
                number=one.number,
                kind=one.kind,
                audience=one.audience,  # type: ignore[arg-type]
                by=one.author_kind,  # type: ignore[arg-type]
                author=one.author,
                text=one.text,
                details=one.details,
                written_at=one.written_at,
                files=len(one.files),
            )
            for one in messages
        ],
    )


@router.post(
    "/conversations/{number}/messages",
    auth=Needs("tickets.handle", body=True),
    response={201: MessageWrittenOut},
)
def write_message(request: ApiRequest, number: Number, body: ConversationMessageIn) -> Any:
    """Answer in the assistant's place or beside whoever has it, or leave a note for colleagues."""

    def act() -> Outcome:
        message = operations.write_as_program(
            actor=request.viewer, number=number, text=body.text, audience=body.audience, now=request.now
        )
        return Outcome(201, MessageWrittenOut(number=number, message=message).model_dump(mode="json"))

    return run_once(request, act)


@router.post(
    "/conversations/{number}/hand-over", auth=Needs("tickets.handle"), response={200: ConversationStateOut}
)
def hand_over_conversation(request: ApiRequest, number: Number) -> Any:
    """From the assistant into the queue of people; again it changes nothing."""

    def act() -> Outcome:
        operations.ask_for_agent(actor=request.viewer, number=number, now=request.now)
        return Outcome(200, _state(request, number))

    return run_once(request, act)


@router.post(
    "/conversations/{number}/closing", auth=Needs("tickets.handle"), response={200: ConversationStateOut}
)
def close_conversation(request: ApiRequest, number: Number) -> Any:
    """The end; closing what is closed changes nothing."""

    def act() -> Outcome:
        operations.close_conversation(actor=request.viewer, number=number, now=request.now)
        return Outcome(200, _state(request, number))

    return run_once(request, act)


@router.get("/articles", auth=Needs("tickets.view"), response=ArticlesOut)
def list_articles(
    request: ApiRequest,
    q: Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ArticlesOut:
    """Published articles that fit, the best first."""
    group_id = organization.default_group().id
    found = queries.search_articles(request.viewer, group_id, q, limit=limit)
    return ArticlesOut(items=[_article(one) for one in found])


@router.get("/articles/{code}", auth=Needs("tickets.view"), response=ArticleOut)
def read_article(
    request: ApiRequest, code: Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
) -> ArticleOut:
    """One article; drafts only for those who handle conversations."""
    return _article(queries.article(request.viewer, organization.default_group().id, code))


def _state(request: ApiRequest, number: str) -> dict[str, Any]:
    row = queries.visible_conversation(request.viewer, number)
    return ConversationStateOut(number=number, status=row.status).model_dump(mode="json")  # type: ignore[arg-type]


def _row(row: queries.ConversationRow) -> ConversationOut:
    return ConversationOut(
        number=row.number,
        mall_id=row.mall_id,
        status=row.status,  # type: ignore[arg-type]
        subject=row.subject,
        skill=row.skill,
        agent_id=row.assignee_id,
        agent=row.assignee,
        unread=row.unread,
        awaits_us=row.awaits_us,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        queued_at=row.queued_at,
    )


def _article(one: queries.ArticleView) -> ArticleOut:
    return ArticleOut(
        code=one.code,
        skill=one.skill,
        state=one.state,
        for_members=one.for_members,
        version=one.version,
        title=one.title,
        body=one.body,
        questions=list(one.questions),
        helped=one.helped,
        not_helped=one.not_helped,
        written_at=one.written_at,
    )

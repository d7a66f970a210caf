"""Follow-ups, contacts and notes of associates, as the API takes and gives them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from zhike.ui.api.schemas import Input, text
from zhike.ui.api.ticket_schemas import LONG

ContactChannel = Literal["call", "wecom", "sms", "in_person"]


class FollowUpOut(Schema):
    """`last_on` is the last day on which it is in time; `why` says it in words."""

    id: int
    member_id: int | None
    kind: Literal["birthday", "first_purchase", "quiet", "points", "coupon", "ticket", "own"]
    why: str
    facts: dict[str, Any]
    due_on: dt.date
    last_on: dt.date
    shown_on: dt.date
    state: Literal["open", "done", "skipped", "settled", "lapsed"]
    outcome: str
    is_late: bool


class FollowUpsOut(Schema):
    """`due` and `late` count all that stand open, `items` the two hundred most urgent."""

    due: int
    late: int
    ahead: int
    items: list[FollowUpOut]


class FollowUpEndIn(Input):
    """What came of it; with `channel` the contact is written down as well."""

    outcome: Literal["reached", "visit", "bought", "not_reached", "not_interested", "later"]
    channel: ContactChannel | None = None
    note: Annotated[str, text(500)] = ""
    began_by_member: bool = False


class ContactIn(Input):
    channel: ContactChannel
    result: Literal["talked", "answered", "sent", "no_answer", "wrong_number", "asked_not_to"]
    note: Annotated[str, text(500)] = ""
    began_by_member: bool = False


class ContactOut(Schema):
    id: UUID


class CareNoteIn(Input):
    """What was heard of a member; `is_voice`: a transcript of speech."""

    text: Annotated[str, Field(strict=True, min_length=1, max_length=1_000, pattern=LONG)]
    is_voice: bool = False


class ProposedTagOut(Schema):
    """A tag the note speaks for, with its sentence; nobody has it before a person says it fits."""

    id: int
    words: str
    sentence: str
    state: Literal["open", "confirmed", "rejected"]


class CareNoteOut(Schema):
    id: UUID
    proposals: list[ProposedTagOut]


class ContactWayOut(Schema):
    """`closed` says why not: gone, no_address, refused, not_asked, suppressed, quiet; "" when it is open."""

    channel: ContactChannel
    closed: Literal["", "gone", "no_address", "refused", "not_asked", "suppressed", "quiet"]
    until: dt.datetime | None


class ContactWaysOut(Schema):
    items: list[ContactWayOut]

"""Tickets, as the API takes and gives them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from zhike.ui.api.schemas import Id, Input, Points, text

LONG = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Words = Annotated[str, Field(strict=True, min_length=1, max_length=4_000, pattern=LONG)]


class TicketIn(Input):
    """A new ticket. Its place is a merchant (by id or code) or a mall; `member_id` is whose matter it is."""

    type: Literal["complaint", "return", "repair", "question", "suggestion", "praise"]
    severity: Literal["normal", "high", "major"] = "normal"
    title: Annotated[str, text(120)] = ""
    text: Words
    mall_id: Id | None = None
    merchant_id: Id | None = None
    merchant_code: Annotated[str, text(40, 1)] | None = None
    mall_code: Annotated[str, text(40, 1)] | None = None
    member_id: Id | None = None
    receipt_id: UUID | None = None


class TicketOpenedOut(Schema):
    """What people call it."""

    number: str


class TicketOut(Schema):
    """`due_at` is the nearest deadline that is still open."""

    number: str
    title: str
    type: str
    severity: str
    status: Literal["new", "open", "waiting", "resolved", "closed"]
    channel: str
    mall_id: int
    merchant_id: int | None
    merchant: str
    opened_at: dt.datetime
    changed_at: dt.datetime
    due_at: dt.datetime | None
    broken_promises: int


class TicketsOut(Schema):
    items: list[TicketOut]
    next_cursor: str | None


class EntryOfTicketOut(Schema):
    """Something said or done. `by` is staff, api, member or system; `files` counts attachments."""

    kind: str
    audience: Literal["member", "merchant", "staff"]
    by: str
    author: str
    text: str
    written_at: dt.datetime
    files: int


class ClockOut(Schema):
    """A promise. Minutes are working time of its calendar; `due_at` is null while it stands still."""

    kind: Literal["first_answer", "resolution", "call_back"]
    round: int
    state: Literal["running", "paused", "met", "late", "dropped"]
    target_minutes: int
    spent_minutes: int
    due_at: dt.datetime | None
    ended_at: dt.datetime | None


class TicketFileOut(Schema):
    ticket: TicketOut
    entries: list[EntryOfTicketOut]
    promises: list[ClockOut]


class AnswerIn(Input):
    """`wait`: from now on we wait for the member, and the time to solve stands still."""

    text: Words
    audience: Literal["member", "merchant", "staff"] = "member"
    wait: Annotated[bool, Field(strict=True)] = False


class AmendsIn(Input):
    """`amount` is points, fen of cash, or pieces; `payer` merchant is the ticket's own, whose fault it is."""

    item: Annotated[str, text(40, 1)]
    amount: Points
    payer: Literal["mall", "merchant"] = "mall"
    reason: Annotated[str, text(200, 1)]


class AmendsMadeOut(Schema):
    id: int
    state: Literal["proposed", "approved", "executed"]


class AmendsOut(Schema):
    """`payer` names who bears `cost_fen`: mall:3, merchant:12."""

    id: int
    ticket: str
    merchant_id: int | None
    cause: str
    kind: Literal["points", "coupon", "cash", "gift", "vip"]
    name: str
    amount: int
    cost_fen: int
    payer: str
    state: Literal["proposed", "rejected", "approved", "executed", "withdrawn", "reversed"]
    reason: str
    proposed_at: dt.datetime
    given_at: dt.datetime | None


class AmendsListOut(Schema):
    items: list[AmendsOut]
    next_cursor: str | None


class ClosingIn(Input):
    text: Annotated[str, Field(strict=True, max_length=4_000, pattern=LONG)] = ""

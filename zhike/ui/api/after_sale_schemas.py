"""Returns, exchanges and repairs, as the API takes and gives them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from zhike.ui.api.schemas import Day, Fen, Input, Quantity, text
from zhike.ui.api.ticket_schemas import LONG

Kind = Literal["return", "exchange", "repair"]
Reason = Literal["quality", "damaged", "wrong_item", "mismatch", "size", "dislike", "other"]
Condition = Literal["sealed", "opened", "used"]
State = Literal[
    "applied", "approved", "refused", "withdrawn", "received", "checked", "rejected", "refunded", "exchanged",
    "workshop", "ready", "collected", "handed",
]  # fmt: skip
Act = Literal[
    "approve", "refuse", "withdraw", "receive", "pass", "reject", "settle", "hand_back", "send", "finish", "agree", "decline",
]  # fmt: skip


class GoodsLineIn(Input):
    line_no: Annotated[int, Field(strict=True, ge=1, le=32_000)]
    quantity: Quantity


class GoodsIn(Input):
    """Goods of a sale that are to be taken back, exchanged or mended."""

    kind: Kind
    reason: Reason
    condition: Condition = "sealed"
    lines: Annotated[list[GoodsLineIn], Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(strict=True, max_length=4_000, pattern=LONG)] = ""


class GoodsVerdictOut(Schema):
    """Whether a line may come back: `verdict` says why or why not, `until` the last day, `by` the tier or benefit needed."""

    line_no: int
    name: str
    left: str
    allowed: bool
    verdict: Literal["ok", "none_left", "excluded", "used", "opened", "late"]
    until: dt.date | None
    by: str
    free_repair: bool


class GoodsVerdictsOut(Schema):
    items: list[GoodsVerdictOut]


class RepairPartIn(Input):
    name: Annotated[str, text(80, 1)]
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1
    cost_fen: Fen = 0


class RepairPlanIn(Input):
    """Who mends it until when; `charge_fen` is what the member pays."""

    workshop: Annotated[str, text(80, 1)]
    promised_on: Day
    parts: Annotated[list[RepairPartIn], Field(max_length=20)] = []
    labour_fen: Fen = 0
    charge_fen: Fen = 0


class GoodsStepIn(Input):
    """The next step; `note` is the reason of a refusal or what was given in exchange, `plan` goes with send."""

    act: Act
    note: Annotated[str, text(500)] = ""
    plan: RepairPlanIn | None = None


class GoodsLineOut(Schema):
    line_no: int
    name: str
    sku: str
    quantity: str
    net_fen: int


class GoodsOut(Schema):
    """One request. `number` is its ticket's; `steps` are what can be done next; `return_id` is the posted return."""

    number: str
    kind: Kind
    reason: Reason
    condition: Condition
    state: State
    receipt_id: UUID
    merchant_id: int | None
    lines: list[GoodsLineOut]
    steps: list[Act]
    refund_fen: int
    money_fen: int
    clawed_points: int
    return_id: UUID | None
    replacement: str
    workshop: str
    promised_on: dt.date | None
    cost_fen: int
    charge_fen: int
    agreed_at: dt.datetime | None
    applied_at: dt.datetime
    ended_at: dt.datetime | None


class GoodsRowOut(Schema):
    number: str
    kind: Kind
    reason: Reason
    state: State
    goods: str
    merchant_id: int | None
    refund_fen: int
    promised_on: dt.date | None
    applied_at: dt.datetime
    ended_at: dt.datetime | None


class GoodsListOut(Schema):
    items: list[GoodsRowOut]
    next_cursor: str | None

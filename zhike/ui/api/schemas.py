"""What the rest of the API takes and gives: pydantic schemas for django-ninja. Unknown fields are refused, nothing is coerced."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from zhike.ui.api.shapes import AMOUNT_FEN_MAX, ID_MAX

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_MOMENT = Annotated[dt.datetime, msgspec.Meta(tz=True)]


def _moment(value: Any) -> dt.datetime:
    """Only RFC 3339 with an offset: pydantic would take a number, too."""
    try:
        return msgspec.convert(value, _MOMENT)
    except msgspec.ValidationError as error:
        raise PydanticCustomError("datetime_format", "not RFC 3339") from error


def _day(value: Any) -> dt.date:
    try:
        return msgspec.convert(value, dt.date)
    except msgspec.ValidationError as error:
        raise PydanticCustomError("date_format", "not a date") from error


def text(maximum: int, minimum: int = 0) -> Any:
    return Field(strict=True, min_length=minimum, max_length=maximum, pattern=PRINTABLE)


Id = Annotated[int, Field(strict=True, ge=1, le=ID_MAX)]
Fen = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_FEN_MAX)]
Points = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Moment = Annotated[dt.datetime, BeforeValidator(_moment)]
Day = Annotated[dt.date, BeforeValidator(_day)]
Quantity = (
    Annotated[str, Field(strict=True, pattern=r"^[0-9]{1,7}(\.[0-9]{1,3})?$")]
    | Annotated[int, Field(strict=True, gt=0, le=1_000_000)]
    | Annotated[float, Field(strict=True, gt=0, le=1_000_000, allow_inf_nan=False)]
)


class Input(Schema):
    model_config = ConfigDict(extra="forbid")


class ConsentIn(Input):
    """One decision about one purpose on one channel."""

    purpose: Literal["membership", "marketing", "personalisation", "sharing"]
    channel: Literal["any", "sms", "email", "wechat", "phone", "push"]
    decision: Literal["granted", "refused"]


class MemberIn(Input):
    """A new member: at least one of phone, card and e-mail. Consents need the version of the policy that was shown."""

    name: Annotated[str, text(80)] = ""
    phone: Annotated[str, text(40, 1)] | None = None
    card: Annotated[str, text(40, 1)] | None = None
    email: Annotated[str, text(254, 3)] | None = None
    sex: Literal["unknown", "female", "male"] = "unknown"
    birthday: Day | None = None
    birthday_calendar: Literal["solar", "lunar"] = "solar"
    mall_id: Id | None = None
    merchant_id: Id | None = None
    merchant_code: Annotated[str, text(40, 1)] | None = None
    mall_code: Annotated[str, text(40, 1)] | None = None
    consents: Annotated[list[ConsentIn], Field(max_length=30)] = []
    policy_version: Annotated[str, text(40, 1)] | None = None
    method: Annotated[str, text(40)] = "api"
    evidence: Annotated[dict[str, str], Field(max_length=20)] = {}


class EnrolledOut(Schema):
    """`existing`: the phone, card or e-mail was a member's already; nothing was changed."""

    member_id: int
    number: str
    existing: bool


class TierOut(Schema):
    code: str
    name: str
    rank: int
    threshold_fen: int
    threshold_count: int = 0


class ProgressOut(Schema):
    """The way to the next tier; `next` is null at the top. `counted` and `to_next` are in what the ladder counts (`basis`).

    `to_next_fen` is 0 where that is not spend; `growth` is the growth value in the window, 0 where there is none.
    """

    qualifying_fen: int
    to_next_fen: int
    basis: Literal["spend", "visits", "growth"]
    counted: int
    to_next: int
    growth: int
    sentence: str
    percent: int
    next: TierOut | None


class LotOut(Schema):
    """Points that lapse together; `expires_on` is the last day they can be spent, null for never."""

    expires_on: dt.date | None
    remaining: int


class ReceiptRowOut(Schema):
    receipt_id: UUID
    kind: Literal["sale", "return"]
    merchant_id: int
    merchant: str
    till: str
    number: str
    business_date: dt.date
    occurred_at: dt.datetime
    net_fen: int


class WaitingOut(Schema):
    """Points that can be spent from a day on."""

    available_on: dt.date
    points: int


class OpenHoldOut(Schema):
    """Points set aside for a purchase being paid."""

    hold_id: UUID
    points: int
    value_fen: int
    reference: str
    expires_at: dt.datetime


class MemberOut(Schema):
    """A member as every desk needs it. Phone and other identifiers are masked."""

    member_id: int
    number: str
    status: Literal["active", "frozen", "closed"]
    name: str
    phone: str | None
    tier: TierOut
    tier_since: dt.datetime
    progress: ProgressOut
    balance: int
    debt: int
    pending: int
    held: int
    expiring_30d: int
    lots: list[LotOut]
    waiting: list[WaitingOut]
    holds: list[OpenHoldOut]
    lifetime_earned: int
    lifetime_spent: int
    enrolled_at: dt.datetime
    recent_receipts: list[ReceiptRowOut]


class StepView(Schema):
    label: str
    value: str


class EntryLotOut(Schema):
    expires_on: dt.date
    points: int


class EntryOut(Schema):
    """One movement of points: signed, with its sentence, and the balance after it."""

    entry_id: int
    points: int
    reason: str
    sentence: str
    steps: list[StepView]
    balance_after: int
    lots: list[EntryLotOut]
    debt_points: int
    reference: str
    occurred_at: dt.datetime
    posted_at: dt.datetime


class EntriesOut(Schema):
    items: list[EntryOut]
    next_cursor: str | None


class ReturnLineIn(Input):
    """A line of the sale. Without `quantity` all that is left of it; without `refund_fen` its share of what was paid."""

    line_no: Annotated[int, Field(strict=True, ge=1, le=32_000)]
    quantity: Quantity | None = None
    refund_fen: Fen | None = None


class ReturnIn(Input):
    """Goods that come back. `till` and `number` are those of the return itself; the same again changes nothing."""

    till: Annotated[str, text(40, 1)]
    number: Annotated[str, text(60, 1)]
    occurred_at: Moment
    lines: Annotated[list[ReturnLineIn], Field(min_length=1, max_length=2000)]
    business_date: Day | None = None
    cashier: Annotated[str, text(60)] = ""


class ReturnOut(Schema):
    """`clawed_points` were taken back, `debt_points` of them as debt; `money_fen` is what the customer gets."""

    return_id: UUID
    status: Literal["accepted", "duplicate"]
    refund_fen: int
    points_fen: int
    restored_points: int
    money_fen: int
    clawed_points: int
    debt_points: int
    deduct_cash_fen: int
    waived_points: int
    balance: int


class LineOut(Schema):
    line_no: int
    sku: str
    name: str
    category: str
    quantity: Decimal
    unit_price_fen: int
    discount_fen: int
    net_fen: int
    returned_quantity: Decimal
    returned_fen: int


class TenderOut(Schema):
    kind: str
    amount_fen: int
    reference: str


class ReceiptDetailOut(ReceiptRowOut):
    """A receipt with everything on it, its points, and why. `claim_url`: nobody owns it, its points can be taken there."""

    claim_url: str | None
    gross_fen: int
    discount_fen: int
    cashier: str
    original_receipt_id: UUID | None
    member_id: int | None
    points: int
    sentence: str
    steps: list[StepView]
    lines: list[LineOut]
    tenders: list[TenderOut]
    returns: list[ReceiptRowOut]


class ReversalIn(Input):
    """Without `points` all that can still be given back."""

    points: Points | None = None
    reason: Annotated[str, text(200)] = ""


class ReversalOut(Schema):
    """Points given back to the lots they came from, and their value."""

    redemption_id: UUID
    member_id: int
    points: int
    value_fen: int
    balance: int


class CloudEventOut(Schema):
    """CloudEvents 1.0."""

    specversion: Literal["1.0"]
    id: UUID
    source: str
    type: str
    subject: str
    time: str
    recordedtime: str
    datacontenttype: str
    data: dict[str, Any]
    actor: str = ""


class EventsOut(Schema):
    """Events in the order they were committed; keep `next_cursor` and ask with it next time, also when there are no more now."""

    items: list[CloudEventOut]
    next_cursor: str
    has_more: bool


class TimelineItemOut(Schema):
    """One thing that happened. `mark`: first_touch, purchase (the first), repurchase, interaction, or empty."""

    time: dt.datetime
    type: str
    mark: str
    actor: str
    data: dict[str, Any]


class TimelineOut(Schema):
    """Newest first."""

    items: list[TimelineItemOut]
    next_cursor: str | None


class MerchantOut(Schema):
    merchant_id: int
    code: str
    name: str
    mall_id: int
    mall_code: str
    trade_category: str
    time_zone: str
    is_open: bool


class MerchantsOut(Schema):
    items: list[MerchantOut]


class PolicyOut(Schema):
    """The text people agree to; its `version` goes with their consents."""

    version: str
    title: str
    text: str
    published_at: dt.datetime


class DigestOut(Schema):
    """A signed day of the ledger: hashes, key and signature in hex."""

    day: dt.date
    document: str
    digest: str
    kid: str
    public_key: str
    signature: str
    signed_at: dt.datetime


class DigestsOut(Schema):
    items: list[DigestOut]
    public_keys: dict[str, str]


class LiabilityMonthOut(Schema):
    """opening + imported + earned + spent + expired + adjusted = closing; what leaves is negative."""

    month: str
    opening: int
    imported: int
    earned: int
    spent: int
    expired: int
    adjusted: int
    closing: int


class PayerOut(Schema):
    """`by_month`: outstanding points by the month they lapse in."""

    payer: str
    outstanding: int
    by_month: dict[str, int]
    months: list[LiabilityMonthOut]


class LiabilityOut(Schema):
    outstanding: int
    ties_out: bool
    waiting: int
    debt: int
    expected_to_lapse: int
    payers: list[PayerOut]
    months: list[LiabilityMonthOut]


class PostingOut(Schema):
    entry: str
    account: str
    payer: str
    points: int
    debit_fen: int
    credit_fen: int


class JournalOut(Schema):
    """`opening_fen` and `closing_fen` stand on the provision account before and after the postings."""

    month: str
    is_open: bool
    valuation_version: int
    opening_fen: int
    closing_fen: int
    postings: list[PostingOut]

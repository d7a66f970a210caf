"""What tills send and get: msgspec structs, decoded and checked in one pass. The OpenAPI document is made from them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

AMOUNT_FEN_MAX = 10_000_000_000
ID_MAX = 2**63 - 1
BATCH_MAX = 100
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

Id = Annotated[int, Meta(ge=1, le=ID_MAX)]
Fen = Annotated[int, Meta(ge=0, le=AMOUNT_FEN_MAX, description="Amount in fen (0.01 yuan).")]
Points = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Text20 = Annotated[str, Meta(max_length=20, pattern=_PRINTABLE)]
Text40 = Annotated[str, Meta(max_length=40, pattern=_PRINTABLE)]
Text60 = Annotated[str, Meta(max_length=60, pattern=_PRINTABLE)]
Text80 = Annotated[str, Meta(max_length=80, pattern=_PRINTABLE)]
Text200 = Annotated[str, Meta(max_length=200, pattern=_PRINTABLE)]
Name40 = Annotated[str, Meta(min_length=1, max_length=40, pattern=_PRINTABLE)]
Name60 = Annotated[str, Meta(min_length=1, max_length=60, pattern=_PRINTABLE)]
Moment = Annotated[dt.datetime, Meta(tz=True, description="RFC 3339, with its offset from UTC.")]
TenderKind = Literal["cash", "wechat", "alipay", "card", "stored_value", "voucher", "points", "other"]
Quantity = (
    Annotated[
        str, Meta(pattern=r"^[0-9]{1,7}(\.[0-9]{1,3})?$", description="Decimal text, at most three decimals.")
    ]
    | Annotated[int, Meta(gt=0, le=1_000_000)]
    | Annotated[float, Meta(gt=0, le=1_000_000)]
)


class MemberRef(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who bought: exactly one of the four."""

    member_id: Id | None = None
    phone: (
        Annotated[
            str,
            Meta(min_length=1, max_length=40, description="+8613800138000, or a number of mainland China."),
        ]
        | None
    ) = None
    card: (
        Annotated[str, Meta(min_length=1, max_length=40, description="Number of the membership card.")] | None
    ) = None
    code: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=200,
                description="What the member's rotating QR code says; good once.",
            ),
        ]
        | None
    ) = None


class LineIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """One line of a sale. `net_fen` is what was paid for the whole line, after discounts."""

    quantity: Quantity
    unit_price_fen: Fen
    net_fen: Fen
    discount_fen: Fen = 0
    sku: Text60 = ""
    name: Text200 = ""
    line_no: (
        Annotated[int, Meta(ge=1, le=31_999, description="As on the receipt; by default 1, 2, 3 …")] | None
    ) = None
    category_code: Name40 | None = None


class TenderIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """One way a part was paid. All together they pay the sum of the lines."""

    kind: TenderKind
    amount_fen: Fen
    reference: Text80 = ""


class ReceiptIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A sale as the till wrote it.

    The merchant is named by `merchant_id`, or by `merchant_code` (with `mall_code` where two malls use the same code).
    `business_date` is by default the day of `occurred_at` in the mall's time zone.
    """

    till: Name40
    number: Name60
    occurred_at: Moment
    lines: Annotated[list[LineIn], Meta(min_length=1, max_length=2000)]
    tenders: Annotated[list[TenderIn], Meta(max_length=50)]
    merchant_id: Id | None = None
    merchant_code: Name40 | None = None
    mall_code: Name40 | None = None
    business_date: dt.date | None = None
    member: MemberRef | None = None
    cashier: Text60 = ""


class BatchIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Up to a hundred sales at once. Each is judged by itself: a bad one never stops a good one."""

    receipts: Annotated[list[Any], Meta(min_length=1, max_length=BATCH_MAX)]


class RedemptionIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Points a member pays with. `reference` is the till's own number for it, `quote_id` the quote they were promised by."""

    points: Points
    merchant_id: Id | None = None
    merchant_code: Name40 | None = None
    mall_code: Name40 | None = None
    reference: Text80 = ""
    quote_id: UUID | None = None


class HoldIn(RedemptionIn, forbid_unknown_fields=True, kw_only=True):
    """Points set aside while a purchase is paid; without `minutes` as long as the programme says."""

    minutes: Annotated[int, Meta(ge=1, le=10_080)] | None = None


class ConfirmIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Without `points` all that are held."""

    points: Points | None = None


class ReleaseIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Nothing needs to be said."""


class FactorOut(Struct):
    """A multiplier in basis points (10,000 is ×1): of a tier, merchant, trade category or of the calendar."""

    kind: str
    which: int | str | None
    basis_points: int


class LineShareOut(Struct):
    """What one line counted, its own multiplier, and its share of the points."""

    line_no: int
    eligible_fen: int
    basis_points: int
    points: int


class CapOut(Struct):
    """A limit, and how much of it was used before."""

    cap: str
    limit: int
    used: int


class RulePartOut(Struct):
    """What one earning rule gave, or why it gave nothing."""

    rule_version_id: int
    points: int
    refusal: str | None
    eligible_fen: int
    base_points: int
    base_per_fen: int
    factors: list[FactorOut]
    lines: list[LineShareOut]
    caps: list[CapOut]


class ExplanationOut(Struct):
    """Why there are points, or none: a sentence in the reader's language, and everything that decided.

    `refusal` is a stable code, null when there are points.
    """

    points: int
    sentence: str
    refusal: str | None
    rules: list[RulePartOut]


class ReceiptOut(Struct):
    """What became of a receipt. `duplicate`: it was known already, nothing was changed, this is the first answer.

    `claim_url`: a sale that nobody owns can be claimed there once; print it as a QR.
    """

    receipt_id: UUID
    status: Literal["accepted", "duplicate"]
    member_id: int | None
    points: int
    balance: int
    tier: str | None
    upgraded: bool
    explanation: ExplanationOut
    available_on: dt.date | None = None
    claim_url: str | None = None


class ProblemOut(Struct, omit_defaults=True):
    """A refusal (RFC 9457). `code` is stable; `title` and `detail` are in the caller's language."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    request_id: str | None = None
    errors: dict[str, list[str]] | None = None


class BatchItemOut(Struct, omit_defaults=True):
    """`status` is the HTTP status the receipt would have had alone; then either `receipt` or `problem`."""

    index: int
    status: int
    receipt: ReceiptOut | None = None
    problem: ProblemOut | None = None


class BatchOut(Struct):
    accepted: int
    duplicates: int
    refused: int
    results: list[BatchItemOut]


class RedemptionOut(Struct):
    """Points that were spent, what they are worth, and what is left."""

    redemption_id: UUID
    points: int
    value_fen: int
    balance: int


class HoldOut(Struct):
    """A hold as it stands. `value_fen` is what the points are worth, once confirmed the ones that were used."""

    hold_id: UUID
    member_id: int
    status: Literal["open", "confirmed", "released", "expired"]
    points: int
    used_points: int
    value_fen: int
    balance: int
    expires_at: dt.datetime


class LiveOut(Struct):
    status: Literal["ok"]


class CheckOut(Struct):
    ok: bool
    detail: str


class ReadyOut(Struct):
    """`ok`, or `unavailable` while a critical check fails."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, CheckOut]

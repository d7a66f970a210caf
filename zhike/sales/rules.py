"""What a well-formed receipt is, and how a return divides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from zhike.kernel.ids import uuid7

AMOUNT_FEN_MAX = 10_000_000_000
QUANTITY_MAX, THOUSANDTH = Decimal("1000000"), Decimal("0.001")
LINES_MAX = 2_000
EARLIEST = dt.date(2000, 1, 1)
CLOCK_SKEW = dt.timedelta(minutes=10)
TENDER_KINDS = ("cash", "wechat", "alipay", "card", "stored_value", "voucher", "points", "other")


@dataclass(frozen=True, slots=True)
class NewLine:
    """One line as the till wrote it; ``net_fen`` after discounts, ``quantity`` > 0 (in returns too)."""

    line_no: int
    sku: str
    name: str
    quantity: Decimal
    unit_price_fen: int
    net_fen: int
    discount_fen: int = 0
    product_id: int | None = None
    category_id: int | None = None
    original_line_no: int | None = None


@dataclass(frozen=True, slots=True)
class NewTender:
    kind: str
    amount_fen: int
    reference: str = ""


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A sale or return to be recorded; see ``models.Receipt``. ``id`` is made here so that lines can name it."""

    merchant_id: int
    mall_id: int
    kind: str
    till: str
    number: str
    business_date: dt.date
    occurred_at: dt.datetime
    lines: tuple[NewLine, ...]
    tenders: tuple[NewTender, ...]
    person_id: int | None = None
    original_id: UUID | None = None
    cashier: str = ""
    source: str = "api"
    import_id: UUID | None = None
    id: UUID = field(default_factory=uuid7)

    @property
    def net_fen(self) -> int:
        return sum(line.net_fen for line in self.lines)

    @property
    def discount_fen(self) -> int:
        return sum(line.discount_fen for line in self.lines)

    @property
    def gross_fen(self) -> int:
        return self.net_fen + self.discount_fen


def problems(receipt: NewReceipt, now: dt.datetime) -> Iterator[tuple[str, str]]:
    """What is wrong with a receipt: pairs of (field path, stable code); none when it can be recorded."""
    if receipt.kind not in ("sale", "return"):
        yield "kind", "unknown_kind"
    if not receipt.number.strip() or len(receipt.number) > 60:
        yield "number", "missing_or_long"
    if not receipt.till.strip() or len(receipt.till) > 40:
        yield "till", "missing_or_long"
    if not EARLIEST <= receipt.business_date <= now.date() + dt.timedelta(days=1):
        yield "business_date", "date_out_of_range"
    if receipt.occurred_at.tzinfo is None:
        yield "occurred_at", "no_time_zone"
    elif receipt.occurred_at > now + CLOCK_SKEW:
        yield "occurred_at", "in_the_future"
    elif abs((receipt.occurred_at.date() - receipt.business_date).days) > 2:
        yield "business_date", "far_from_occurred_at"
    if not receipt.lines:
        yield "lines", "no_lines"
    if len(receipt.lines) > LINES_MAX:
        yield "lines", "too_many_lines"
    if len({line.line_no for line in receipt.lines}) != len(receipt.lines):
        yield "lines", "line_no_twice"
    for index, line in enumerate(receipt.lines):
        yield from ((f"lines.{index}.{name}", code) for name, code in _line_problems(line))
    yield from _tender_problems(receipt)


def _line_problems(line: NewLine) -> Iterator[tuple[str, str]]:
    if not 0 < line.line_no < 32_000:
        yield "line_no", "out_of_range"
    if not line.quantity.is_finite() or not 0 < line.quantity <= QUANTITY_MAX:
        yield "quantity", "out_of_range"
    elif line.quantity != line.quantity.quantize(THOUSANDTH):
        yield "quantity", "too_precise"
    for name, fen in (
        ("net_fen", line.net_fen),
        ("discount_fen", line.discount_fen),
        ("unit_price_fen", line.unit_price_fen),
    ):
        if not 0 <= fen <= AMOUNT_FEN_MAX:
            yield name, "out_of_range"
    if len(line.sku) > 60:
        yield "sku", "missing_or_long"
    if len(line.name) > 200:
        yield "name", "missing_or_long"


def _tender_problems(receipt: NewReceipt) -> Iterator[tuple[str, str]]:
    for index, tender in enumerate(receipt.tenders):
        if tender.kind not in TENDER_KINDS:
            yield f"tenders.{index}.kind", "unknown_tender"
        if not 0 <= tender.amount_fen <= AMOUNT_FEN_MAX:
            yield f"tenders.{index}.amount_fen", "out_of_range"
        if len(tender.reference) > 80:
            yield f"tenders.{index}.reference", "missing_or_long"
    if receipt.net_fen > AMOUNT_FEN_MAX:
        yield "lines", "out_of_range"
    if sum(tender.amount_fen for tender in receipt.tenders) != receipt.net_fen:
        yield "tenders", "tenders_differ_from_lines"


def refund_share(
    net_fen: int, bought: Decimal, returned_before: Decimal, returning: Decimal, refunded_before: int
) -> int:
    """Fen to refund for ``returning`` pieces of a line: cumulative and rounded half up, so parts sum to the whole."""
    share = Decimal(net_fen) * (returned_before + returning) / bought
    return int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP)) - refunded_before

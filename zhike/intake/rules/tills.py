"""What a merchant's till uploads, and whether it can be taken: texts in, a receipt or a reason out.

A `TillReceipt` is what the till said, word for word, whichever protocol it speaks; that is also what is kept when it has to
wait. `judge` reads it by the terms of the connector. Amounts become fen, quantities thousandths, moments UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from zhike.intake.rules import reasons
from zhike.intake.rules.mapping import TENDERS
from zhike.intake.rules.values import (
    AMOUNT_FEN_MAX,
    MILLI,
    QUANTITY_MILLI_MAX,
    line_fen,
    parse_moment,
    scaled,
    to_utc,
)

NUMBER_MAX, TILL_MAX, ITEM_MAX, NAME_MAX, CASHIER_MAX = 30, 40, 60, 200, 60
LINES_MAX = 2_000
SALE, RETURN, DAY_TOTAL = "SA", "SR", "SZ"
CANCELLED = ("30", "40")
DEFAULT_TENDERS = {"CH": "cash", "CI": "card", "CO": "card", "OT": "other"}
"""Cash, domestic card, foreign card, other: what tills in malls have always sent."""


class TillLine(msgspec.Struct, frozen=True):
    item: str = ""
    name: str = ""
    quantity: str = ""
    price: str = ""
    net: str = ""


class TillTender(msgspec.Struct, frozen=True):
    """`excess` is what a voucher was worth beyond the price, and is not paid."""

    code: str = ""
    amount: str = ""
    excess: str = ""


class TillReceipt(msgspec.Struct, frozen=True):
    """One sale or return as the till said it. `day` is YYYYMMDD, `time` HHMMSS, `kind` SA or SR."""

    store: str = ""
    mall: str = ""
    till: str = ""
    number: str = ""
    kind: str = ""
    day: str = ""
    time: str = ""
    net: str = ""
    change: str = ""
    quantity: str = ""
    item: str = ""
    member: str = ""
    cashier: str = ""
    status: str = ""
    original_store: str = ""
    original_till: str = ""
    original_number: str = ""
    original_day: str = ""
    lines: tuple[TillLine, ...] = ()
    tenders: tuple[TillTender, ...] = ()


class TillDayTotal(msgspec.Struct, frozen=True):
    """What the till says it sold in a day. An empty text is something it did not say."""

    store: str = ""
    mall: str = ""
    till: str = ""
    day: str = ""
    sales: str = ""
    refunds: str = ""
    receipts: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """By what an upload is judged. `tills` empty: any till; codes are in capitals, `tenders` with our kinds."""

    mall_codes: frozenset[str]
    store_code: str
    tills: frozenset[str]
    tenders: Mapping[str, str]
    zone: str


class Refusal(Exception):
    """Why an upload cannot be taken: a code of `reasons`, and the word it is about."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail[:300]


@dataclass(frozen=True, slots=True)
class JudgedLine:
    item: str
    name: str
    quantity_milli: int
    unit_price_fen: int
    discount_fen: int
    net_fen: int


@dataclass(frozen=True, slots=True)
class Original:
    """How a return names its sale; the number at least."""

    number: str
    till: str
    business_date: dt.date | None


@dataclass(frozen=True, slots=True)
class JudgedReceipt:
    """What can be recorded. Amounts and quantities of a return are positive too; `tenders` are (kind, fen)."""

    is_return: bool
    till: str
    number: str
    business_date: dt.date
    occurred_at: dt.datetime
    net_fen: int
    lines: tuple[JudgedLine, ...]
    tenders: tuple[tuple[str, int], ...]
    member: str
    cashier: str
    original: Original | None


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """Fen and counts of a business day of a till; None where the till said nothing."""

    till: str
    business_date: dt.date
    sales_fen: int
    refunds_fen: int | None
    receipts: int | None


def judge(said: TillReceipt, terms: Terms) -> JudgedReceipt:
    """The receipt that the till means. Raises Refusal."""
    _check_place(said.mall, said.store, said.till, terms)
    number = _short(said.number, NUMBER_MAX, reasons.MISSING_NUMBER)
    day = _day(said.day)
    occurred_at = _moment(said.day, said.time, terms.zone)
    if said.status.strip() in CANCELLED:
        raise Refusal(reasons.CANCELLED, said.status)
    is_return, total = _direction(said)
    lines = _lines(said, is_return=is_return, total=total)
    if sum(line.net_fen for line in lines) != total:
        raise Refusal(reasons.AMOUNT_MISMATCH, said.net)
    return JudgedReceipt(
        is_return=is_return,
        till=said.till.strip(),
        number=number,
        business_date=day,
        occurred_at=occurred_at,
        net_fen=total,
        lines=lines,
        tenders=_tenders(said, terms, total, is_return=is_return),
        member=said.member.strip(),
        cashier=said.cashier.strip()[:CASHIER_MAX],
        original=_original(said, terms) if is_return else None,
    )


def judge_day(said: TillDayTotal, terms: Terms) -> JudgedDay:
    """The total of a day. Refunds may come with a minus or without. Raises Refusal."""
    _check_place(said.mall, said.store, said.till, terms)
    receipts = said.receipts.strip()
    if receipts and not (receipts.isascii() and receipts.isdecimal() and len(receipts) < 8):
        raise Refusal(reasons.BAD_AMOUNT, receipts)
    return JudgedDay(
        till=said.till.strip(),
        business_date=_day(said.day),
        sales_fen=_fen(said.sales, reasons.MISSING_AMOUNT),
        refunds_fen=abs(_fen(said.refunds, reasons.MISSING_AMOUNT)) if said.refunds.strip() else None,
        receipts=int(receipts) if receipts else None,
    )


def tender_table(text: str) -> dict[str, str]:
    """Codes of a till and our kinds from lines like "WX = wechat". Raises ValueError with the line that is wrong."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        code, equals, kind = line.partition("=")
        code, kind = code.strip().upper(), kind.strip()
        if not equals or not 0 < len(code) <= 10 or kind not in TENDERS:
            raise ValueError(line.strip()[:60])
        found[code] = kind
    return found


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of the sale with what is left of it."""

    line_no: int
    item: str
    left_milli: int
    left_fen: int


def plan_return(sold: Sequence[SoldLine], returned: Sequence[JudgedLine]) -> dict[int, tuple[int, int]]:
    """(thousandths, fen) to take back of each line of the sale.

    A returned line takes from the first line of its article that has enough left; a return of one lump sum takes everything,
    or from the only line there is. Raises Refusal: already returned, more than was bought, or nothing fits.
    """
    left = {line.line_no: line for line in sold if line.left_milli > 0}
    if not left:
        raise Refusal(reasons.ALREADY_RETURNED)
    total = sum(line.net_fen for line in returned)
    if total > sum(line.left_fen for line in left.values()):
        raise Refusal(reasons.RETURN_EXCEEDS)
    plan: dict[int, tuple[int, int]] = {}
    for line in returned:
        fits = (one for one in left.values() if one.item == line.item and _has(one, line))
        found = next(fits, None) or (next(iter(left.values())) if len(left) == 1 else None)
        if found is None or not _has(found, line):
            break
        milli, fen = plan.get(found.line_no, (0, 0))
        plan[found.line_no] = (milli + line.quantity_milli, fen + line.net_fen)
        rest = SoldLine(
            found.line_no, found.item, found.left_milli - line.quantity_milli, found.left_fen - line.net_fen
        )
        left[found.line_no] = rest
    else:
        return plan
    if total == sum(line.left_fen for line in sold if line.left_milli > 0):
        return {line.line_no: (line.left_milli, line.left_fen) for line in sold if line.left_milli > 0}
    raise Refusal(reasons.RETURN_EXCEEDS)


def redacted(said: TillReceipt) -> dict[str, Any]:
    """What is kept of an upload that has to wait: what is too long for any receipt is cut."""
    data: dict[str, Any] = msgspec.to_builtins(said)
    return _cut(data)  # type: ignore[no-any-return]


def kept(data: Mapping[str, Any]) -> TillReceipt:
    """The upload that `redacted` kept."""
    return msgspec.convert(data, TillReceipt)


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:NAME_MAX].replace("\x00", "")
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    return [_cut(one) for one in value]


def _has(sold: SoldLine, line: JudgedLine) -> bool:
    return sold.left_milli >= line.quantity_milli and sold.left_fen >= line.net_fen


def _check_place(mall: str, store: str, till: str, terms: Terms) -> None:
    if mall.strip() and mall.strip().upper() not in terms.mall_codes:
        raise Refusal(reasons.WRONG_MALL, mall)
    if not store.strip():
        raise Refusal(reasons.MISSING_MERCHANT)
    if store.strip().upper() != terms.store_code.upper():
        raise Refusal(reasons.UNKNOWN_MERCHANT, store)
    name = _short(till, TILL_MAX, reasons.UNKNOWN_TILL)
    if terms.tills and name not in terms.tills:
        raise Refusal(reasons.UNKNOWN_TILL, name)


def _short(text: str, limit: int, missing: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise Refusal(missing)
    if len(cleaned) > limit or any(ord(character) < 32 for character in cleaned):
        raise Refusal(reasons.TEXT_TOO_LONG, cleaned[:60])
    return cleaned


def _day(text: str) -> dt.date:
    digits = text.strip()
    if not digits:
        raise Refusal(reasons.MISSING_DATE)
    if len(digits) != 8 or not (digits.isascii() and digits.isdecimal()):
        raise Refusal(reasons.BAD_DATE, digits[:60])
    try:
        return parse_moment(digits, "auto")[0].date()
    except ValueError:
        raise Refusal(reasons.BAD_DATE, digits) from None


def _moment(day: str, time: str, zone: str) -> dt.datetime:
    digits = time.strip().replace(":", "") or "120000"
    try:
        if len(digits) != 6 or not digits.isdecimal():
            raise ValueError(digits)
        return to_utc(parse_moment(day.strip() + digits, "auto")[0], ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise Refusal(reasons.BAD_DATE, f"{day} {time}"[:60]) from None


def _direction(said: TillReceipt) -> tuple[bool, int]:
    """Whether it is a return, and the total without its sign: below zero means SR, and SR alone."""
    kind = said.kind.strip().upper()
    if kind not in (SALE, RETURN):
        raise Refusal(reasons.BAD_KIND, said.kind)
    total = _fen(said.net, reasons.MISSING_AMOUNT)
    if kind == SALE and total < 0:
        raise Refusal(reasons.NEGATIVE_AMOUNT, said.net)
    return kind == RETURN, abs(total)


def _lines(said: TillReceipt, *, is_return: bool, total: int) -> tuple[JudgedLine, ...]:
    """The lines; for a till that sends none, one lump line of the whole receipt."""
    if len(said.lines) > LINES_MAX:
        raise Refusal(reasons.TOO_MANY_LINES, str(len(said.lines)))
    if said.lines:
        sign = -1 if is_return and any(line.net.strip().startswith("-") for line in said.lines) else 1
        return tuple(_line(line, said.item, sign, is_return=is_return) for line in said.lines)
    item = _item(said.item)
    milli = abs(_milli(said.quantity)) if said.quantity.strip() else MILLI
    return (_priced(item, "", milli or MILLI, 0, total),)


def _line(line: TillLine, fallback: str, sign: int, *, is_return: bool) -> JudgedLine:
    item = _item(line.item or fallback)
    milli, fen = _milli(line.quantity), _fen(line.net, reasons.MISSING_AMOUNT)
    if is_return:
        milli, fen = abs(milli), fen * sign
    if milli == 0:
        raise Refusal(reasons.ZERO_QUANTITY, item)
    if milli < 0:
        raise Refusal(reasons.NEGATIVE_QUANTITY, item)
    if fen < 0:
        raise Refusal(reasons.NEGATIVE_AMOUNT, line.net)
    price = abs(_fen(line.price, "")) if line.price.strip() else 0
    return _priced(item, line.name.strip()[:NAME_MAX], milli, price, fen)


def _priced(item: str, name: str, milli: int, price: int, net: int) -> JudgedLine:
    """With the price it was marked with, where that is not below what was paid; the difference is discount."""
    gross = line_fen(milli, price)
    if price and gross >= net:
        return JudgedLine(item, name, milli, price, gross - net, net)
    unit = (2 * net * MILLI + milli) // (2 * milli)
    return JudgedLine(item, name, milli, min(unit, AMOUNT_FEN_MAX), 0, net)


def _item(text: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise Refusal(reasons.MISSING_ITEM)
    if len(cleaned) > ITEM_MAX:
        raise Refusal(reasons.TEXT_TOO_LONG, cleaned[:60])
    return cleaned


def _tenders(said: TillReceipt, terms: Terms, total: int, *, is_return: bool) -> tuple[tuple[str, int], ...]:
    """(kind, fen) that pay exactly the total: change comes off the cash, an excess off its own tender."""
    if not said.tenders:
        return (("other", total),) if total else ()
    paid: list[tuple[str, int, int]] = []
    for tender in said.tenders:
        code = tender.code.strip().upper()
        kind = terms.tenders.get(code)
        if kind is None:
            raise Refusal(reasons.UNKNOWN_CODE, tender.code)
        amount = _fen(tender.amount, reasons.MISSING_AMOUNT)
        excess = abs(_fen(tender.excess, "")) if tender.excess.strip() else 0
        paid.append((kind, abs(amount) if is_return else amount, excess))
    if any(amount < 0 for _, amount, _ in paid):
        raise Refusal(reasons.NEGATIVE_AMOUNT)
    change = abs(_fen(said.change, "")) if said.change.strip() else 0
    for without_excess in (False, True):
        for back in (0, change) if change else (0,):
            found = _settled(paid, total, back, without_excess=without_excess)
            if found is not None:
                return found
    raise Refusal(reasons.TENDERS_DIFFER, said.net)


def _settled(
    paid: Sequence[tuple[str, int, int]], total: int, change: int, *, without_excess: bool
) -> tuple[tuple[str, int], ...] | None:
    amounts = [amount - excess if without_excess else amount for _, amount, excess in paid]
    if sum(amounts) - change != total or any(amount < 0 for amount in amounts):
        return None
    kinds = [kind for kind, _, _ in paid]
    for index in sorted(range(len(kinds)), key=lambda place: kinds[place] != "cash"):
        off = min(change, amounts[index])
        amounts[index] -= off
        change -= off
    return tuple((kind, fen) for kind, fen in zip(kinds, amounts, strict=True) if fen)


def _original(said: TillReceipt, terms: Terms) -> Original | None:
    number = said.original_number.strip()
    if not number:
        return None
    store = said.original_store.strip()
    if store and store.upper() != terms.store_code.upper():
        raise Refusal(reasons.UNMATCHED_RETURN, f"{store} {number}")
    day = _day(said.original_day) if said.original_day.strip() else None
    return Original(number[:NUMBER_MAX], said.original_till.strip()[:TILL_MAX], day)


def _fen(text: str, missing: str) -> int:
    """An amount in yuan with up to four decimals, of which the last two are zero. Raises Refusal."""
    cleaned = text.strip()
    if not cleaned:
        raise Refusal(missing or reasons.BAD_AMOUNT)
    try:
        fen = scaled(cleaned, 2)
    except ValueError:
        raise Refusal(reasons.BAD_AMOUNT, cleaned[:60]) from None
    if abs(fen) > AMOUNT_FEN_MAX:
        raise Refusal(reasons.ABSURD_AMOUNT, cleaned[:60])
    return fen


def _milli(text: str) -> int:
    try:
        milli = scaled(text.strip(), 3)
    except ValueError:
        raise Refusal(reasons.BAD_QUANTITY, text[:60]) from None
    if abs(milli) > QUANTITY_MILLI_MAX:
        raise Refusal(reasons.BAD_QUANTITY, text[:60])
    return milli

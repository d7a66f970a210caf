"""ARTS/NRF POSLog XML (2.x with and without namespace, 6.0) as rows: one for each article sold or taken back.

A transaction is known by store, till, sequence number and business day. Training, cancelled and voided transactions, and all
that are no retail transactions (logs of shifts, counts of cash), are no rows. A transaction whose tenders or total do not
fit its lines is set aside whole. XML is read as a stream, without entities, external references or a document type.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from zhike.intake.files.rows import BrokenRow, Row

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

COLUMNS = (
    "Receipt number", "Store code", "Till", "Business date", "Transaction time", "Kind", "Item code", "Item name", "Quantity",
    "Unit price", "Amount", "Discount", "Tender", "Member no", "Original number", "Cashier", "Category",
)  # fmt: skip
"""Headings that a mapping is suggested by."""

ROOT = "POSLog"
LINES_MAX = 2_000
PART_BYTES_MAX = 32 * 1024 * 1024
"""So much XML from one transaction's end to the next is held in memory: a packed file of a few MB may unpack to many GB."""
TEXT_MAX = 500
AMOUNT_MISMATCH, TOO_MANY_LINES, BAD_AMOUNT = "amount-mismatch", "too-many-lines", "bad-amount"
TENDERS = {
    "cash": "cash",
    "creditdebit": "card",
    "credit": "card",
    "debit": "card",
    "check": "other",
    "giftcard": "stored_value",
    "giftcertificate": "stored_value",
    "storedvalue": "stored_value",
    "voucher": "voucher",
    "coupon": "voucher",
    "manufacturercoupon": "voucher",
    "loyaltypoints": "points",
    "wechat": "wechat",
    "wechatpay": "wechat",
    "alipay": "alipay",
    "mobilewallet": "other",
}


class NoPosLog(ValueError):
    """It is XML and no POSLog, or XML that nobody should read (a document type, entities)."""


class CutOff(ValueError):
    """It ends in the middle, or is not well formed."""


class TooMuch(ValueError):
    """More in one piece than a transaction is."""


@dataclass(slots=True)
class _Bounded:
    """A file that is read only as far as transactions end in it."""

    file: IO[bytes]
    since: int = 0

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(size)
        self.since += len(block)
        if self.since > PART_BYTES_MAX:
            raise TooMuch
        return block


@dataclass(slots=True)
class _Line:
    is_return: bool
    sku: str
    name: str
    quantity: Decimal
    price: Decimal | None
    amount: Decimal
    discount: Decimal
    category: str


@dataclass(slots=True)
class _Parts:
    """A transaction while its line items are gone through."""

    lines: list[_Line] = field(default_factory=list)
    tenders: dict[str, Decimal] = field(default_factory=dict)
    discount: Decimal = Decimal(0)
    original: str = ""


def is_xml(head: bytes) -> bool:
    """Whether the first bytes are those of XML in an encoding that tills write."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.replace(b"\0", b"")[2:]
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def count(path: Path, packed: bool) -> int:
    """Rows of the file, without the headings. Raises NoPosLog, CutOff, TooMuch."""
    return sum(1 for _ in read(path, packed)) - 1


def read(path: Path, packed: bool) -> Iterator[Row]:
    """The headings, then a row for each article; broken ones carry the transaction's number. Raises NoPosLog, CutOff, TooMuch."""
    yield list(COLUMNS)
    for transaction in _transactions(path, packed):
        yield from _rows(transaction)


@contextmanager
def _opened(path: Path, packed: bool) -> Iterator[IO[bytes]]:
    with cast("IO[bytes]", gzip.open(path) if packed else path.open("rb")) as file:
        yield file


def _transactions(path: Path, packed: bool) -> Iterator[Element]:
    """Transactions one at a time; those before are let go."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    with _opened(path, packed) as opened:
        file = _Bounded(opened)
        root: Element | None = None
        try:
            for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
                if root is None:
                    root = element
                    if _name(element) != ROOT:
                        raise NoPosLog(_name(element))
                elif event == "end" and _name(element) == "Transaction":
                    file.since = 0
                    yield element
                    root.clear()
        except DefusedXmlException as fault:
            raise NoPosLog(type(fault).__name__) from None
        except (ParseError, LookupError, ValueError) as fault:
            if isinstance(fault, NoPosLog | TooMuch):
                raise
            raise CutOff(str(fault)) from None


def _rows(transaction: Element) -> Iterator[Row]:
    retail = _child(transaction, "RetailTransaction")
    flags = {name.lower(): value.strip().lower() for name, value in transaction.attrib.items()}
    is_void = any(
        flags.get(name) in ("true", "1") for name in ("cancelflag", "trainingmodeflag", "voidedflag")
    )
    if retail is None or is_void or _is_suspended(retail):
        return
    number = _text(transaction, "SequenceNumber")
    try:
        parts = _parts(retail)
    except (InvalidOperation, ValueError):
        yield BrokenRow(BAD_AMOUNT, number)
        return
    if len(parts.lines) > LINES_MAX:
        yield BrokenRow(TOO_MANY_LINES, number)
        return
    if fault := _fault(retail, parts):
        yield BrokenRow(AMOUNT_MISMATCH, f"{number}: {fault}")
        return
    yield from _written(transaction, retail, parts, number)


def _is_suspended(retail: Element) -> bool:
    """Not finished at the till, or voided by a later one."""
    status = retail.get("TransactionStatus", "").lower()
    return status in ("suspended", "voided", "failed", "postvoided", "canceled", "cancelled")


def _parts(retail: Element) -> _Parts:
    parts = _Parts()
    for item in _children(retail, "LineItem"):
        if item.get("VoidFlag", "").lower() in ("true", "1"):
            continue
        for kind in item:
            name = _name(kind)
            if name in ("Sale", "Return"):
                parts.lines.append(_line(kind, name == "Return"))
                parts.original = parts.original or _original(kind)
            elif name == "Tender":
                _pay(parts, kind)
            elif name == "Discount":
                parts.discount += abs(_money(_text(kind, "Amount") or "0"))
    _spread(parts)
    return parts


def _line(item: Element, is_return: bool) -> _Line:
    identity = _text(item, "ItemID") or _text(item, "POSIdentity/POSItemID") or _text(item, "POSItemID")
    amount, price = (
        _text(item, "ExtendedAmount"),
        _text(item, "ActualSalesUnitPrice") or _text(item, "RegularSalesUnitPrice"),
    )
    quantity = abs(_money(_text(item, "Quantity") or "1"))
    reduced = sum(
        (
            abs(_money(_text(one, "Amount") or "0"))
            for one in _children(item, "RetailPriceModifier")
            if _lowers(one)
        ),
        Decimal(0),
    )
    value = abs(_money(amount)) if amount else quantity * abs(_money(price or ""))
    return _Line(
        is_return, identity, _text(item, "Description"), quantity, None, value, reduced, _text(item, "MerchandiseHierarchy"),
    )  # fmt: skip


def _lowers(modifier: Element) -> bool:
    """Whether it makes the line cheaper; ExtendedAmount is after it."""
    amount = _child(modifier, "Amount")
    return amount is None or amount.get("Action", "Subtract").lower() != "add"


def _pay(parts: _Parts, tender: Element) -> None:
    kind = (tender.get("TenderType") or _text(tender, "TenderType") or "other").replace(" ", "").lower()
    amount = _money(_text(tender, "Amount") or "0")
    back = tender.get("TypeCode", "").lower() in ("refund", "change")
    word = TENDERS.get(kind, "other")
    change = sum((abs(_money(one.text or "0")) for one in _deep(tender, "TenderChange/Amount")), Decimal(0))
    parts.tenders[word] = parts.tenders.get(word, Decimal(0)) + (-abs(amount) if back else amount) - change


def _spread(parts: _Parts) -> None:
    """A discount on the whole receipt, shared by its sales in proportion; the last one takes what is left."""
    sales = [line for line in parts.lines if not line.is_return]
    whole = sum((line.amount for line in sales), Decimal(0))
    if not parts.discount or not whole:
        return
    left = parts.discount
    for place, line in enumerate(sales, start=1):
        share = (
            left if place == len(sales) else (parts.discount * line.amount / whole).quantize(Decimal("0.01"))
        )
        line.amount, line.discount, left = line.amount - share, line.discount + share, left - share


def _fault(retail: Element, parts: _Parts) -> str:
    """What does not fit: the lines against the net total the till gives, and against what was paid."""
    if any(line.amount < 0 for line in parts.lines):
        return "discount"
    whole = sum(((-1 if line.is_return else 1) * line.amount for line in parts.lines), Decimal(0))
    totals = [
        _money(one.text or "0")
        for one in _children(retail, "Total")
        if one.get("TotalType") in ("TransactionNetAmount", "TransactionGrandAmount")
    ]
    if totals and whole not in (totals[0], -totals[0], *totals):
        return f"{whole} ≠ {totals[0]}"
    paid = sum(parts.tenders.values(), Decimal(0))
    return f"{whole} ≠ {paid}" if parts.tenders and abs(whole) != abs(paid) else ""


def _written(transaction: Element, retail: Element, parts: _Parts, number: str) -> Iterator[Row]:
    unit = _child(transaction, "BusinessUnit")
    store = (_text(unit, "UnitID") if unit is not None else "") or _text(transaction, "RetailStoreID")
    till = _text(transaction, "WorkstationID") or _text(transaction, "TillID")
    begun = _text(transaction, "BeginDateTime") or _text(transaction, "POSLogDateTime")
    ended = _text(transaction, "EndDateTime") or begun
    day = _text(transaction, "BusinessDayDate")
    cashier = _text(transaction, "OperatorID")
    card = _text(retail, "Customer/CustomerID") or _text(retail, "LoyaltyAccount/LoyaltyAccountID")
    card = card or next((one.text or "" for one in _deep(retail, "LineItem/LoyaltyReward/LoyaltyID")), "")
    tender = max(parts.tenders, key=lambda word: abs(parts.tenders[word])) if parts.tenders else "other"
    both = {line.is_return for line in parts.lines} == {True, False}
    for line in parts.lines:
        # goods taken back and goods sold in one transaction are two receipts here
        own = f"{number}-R" if both and line.is_return else number
        yield [
            own, store, till, day, ended.replace("T", " "), "return" if line.is_return else "sale", line.sku, line.name,
            f"{line.quantity:f}", "", f"{line.amount:f}", f"{line.discount:f}" if line.discount else "", tender, card.strip(),
            parts.original if line.is_return else "", cashier, line.category,
        ]  # fmt: skip


def _original(item: Element) -> str:
    link = _child(item, "TransactionLink")
    return _text(link, "SequenceNumber") if link is not None else ""


# --- elements, whatever their namespace ----------------------------------------------------------------------------


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _name(child) == name]


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _deep(element: Element, path: str) -> list[Element]:
    found = [element]
    for name in path.split("/"):
        found = [child for one in found for child in _children(one, name)]
    return found


def _text(element: Element, path: str) -> str:
    """The trimmed text at a path, "" where there is none."""
    return next((text for one in _deep(element, path) if (text := (one.text or "").strip()[:TEXT_MAX])), "")


def _money(text: str) -> Decimal:
    """A plain number. Raises InvalidOperation, ValueError for what is none."""
    number = Decimal(text.strip())
    if not number.is_finite() or abs(number) >= 10**12:
        raise ValueError(text)
    return number

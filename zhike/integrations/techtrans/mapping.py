"""Its words and ours: what a call says as an upload of a till, and why one was not taken as a response code. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from zhike.intake.operations import RETURN, SALE, TillDayTotal, TillLine, TillReceipt, TillTender
from zhike.integrations.techtrans.contract import SALES_HEADER
from zhike.integrations.techtrans.envelope import child, children, text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

OK, LOG_IN, TOO_MANY, MESSAGE, DUPLICATE, OTHER = 0, 1, 2, 10, 50, 90
CODES = {
    "wrong-mall": 20,
    "missing-merchant": 21,
    "unknown-merchant": 21,
    "unknown-till": 22,
    "missing-item": 23,
    "unknown-tender-code": 24,
    "missing-date": 30,
    "bad-date": 30,
    "future-date": 30,
    "ancient-date": 30,
    "bad-kind": 31,
    "missing-number": 32,
    "text-too-long": 33,
    "too-many-lines": 34,
    "missing-amount": 40,
    "bad-amount": 40,
    "absurd-amount": 40,
    "negative-amount": 40,
    "amount-mismatch": 41,
    "tenders-differ": 42,
    "bad-quantity": 43,
    "zero-quantity": 43,
    "negative-quantity": 43,
    "receipt-differs": 51,
    "unmatched-return": 52,
    "already-returned": 53,
    "return_exceeds": 54,
    "return-needs-points": 55,
    "unknown-member": 60,
    "cancelled": 70,
}
"""Zero is success and everything else is not: so much the protocol says. The numbers are ours and do not change."""


def receipt(request: Element | None) -> TillReceipt:
    """Of `postsalescreate`."""
    head = child(request, "salestotal")
    return TillReceipt(
        store=text(head, "storecode"),
        mall=text(head, "mallid"),
        till=text(head, "tillid"),
        number=text(head, "txdocno"),
        kind=text(head, "salestype"),
        day=text(head, "txdate_yyyymmdd"),
        time=text(head, "txtime_hhmmss"),
        net=text(head, "netamount"),
        change=text(head, "changeamount"),
        quantity=text(head, "netqty"),
        item=text(head, "mallitemcode"),
        member=text(head, "vipcode"),
        cashier=text(head, "cashier"),
        status=text(head, "status"),
        original_store=text(head, "orgstorecode"),
        original_till=text(head, "orgtillid"),
        original_number=text(head, "orgtxdocno"),
        original_day=text(head, "orgtxdate_yyyymmdd"),
        lines=tuple(_line(item) for item in children(child(request, "salesitems"), "salesitem")),
        tenders=_tenders(request, "salestender"),
    )


def short_receipt(request: Element | None) -> TillReceipt:
    """Of `postesalescreate`, which has no type: below zero it is a return."""
    head = child(request, "esalestotal")
    net = text(head, "netamount")
    return TillReceipt(
        store=text(head, "storecode"),
        mall=text(head, "mallid"),
        till=text(head, "tillid"),
        number=text(head, "txdocno"),
        kind=RETURN if net.startswith("-") else SALE,
        day=text(head, "txdate_yyyymmdd"),
        time=text(head, "txtime_hhmmss"),
        net=net,
        quantity=text(head, "netqty"),
        member=text(head, "vipcode"),
        cashier=text(head, "cashier"),
        lines=tuple(_line(item) for item in children(child(request, "esalesitems"), "esalesitem")),
        tenders=_tenders(request, "esalestender"),
    )


def day_total(request: Element | None) -> TillDayTotal:
    """Of `postdailysalessummary` and `postdailysalessummary2`."""
    day = child(request, "salessummary")
    return TillDayTotal(
        store=text(day, "storecode"),
        mall=text(day, "mallid"),
        till=text(day, "tillid"),
        day=text(day, "txdate_yyyymmdd"),
        sales=text(day, "ttlsalesamt"),
        refunds=text(day, "ttlrefundamt"),
        receipts=text(day, "ttldoccount"),
    )


def day_total_of_sale(said: TillReceipt) -> TillDayTotal:
    """Of a `postsalescreate` of the type SZ, which is no sale but the net total of the day."""
    return TillDayTotal(store=said.store, mall=said.mall, till=said.till, day=said.day, sales=said.net)


def sales_header(request: Element | None, our_number: str) -> str:
    """The head of a sale as it came, with our number for it, as the answer gives it back."""
    head = child(request, "salestotal")
    values = [
        (name, our_number if name == "ttpossalesdocno" else text(head, name))
        for name in (word.partition(":")[0] for word in SALES_HEADER.split())
        if name != "totaldiscount"
    ]
    numbers = {word.partition(":")[0] for word in SALES_HEADER.split() if ":" in word}
    inside = "".join(
        f"<{name}>{escape(value or '0')}</{name}>" if name in numbers else f"<{name}>{escape(value)}</{name}>"
        for name, value in values
        if value or name in numbers
    )
    return f"<salestotal>{inside}</salestotal>"


def _line(item: Element) -> TillLine:
    code = next(
        (found for name in ("itemcode", "plucode", "mallitemcode") if (found := text(item, name))), ""
    )
    price = text(item, "originalprice")
    return TillLine(
        item=code,
        name=text(item, "productname"),
        quantity=text(item, "qty"),
        price=price if price.strip("0.") else text(item, "sellingprice"),
        net=text(item, "netamount"),
    )


def _tenders(request: Element | None, name: str) -> tuple[TillTender, ...]:
    found = children(child(request, f"{name}s"), name)
    return tuple(
        TillTender(text(one, "tendercode"), text(one, "payamount"), text(one, "excessamount"))
        for one in found
    )

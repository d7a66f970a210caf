"""Recording receipts: one through the posting function of loyalty, many by COPY; returns; claims; undoing an import."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer
from zhike.kernel.errors import Conflict, Invalid
from zhike.sales.models import Receipt
from zhike.sales.rules import NewReceipt, problems

SENTENCES = {
    "unknown_kind": _("The kind must be sale or return."),
    "missing_or_long": _("This is missing or too long."),
    "date_out_of_range": _("The business date must be between 2000 and tomorrow."),
    "no_time_zone": _("The time needs its offset from UTC."),
    "in_the_future": _("The time lies in the future; check the clock of the till."),
    "far_from_occurred_at": _("Business date and time are more than two days apart."),
    "no_lines": _("A receipt needs at least one line."),
    "too_many_lines": _("A receipt has at most 2,000 lines."),
    "line_no_twice": _("Two lines have the same number."),
    "out_of_range": _("This number is out of range."),
    "too_precise": _("A quantity has at most three decimals."),
    "unknown_tender": _("This way to pay is not known."),
    "tenders_differ_from_lines": _("The payments do not add up to the lines."),
}


class InvalidReceipt(Invalid):
    code = "invalid-receipt"
    title = _("The receipt cannot be recorded as it is.")


class ReceiptConflict(Conflict):
    code = "receipt-conflict"
    title = _("A different receipt with this number was recorded already.")


def check_receipt(*, actor: Viewer, receipt: NewReceipt, now: dt.datetime) -> None:
    """Raises InvalidReceipt naming every field that is wrong."""
    found: dict[str, list[Any]] = {}
    for path, code in problems(receipt, now):
        found.setdefault(path, []).append(SENTENCES[code])
    if found:
        raise InvalidReceipt(fields=found)


def receipt_rows(
    *, actor: Viewer, receipt: NewReceipt, now: dt.datetime
) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Rows of a receipt, its lines and its tenders, as the SQL function ``sales_record_receipts`` takes them."""
    receipt_id = receipt.id
    head = {
        "id": receipt_id,
        "mall_id": receipt.mall_id,
        "merchant_id": receipt.merchant_id,
        "person_id": receipt.person_id,
        "kind": receipt.kind,
        "till": receipt.till,
        "number": receipt.number,
        "business_date": receipt.business_date,
        "occurred_at": receipt.occurred_at,
        "original_id": receipt.original_id,
        "gross_fen": receipt.gross_fen,
        "discount_fen": receipt.discount_fen,
        "net_fen": receipt.net_fen,
        "cashier": receipt.cashier,
        "source": receipt.source,
        "import_id": receipt.import_id,
        "recorded_at": now,
        "recorded_by": actor.audit_id,
    }
    lines = [
        {
            "receipt_id": receipt_id,
            "line_no": line.line_no,
            "product_id": line.product_id,
            "category_id": line.category_id,
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price_fen": line.unit_price_fen,
            "discount_fen": line.discount_fen,
            "net_fen": line.net_fen,
            "original_line_no": line.original_line_no,
        }
        for line in receipt.lines
    ]
    tenders = [
        {
            "receipt_id": receipt_id,
            "position": position,
            "kind": tender.kind,
            "amount_fen": tender.amount_fen,
            "reference": tender.reference,
        }
        for position, tender in enumerate(receipt.tenders, start=1)
    ]
    return head, lines, tenders


def insert_receipts(*, actor: Viewer, receipts: Sequence[NewReceipt], now: dt.datetime) -> dict[UUID, UUID]:
    """Write many receipts with lines and tenders by COPY, in the caller's transaction.

    Returns the ones that were not written because their natural key exists, with the id of the receipt that holds it;
    a key that comes twice in the call is written once.
    """
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE new_receipt (LIKE sales_receipt INCLUDING DEFAULTS) ON COMMIT DROP")
        _copy(
            cursor,
            "new_receipt",
            RECEIPT_COLUMNS,
            (_receipt_tuple(receipt, actor, now) for receipt in receipts),
        )
        columns = ", ".join(RECEIPT_COLUMNS)
        cursor.execute(f"""INSERT INTO sales_receipt ({columns}) SELECT {columns} FROM new_receipt
            ON CONFLICT (merchant_id, till, number, business_date) DO NOTHING""")
        cursor.execute("""
            SELECT n.id, r.id FROM new_receipt n
            JOIN sales_receipt r USING (merchant_id, till, number, business_date) WHERE n.id <> r.id""")
        duplicates: dict[UUID, UUID] = dict(cursor.fetchall())
        cursor.execute("DROP TABLE new_receipt")
        written = [receipt for receipt in receipts if receipt.id not in duplicates]
        _copy(
            cursor,
            "sales_receiptline",
            LINE_COLUMNS,
            (row for receipt in written for row in _line_tuples(receipt)),
        )
        _copy(
            cursor,
            "sales_tender",
            TENDER_COLUMNS,
            (row for receipt in written for row in _tender_tuples(receipt)),
        )
    return duplicates


def mark_returned(*, actor: Viewer, receipt_id: UUID, lines: Mapping[int, tuple[Decimal, int]]) -> None:
    """Add (quantity, fen) to what was returned of each line. The caller holds the receipt and checked the bounds."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """UPDATE sales_receiptline SET returned_quantity = returned_quantity + %s, returned_fen = returned_fen + %s
            WHERE receipt_id = %s AND line_no = %s""",
            [(quantity, fen, receipt_id, line_no) for line_no, (quantity, fen) in lines.items()],
        )


def attach_person(*, actor: Viewer, receipt_id: UUID, person_id: int, now: dt.datetime) -> bool:
    """Give an unowned receipt to a person; False when somebody was faster."""
    return bool(
        Receipt.objects.filter(id=receipt_id, person=None).update(person_id=person_id, claimed_at=now)
    )


def forget_receipts(*, actor: Viewer, receipt_ids: Iterable[UUID]) -> int:
    """Take receipts out again with their lines and tenders (undoing an import); the caller undid what hung on them.

    Returned quantities that these receipts caused on their originals are given back.
    """
    ids = list(receipt_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE sales_receiptline o SET returned_quantity = o.returned_quantity - back.quantity,
                returned_fen = o.returned_fen - back.fen
            FROM (SELECT r.original_id, l.original_line_no, sum(l.quantity) AS quantity, sum(l.net_fen) AS fen
                  FROM sales_receipt r JOIN sales_receiptline l ON l.receipt_id = r.id
                  WHERE r.id = ANY(%s) AND r.original_id IS NOT NULL AND NOT r.original_id = ANY(%s)
                  GROUP BY 1, 2) back
            WHERE o.receipt_id = back.original_id AND o.line_no = back.original_line_no""",
            [ids, ids],
        )
        cursor.execute("DELETE FROM sales_tender WHERE receipt_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM sales_receiptline WHERE receipt_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM sales_receipt WHERE id = ANY(%s)", [ids])
        return int(cursor.rowcount)


RECEIPT_COLUMNS = (
    "id", "mall_id", "merchant_id", "person_id", "kind", "till", "number", "business_date", "occurred_at",
    "original_id", "gross_fen", "discount_fen", "net_fen", "cashier", "source", "import_id", "recorded_at",
    "recorded_by",
)  # fmt: skip
LINE_COLUMNS = (
    "receipt_id", "line_no", "product_id", "category_id", "sku", "name", "quantity", "unit_price_fen",
    "discount_fen", "net_fen", "original_line_no", "returned_quantity", "returned_fen",
)  # fmt: skip
TENDER_COLUMNS = ("receipt_id", "position", "kind", "amount_fen", "reference")


def _copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _receipt_tuple(receipt: NewReceipt, actor: Viewer, now: dt.datetime) -> tuple[Any, ...]:
    return (
        receipt.id, receipt.mall_id, receipt.merchant_id, receipt.person_id, receipt.kind, receipt.till,
        receipt.number, receipt.business_date, receipt.occurred_at, receipt.original_id, receipt.gross_fen,
        receipt.discount_fen, receipt.net_fen, receipt.cashier, receipt.source, receipt.import_id, now, actor.audit_id,
    )  # fmt: skip


def _line_tuples(receipt: NewReceipt) -> Iterable[tuple[Any, ...]]:
    for line in receipt.lines:
        yield (
            receipt.id, line.line_no, line.product_id, line.category_id, line.sku, line.name, line.quantity,
            line.unit_price_fen, line.discount_fen, line.net_fen, line.original_line_no, 0, 0,
        )  # fmt: skip


def _tender_tuples(receipt: NewReceipt) -> Iterable[tuple[Any, ...]]:
    for position, tender in enumerate(receipt.tenders, start=1):
        yield (receipt.id, position, tender.kind, tender.amount_fen, tender.reference)

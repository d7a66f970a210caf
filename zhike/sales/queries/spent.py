"""What some persons bought at a mall in a span of days, line by line, as far as they kept it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from zhike.kernel.statements import fetch_rows
from zhike.sales.models import Receipt


@dataclass(frozen=True, slots=True)
class KeptSale:
    """``lines`` (category or None, fen not returned), ``tenders`` (kind, fen paid)."""

    receipt_id: UUID
    merchant_id: int
    number: str
    business_date: dt.date
    occurred_at: dt.datetime
    net_fen: int
    lines: tuple[tuple[int | None, int], ...]
    tenders: tuple[tuple[str, int], ...]


_SALES = """
    SELECT r.id, r.merchant_id, r.number, r.business_date, r.occurred_at, r.net_fen,
        (SELECT array_agg(coalesce(l.category_id, p.category_id, 0) ORDER BY l.line_no) FROM sales_receiptline l
            LEFT JOIN sales_product p ON p.id = l.product_id WHERE l.receipt_id = r.id),
        (SELECT array_agg(l.net_fen - l.returned_fen ORDER BY l.line_no)
            FROM sales_receiptline l WHERE l.receipt_id = r.id),
        (SELECT array_agg(t.kind ORDER BY t.position) FROM sales_tender t WHERE t.receipt_id = r.id),
        (SELECT array_agg(t.amount_fen ORDER BY t.position) FROM sales_tender t WHERE t.receipt_id = r.id)
    FROM sales_receipt r
    WHERE r.person_id = ANY(%s) AND r.mall_id = %s AND r.kind = 'sale'
        AND r.business_date >= %s AND r.business_date <= %s
    ORDER BY r.occurred_at, r.id"""
_LOOSE = """
    SELECT r.merchant_id, sum(r.net_fen)::bigint FROM sales_receipt r
    WHERE r.person_id = ANY(%s) AND r.mall_id = %s AND r.kind = 'return' AND r.original_id IS NULL
        AND r.business_date >= %s AND r.business_date <= %s
    GROUP BY r.merchant_id"""


def kept_sales(
    person_ids: Sequence[int], mall_id: int, first: dt.date, last: dt.date
) -> tuple[list[KeptSale], dict[int, int]]:
    """Their sales of the business days [first, last], oldest first; and by merchant the fen of goods that came back in these
    days without a receipt being named. The caller has authorised it."""
    args = [list(person_ids), mall_id, first, last]
    found = []
    for row in fetch_rows(_SALES, args):
        lines = tuple(
            (category or None, fen) for category, fen in zip(row[6] or (), row[7] or (), strict=True)
        )
        tenders = tuple(zip(row[8] or (), row[9] or (), strict=True))
        found.append(KeptSale(row[0], row[1], row[2], row[3], row[4], row[5], lines, tenders))
    return found, dict(fetch_rows(_LOOSE, args))


@dataclass(frozen=True, slots=True)
class ReceiptName:
    """What people call a receipt."""

    merchant_id: int
    number: str
    business_date: dt.date


def receipt_names(receipt_ids: Sequence[UUID]) -> dict[UUID, ReceiptName]:
    """Those of many receipts that there are; the caller has authorised it."""
    rows = Receipt.objects.filter(id__in=receipt_ids)
    found = rows.values_list("id", "merchant_id", "number", "business_date")
    return {row[0]: ReceiptName(*row[1:]) for row in found}

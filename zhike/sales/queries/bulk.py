"""Look-ups of thousands at once, for whoever loads many receipts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

NaturalKey = tuple[int, str, str, dt.date]
"""Merchant, till, number, business date."""


@dataclass(frozen=True, slots=True)
class KnownReceipt:
    id: UUID
    kind: str
    net_fen: int
    import_id: UUID | None


@dataclass(frozen=True, slots=True)
class SoldBy:
    """Which sold lines are asked for: of an article of a merchant, to a person or on the receipt of a number."""

    merchant_id: int
    sku: str
    person_id: int | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class ReturnableLine:
    """A sold line with what is left of it."""

    receipt_id: UUID
    line_no: int
    merchant_id: int
    sku: str
    person_id: int | None
    number: str
    occurred_at: dt.datetime
    quantity: Decimal
    fen: int


@dataclass(frozen=True, slots=True)
class ProductRef:
    id: int
    category_id: int | None


def receipts_by_keys(keys: Sequence[NaturalKey]) -> dict[NaturalKey, KnownReceipt]:
    """The receipts that hold these natural keys."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT r.merchant_id, r.till, r.number, r.business_date, r.id, r.kind, r.net_fen, r.import_id
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::date[])
                AS k(merchant_id, till, number, business_date)
            JOIN sales_receipt r USING (merchant_id, till, number, business_date)""",
            [list(column) for column in zip(*keys, strict=True)],
        )
        return {row[:4]: KnownReceipt(*row[4:]) for row in cursor.fetchall()}


def returnable_lines(wanted: Sequence[SoldBy]) -> list[ReturnableLine]:
    """What is left of the sold lines asked for; in no particular order, none twice."""
    if not wanted:
        return []
    columns: list[Any] = [
        [ask.merchant_id for ask in wanted],
        [ask.sku for ask in wanted],
        [ask.person_id for ask in wanted],
        [ask.number for ask in wanted],
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH asked AS (
                SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[])
                    AS a(merchant_id, sku, person_id, number)),
            receipts AS (
                SELECT r.id FROM asked a JOIN sales_receipt r
                    ON r.person_id = a.person_id AND r.merchant_id = a.merchant_id
                WHERE a.number = ''
                UNION
                SELECT r.id FROM asked a JOIN sales_receipt r
                    ON r.merchant_id = a.merchant_id AND r.number = a.number
                WHERE a.number <> '')
            SELECT r.id, l.line_no, r.merchant_id, l.sku, r.person_id, r.number, r.occurred_at,
                l.quantity - l.returned_quantity, l.net_fen - l.returned_fen
            FROM receipts JOIN sales_receipt r USING (id) JOIN sales_receiptline l ON l.receipt_id = r.id
            WHERE r.kind = 'sale' AND l.quantity > l.returned_quantity
                AND EXISTS (SELECT FROM asked a WHERE a.merchant_id = r.merchant_id AND a.sku = l.sku)""",
            columns,
        )
        return [ReturnableLine(*row) for row in cursor.fetchall()]


def product_refs(merchant_ids: Sequence[int]) -> list[tuple[int, str, ProductRef]]:
    """(merchant, article, product) of all products of these merchants."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT merchant_id, sku, id, category_id FROM sales_product WHERE merchant_id = ANY(%s)",
            [list(merchant_ids)],
        )
        return [(merchant_id, sku, ProductRef(*product)) for merchant_id, sku, *product in cursor.fetchall()]

"""What was bought together: for each article, category or merchant the numbers of the baskets it is in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import connection

from zhike.kernel.fragments import Sql
from zhike.sales.models import Product

Level = Literal["product", "category", "merchant"]
Unit = Literal["receipt", "visit"]
LEVELS: tuple[Level, ...] = ("product", "category", "merchant")
UNITS: tuple[Unit, ...] = ("visit", "receipt")

# A visit is all a member bought in a mall in one business day, at whichever merchants.
_BASKETS = {
    "receipt": "SELECT id, merchant_id, row_number() OVER (ORDER BY id) - 1 AS basket FROM sales_receipt",
    "visit": """SELECT id, merchant_id, dense_rank() OVER (ORDER BY mall_id, person_id, business_date) - 1 AS basket
        FROM sales_receipt""",
}
_ITEMS = {
    "product": "l.product_id",
    "category": "coalesce(l.category_id, p.category_id)",
    "merchant": "r.merchant_id",
}
# What came back whole was not bought in the end.
_LINES = """ JOIN sales_receiptline l ON l.receipt_id = r.id AND l.returned_quantity < l.quantity
    LEFT JOIN sales_product p ON p.id = l.product_id"""


@dataclass(frozen=True, slots=True)
class Baskets:
    """``count`` baskets, numbered from 0; ``of_item`` gives those of each item, in order."""

    count: int
    of_item: dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class ProductFace:
    """A product as it is shown; ``price_fen`` None where nobody said."""

    id: int
    sku: str
    name: str
    merchant_id: int
    category_id: int | None
    price_fen: int | None


def baskets(
    level: Level, unit: Unit, since: dt.datetime, until: dt.datetime, mall_id: int | None, minimum: int
) -> Baskets:
    """Sales in [since, until) of a mall (None: all malls); items in fewer than ``minimum`` baskets are left out.

    A receipt is a basket, or a member's visit (then receipts without a member do not count). The caller has authorised.
    """
    where = Sql(" WHERE kind = 'sale' AND occurred_at >= %s AND occurred_at < %s", (since, until))
    if unit == "visit":
        where += Sql(" AND person_id IS NOT NULL")
    if mall_id is not None:
        where += Sql(" AND mall_id = %s", (mall_id,))
    found = (Sql(_BASKETS[unit]) + where).inside("WITH r AS MATERIALIZED (", ")")
    item = _ITEMS[level]
    lines = "" if level == "merchant" else _LINES
    listed = found + Sql(
        f""" SELECT item, array_agg(basket ORDER BY basket) FROM (
            SELECT DISTINCT {item} AS item, r.basket FROM r{lines} WHERE {item} IS NOT NULL) x
        GROUP BY item HAVING count(*) >= %s""",
        (minimum,),
    )
    counted = found + Sql(" SELECT coalesce(max(basket) + 1, 0) FROM r")
    with connection.cursor() as cursor:
        cursor.execute(counted.text, counted.params)
        count = int(cursor.fetchone()[0])
        cursor.execute(listed.text, listed.params)
        return Baskets(count, {row[0]: row[1] for row in cursor})


def product_faces(product_ids: Sequence[int]) -> dict[int, ProductFace]:
    """Those of many products that there are."""
    rows = Product.objects.filter(id__in=product_ids)
    columns = ("id", "sku", "name", "merchant_id", "category_id", "price_fen")
    return {row[0]: ProductFace(*row) for row in rows.values_list(*columns)}


@dataclass(frozen=True, slots=True)
class Bought:
    """An item in one of a person's visits, ``age`` visits before their last."""

    item: int
    age: int
    on: dt.date


_VISITED = """SELECT DISTINCT person_id, item, mall_id, merchant_id, age, business_date FROM (
    SELECT r.person_id, {item} AS item, r.mall_id, r.merchant_id, r.business_date,
        dense_rank() OVER (PARTITION BY r.person_id ORDER BY r.business_date DESC) - 1 AS age
    FROM sales_receipt r{lines} WHERE r.kind = 'sale' AND r.occurred_at >= %s AND r.occurred_at <= %s"""


def visited_sql(level: Level, since: dt.datetime, until: dt.datetime) -> Sql:
    """What members bought in [since, until], as a statement that others build on; a visit is a day.

    Columns: person_id, item (of the level), mall_id, merchant_id, age (visits before their last), business_date.
    """
    text = _VISITED.format(item=_ITEMS[level], lines="" if level == "merchant" else _LINES)
    return Sql(text + " AND r.person_id IS NOT NULL) x WHERE item IS NOT NULL", (since, until))


def bought_by(
    person_ids: Sequence[int], level: Level, since: dt.datetime, until: dt.datetime, visits: int
) -> list[Bought]:
    """What one human being (by all their ids) bought in their newest visits, the newest first."""
    text = _VISITED.format(item=_ITEMS[level], lines="" if level == "merchant" else _LINES)
    text = text.replace("PARTITION BY r.person_id ", "")
    statement = Sql(
        text + " AND r.person_id = ANY(%s)) x WHERE item IS NOT NULL AND age < %s ORDER BY age, item",
        (since, until, list(person_ids), visits),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [Bought(row[1], row[4], row[5]) for row in cursor.fetchall()]


def products_with_sku(skus: Sequence[str]) -> dict[str, int]:
    """The products that alone bear an article number; others of the same number at other merchants leave it open."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sku, min(id) FROM sales_product WHERE sku = ANY(%s) GROUP BY sku HAVING count(*) = 1",
            [list(skus)],
        )
        return dict(cursor.fetchall())

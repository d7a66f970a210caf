"""What is bought together in a million receipts, three million lines: the whole search, from the tables to the rules kept.

The limit is the bare reading: the same lines grouped by article in the database and handed over.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from tests.bench.harness import Result, result, stopwatch
from tests.loyalty.conftest import SYSTEM, build_town
from zhike.insight import operations, queries
from zhike.kernel import clock
from zhike.sales import queries as sales

KEEP_DATABASE = True
RECEIPTS = 1_000_000
ARTICLES = 3_000
TARGET = 0.2

# Articles as popular as Zipf's law has it; every third receipt with article n (n under 300) holds its neighbour too.
_PRODUCTS = """INSERT INTO sales_product (merchant_id, sku, name) SELECT %s, 'B' || n, '商品' || n
    FROM generate_series(1, %s) n"""
_RECEIPTS = """INSERT INTO sales_receipt (id, mall_id, merchant_id, kind, till, number, business_date, occurred_at, gross_fen,
        discount_fen, net_fen, cashier, source, recorded_at, recorded_by)
    SELECT gen_random_uuid(), %s, %s, 'sale', '01', 'B' || n, %s::date, %s, 1000, 0, 1000, '', 'bench', %s, 'bench'
    FROM generate_series(1, %s) n"""
_LINES = """WITH first AS MATERIALIZED (SELECT min(id) AS id FROM sales_product),
    picked AS MATERIALIZED (
        SELECT r.id, k, floor(power(random(), 3) * %s)::int AS n FROM sales_receipt r, generate_series(1, 3) k),
    lines AS (SELECT id, CASE WHEN k = 3 AND x.first_n < 300 AND x.first_n %% 3 = 0 THEN x.first_n + 1 ELSE n END AS n, k
        FROM (SELECT p.*, first_value(n) OVER (PARTITION BY id ORDER BY k) AS first_n FROM picked p) x)
    INSERT INTO sales_receiptline (receipt_id, line_no, product_id, sku, name, quantity, unit_price_fen, discount_fen, net_fen,
        returned_quantity, returned_fen)
    SELECT lines.id, k, first.id + n, 'B', '商品', 1, 300, 0, 300, 0, 0 FROM lines, first"""


def run() -> list[Result]:
    now = clock.now()
    group_id = _load(now)
    with stopwatch() as seconds:
        sales.baskets("product", "receipt", now - dt.timedelta(days=700), now, None, 1_000)
        bare = seconds()
    plan = operations.BasketPlan(
        level="product", unit="receipt", days=700, support_ppm=1_000, confidence_bp=500, count_min=5
    )
    run_id = operations.order_basket_search(actor=SYSTEM, group_id=group_id, plan=plan, now=now)
    with stopwatch() as seconds:
        operations.search_baskets(actor=SYSTEM, run_id=run_id, now=now)
        took = seconds()
    known = queries.basket_run(SYSTEM, run_id)
    assert known.rules >= 90, known.rules
    return [
        result(
            f"baskets: {known.baskets:,} receipts, {known.rules} rules", took, "s", limit=bare, target=TARGET
        )
    ]


def _load(now: dt.datetime) -> int:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SELECT count(*), min(mall_id) FROM sales_receipt")
        count, _mall = cursor.fetchone()
        if count:
            cursor.execute("SELECT min(id) FROM organization_group")
            return int(cursor.fetchone()[0])
        town = build_town()
        cursor.execute("SELECT id FROM organization_merchant ORDER BY id LIMIT 1")
        merchant_id = cursor.fetchone()[0]
        cursor.execute("DELETE FROM sales_product")
        cursor.execute(_PRODUCTS, [merchant_id, ARTICLES])
        at = now - dt.timedelta(days=5)
        cursor.execute(_RECEIPTS, [town.mall_id, merchant_id, at, at, at, RECEIPTS])
        cursor.execute(_LINES, [ARTICLES - 2])
        cursor.execute("SELECT min(id) FROM organization_group")
        return int(cursor.fetchone()[0])

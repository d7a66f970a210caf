"""RFM over generated receipts: the Ibis definition against SQL written by hand for the same engine, files and moment.

ZHIKE_BENCH_RECEIPTS=20000000 for the large one; two million by default.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.harness import Result, result
from zhike.history._lake import definitions, engine
from zhike.history._lake.folder import Folder, Manifest
from zhike.history.rules import CUSTOMERS, DAY_US, ORDERS, RfmPlan

ORDERS_MADE = int(os.environ.get("ZHIKE_BENCH_RECEIPTS", "2000000"))
ROUNDS = 3
NOW_US = 1_772_323_200_000_000
PLAN = RfmPlan(NOW_US, 365, (7, 21, 45, 90), (2, 4, 8, 16), (20_000, 60_000, 150_000, 400_000), 4)

BY_HAND = f"""
SELECT "group", count(*), sum(fen), sum(frequency) FROM (
    SELECT frequency, fen, CASE WHEN frequency = 0 THEN '' ELSE
        CASE WHEN 5 - (days > 7)::int - (days > 21)::int - (days > 45)::int - (days > 90)::int >= 4 THEN '1' ELSE '0' END ||
        CASE WHEN 1 + (frequency >= 2)::int + (frequency >= 4)::int + (frequency >= 8)::int + (frequency >= 16)::int >= 4
            THEN '1' ELSE '0' END ||
        CASE WHEN 1 + (fen >= 20000)::int + (fen >= 60000)::int + (fen >= 150000)::int + (fen >= 400000)::int >= 4
            THEN '1' ELSE '0' END END AS "group"
    FROM (
        SELECT coalesce(o.frequency, 0) AS frequency, coalesce(o.fen, 0) AS fen,
            ({NOW_US} - coalesce(o.last_us, 0)) // {DAY_US} AS days
        FROM (SELECT person_key FROM customers WHERE is_member AND is_profiled) c
        LEFT JOIN (
            SELECT person_key, max(at_us) FILTER (kind = 'sale') AS last_us,
                count(*) FILTER (kind = 'sale' AND at_us >= {NOW_US - 365 * DAY_US}) AS frequency,
                sum(CASE WHEN kind = 'sale' THEN net_fen ELSE -net_fen END) FILTER (at_us >= {NOW_US - 365 * DAY_US}) AS fen
            FROM orders WHERE person_key <> 0 AND at_us <= {NOW_US} GROUP BY person_key
        ) o USING (person_key)
    )
) GROUP BY 1 ORDER BY 1
"""


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name) / "lake")
        folder.path.mkdir()
        with engine.engine(folder) as connection:
            engine.open_tables(connection, folder, _made(connection, folder))
            return [_rfm(connection)]


def _made(connection: Any, folder: Folder) -> Manifest:
    """Receipts of a twentieth as many customers, over two years; the same every time."""
    manifest, customers = Manifest(), ORDERS_MADE // 20
    statements = {
        ORDERS.name: f"""SELECT lpad(i::varchar, 12, '0') AS order_id, CASE WHEN hash(i * 7) % 20 = 0 THEN 'return' ELSE 'sale' END AS kind,
            1::bigint AS mall_id, (hash(i * 11) % 300)::bigint AS merchant_id,
            (1 + hash(i * 13) % {customers} * (hash(i * 17) % 1000) // 1000)::bigint AS person_key, 'till' AS source,
            DATE '2024-03-01' + (hash(i) % 730)::int AS day, ({NOW_US} - (hash(i) % (730 * {DAY_US})))::bigint AS at_us,
            (hash(i * 3) % 50000)::bigint AS gross_fen, 0::bigint AS discount_fen, (hash(i * 3) % 50000)::bigint AS net_fen
            FROM range({ORDERS_MADE}) t(i)""",
        CUSTOMERS.name: f"""SELECT (i + 1)::bigint AS person_key, (i + 1)::bigint AS root_key, DATE '2024-01-01' AS day, 'till' AS source,
            1::bigint AS mall_id, 1::bigint AS tier_id, 'female' AS sex, 1990::int AS birth_year, true AS is_member,
            hash(i) % 10 > 0 AS is_profiled FROM range({customers}) t(i)""",
    }
    for table, statement in statements.items():
        (folder.path / table).mkdir()
        target = folder.path / table / "made.parquet.new"
        connection.execute(f"COPY ({statement}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        manifest.tables[table] = [folder.take_in(target, engine.count(connection, target))]
    return manifest


def _rfm(connection: Any) -> Result:
    """Each in turn, several times; the best of each, and the same rows from both. Compiling the expression counts."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        expected = connection.execute(BY_HAND).fetchall()
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        found = connection.execute(definitions.sql(definitions.rfm(definitions.Tables(), PLAN))).fetchall()
        ours.append(time.perf_counter() - began)
        assert found == expected, "the definition and the hand-written statement differ"
    return result(
        f"RFM of {ORDERS_MADE:,} receipts by a definition",
        min(ours),
        "s",
        limit=min(bare),
        target=0.8,
        seconds=ours,
    )

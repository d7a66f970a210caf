"""Half a million lines of a file: `zhike import receipts` against COPY and the best set-based SQL for the same result.

The same mall stands in two databases. One gets the file through the import (detecting, cleaning, reconciling, deciding
by the rules), the other through `import_limit.sql`, which knows the file and the rule by heart. Both must agree.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connections

from tests.bench.harness import Result, result, server_url
from tests.loyalty.conftest import BASE_RULE, SYSTEM, Town, build_town
from zhike.intake import operations as intake
from zhike.kernel import clock
from zhike.loyalty import operations as loyalty

LINES = 500_000
MEMBERS = 5_000
ARTICLES = 4_000
LIMIT_DATABASE = "bench_import_limit"
HEADER = ("number", "till", "merchant", "time", "sku", "name", "quantity", "price", "card", "payment")
MAPPING: dict[str, Any] = {
    "columns": {
        "number": "number", "till": "till", "merchant": "merchant", "occurred_at": "time", "sku": "sku", "name": "name",
        "quantity": "quantity", "unit_price": "price", "member_card": "card", "tender": "payment",
    },
}  # fmt: skip
TARGET = 0.35


def run() -> list[Result]:
    town = _town()
    results = []
    for lines_per_receipt in (20, 5):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "receipts.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([HEADER, *_rows(lines_per_receipt)])
            limit_s, import_s = _measure(town, path)
        results.append(
            result(
                f"import of {LINES:,} lines, {lines_per_receipt} a receipt",
                LINES / import_s,
                "lines/s",
                limit=LINES / limit_s,
                target=TARGET,
            )
        )
    return results


def _town() -> Town:
    town = build_town()
    now = clock.now()
    loyalty.publish_rule_version(
        actor=SYSTEM,
        program_id=town.program_id,
        code="base",
        name="消费积分",
        definition=BASE_RULE,
        effective_from=now - dt.timedelta(days=400),
        now=now,
        backdated=True,
    )
    members = [
        loyalty.NewMember(name="", enrolled_at=now, card=f"B{number:08d}", mall_id=town.mall_id)
        for number in range(MEMBERS)
    ]
    loyalty.enroll_members(actor=SYSTEM, members=members, now=now)
    return town


def _rows(lines_per_receipt: int) -> Iterator[tuple[str, ...]]:
    """A year of one shop: receipts of one to twice the usual number of lines, three in four of members."""
    rng = random.Random(lines_per_receipt)
    prices = [rng.randrange(50, 30_000) for _ in range(ARTICLES)]
    moment = clock.now().replace(tzinfo=None, microsecond=0) - dt.timedelta(days=360)
    step = dt.timedelta(days=355) / (LINES // lines_per_receipt)
    written = number = 0
    while written < LINES:
        number, moment = number + 1, moment + step
        card = f"B{rng.randrange(MEMBERS):08d}" if rng.random() < 0.75 else ""
        tender = rng.choice(("wechat", "alipay", "card", "cash"))
        at = moment.isoformat(sep=" ", timespec="seconds")
        count = min(LINES - written, rng.randint(1, 2 * lines_per_receipt - 1))
        for article in rng.sample(range(ARTICLES), count):
            price = f"{prices[article] // 100}.{prices[article] % 100:02d}"
            quantity = str(rng.choice((1, 1, 1, 2, 3)))
            key = (f"{lines_per_receipt}-{number}", "01", "M1", at)
            yield (*key, f"A{article:05d}", f"ARTICLE NUMBER {article}", quantity, price, card, tender)
        written += count


def _measure(town: Town, path: Path) -> tuple[float, float]:
    """Seconds by hand, and by the import, each from the same state."""
    _copy_database()
    with psycopg.connect(server_url(LIMIT_DATABASE)) as by_hand:
        began = time.perf_counter()
        _load_by_hand(by_hand, town, path)
        by_hand.commit()
        limit_s = time.perf_counter() - began
        began = time.perf_counter()
        outcome = intake.import_file(
            actor=SYSTEM, mall_id=town.mall_id, path=path, mapping=MAPPING, dry_run=False, now=clock.now()
        )
        import_s = time.perf_counter() - began
        assert outcome.reconciliation.accepted == LINES, outcome.reconciliation
        with psycopg.connect(server_url(str(connections["default"].settings_dict["NAME"]))) as ours:
            for question in SAME:
                assert _answer(ours, question) == _answer(by_hand, question), question
    return limit_s, import_s


SAME = """
SELECT count(*), sum(net_fen) FROM sales_receipt;
SELECT count(*), sum(net_fen), sum(quantity), count(product_id) FROM sales_receiptline;
SELECT kind, count(*), sum(amount_fen) FROM sales_tender GROUP BY kind ORDER BY kind;
SELECT id, balance, qualifying_fen FROM loyalty_account ORDER BY id;
SELECT * FROM loyalty_lot ORDER BY account_id, expires_on;
SELECT count(*), sum(points) FROM loyalty_transfer;
SELECT id, tier_id FROM loyalty_member ORDER BY id;
SELECT count(*), sum(qualifying_fen) FROM loyalty_tierchange;
SELECT type, count(*) FROM kernel_event WHERE type ~ 'recorded|earned|tier_changed' GROUP BY 1 ORDER BY 1;
SELECT r.number, a.explanation FROM loyalty_award a JOIN sales_receipt r ON r.id = a.receipt_id ORDER BY 1 LIMIT 500
""".strip().split(";\n")
"""Questions to which both databases give the same answer afterwards."""


def _answer(connection: psycopg.Connection[Any], question: str) -> list[tuple[Any, ...]]:
    return connection.execute(question.encode()).fetchall()


def _copy_database() -> None:
    """The database as it is now, a second time."""
    entry = connections["default"]
    name = entry.settings_dict["NAME"]
    entry.close()
    entry.close_pool()  # type: ignore[attr-defined]
    with psycopg.connect(server_url("postgres"), autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        server.execute(f"DROP DATABASE IF EXISTS {LIMIT_DATABASE} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {LIMIT_DATABASE} TEMPLATE {name}".encode())


def _load_by_hand(connection: psycopg.Connection[Any], town: Town, path: Path) -> None:
    values = {
        "mall": town.mall_id,
        "import": uuid4(),
        "now": clock.now(),
        "issued": -(town.program_id * 10 + 1),
        "rule": 1,
        "version": 1,
        "funding": 1,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute(f"CREATE TEMP TABLE raw ({', '.join(f'{name} text' for name in RAW)})".encode())
        with path.open("rb") as file, cursor.copy("COPY raw FROM STDIN (FORMAT csv, HEADER true)") as copy:
            while block := file.read(1 << 20):
                copy.write(block)
        cursor.execute("ANALYZE raw")
        for statement in (
            (Path(__file__).parent / "import_limit.sql").read_text(encoding="utf-8").split(";\n")
        ):
            if statement.strip():
                cursor.execute(statement.encode(), values)


RAW = ("number", "till", "merchant", "at", "sku", "name", "quantity", "price", "card", "tender")

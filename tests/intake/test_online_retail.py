"""The worked example: 541,909 lines as a real till wrote them, to the line and to the point."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.people import NOW, Malls
from zhike.intake import operations as intake
from zhike.intake.models import QuarantinedRow
from zhike.kernel.access import system_viewer
from zhike.loyalty import queries as loyalty

ROOT = Path(__file__).resolve().parents[2]
MAPPING = ROOT / "examples" / "online_retail.mapping.toml"
LINES = 541_909

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("online_retail"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def table(zhike_data: Path, tmp_path: Path) -> Path:
    """The data set as the file a till would send."""
    parquet = pytest.importorskip("pyarrow.parquet")
    source = zhike_data / "online_retail" / "transactions.parquet"
    if not source.exists():
        pytest.skip(f"there is no {source}")
    path = tmp_path / "online_retail.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_rows(parquet.read_table(source)))
    return path


def _rows(table: Any) -> Iterator[list[str]]:
    yield table.column_names
    for batch in table.to_batches():
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield ["" if cell is None else str(cell) for cell in row]


def load(path: Path, malls: Malls, *, dry_run: bool = False) -> intake.Reconciliation:
    mapping = tomllib.loads(MAPPING.read_text(encoding="utf-8"))
    return intake.import_file(
        actor=system_viewer("tests"), mall_id=malls.star, path=path, mapping=mapping, dry_run=dry_run, now=NOW
    ).reconciliation


def ask(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def work_out(path: Path) -> None:
    """Fill `expected_count` and `expected_points` from the file by SQL of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TEMP TABLE copied (invoice text, code text, description text, quantity text, at text, price text,
            customer text, country text, row_no bigserial)"""
        )
        with (
            path.open("rb") as file,
            cursor.copy(
                "COPY copied (invoice, code, description, quantity, at, price, customer, country)"
                " FROM STDIN (FORMAT csv, HEADER true)"
            ) as copy,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        cursor.execute("CREATE TEMP TABLE raw AS SELECT * FROM copied")
        cursor.execute((Path(__file__).parent / "online_retail.sql").read_text(encoding="utf-8"))


@pytest.mark.feature("C005", "C016", "C017", "B01")
def test_half_a_million_real_lines_come_in_to_the_line_and_the_point(
    table: Path, malls: Malls, programme: int
):
    checked = load(table, malls, dry_run=True)
    first = load(table, malls)
    work_out(table)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what autovacuum does in the minute after a real import

    expected: dict[str, int] = dict(ask("SELECT * FROM expected_count"))
    assert (first.lines, first.balanced) == (LINES, True)
    assert first.accepted == expected.pop("accepted")
    assert first.merged == expected.pop("merged")
    assert dict(first.quarantined) == expected
    assert QuarantinedRow.objects.count() == sum(expected.values())
    returned = ask(
        "SELECT count(*) FILTER (WHERE sale IS NOT NULL), count(*) FILTER (WHERE sale IS NULL) FROM returned"
    )
    assert (first.returns_matched, first.returns_unmatched) == returned[0]
    assert {**checked.as_json(), "points": 0, "samples": []} == {
        **first.as_json(),
        "points": 0,
        "samples": [],
    }

    wrong = ask(
        """SELECT number, coalesce(e.points, 0), a.balance - a.debt FROM loyalty_member m
        JOIN loyalty_account a ON a.member_id = m.id
        FULL JOIN (SELECT 'UCI' || customer AS number, points FROM expected_points) e USING (number)
        WHERE coalesce(e.points, 0) <> coalesce(a.balance - a.debt, 0)"""
    )
    assert wrong == []
    assert first.points == ask("SELECT sum(points) FROM expected_points")[0][0]
    assert loyalty.verify_ledger().findings == []

    before = ask("SELECT (SELECT count(*) FROM sales_receipt), (SELECT count(*) FROM loyalty_transfer)")
    again = load(table, malls)
    assert (again.accepted, again.already, again.points) == (0, first.accepted, 0)
    assert again.balanced
    assert (
        ask("SELECT (SELECT count(*) FROM sales_receipt), (SELECT count(*) FROM loyalty_transfer)") == before
    )

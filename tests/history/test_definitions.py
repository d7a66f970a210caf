"""The definitions give what was worked out by hand, on DuckDB and on a real Spark cluster of two workers."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.history import small_world as world
from zhike.history._lake import definitions
from zhike.history.rules import FUNNEL, SESSION_GAP_MINUTES, cohort_table

pytestmark = pytest.mark.feature("C017", "C022")


def expressions() -> dict[str, tuple[Any, list[tuple[Any, ...]]]]:
    tables = definitions.Tables()
    return {
        "rfm": (definitions.rfm(tables, world.PLAN), world.RFM),
        "daily": (definitions.daily(tables, "2026-02-19", "2026-02-26"), world.DAILY),
        "cohort": (definitions.cohort(tables), world.COHORT),
        "funnel": (definitions.funnel(tables, FUNNEL, world.NOW_US, 24), world.FUNNEL),
        "sessions": (definitions.sessions(tables, world.NOW_US, SESSION_GAP_MINUTES), world.SESSIONS),
    }


def plain(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(one.isoformat() if isinstance(one, dt.date) else one for one in row) for row in rows]


def test_every_definition_gives_what_was_worked_out_by_hand(tmp_path: Path) -> None:
    import duckdb

    connection = duckdb.connect(":memory:")
    for name, path in world.write(tmp_path).items():
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
    for code, (expression, expected) in expressions().items():
        assert plain(connection.execute(definitions.sql(expression)).fetchall()) == expected, code
    connection.close()


@pytest.mark.slow
def test_a_real_spark_cluster_gives_the_same(tmp_path: Path) -> None:
    """Half a minute, for two worker processes and a driver are started; skipped where Java or pyspark is missing."""
    if not shutil.which("java"):
        pytest.skip("no Java on this machine")
    pyspark = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: uv sync --group spark")
    builder = pyspark.SparkSession.builder.master("local-cluster[2,1,800]").appName("definitions")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.executor.memory": "800m",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(tmp_path / "warehouse"),
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        for name, path in world.write(tmp_path).items():
            session.read.parquet(path).createOrReplaceTempView(name)
        for code, (expression, expected) in expressions().items():
            rows = session.sql(definitions.sql(expression, "pyspark")).collect()
            assert plain(rows) == expected, code
    finally:
        session.stop()


def test_cohorts_become_a_triangle_of_the_last_months() -> None:
    rows = [(24_300, 0, 5), (24_300, 2, 1), (24_301, 0, 7), (24_302, 0, 2)]
    assert cohort_table(rows, months=2) == [("2025-02", 7, [7, 0]), ("2025-03", 2, [2])]
    assert cohort_table(rows)[0] == ("2025-01", 5, [5, 0, 1])
    assert cohort_table([]) == []

"""A dozen customers with every edge the definitions have, as Parquet files, and what must come of them, worked out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zhike.history._lake.engine import _TYPES
from zhike.history.rules import DAY_US, TABLES, RfmPlan

T0 = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NOW_US = int(T0.timestamp()) * 1_000_000
HOUR, MINUTE = 3_600_000_000, 60_000_000
PLAN = RfmPlan(NOW_US, 365, (10, 20, 30, 60), (1, 2, 3, 4), (100, 1_000, 5_000, 10_000), 4)
FAR = 9_223_372_036_854_775_807


def order(number: int, key: int, days: int, fen: int, kind: str = "sale", us: int = 0) -> tuple[Any, ...]:
    at = NOW_US - days * DAY_US - us
    day = (T0 - dt.timedelta(days=days, microseconds=us)).date().isoformat()
    return (f"o{number}", kind, 1, 7, key, "till", day, at, fen, 0, fen)


def event(number: int, name: str, at: int, person: int = 0, visitor: int = 0) -> tuple[Any, ...]:
    day = (dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=NOW_US + at)).date().isoformat()
    return (number, name, "track", 1, visitor, person, day, NOW_US + at)


def customer(key: int, root: int = 0, *, member: bool = True, profiled: bool = True) -> tuple[Any, ...]:
    return (key, root or key, "2025-01-01", "counter", 1, 1, "female", 1990, member, profiled)


WORLD: Mapping[str, list[tuple[Any, ...]]] = {
    "customers": [
        customer(1), customer(2), customer(3), customer(4), customer(5, profiled=False), customer(6, 1, member=False),
        customer(9, member=False),
    ],
    "orders": [
        # 1: exactly on the breaks: 10 days old is fresh, four purchases, 10,000 fen
        order(1, 1, 10, 2_500), order(2, 1, 40, 2_500), order(3, 1, 70, 2_500), order(4, 1, 100, 2_500),
        # 2: a microsecond older than 61 days, and everything given back
        order(5, 2, 61, 9_000, us=1), order(6, 2, 50, 9_000, "return"),
        # 3: bought before the window only; 4 never; 5 may not be profiled; 6 goes on as 1; nobody; a return of nobody
        order(7, 3, 366, 800), order(8, 5, 3, 99_999), order(9, 6, 95, 300), order(10, 0, 3, 700),
        order(11, 0, 3, 200, "return"),
    ],
    "events": [
        # 1: looked twice, took, paid a minute too late for the first look and in time for the second
        event(1, "product_viewed", 0, person=1), event(2, "product_viewed", 2 * MINUTE, person=1),
        event(3, "product_added", HOUR, person=1), event(4, "order_completed", 24 * HOUR + MINUTE, person=1),
        # 2: paid before taking; 3: a day and a microsecond after looking; browser 21 is 4's; 22 nobody's; 23 is 5's
        event(5, "product_viewed", 0, person=2), event(6, "order_completed", MINUTE, person=2),
        event(7, "product_added", 2 * MINUTE, person=2),
        event(8, "product_viewed", 0, person=3), event(9, "product_added", 24 * HOUR + 1, person=3),
        event(10, "product_viewed", 0, visitor=21), event(11, "product_added", 30 * MINUTE, person=4),
        event(12, "product_viewed", 0, visitor=22), event(13, "page_viewed", 30 * MINUTE + 1, visitor=22),
        event(14, "product_viewed", 0, visitor=23), event(15, "product_viewed", 0, person=5),
        # the same microsecond: the order in which they came decides; 6 goes on as 1
        event(16, "product_viewed", 50 * HOUR, person=6), event(17, "product_added", 50 * HOUR, person=6),
    ],
    "visitors": [(21, 4, NOW_US + HOUR), (23, 5, FAR)],
    "order_lines": [],
    "points": [],
}  # fmt: skip

RFM = [("", 2, 0, 0), ("000", 1, 0, 1), ("111", 1, 10_000, 4)]
"""3 and 4 have no purchase in the window; 2's money was given back; a break that is met counts."""
DAILY = [("2026-02-19", 1, 0, 2_500, 0, 1, 1), ("2026-02-26", 2, 1, 100_699, 200, 1, 1)]
COHORT = [(2025 * 12 + 1, 0, 1), (2025 * 12 + 10, 0, 1), (2025 * 12 + 10, 1, 1), (2025 * 12 + 10, 2, 1),
          (2025 * 12 + 10, 3, 1), (2025 * 12 + 11, 0, 1)]  # fmt: skip
FUNNEL = [(5, 3, 1)]
SESSIONS = [(NOW_US // DAY_US, 7, 11, 5), (NOW_US // DAY_US + 1, 2, 2, 2), (NOW_US // DAY_US + 2, 1, 2, 1)]


"""That day: 1 comes twice (58 minutes between), 2, 3 and 4 once (a pause of exactly 30 minutes goes on), 22 twice."""


def write(folder: Path) -> dict[str, str]:
    """One file a table; name to path."""
    import duckdb

    connection = duckdb.connect(":memory:")
    paths = {}
    for table in TABLES:
        columns = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in table.columns)
        connection.execute(f"CREATE TABLE {table.name} ({columns})")
        if found := WORLD[table.name]:
            marks = ", ".join("?" for _ in table.columns)
            connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", [list(row) for row in found])
        paths[table.name] = str(folder / f"{table.name}.parquet")
        connection.execute(f"COPY {table.name} TO '{paths[table.name]}' (FORMAT parquet, COMPRESSION zstd)")
    connection.close()
    return paths

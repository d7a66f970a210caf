"""What the lake's tables look like, and when lake and database agree. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORMAT = 1
CHUNK_ROWS = 2_000_000
"""Rows of a file; small files are merged up to it."""
SMALL_FILES_MAX = 8
DAY_US = 86_400_000_000
NOBODY = 0
"""The key of whoever is not known, or not any more."""

INT, SHORT, DAY, TEXT, FLAG = "int64", "int32", "date", "string", "boolean"


@dataclass(frozen=True, slots=True)
class LakeTable:
    """``key`` is unique in the lake; a change replaces every row with its first column's value.

    ``total`` is a column whose sum is reconciled beside the count, day by day where there is a ``day``. ``persons`` are columns
    with pseudonyms. Rows older than ``keep_days`` by ``day`` are let go. A ``whole`` table is written anew every time.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    total: str = ""
    day: str = ""
    persons: tuple[str, ...] = ()
    keep_days: int = 0
    whole: bool = False


ORDERS = LakeTable(
    "orders",
    (
        ("order_id", TEXT), ("kind", TEXT), ("mall_id", INT), ("merchant_id", INT), ("person_key", INT), ("source", TEXT),
        ("day", DAY), ("at_us", INT), ("gross_fen", INT), ("discount_fen", INT), ("net_fen", INT),
    ),
    ("order_id",), "net_fen", "day", ("person_key",), 3_650,
)  # fmt: skip
ORDER_LINES = LakeTable(
    "order_lines",
    (
        ("order_id", TEXT), ("line_no", SHORT), ("day", DAY), ("kind", TEXT), ("mall_id", INT), ("merchant_id", INT),
        ("product_id", INT), ("category_id", INT), ("sku", TEXT), ("quantity_milli", INT), ("unit_price_fen", INT),
        ("discount_fen", INT), ("net_fen", INT), ("returned_milli", INT), ("returned_fen", INT),
    ),
    ("order_id", "line_no"), "net_fen", "day", (), 3_650,
)  # fmt: skip
EVENTS = LakeTable(
    "events",
    (
        ("event_id", INT), ("name", TEXT), ("kind", TEXT), ("source_id", INT), ("visitor_key", INT), ("person_key", INT),
        ("day", DAY), ("at_us", INT),
    ),
    ("event_id",), "at_us", "day", ("person_key",), 730,
)  # fmt: skip
POINTS = LakeTable(
    "points",
    (
        ("transfer_id", INT), ("side", SHORT), ("person_key", INT), ("reason", TEXT), ("change", INT), ("day", DAY),
        ("at_us", INT),
    ),
    ("transfer_id", "side"), "change", "day", ("person_key",), 3_650,
)  # fmt: skip
CUSTOMERS = LakeTable(
    "customers",
    (
        ("person_key", INT), ("root_key", INT), ("day", DAY), ("source", TEXT), ("mall_id", INT), ("tier_id", INT),
        ("sex", TEXT), ("birth_year", SHORT), ("is_member", FLAG), ("is_profiled", FLAG),
    ),
    ("person_key",), "", "day", ("person_key", "root_key"), 0, whole=True,
)  # fmt: skip
VISITORS = LakeTable(
    "visitors",
    (("visitor_key", INT), ("person_key", INT), ("until_us", INT)),
    ("visitor_key",), "", "", ("person_key",), 0, whole=True,
)  # fmt: skip
TABLES = (ORDERS, ORDER_LINES, EVENTS, POINTS, CUSTOMERS, VISITORS)

Days = Mapping[str, tuple[int, int]]
"""Rows and total by ISO day; one entry "" for a table without days."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One table after a run: rows here and there, totals, and the days on which they differ (a few of them)."""

    name: str
    changed: int
    removed: int
    rows: int
    rows_source: int
    total: int
    total_source: int
    files: int
    size_bytes: int
    differing_days: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not self.differing_days


def reconcile(
    name: str, lake: Days, source: Days, *, changed: int, removed: int, files: int, size_bytes: int
) -> Reconciled:
    """Day by day, so that a row too many here does not hide one too few there."""
    differing = sorted(day for day in lake.keys() | source.keys() if lake.get(day) != source.get(day))
    return Reconciled(
        name, changed, removed, sum(one[0] for one in lake.values()), sum(one[0] for one in source.values()),
        sum(one[1] for one in lake.values()), sum(one[1] for one in source.values()), files, size_bytes, tuple(differing[:20]),
    )  # fmt: skip


def oldest_day(table: LakeTable, now: dt.datetime) -> dt.date | None:
    """The first day that is kept; None: all of them."""
    return now.date() - dt.timedelta(days=table.keep_days) if table.keep_days else None


@dataclass(frozen=True, slots=True)
class Check:
    """A figure of a definition beside the one the database gives for the same moment."""

    code: str
    part: str
    lake: int
    database: int

    @property
    def agrees(self) -> bool:
        return self.lake == self.database


def compared(code: str, lake: Mapping[str, int], database: Mapping[str, int]) -> list[Check]:
    """Part by part; a part that one side lacks counts as nothing there."""
    return [
        Check(code, part, lake.get(part, 0), database.get(part, 0))
        for part in sorted(lake.keys() | database.keys())
    ]


# --- what definitions take -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RfmPlan:
    """The moment in epoch microseconds, the window, four breaks each (days, purchases, fen); a score from ``high_from`` is high."""

    now_us: int
    window_days: int
    recency: tuple[int, ...]
    frequency: tuple[int, ...]
    monetary: tuple[int, ...]
    high_from: int


FUNNEL = ("product_viewed", "product_added", "order_completed")
FUNNEL_HOURS = 24
FUNNEL_DAYS = 90
COHORT_MONTHS = 12
KPI_DAYS = 90
SESSION_GAP_MINUTES = 30
DEFINITIONS = ("rfm", "daily", "cohort", "funnel", "sessions")


def cohort_table(
    rows: Sequence[Sequence[Any]], months: int = COHORT_MONTHS
) -> list[tuple[str, int, list[int]]]:
    """(month "2026-03", members who bought first in it, of them how many bought 0, 1, 2 … months later).

    ``rows``: (month counted from year 0, months later, members). A month that is not over yet is still counted.
    """
    by_first: dict[int, dict[int, int]] = {}
    last = max((first + age for first, age, _ in rows), default=0)
    for first, age, members in rows:
        by_first.setdefault(first, {})[age] = members
    return [
        (
            f"{first // 12:04d}-{first % 12 + 1:02d}",
            ages.get(0, 0),
            [ages.get(age, 0) for age in range(last - first + 1)],
        )
        for first, ages in sorted(by_first.items())
        if first > last - months
    ]

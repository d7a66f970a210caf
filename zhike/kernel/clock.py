"""Time. `now()` is read once, at an entry point, and passed down; the database holds UTC only."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo


def now() -> dt.datetime:
    """This moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def business_date(at: dt.datetime, zone: str | ZoneInfo) -> dt.date:
    """The calendar date that `at` falls on in `zone`."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone has no business date")
    return at.astimezone(_zone(zone)).date()


def day_bounds(date: dt.date, zone: str | ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """The half-open UTC interval [start, end) of one local day; 23 or 25 hours long when clocks change."""
    local = _zone(zone)
    start = dt.datetime.combine(date, dt.time.min, tzinfo=local)
    end = dt.datetime.combine(date + dt.timedelta(days=1), dt.time.min, tzinfo=local)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


@lru_cache(maxsize=64)
def _named(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)


def _zone(zone: str | ZoneInfo) -> ZoneInfo:
    return _named(zone) if isinstance(zone, str) else zone

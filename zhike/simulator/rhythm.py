"""When a mall is full: weekdays, holidays, sales, hours of the day."""

from __future__ import annotations

import datetime as dt
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")

WEEKDAYS = (0.82, 0.82, 0.9, 0.93, 1.18, 1.62, 1.5)
HOLIDAY = 1.75
SALES = {(6, 18): 1.9, (11, 11): 1.8, (12, 12): 1.4, (12, 24): 1.5, (12, 25): 1.4, (12, 31): 1.6, (2, 14): 1.4,
         (5, 20): 1.4, (3, 8): 1.3}  # fmt: skip
"""Days on which everybody shops, by month and day."""

OPENS, CLOSES = 10, 22
HOURS = {
    "meals": (1, 7, 10, 6, 2, 2, 4, 10, 11, 7, 3, 1),
    "afternoon": (3, 4, 6, 7, 8, 9, 8, 7, 7, 6, 4, 2),
    "shopping": (2, 4, 4, 5, 7, 8, 8, 6, 7, 8, 6, 2),
    "family": (5, 7, 5, 4, 7, 8, 7, 6, 6, 5, 2, 1),
    "evening": (3, 4, 3, 3, 4, 5, 6, 8, 10, 10, 8, 4),
}
"""How likely each hour from ten to nine is, by kind of business."""


@cache
def hour_weights(kind: str) -> tuple[int, ...]:
    return tuple(accumulate(HOURS[kind]))


def morning(now: dt.datetime, days_ago: int) -> dt.datetime:
    """Half past ten in the mall, so many days before the day of `now`: shops are open, and nobody is asleep."""
    day = now.astimezone(ZONE).date() - dt.timedelta(days=days_ago)
    return dt.datetime.combine(day, dt.time(10, 30), ZONE).astimezone(dt.UTC)


def busyness(day: dt.date) -> float:
    """How full the mall is on a day, 1.0 being an ordinary one; business grows by a few per cent a year."""
    factor = HOLIDAY if is_holiday(day) else WEEKDAYS[day.weekday()]
    return factor * SALES.get((day.month, day.day), 1.0) * (1.0 + 0.05 * (day.toordinal() - 739_000) / 365)


def is_holiday(day: dt.date) -> bool:
    """Whether mainland China does not work on this day; of the eve of the Spring Festival everybody is at home."""
    return day in _holidays(day.year)


@cache
def _holidays(year: int) -> frozenset[dt.date]:
    import holidays

    return frozenset(holidays.country_holidays("CN", years=year))

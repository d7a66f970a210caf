"""Dates of the loyalty programme: when points expire, where a tier window begins."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

NEVER = date(9999, 12, 31)
FOR_EVER = date(1, 1, 1)


def add_months(day: date, months: int) -> date:
    """The same day of month ``months`` later, or the last day of that month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def expires_on(kind: str, months: int, earned: date) -> date:
    """The last day points earned on ``earned`` can be spent.

    ``rolling_months``: the end of the month ``months`` later (lots of one month share one expiry, as most programmes
    promise it); ``end_of_year``: 31 December of the year in which ``months`` have passed; ``never``: 9999-12-31.
    """
    if kind == "never":
        return NEVER
    later = add_months(earned, months)
    if kind == "end_of_year":
        return date(later.year, 12, 31)
    return date(later.year, later.month, monthrange(later.year, later.month)[1])


def window_start(kind: str, today: date) -> date:
    """The first day whose spend counts toward the tier on ``today``."""
    if kind == "lifetime":
        return FOR_EVER
    if kind == "calendar_year":
        return date(today.year, 1, 1)
    return add_months(today, -12) + timedelta(days=1)

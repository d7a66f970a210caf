"""Dates of the loyalty programme: when points expire, where a tier window begins."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

NEVER = date(9999, 12, 31)
FOR_EVER = date(1, 1, 1)
MONTHS_MAX = 120
GRACE_DAYS_MAX = 366


def add_months(day: date, months: int) -> date:
    """The same day of month ``months`` later, or the last day of that month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Expiry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When points lapse; the JSON of a rule's ``expiry`` and the settings of a programme.

    ``rolling_months``: the end of the month ``months`` later (lots of one month share one expiry, as most programmes
    promise it); ``end_of_year``: 31 December of the year in which ``months`` have passed; ``fixed_date``: the first
    ``month_day`` (MM-DD) when ``months`` have passed; ``on_date``: the day ``on``, whenever they were earned; ``never``.
    ``grace_days`` are added to the day.
    """

    kind: Literal["rolling_months", "end_of_year", "fixed_date", "on_date", "never"]
    months: int = 0
    month_day: str = "12-31"
    on: date | None = None
    grace_days: int = 0

    def last_day(self, earned: date) -> date:
        """The last day on which points earned on ``earned`` can be spent; 9999-12-31 for ever."""
        return _last_day(self, earned)

    def _count(self, earned: date) -> date:
        if self.kind == "never":
            return NEVER
        if self.kind == "on_date":
            assert self.on is not None
            last = self.on
        else:
            later = add_months(earned, self.months)
            if self.kind == "rolling_months":
                last = date(later.year, later.month, monthrange(later.year, later.month)[1])
            else:
                month_day = "12-31" if self.kind == "end_of_year" else self.month_day
                last = _first(month_day, later)
        return last + timedelta(days=self.grace_days)


@lru_cache(maxsize=4096)
def _last_day(expiry: Expiry, earned: date) -> date:
    return expiry._count(earned)


def wrong_expiry(expiry: Expiry) -> str | None:
    """The field of ``expiry`` that cannot be used, or None."""
    if not 0 <= expiry.months <= MONTHS_MAX or (expiry.kind == "rolling_months" and not expiry.months):
        return "months"
    if not 0 <= expiry.grace_days <= GRACE_DAYS_MAX:
        return "grace_days"
    if expiry.kind == "on_date" and expiry.on is None:
        return "on"
    return None if is_month_day(expiry.month_day) else "month_day"


def is_month_day(text: str) -> bool:
    """MM-DD of a day that some year has."""
    try:
        date.fromisoformat(f"2024-{text}")
    except ValueError:
        return False
    return len(text) == len("12-31")


def _first(month_day: str, since: date) -> date:
    """The first MM-DD on or after ``since``; 02-29 is the last of February."""
    month, day = (int(part) for part in month_day.split("-"))
    for year in (since.year, since.year + 1):
        found = date(year, month, min(day, monthrange(year, month)[1]))
        if found >= since:
            return found
    raise AssertionError("a month and day comes every year")


def window_start(kind: str, today: date) -> date:
    """The first day whose spend counts toward the tier on ``today``."""
    if kind == "lifetime":
        return FOR_EVER
    if kind == "calendar_year":
        return date(today.year, 1, 1)
    return add_months(today, -12) + timedelta(days=1)

"""Calendars and lists of holidays as data: read, checked, built. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from zhike.service.rules.clock import DAY_MINUTES, Calendar, Shift, SpecialDay

SHIFTS_A_DAY_MAX = 8
EXCEPTIONS_MAX = 200
WEEKDAYS = 7
_SHIFT = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~至到]\s*(\d{1,2}):(\d{2})")
_SEPARATOR = re.compile(r"[,，;；、\s]+(?=\d)")


class BadShifts(ValueError):
    """``code`` is format, order, overlap, too_many or no_time."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_shifts(text: str) -> tuple[Shift, ...]:
    """Of "09:00-12:00, 13:30-18:00"; an end that is not after its beginning lies in the next day, 24:00 is midnight.

    Nothing means closed. Raises BadShifts.
    """
    parts = [part.strip() for part in _SEPARATOR.split(text.strip()) if part.strip()]
    if len(parts) > SHIFTS_A_DAY_MAX:
        raise BadShifts("too_many")
    shifts = []
    for part in parts:
        match = _SHIFT.fullmatch(part)
        if match is None:
            raise BadShifts("format")
        start, end = _minutes(match[1], match[2]), _minutes(match[3], match[4])
        if start >= DAY_MINUTES:
            raise BadShifts("format")
        shifts.append(Shift(start, end if end > start else end + DAY_MINUTES))
    return _apart(shifts)


def _minutes(hours: str, minutes: str) -> int:
    if int(minutes) > 59 or int(hours) * 60 + int(minutes) > DAY_MINUTES:
        raise BadShifts("format")
    return int(hours) * 60 + int(minutes)


def _apart(shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    found = tuple(sorted(shifts))
    if any(later.start < earlier.end for earlier, later in pairwise(found)):
        raise BadShifts("overlap")
    return found


def shifts_text(shifts: Sequence[Shift]) -> str:
    """As ``parse_shifts`` reads it."""
    return ", ".join(f"{_clock(shift.start)}-{_clock(shift.end)}" for shift in shifts)


def _clock(minutes: int) -> str:
    if minutes > DAY_MINUTES:
        minutes -= DAY_MINUTES
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def definition(
    *,
    week: Sequence[str],
    makeup: str = "",
    region: str = "",
    exceptions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A calendar as it is stored, from texts; ``region`` is whose holidays it keeps, "" for none. Raises BadShifts."""
    days = [[[shift.start, shift.end] for shift in parse_shifts(text)] for text in week]
    if len(days) != WEEKDAYS:
        raise BadShifts("format")
    if not any(days):
        raise BadShifts("no_time")
    special = {
        day: [[s.start, s.end] for s in parse_shifts(text)] for day, text in (exceptions or {}).items()
    }
    if len(special) > EXCEPTIONS_MAX:
        raise BadShifts("too_many")
    return {
        "week": days,
        "makeup": [[shift.start, shift.end] for shift in parse_shifts(makeup)],
        "region": region,
        "exceptions": special,
    }


def build(
    stored: Mapping[str, Any], zone: str, holidays: Mapping[int, Mapping[dt.date, SpecialDay]]
) -> Calendar:
    """A calendar from its stored form and the published years of holidays."""
    days = {day: special for year in holidays.values() for day, special in year.items()}
    return Calendar(
        zone=zone,
        week=tuple(_shifts(day) for day in stored["week"]),
        makeup=_shifts(stored.get("makeup", ())),
        holidays=days,
        exceptions={
            dt.date.fromisoformat(day): _shifts(shifts)
            for day, shifts in stored.get("exceptions", {}).items()
        },
        known_years=frozenset(holidays),
        follows_holidays=bool(stored.get("region")),
    )


def _shifts(stored: Sequence[Sequence[int]]) -> tuple[Shift, ...]:
    return tuple(Shift(start, end) for start, end in stored)


def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        return False
    return True


# --- holidays ------------------------------------------------------------------------------------------------------


class BadHolidays(ValueError):
    """Not a list of holidays."""


def parse_holidays(data: Any) -> tuple[int, dict[dt.date, SpecialDay]]:
    """The year and its days, of {"year": 2026, "days": [{"date": "2026-01-01", "name": "元旦", "isOffDay": true}, …]}.

    The form in which holiday-cn (github.com/NateScarlet/holiday-cn) republishes the State Council's notices; the years we
    ship are in ``data/``. Days of December may stand in the next year's notice. Raises BadHolidays.
    """
    try:
        year = data["year"]
        days = {
            dt.date.fromisoformat(day["date"]): SpecialDay(str(day["name"])[:60], bool(day["isOffDay"]))
            for day in data["days"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise BadHolidays from error
    if type(year) is not int or not 2000 <= year <= 2100 or not days:
        raise BadHolidays
    if any(abs(day.year - year) > 1 for day in days):
        raise BadHolidays
    return year, days


def holidays_data(days: Mapping[dt.date, SpecialDay]) -> list[list[Any]]:
    """As they are stored."""
    return [[day.isoformat(), special.name, special.is_off] for day, special in sorted(days.items())]


def stored_holidays(stored: Sequence[Sequence[Any]]) -> dict[dt.date, SpecialDay]:
    return {dt.date.fromisoformat(day): SpecialDay(name, is_off) for day, name, is_off in stored}

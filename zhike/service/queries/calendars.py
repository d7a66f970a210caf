"""Calendars, holidays and policies as they stand, or stood at some moment."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound
from zhike.service.models import (
    BusinessCalendar,
    CalendarVersion,
    Cause,
    Department,
    HolidayYear,
    PolicyVersion,
)
from zhike.service.rules import calendars, clock, policies

VIEW = "tickets.view"
SHIPPED = Path(__file__).resolve().parent.parent / "data"


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar in its newest version; ``week``, ``makeup`` and ``exceptions`` as texts."""

    id: int
    code: str
    name: str
    version_id: int
    version: int
    time_zone: str
    week: tuple[str, ...]
    makeup: str
    region: str
    exceptions: tuple[tuple[dt.date, str], ...]
    published_at: dt.datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class HolidayYearView:
    """``days`` are (date, name, is off)."""

    region: str
    year: int
    days: tuple[tuple[dt.date, str, bool], ...]
    loaded_at: dt.datetime
    loaded_by: str

    @property
    def days_off(self) -> int:
        return sum(is_off for _day, _name, is_off in self.days)

    @property
    def made_up(self) -> int:
        return len(self.days) - self.days_off


@dataclass(frozen=True, slots=True)
class PolicyView:
    id: int
    version: int
    policy: policies.Policy
    note: str
    published_at: dt.datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class NamedRef:
    """A department or a cause; ``path`` is the cause with those above it."""

    id: int
    code: str
    name: str
    parent_id: int | None = None
    path: str = ""


def calendars_of(viewer: Viewer, group_id: int) -> list[CalendarView]:
    """Every calendar of the group in its newest version. Raises NotAllowed."""
    require(viewer, VIEW)
    newest = (
        CalendarVersion.objects.filter(calendar__group_id=group_id)
        .select_related("calendar")
        .order_by("calendar_id", "-version")
        .distinct("calendar_id")
    )
    return sorted((_calendar_view(row) for row in newest), key=lambda view: view.id)


def calendar_by_code(viewer: Viewer, group_id: int, code: str) -> CalendarView:
    """Raises NotFound, NotAllowed."""
    found = next((view for view in calendars_of(viewer, group_id) if view.code == code), None)
    if found is None:
        raise NotFound
    return found


def _calendar_view(row: CalendarVersion) -> CalendarView:
    stored = row.definition

    def text(shifts: Any) -> str:
        return calendars.shifts_text([clock.Shift(start, end) for start, end in shifts])

    return CalendarView(
        id=row.calendar_id,
        code=row.calendar.code,
        name=row.calendar.name,
        version_id=row.pk,
        version=row.version,
        time_zone=row.time_zone,
        week=tuple(text(day) for day in stored["week"]),
        makeup=text(stored.get("makeup", ())),
        region=stored.get("region", ""),
        exceptions=tuple(
            (dt.date.fromisoformat(day), text(shifts))
            for day, shifts in sorted(stored.get("exceptions", {}).items())
        ),
        published_at=row.published_at,
        published_by=row.published_by,
    )


def newest_version_ids(group_id: int) -> dict[str, int]:
    """The version in force of each calendar, by its code."""
    rows = CalendarVersion.objects.filter(calendar__group_id=group_id).order_by("version")
    return dict(rows.values_list("calendar__code", "id"))


class Calendars:
    """Calendars by version as they were understood at a moment; each is read once."""

    def __init__(self, as_of: dt.datetime) -> None:
        self._as_of = as_of
        self._built: dict[int, clock.Calendar] = {}
        self._holidays: dict[str, Mapping[int, Mapping[dt.date, clock.SpecialDay]]] = {}

    def get(self, version_id: int | None) -> clock.Calendar:
        """None is the calendar in which every minute counts."""
        if version_id is None:
            return clock.ALWAYS
        if version_id not in self._built:
            row = CalendarVersion.objects.get(pk=version_id)
            years = self._years(row.definition.get("region", ""))
            self._built[version_id] = calendars.build(row.definition, row.time_zone, years)
        return self._built[version_id]

    def _years(self, region: str) -> Mapping[int, Mapping[dt.date, clock.SpecialDay]]:
        if region not in self._holidays:
            rows = HolidayYear.objects.filter(region=region, loaded_at__lte=self._as_of).order_by("id")
            self._holidays[region] = {row.year: calendars.stored_holidays(row.days) for row in rows}
        return self._holidays[region]


def holiday_years(viewer: Viewer, region: str = "cn") -> list[HolidayYearView]:
    """The published years, newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    newest = HolidayYear.objects.filter(region=region).order_by("-year", "-id").distinct("year")
    return [
        HolidayYearView(
            row.region,
            row.year,
            tuple((dt.date.fromisoformat(day), name, is_off) for day, name, is_off in row.days),
            row.loaded_at,
            row.loaded_by,
        )
        for row in newest
    ]


def next_year_is_missing(now: dt.datetime, region: str = "cn") -> int | None:
    """The coming year, if it is November or later and its holidays are not loaded; this year if even that is missing."""
    years = set(HolidayYear.objects.filter(region=region).values_list("year", flat=True))
    if now.year not in years:
        return now.year
    return now.year + 1 if now.month >= 11 and now.year + 1 not in years else None


def shipped_holidays() -> list[dict[str, Any]]:
    """The years that come with the program."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(SHIPPED.glob("holidays_*.json"))]


# --- policy --------------------------------------------------------------------------------------------------------


def policy_in_force(group_id: int) -> PolicyView | None:
    row = PolicyVersion.objects.filter(group_id=group_id).order_by("-version").first()
    return None if row is None else _policy_view(row)


def policy_versions(viewer: Viewer, group_id: int, limit: int = 50) -> list[PolicyView]:
    """Newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = PolicyVersion.objects.filter(group_id=group_id).order_by("-version")[:limit]
    return [_policy_view(row) for row in rows]


def policy_version(version_id: int) -> PolicyView:
    return _policy_view(PolicyVersion.objects.get(pk=version_id))


def _policy_view(row: PolicyVersion) -> PolicyView:
    return PolicyView(
        row.pk, row.version, policies.load(row.definition), row.note, row.published_at, row.published_by
    )


# --- departments and causes ----------------------------------------------------------------------------------------


def departments(group_id: int) -> list[NamedRef]:
    rows = Department.objects.filter(group_id=group_id).order_by("id")
    return [NamedRef(*row) for row in rows.values_list("id", "code", "name")]


def causes(group_id: int) -> list[NamedRef]:
    """The tree, parents before their children, each with its path."""
    rows = list(Cause.objects.filter(group_id=group_id).order_by("id"))
    by_parent: dict[int | None, list[Cause]] = {}
    for row in rows:
        by_parent.setdefault(row.parent_id, []).append(row)
    found: list[NamedRef] = []

    def walk(parent_id: int | None, above: str) -> None:
        for row in by_parent.get(parent_id, ()):
            path = f"{above} / {row.name}" if above else row.name
            found.append(NamedRef(row.pk, row.code, row.name, row.parent_id, path))
            walk(row.pk, path)

    walk(None, "")
    return found


def has_been_founded(group_id: int) -> bool:
    return BusinessCalendar.objects.filter(group_id=group_id).exists()

"""Working time: how much of it has passed, and when a promise falls due. Pure, and able to show its arithmetic.

A calendar has any number of shifts a day, which may end after midnight; public holidays and make-up workdays (调休) as
data; and exceptions by date, which win over both. Bounds of shifts are wall time of the calendar's zone: within a change
of summer time the earlier reading holds. A stretch of time includes its beginning and not its end, so a day from 00:00 to
24:00 has no gap, and a promise is due at the first moment at which enough working time has passed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
HORIZON_DAYS = 800
"""A promise that is not reached within so many days has no deadline."""
_DAY = dt.timedelta(days=1)
_NOTHING = dt.timedelta()

DayKind = Literal["weekly", "holiday", "makeup", "exception"]


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """Minutes since midnight of the day it begins on; ``end`` may lie in the next day, up to 2,880."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A public holiday (``is_off``), or a weekend day on which everybody works instead (调休)."""

    name: str
    is_off: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """``week`` has seven days, Monday first. ``makeup`` are the shifts of a make-up workday.

    ``holidays`` is empty for a house that is open on holidays; ``known_years`` are those whose holidays are published.
    """

    zone: str
    week: tuple[tuple[Shift, ...], ...]
    makeup: tuple[Shift, ...] = ()
    holidays: Mapping[dt.date, SpecialDay] = field(default_factory=dict)
    exceptions: Mapping[dt.date, tuple[Shift, ...]] = field(default_factory=dict)
    known_years: frozenset[int] = frozenset()
    follows_holidays: bool = False

    def day(self, day: dt.date) -> tuple[tuple[Shift, ...], DayKind, str]:
        """The shifts that begin on a day, why these, and the holiday's name."""
        if day in self.exceptions:
            return self.exceptions[day], "exception", ""
        special = self.holidays.get(day) if self.follows_holidays else None
        if special is None:
            return self.week[day.weekday()], "weekly", ""
        if special.is_off:
            return (), "holiday", special.name
        return self.makeup or self.week[0], "makeup", special.name

    def is_guess(self, day: dt.date) -> bool:
        """Whether the holidays of this year are not known yet, so that the day is taken for an ordinary one."""
        return self.follows_holidays and day.year not in self.known_years


ALWAYS = Calendar("UTC", tuple((Shift(0, DAY_MINUTES),) for _ in range(7)))
"""Every minute counts."""


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """Unbroken working time of one shift; ``day`` is the day the shift begins on."""

    since: dt.datetime
    until: dt.datetime
    day: dt.date
    kind: DayKind
    name: str


def open_spans(calendar: Calendar, since: dt.datetime) -> Iterator[OpenSpan]:
    """Working time from a moment on, in order and without overlap, for HORIZON_DAYS."""
    zone = ZoneInfo(calendar.zone)
    first = since.astimezone(zone).date()
    reached = since.astimezone(dt.UTC)
    for offset in range(-1, HORIZON_DAYS):
        day = first + offset * _DAY
        shifts, kind, name = calendar.day(day)
        for shift in sorted(shifts):
            begin, end = _moment(zone, day, shift.start), _moment(zone, day, shift.end)
            begin = max(begin, reached)
            if begin < end:
                yield OpenSpan(begin, end, day, kind, name)
                reached = end


def _moment(zone: ZoneInfo, day: dt.date, minutes: int) -> dt.datetime:
    days, minutes = divmod(minutes, DAY_MINUTES)
    wall = dt.time(minutes // 60, minutes % 60, tzinfo=zone)
    return dt.datetime.combine(day + days * _DAY, wall).astimezone(dt.UTC)


def working_time(calendar: Calendar, since: dt.datetime, until: dt.datetime) -> dt.timedelta:
    """How much working time lies between two moments."""
    total = _NOTHING
    for span in open_spans(calendar, since):
        if span.since >= until:
            break
        total += min(span.until, until) - span.since
    return total


def is_open(calendar: Calendar, at: dt.datetime) -> bool:
    span = next(open_spans(calendar, at), None)
    return span is not None and span.since <= at


# --- the clock of one promise --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch in which the clock ran; ``until`` is None while it still runs."""

    since: dt.datetime
    until: dt.datetime | None = None


StepKind = Literal["started", "counted", "closed", "paused", "due", "stopped", "never"]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the arithmetic: what a stretch of time added, and how much there was at its end.

    ``names`` are the holidays and make-up workdays it touches; ``guessed``: their list was not yet published.
    """

    kind: StepKind
    since: dt.datetime
    until: dt.datetime
    counted: dt.timedelta = _NOTHING
    total: dt.timedelta = _NOTHING
    names: tuple[str, ...] = ()
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Reckoning:
    """``due_at`` is None while the clock stands still before its target, or when there is no working time left.

    ``spent`` is the working time up to the target or the end of the last run, whichever comes first.
    """

    due_at: dt.datetime | None
    spent: dt.timedelta
    steps: tuple[Step, ...]


def reckon(calendar: Calendar, target: dt.timedelta, runs: Sequence[Run]) -> Reckoning:
    """When ``target`` of working time has passed within the runs, with every step that leads there.

    A target that was lowered (a priority that rose) may be reached in the past.
    """
    if not runs:
        return Reckoning(None, _NOTHING, ())
    total = _NOTHING
    steps = [Step("started", runs[0].since, runs[0].since)]
    for place, run in enumerate(runs):
        if place and runs[place - 1].until is not None:
            paused_at = runs[place - 1].until or run.since
            if paused_at < run.since:
                steps.append(Step("paused", paused_at, run.since, total=total))
        reached = run.since
        for span in open_spans(calendar, run.since):
            if run.until is not None and span.since >= run.until:
                break
            if span.since > reached:
                steps.append(_closed(calendar, reached, span.since, total))
            end = span.until if run.until is None else min(span.until, run.until)
            counted = min(end - span.since, target - total)
            total += counted
            steps.append(_counted(calendar, span, span.since + counted, counted, total))
            if total >= target:
                due_at = span.since + counted
                steps.append(Step("due", due_at, due_at, total=total))
                return Reckoning(due_at, total, tuple(steps))
            reached = end
        if run.until is not None and reached < run.until:
            steps.append(_closed(calendar, reached, run.until, total))
    last = runs[-1]
    ends = last.until or last.since
    steps.append(Step("stopped" if last.until is not None else "never", ends, ends, total=total))
    return Reckoning(None, total, tuple(steps))


def _counted(
    calendar: Calendar, span: OpenSpan, until: dt.datetime, counted: dt.timedelta, total: dt.timedelta
) -> Step:
    names = (span.name,) if span.name else ()
    return Step("counted", span.since, until, counted, total, names, calendar.is_guess(span.day))


def _closed(calendar: Calendar, since: dt.datetime, until: dt.datetime, total: dt.timedelta) -> Step:
    """A gap, with the holidays that lie in it."""
    zone = ZoneInfo(calendar.zone)
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    names: dict[str, None] = {}
    guessed = False
    while day <= last:
        _shifts, kind, name = calendar.day(day)
        if kind == "holiday":
            names[name] = None
        guessed = guessed or calendar.is_guess(day)
        day += _DAY
    return Step("closed", since, until, total=total, names=tuple(names), guessed=guessed)


# --- what happens to a clock ---------------------------------------------------------------------------------------


def pause(runs: Sequence[Run], at: dt.datetime) -> tuple[Run, ...]:
    """The clock stands still from now on; it stays still if it does already."""
    if not runs or runs[-1].until is not None:
        return tuple(runs)
    return (*runs[:-1], Run(runs[-1].since, max(at, runs[-1].since)))


def resume(runs: Sequence[Run], at: dt.datetime) -> tuple[Run, ...]:
    """The clock runs on with what it had; it keeps running if it does already."""
    if runs and runs[-1].until is None:
        return tuple(runs)
    return (*runs, Run(max([at, *(run.until for run in runs if run.until is not None)])))


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody is to be told: ``level`` is warning, breach or escalation, ``role`` whom it is for."""

    at: dt.datetime
    level: str
    role: str


@dataclass(frozen=True, slots=True)
class Call:
    """Tell ``role`` when so many per cent of the target have passed."""

    percent: int
    level: str
    role: str


def moments(
    calendar: Calendar, target: dt.timedelta, runs: Sequence[Run], calls: Sequence[Call]
) -> tuple[Moment, ...]:
    """When each call falls, in order; those a standing clock has not reached are left out.

    They are reckoned in working time too, so nobody is told anything in the middle of the night.
    """
    found = []
    for call in calls:
        due_at = reckon(calendar, target * call.percent / 100, runs).due_at
        if due_at is not None:
            found.append(Moment(due_at, call.level, call.role))
    return tuple(sorted(found, key=lambda moment: moment.at))

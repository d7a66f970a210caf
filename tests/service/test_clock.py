"""Working time against an oracle that walks minute by minute, and the clock bugs that others have had."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.service.rules import calendars
from zhike.service.rules.clock import (
    ALWAYS,
    Calendar,
    Call,
    Reckoning,
    Run,
    Shift,
    SpecialDay,
    is_open,
    moments,
    open_spans,
    pause,
    reckon,
    resume,
    working_time,
)

pytestmark = pytest.mark.feature("N12", "C178", "B41")

MINUTE = dt.timedelta(minutes=1)
HOURS = dt.timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
NATIONAL_DAY = dt.date(2026, 10, 1)
ZONES = ("Asia/Shanghai", "UTC", "Asia/Kathmandu", "America/Los_Angeles")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def minutes(count: int) -> dt.timedelta:
    return count * MINUTE


def calendar(*week: str, **more: object) -> Calendar:
    """One text for every day, or seven."""
    days = week if len(week) == 7 else (*week * 5, "", "") if len(week) == 1 else week
    return Calendar("Asia/Shanghai", tuple(calendars.parse_shifts(day) for day in days), **more)  # type: ignore[arg-type]


OFFICE = calendar("09:00-12:00, 13:30-18:00")


# --- the oracle ----------------------------------------------------------------------------------------------------


@st.composite
def shifts_of_a_day(draw: st.DrawFn) -> tuple[Shift, ...]:
    bounds = draw(st.lists(st.integers(0, 1440 + 300), max_size=6, unique=True).map(sorted))
    pairs = zip(bounds[::2], bounds[1::2], strict=False)
    return tuple(Shift(start, end) for start, end in pairs if start < 1440 and end - start <= 1440)


@st.composite
def random_calendars(draw: st.DrawFn) -> Calendar:
    days = [NATIONAL_DAY + dt.timedelta(days=n) for n in range(-3, 9)]
    names = st.builds(SpecialDay, st.just("国庆节"), st.booleans())
    return Calendar(
        zone=draw(st.sampled_from(ZONES)),
        week=tuple(draw(st.lists(shifts_of_a_day(), min_size=7, max_size=7))),
        makeup=draw(shifts_of_a_day()),
        holidays=draw(st.dictionaries(st.sampled_from(days), names, max_size=6)),
        exceptions=draw(st.dictionaries(st.sampled_from(days), shifts_of_a_day(), max_size=4)),
        known_years=frozenset({2026}),
        follows_holidays=draw(st.booleans()),
    )


def working_minutes(calendar: Calendar, first: dt.datetime, days: int) -> set[dt.datetime]:
    """Every minute of working time, found by looking at each minute of the wall clock by itself."""
    zone = ZoneInfo(calendar.zone)
    found = set()
    for number in range(days * 1440):
        moment = first + number * MINUTE
        local = moment.astimezone(zone)
        minute, today = local.hour * 60 + local.minute, local.date()
        yesterday = today - dt.timedelta(days=1)
        of_today = any(s.start <= minute < s.end for s in shifts_on(calendar, today))
        of_last_night = any(s.start <= minute + 1440 < s.end for s in shifts_on(calendar, yesterday))
        if of_today or of_last_night:
            found.add(moment)
    return found


def shifts_on(calendar: Calendar, day: dt.date) -> tuple[Shift, ...]:
    if day in calendar.exceptions:
        return calendar.exceptions[day]
    if calendar.follows_holidays and day in calendar.holidays:
        if calendar.holidays[day].is_off:
            return ()
        return calendar.makeup or calendar.week[0]
    return calendar.week[day.weekday()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    random_calendars(),
    st.integers(0, 4 * 1440),
    st.integers(1, 900),
    st.lists(st.integers(1, 700), max_size=5),
)
def test_deadline_is_what_counting_single_minutes_gives(
    calendar: Calendar, offset: int, target: int, pauses: list[int]
) -> None:
    first = dt.datetime(2026, 9, 28, tzinfo=dt.UTC)
    open_minutes = working_minutes(calendar, first, 12)
    moment = first + offset * MINUTE
    runs: list[Run] = []
    for number, length in enumerate(pauses):  # run, pause, run, pause … and run on
        if number % 2 == 0:
            runs.append(Run(moment, moment + length * MINUTE))
        moment += length * MINUTE
    runs.append(Run(moment, first + dt.timedelta(days=12)))

    counted, due_at = 0, None
    for run in runs:
        minute = run.since
        while minute < (run.until or minute) and counted < target:
            counted += minute in open_minutes
            minute += MINUTE
            if counted == target:
                due_at = minute
                break
        if due_at:
            break
    found = reckon(calendar, minutes(target), runs)
    assert (found.due_at, found.spent) == (due_at, minutes(counted))
    assert_steps_add_up(found)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random_calendars(), st.integers(0, 3 * 1440), st.integers(0, 3 * 1440))
def test_working_time_is_the_number_of_open_minutes(calendar: Calendar, offset: int, length: int) -> None:
    first = dt.datetime(2026, 9, 29, tzinfo=dt.UTC)
    since = first + offset * MINUTE
    until = since + length * MINUTE
    open_minutes = working_minutes(calendar, since, 4)
    assert working_time(calendar, since, until) == minutes(sum(m < until for m in open_minutes))
    for probe in (since, until):
        assert is_open(calendar, probe) == (probe in working_minutes(calendar, probe, 1))


def assert_steps_add_up(found: Reckoning) -> None:
    """The explanation is the calculation: without a gap in time, and its parts make the sum."""
    assert sum((step.counted for step in found.steps), dt.timedelta()) == found.spent
    for earlier, later in pairwise(found.steps):
        assert (
            later.since == earlier.until
            or later.kind in ("due", "never", "stopped")
            or later.since > earlier.since
        )
        assert later.total >= earlier.total
    if found.due_at:
        assert found.steps[-1].kind == "due" and found.steps[-1].since == found.due_at


# --- Chinese calendars ---------------------------------------------------------------------------------------------


def china(year: int) -> dict[dt.date, SpecialDay]:
    import json
    from pathlib import Path

    import zhike.service

    path = Path(zhike.service.__file__).parent / "data" / f"holidays_cn_{year}.json"
    return calendars.parse_holidays(json.loads(path.read_text()))[1]


def test_a_promise_waits_for_the_end_of_a_holiday_and_counts_the_make_up_workday() -> None:
    """国庆 2026: off from 1 to 7 October, Saturday the 10th is worked."""
    office = calendar(
        "09:00-12:00, 13:30-18:00", holidays=china(2026), known_years=frozenset({2026}), follows_holidays=True
    )
    found = reckon(office, 8 * HOURS, [Run(at("2026-09-30 17:00"))])
    assert found.due_at == at("2026-10-08 17:30")
    closed = [step for step in found.steps if step.kind == "closed"]
    assert closed[0].names == ("国庆节",)
    late = reckon(office, 3 * HOURS, [Run(at("2026-10-09 17:00"))])
    assert late.due_at == at("2026-10-10 11:00")
    assert late.steps[-2].names == ("国庆节",)
    assert working_time(office, at("2026-10-11 00:00"), at("2026-10-12 00:00")) == dt.timedelta()


def test_a_house_open_on_holidays_counts_them() -> None:
    desk = calendar(*["10:00-22:00"] * 7, holidays=china(2026), known_years=frozenset({2026}))
    assert reckon(desk, 2 * HOURS, [Run(at("2026-10-01 20:30"))]).due_at == at("2026-10-02 10:30")


def test_a_year_that_is_not_published_is_named_as_a_guess() -> None:
    office = calendar(
        "09:00-18:00", holidays=china(2026), known_years=frozenset({2026}), follows_holidays=True
    )
    found = reckon(office, 9 * HOURS, [Run(at("2026-12-31 12:00"))])
    assert [step.guessed for step in found.steps if step.kind == "counted"] == [False, True]


def test_an_exception_wins_over_the_holiday() -> None:
    special = {dt.date(2026, 10, 1): (Shift(600, 720),)}
    office = calendar(
        "09:00-18:00",
        holidays=china(2026),
        known_years=frozenset({2026}),
        follows_holidays=True,
        exceptions=special,
    )
    assert reckon(office, HOURS, [Run(at("2026-10-01 08:00"))]).due_at == at("2026-10-01 11:00")


# --- the bugs of others --------------------------------------------------------------------------------------------


@pytest.mark.feature("D21")
def test_d21_around_the_clock_has_no_closed_minute_at_midnight() -> None:
    """A calendar from 00:00 to 24:00 gained a minute at every midnight that a promise crossed."""
    whole = calendar(*["00:00-24:00"] * 7)
    start = at("2026-06-10 22:00")
    for days in range(1, 6):
        assert reckon(whole, days * 24 * HOURS, [Run(start)]).due_at == start + days * 24 * HOURS
        assert reckon(ALWAYS, days * 24 * HOURS, [Run(start)]).due_at == start + days * 24 * HOURS


@pytest.mark.feature("D21")
def test_d21_nobody_is_called_at_night() -> None:
    """Reminders went out at midnight and on weekends although the desk was closed."""
    calls = [
        Call(80, "warning", "service_agent"),
        Call(100, "breach", "mall_manager"),
        Call(150, "escalation", "x"),
    ]
    for hour in range(24):
        start = at("2026-06-12 00:00") + hour * HOURS
        for moment in moments(OFFICE, 5 * HOURS, [Run(start)], calls):
            local = moment.at.astimezone(SHANGHAI)
            assert local.weekday() < 5
            assert 9 * 60 < local.hour * 60 + local.minute <= 18 * 60


@pytest.mark.feature("D21")
def test_d21_reopening_does_not_count_the_time_it_was_closed() -> None:
    """A ticket that was closed for days and reopened was over its time at once."""
    runs = pause([Run(at("2026-06-10 09:00"))], at("2026-06-10 10:00"))
    runs = resume(runs, at("2026-06-15 09:00"))
    assert reckon(OFFICE, 2 * HOURS, runs).due_at == at("2026-06-15 10:00")


@pytest.mark.feature("D21")
def test_d21_a_raised_priority_is_measured_from_the_beginning() -> None:
    """The elapsed time stays, only the target changes; it may turn out to be over already."""
    runs = [Run(at("2026-06-10 09:00"))]
    assert reckon(OFFICE, 4 * HOURS, runs).due_at == at("2026-06-10 14:30")
    assert reckon(OFFICE, 1 * HOURS, runs).due_at == at("2026-06-10 10:00")


@pytest.mark.feature("D22")
def test_d22_a_lunch_break_does_not_count() -> None:
    """One block a day counted the break between two shifts."""
    assert reckon(OFFICE, HOURS, [Run(at("2026-06-10 11:30"))]).due_at == at("2026-06-10 14:00")
    assert reckon(OFFICE, HOURS, [Run(at("2026-06-10 12:30"))]).due_at == at("2026-06-10 14:30")


@pytest.mark.feature("D22")
def test_d22_a_shift_may_end_after_midnight() -> None:
    bar = calendar(*["21:00-02:00"] * 7)
    found = reckon(bar, 4 * HOURS, [Run(at("2026-06-10 23:00"))])
    assert found.due_at == at("2026-06-11 22:00")
    assert is_open(bar, at("2026-06-11 01:59")) and not is_open(bar, at("2026-06-11 02:00"))


@pytest.mark.feature("D22")
def test_d22_a_calendar_without_any_time_ends_nothing_instead_of_looping() -> None:
    nothing = calendar(*[""] * 7)
    assert reckon(nothing, HOURS, [Run(at("2026-06-10 09:00"))]).due_at is None
    with pytest.raises(calendars.BadShifts) as refused:
        calendars.definition(week=[""] * 7)
    assert refused.value.code == "no_time"


def test_a_standing_clock_has_no_deadline() -> None:
    runs = pause([Run(at("2026-06-10 09:00"))], at("2026-06-10 10:00"))
    found = reckon(OFFICE, 2 * HOURS, runs)
    assert found.due_at is None and found.spent == HOURS
    assert pause(runs, at("2026-06-10 11:00")) == runs
    assert resume(resume(runs, at("2026-06-10 11:00")), at("2026-06-10 12:00"))[1:] == (
        Run(at("2026-06-10 11:00")),
    )


def test_shifts_that_overlap_over_midnight_are_counted_once() -> None:
    both = calendar(*["00:00-03:00, 20:00-06:00"] * 7)
    day = working_time(both, at("2026-06-10 12:00"), at("2026-06-11 12:00"))
    assert day == 10 * HOURS
    spans = [span for span, _number in zip(open_spans(both, at("2026-06-10 12:00")), range(9), strict=False)]
    assert all(one.until <= next_.since for one, next_ in pairwise(spans))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9-12", "format"),
        ("09:00-12:00, 11:00-13:00", "overlap"),
        ("25:00-26:00", "format"),
        ("09:61-10:00", "format"),
    ],
)
def test_shifts_that_make_no_sense_are_refused(text: str, code: str) -> None:
    with pytest.raises(calendars.BadShifts) as refused:
        calendars.parse_shifts(text)
    assert refused.value.code == code


def test_shifts_read_back_as_they_were_written() -> None:
    for text in ("09:00-12:00, 13:30-18:00", "00:00-24:00", "21:00-02:00", ""):
        assert calendars.shifts_text(calendars.parse_shifts(text)) == text
    assert calendars.parse_shifts("09:00–12:00，13:30至18:00") == calendars.parse_shifts(
        "09:00-12:00, 13:30-18:00"
    )


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"year": 2026, "days": []},
        {"year": "2026", "days": [{"date": "2026-01-01", "name": "x", "isOffDay": True}]},
        {"year": 2026, "days": [{"date": "2031-01-01", "name": "x", "isOffDay": True}]},
        {"year": 2026, "days": [{"date": "1 January", "name": "x", "isOffDay": True}]},
    ],
)
def test_what_is_no_list_of_holidays_is_refused(data: object) -> None:
    with pytest.raises(calendars.BadHolidays):
        calendars.parse_holidays(data)

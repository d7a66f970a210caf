"""Birthdays by two calendars, each celebrated once a year, and changed once a year."""

from __future__ import annotations

import datetime as dt
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.people import NOW, Crew, Malls
from zhike.customers import operations, queries, rules
from zhike.customers.models import Person, ProfileChange
from zhike.kernel.models import Event

pytestmark = pytest.mark.feature("B55")
YEAR = dt.timedelta(days=365)


@pytest.mark.parametrize(
    ("day", "key", "year"),
    [
        ((2024, 2, 9), "L1230", 2023),  # 腊月三十 in a year that has one
        ((2025, 1, 28), "L1230", 2024),  # 廿九 is the last of the year: 三十 falls on it
        ((2025, 1, 28), "L1229", 2024),
        ((2025, 7, 30), "R0606", 2025),  # 闰六月初六 in a year with 闰六月
        ((2026, 7, 19), "R0606", 2026),  # and on 六月初六 in one without
        ((2024, 2, 29), "S0229", 2024),
        ((2025, 2, 28), "S0229", 2025),
        ((2026, 9, 25), "L0815", 2026),  # 中秋
    ],
)
def test_days_that_are_told_apart(day: tuple[int, int, int], key: str, year: int) -> None:
    assert rules.keys_celebrated(dt.date(*day))[key] == year


def test_the_ordinary_month_is_not_the_leap_one() -> None:
    assert "R0606" not in rules.keys_celebrated(dt.date(2025, 6, 30))
    assert "L0606" not in rules.keys_celebrated(dt.date(2025, 7, 30))
    assert "S0229" not in rules.keys_celebrated(dt.date(2024, 2, 28))


@pytest.mark.parametrize(
    ("birthday", "text"),
    [
        ((1960, 2, 27), "二月初一"),
        ((1979, 7, 24), "闰六月初一"),
        ((1985, 2, 19), "腊月三十"),
        ((1990, 12, 16), "十月三十"),
    ],
)
def test_the_day_in_words(birthday: tuple[int, int, int], text: str) -> None:
    assert rules.lunar_text(rules.birthday_key(dt.date(*birthday), "lunar")) == text


@cache
def celebrated() -> list[dict[str, int]]:
    """The keys of each day of three years."""
    return [rules.keys_celebrated(dt.date(2023, 1, 1) + dt.timedelta(days=ahead)) for ahead in range(3 * 366)]


@settings(deadline=None)
@given(st.dates(dt.date(1930, 1, 1), dt.date(2020, 12, 31)), st.sampled_from(rules.CALENDARS))
def test_every_year_has_each_birthday_once(birthday: dt.date, calendar: str) -> None:
    key = rules.birthday_key(birthday, calendar)
    years = [found[key] for found in celebrated() if key in found]
    assert len(years) == len(set(years))
    assert {2023, 2024} <= set(years)


@pytest.mark.django_db
def test_changed_once_a_year_and_not_otherwise(crew: Crew, zhang_san: int) -> None:
    def change(at: dt.datetime, **changes: object) -> tuple[str, ...]:
        return operations.update_profile(
            actor=crew.sun, person_id=zhang_san, changes=changes, reason="身份证", now=at
        )

    assert change(NOW, birthday=dt.date(1990, 5, 13)) == ("birthday",)
    facts = Event.objects.count()
    with pytest.raises(operations.BirthdayChangedLately) as refused:
        change(NOW + YEAR - dt.timedelta(seconds=1), birthday_calendar="lunar")
    assert refused.value.params == {"day": "2027-03-08"}
    assert (Event.objects.count(), Person.objects.get(pk=zhang_san).birthday_key) == (facts, "S0513")
    assert change(NOW + YEAR, birthday_calendar="lunar") == ("birthday_calendar",)
    assert queries.person(zhang_san).lunar_birthday == "四月十九"
    assert ProfileChange.objects.filter(person_id=zhang_san, reason="身份证").count() == 2


@pytest.mark.django_db
def test_what_was_never_said_can_be_said(malls: Malls, crew: Crew, li_si: int) -> None:
    operations.update_profile(
        actor=crew.admin, person_id=li_si, changes={"birthday": dt.date(1980, 1, 1), "birthday_calendar": "lunar"}, now=NOW
    )  # fmt: skip
    assert Person.objects.get(pk=li_si).birthday_key == "L1114"

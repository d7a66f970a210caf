import datetime as dt

import pytest

from zhike.kernel import clock


def test_now_is_aware_and_utc() -> None:
    assert clock.now().utcoffset() == dt.timedelta(0)


def test_business_date_is_the_malls_date() -> None:
    late_evening_utc = dt.datetime(2026, 1, 31, 17, 30, tzinfo=dt.UTC)
    assert clock.business_date(late_evening_utc, "Asia/Shanghai") == dt.date(2026, 2, 1)
    assert clock.business_date(late_evening_utc, "UTC") == dt.date(2026, 1, 31)


def test_business_date_refuses_a_naive_moment() -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock.business_date(dt.datetime(2026, 1, 1), "Asia/Shanghai")


def test_day_bounds_are_half_open_and_meet() -> None:
    start, end = clock.day_bounds(dt.date(2026, 2, 1), "Asia/Shanghai")
    assert start == dt.datetime(2026, 1, 31, 16, tzinfo=dt.UTC)
    assert end == clock.day_bounds(dt.date(2026, 2, 2), "Asia/Shanghai")[0]


def test_day_is_shorter_when_clocks_go_forward() -> None:
    start, end = clock.day_bounds(dt.date(2026, 3, 29), "Europe/Berlin")
    assert end - start == dt.timedelta(hours=23)

"""Words of a file as values."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.intake.rules import values


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.50", "1234.50"),
        ("￥12", "12"),
        ("¥ 1,000,000", "1000000"),
        ("12元", "12"),
        ("-5", "-5"),
        ("(5.00)", "-5.00"),
        ("+7", "+7"),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, number: str):
    assert values.plain_number(text, ".", ",") == number


@pytest.mark.parametrize(
    "text", ["", "1,5", "1,23,456", "12.3.4", "1e5", "abc", "１２", "0x1F", "--1", "1 2", "NaN", "inf"]
)
def test_a_doubtful_number_is_refused(text: str):
    with pytest.raises(ValueError):
        values.plain_number(text, ".", ",")


def test_a_decimal_comma_is_read_where_the_mapping_says_so():
    assert values.plain_number("1.234,50", ",", ".") == "1234.50"


@given(st.integers(-(10**12), 10**12))
def test_fen_survive_being_written(fen: int):
    sign, rest = ("-", -fen) if fen < 0 else ("", fen)
    assert values.scaled(f"{sign}{rest // 100}.{rest % 100:02d}", 2) == fen


def test_digits_are_never_lost_silently():
    with pytest.raises(values.TooFine):
        values.scaled("0.001", 2)
    assert values.scaled("0.001", 2, rounded=True) == 0
    assert values.scaled("0.005", 2, rounded=True) == 1
    assert values.scaled("1.2300", 2) == 123


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_whole_pieces_cost_exactly_their_price(pieces: int, price: int):
    assert values.line_fen(pieces * values.MILLI, price) == pieces * price


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", (dt.datetime(2026, 3, 1), False)),
        ("2026/3/1 9:05", (dt.datetime(2026, 3, 1, 9, 5), True)),
        ("2026年3月1日 21:05:06", (dt.datetime(2026, 3, 1, 21, 5, 6), True)),
        ("20260301", (dt.datetime(2026, 3, 1), False)),
        ("20260301210506", (dt.datetime(2026, 3, 1, 21, 5, 6), True)),
        ("2026-03-01T21:05:06.123", (dt.datetime(2026, 3, 1, 21, 5, 6), True)),
    ],
)
def test_dates_that_begin_with_the_year_need_no_format(text: str, moment: tuple[dt.datetime, bool]):
    assert values.parse_moment(text, "auto") == moment


@pytest.mark.parametrize("text", ["01/03/2026", "2026-13-01", "2026-02-30", "昨天", "2026-03-01 25:00"])
def test_a_date_that_could_mean_two_days_is_refused(text: str):
    with pytest.raises(ValueError):
        values.parse_moment(text, "auto")


def test_a_format_says_what_day_first_means():
    assert values.parse_moment("01/03/2026 09:05", "%d/%m/%Y %H:%M") == (dt.datetime(2026, 3, 1, 9, 5), True)


def test_local_time_is_kept_as_utc():
    summer = values.to_utc(dt.datetime(2011, 7, 1, 12), ZoneInfo("Europe/London"))
    assert summer == dt.datetime(2011, 7, 1, 11, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text", ["13800138000", "+86 138 0013 8000", "0086-13800138000", "8613800138000", "138-0013-8000"]
)
def test_a_mobile_number_is_one_however_it_is_written(text: str):
    assert values.parse_phone(text) == "+8613800138000"


@pytest.mark.parametrize("text", ["1380013800", "23800138000", "138001380001", "+8612345678901", "电话", ""])
def test_what_is_no_phone_number_is_refused(text: str):
    with pytest.raises(ValueError):
        values.parse_phone(text)


def test_a_number_from_abroad_is_kept():
    assert values.parse_phone("+44 20 7946 0958") == "+442079460958"

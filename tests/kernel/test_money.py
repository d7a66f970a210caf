from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel.money import NotAnAmount, fen_from_text, round_half_up_ratio, yuan_text


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("12.34", 1234),
        ("0", 0),
        ("-0.5", -50),
        ("+7", 700),
        (" 3.10 ", 310),
        ("9999999999999.99", 999999999999999),
    ],
)
def test_amounts_in_yuan_become_fen(text: str, fen: int) -> None:
    assert fen_from_text(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "12.345",
        "1,000",
        "1e3",
        "¥5",
        "NaN",
        "inf",
        "--1",
        "1.",
        ".5",
        "1２",
        "12 34",
        "99999999999999",
        "0x1",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        fen_from_text(text)


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_text_and_fen_are_the_same_amount(fen: int) -> None:
    assert fen_from_text(yuan_text(fen)) == fen


@given(st.integers(-(10**12), 10**12), st.integers(-(10**6), 10**6).filter(bool))
def test_rounding_agrees_with_decimal(numerator: int, denominator: int) -> None:
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert round_half_up_ratio(numerator, denominator) == exact


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_rounding_is_symmetric(numerator: int, denominator: int) -> None:
    assert round_half_up_ratio(-numerator, denominator) == -round_half_up_ratio(numerator, denominator)


def test_zero_denominator_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        round_half_up_ratio(1, 0)

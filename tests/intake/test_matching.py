"""Which sale a return belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.intake.rules.matching import OpenLine, ReturnedLine, match_returns

Move = OpenLine[str] | ReturnedLine


def sold(sale: str, pieces: int, fen: int, member: str = "m", number: str = "") -> OpenLine[str]:
    return OpenLine(sale, number or sale, member, pieces * 1000, fen)


def back(row: int, pieces: int, fen: int, member: str = "m", number: str = "") -> ReturnedLine:
    return ReturnedLine(row, number, member, pieces * 1000, fen)


@pytest.mark.feature("C016")
def test_the_latest_sale_with_enough_left_is_taken():
    moves: list[Move] = [
        sold("a", 10, 1000),
        sold("b", 2, 200),
        back(1, 5, 500),
        back(2, 2, 200),
        back(3, 1, 100),
    ]
    assert list(match_returns(moves)) == [(1, "a"), (2, "b"), (3, "a")]


def test_a_return_is_not_spread_over_sales():
    assert list(match_returns([sold("a", 3, 300), sold("b", 3, 300), back(1, 5, 500)])) == []


def test_never_more_money_goes_back_than_was_paid():
    assert list(match_returns([sold("a", 3, 300), back(1, 3, 301)])) == []


def test_later_sales_and_other_members_do_not_count():
    assert list(match_returns([sold("x", 1, 100, member="n"), back(1, 1, 100), sold("a", 1, 100)])) == []


def test_nobody_returns_only_what_the_file_names():
    moves: list[Move] = [
        sold("a", 1, 100, member=""),
        back(1, 1, 100, member=""),
        back(2, 1, 100, member="", number="a"),
    ]
    assert list(match_returns(moves)) == [(2, "a")]


def test_a_named_sale_is_taken_whoever_brings_it_back():
    moves: list[Move] = [sold("a", 2, 200), sold("b", 2, 200), back(1, 1, 100, member="other", number="a")]
    assert list(match_returns(moves)) == [(1, "a")]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 500)), max_size=40))
def test_no_sale_is_ever_returned_beyond_itself(story: list[tuple[bool, int, int]]):
    moves: list[Move] = []
    left: dict[str, list[int]] = {}
    asked: dict[int, tuple[int, int]] = {}
    for place, (is_return, pieces, fen) in enumerate(story):
        if is_return:
            moves.append(back(place, pieces, fen))
            asked[place] = (pieces * 1000, fen)
        else:
            moves.append(sold(str(place), pieces, fen))
            left[str(place)] = [pieces * 1000, fen]
    for row, sale in match_returns(moves):
        assert int(sale) < row
        left[sale][0] -= asked[row][0]
        left[sale][1] -= asked[row][1]
    assert all(quantity >= 0 and fen >= 0 for quantity, fen in left.values())

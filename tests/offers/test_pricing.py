"""The best price: exact against trying every choice, to the fen by line, and explained."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.offers.rules.pricing import PricedLine, apply, best_price
from zhike.offers.rules.promotions import Place, Promotion, holds, parse_promotion
from zhike.offers.rules.terms import TermsError

pytestmark = pytest.mark.feature("C110", "B52")


def promotion(number: int, kind: str, **parts: Any) -> Promotion:
    return Promotion(number, parse_promotion({"kind": kind} | parts))


def lines(*given: tuple[int, int]) -> list[PricedLine]:
    """(pieces, price of one); the category is the line's number."""
    return [PricedLine(no, count, price, f"S{no}", no) for no, (count, price) in enumerate(given, start=1)]


def off(basket: list[PricedLine], *promotions: Promotion) -> int:
    priced = best_price(basket, promotions)
    assert priced.is_exact
    assert sum(priced.line_discounts().values()) == priced.discount_fen
    return priced.discount_fen


class TestKinds:
    @pytest.mark.parametrize(
        ("basket", "one", "expected"),
        [
            (
                [(1, 29_900)],
                {"kind": "reach", "steps": [[10_000, 1000], [20_000, 3000], [30_000, 6000]]},
                3000,
            ),
            ([(1, 9_999)], {"kind": "reach", "steps": [[10_000, 1000]]}, 0),
            ([(1, 35_000)], {"kind": "every", "minimum_fen": 10_000, "off_fen": 2000}, 6000),
            (
                [(1, 95_000)],
                {"kind": "every", "minimum_fen": 10_000, "off_fen": 2000, "cap_fen": 10_000},
                10_000,
            ),
            ([(1, 333)], {"kind": "percent", "percent_bp": 1500}, 50),
            ([(3, 10_000)], {"kind": "pieces", "steps": [[2, 1000], [3, 3000]]}, 9000),
            ([(2, 10_000)], {"kind": "pieces", "steps": [[2, 1000], [3, 3000]]}, 2000),
            ([(1, 10_000), (1, 6000)], {"kind": "nth", "nth": 2, "percent_bp": 5000}, 3000),
            ([(1, 10_000), (2, 6000)], {"kind": "nth", "nth": 2, "percent_bp": 5000}, 3000),
            ([(4, 999)], {"kind": "nth", "nth": 2, "percent_bp": 5000}, 1000),
            ([(3, 5000)], {"kind": "nth", "nth": 3, "percent_bp": 10_000}, 5000),
        ],
    )
    def test_what_it_takes_off(self, basket: Any, one: dict[str, Any], expected: int) -> None:
        assert off(lines(*basket), Promotion(1, parse_promotion(one))) == expected

    def test_the_second_piece_lies_on_the_line_that_was_reduced(self) -> None:
        priced = best_price(lines((1, 10_000), (1, 6000)), [promotion(1, "nth", nth=2, percent_bp=5000)])
        assert priced.line_discounts() == {2: 3000}

    def test_gifts_for_every_full_amount(self) -> None:
        one = promotion(
            1, "gift", minimum_fen=10_000, gift="马克杯", gift_value_fen=900, gift_every=True, gift_most=2
        )
        [applied] = best_price(lines((1, 39_000)), [one]).applied
        assert (applied.gifts, applied.discount_fen) == ((("马克杯", 2),), 0)

    def test_what_is_missing_is_told(self) -> None:
        reach = promotion(1, "reach", steps=[[20_000, 3000]])
        pieces = promotion(2, "pieces", steps=[[3, 2000]])
        other = promotion(3, "percent", percent_bp=1000, scope={"skus": ["X"]})
        near = {one.promotion_id: one for one in best_price(lines((1, 15_000)), [reach, pieces, other]).near}
        assert (near[1].missing_fen, near[2].missing_quantity) == (5000, 2)
        assert 3 not in near


class TestTogether:
    def test_one_of_a_group_and_the_better_one(self) -> None:
        small = promotion(1, "percent", percent_bp=1000, group="sale")
        large = promotion(2, "reach", steps=[[10_000, 2500]], group="sale")
        assert off(lines((1, 20_000)), small, large) == 2500
        assert off(lines((1, 30_000)), small, large) == 3000

    def test_alone_against_all_the_others(self) -> None:
        alone = promotion(1, "percent", percent_bp=3000, exclusive=True)
        others = [promotion(2, "percent", percent_bp=1000), promotion(3, "reach", steps=[[9000, 2500]])]
        assert off(lines((1, 10_000)), alone, *others) == 3500
        assert off(lines((1, 20_000)), alone, *others) == 6000

    def test_leaving_one_out_can_be_better(self) -> None:
        """The discount first would push the basket below the larger step."""
        percent = promotion(1, "percent", percent_bp=500, priority=1)
        reach = promotion(2, "reach", steps=[[10_000, 4000]], priority=2)
        priced = best_price(lines((1, 10_100)), [percent, reach])
        assert [one.promotion_id for one in priced.applied] == [2]

    def test_the_order_follows_the_priority(self) -> None:
        percent = promotion(1, "percent", percent_bp=1000, priority=2)
        reach = promotion(2, "reach", steps=[[10_000, 1000]], priority=1)
        assert off(lines((1, 20_000)), percent, reach) == 1000 + 1900


KINDS = st.one_of(
    st.builds(lambda a, b: {"kind": "reach", "steps": [[a, min(a, b)]]}, st.integers(1, 9000), st.integers(1, 3000)),
    st.builds(
        lambda a, b, c: {"kind": "every", "minimum_fen": a, "off_fen": min(a, b), "cap_fen": c},
        st.integers(500, 5000), st.integers(1, 900), st.none() | st.integers(100, 2000),
    ),
    st.builds(lambda bp, m: {"kind": "percent", "percent_bp": bp, "minimum_fen": m}, st.integers(1, 10_000), st.integers(0, 6000)),
    st.builds(lambda n, bp: {"kind": "pieces", "steps": [[n, bp]]}, st.integers(1, 6), st.integers(1, 10_000)),
    st.builds(lambda n, bp: {"kind": "nth", "nth": n, "percent_bp": bp}, st.integers(2, 4), st.integers(1, 10_000)),
    st.builds(lambda v: {"kind": "gift", "gift": "杯", "gift_value_fen": v, "minimum_fen": 2000}, st.integers(0, 900)),
)  # fmt: skip
SCOPES = st.sampled_from(
    [
        {},
        {"product_categories": {"only": [1]}},
        {"product_categories": {"except": [2]}},
        {"skus": ["S1", "S3"]},
    ]
)
DEFINITIONS = st.builds(
    lambda kind, scope, group, exclusive, priority: kind
    | {"scope": scope, "group": group, "exclusive": exclusive, "priority": priority},
    KINDS, SCOPES, st.sampled_from(["", "", "a", "b"]), st.sampled_from([False, False, False, True]), st.integers(0, 3),
)  # fmt: skip


def by_trying_everything(basket: list[PricedLine], promotions: list[Promotion]) -> tuple[int, int, int]:
    """Every subset, in the order of priority; a subset in which one has no effect is no choice of its own."""
    ordered = sorted(promotions, key=lambda one: (one.rule.priority, one.id))
    best = (0, 0, 0)
    for size in range(len(ordered) + 1):
        for chosen in itertools.combinations(ordered, size):
            groups = [one.rule.group for one in chosen if one.rule.group]
            if len(set(groups)) < len(groups) or (
                len(chosen) > 1 and any(one.rule.exclusive for one in chosen)
            ):
                continue
            left = {line.line_no: line.gross_fen for line in basket}
            total = gifts = 0
            for one in chosen:
                applied = apply(one, basket, left)
                if applied is None:
                    break
                for line_no, fen in applied.lines:
                    left[line_no] -= fen
                total, gifts = total + applied.discount_fen, gifts + one.rule.gift_value_fen
            else:
                best = max(best, (total, gifts, -len(chosen)))
    return best


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4000)), min_size=1, max_size=4),
    st.lists(DEFINITIONS, min_size=1, max_size=6),
)
def test_exact_against_trying_everything(
    basket: list[tuple[int, int]], definitions: list[dict[str, Any]]
) -> None:
    sold = lines(*basket)
    promotions = [Promotion(no, parse_promotion(one)) for no, one in enumerate(definitions, start=1)]
    priced = best_price(sold, promotions)
    value = {one.id: one.rule.gift_value_fen for one in promotions}
    key = (priced.discount_fen, sum(value[one.promotion_id] for one in priced.applied), -len(priced.applied))
    assert priced.is_exact
    assert key == by_trying_everything(sold, promotions)
    gross = {line.line_no: line.gross_fen for line in sold}
    assert sum(priced.line_discounts().values()) == priced.discount_fen
    assert all(0 <= fen <= gross[line_no] for line_no, fen in priced.line_discounts().items())


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"kind": "reach"}, "steps"),
        ({"kind": "reach", "steps": [[100, 200]]}, "steps"),
        ({"kind": "reach", "steps": [[200, 10], [100, 5]]}, "steps"),
        ({"kind": "every", "minimum_fen": 100}, "off_fen"),
        ({"kind": "percent", "percent_bp": 0}, "percent_bp"),
        ({"kind": "percent", "percent_bp": 10_001}, "percent_bp"),
        ({"kind": "nth", "percent_bp": 5000}, "nth"),
        ({"kind": "gift"}, "gift"),
    ],
)
def test_what_cannot_be_names_its_place(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(TermsError) as refused:
        parse_promotion(changes)
    assert refused.value.path == path


def test_where_and_when_it_holds() -> None:
    noon = dt.datetime(2026, 6, 10, 12, 0)  # a Wednesday
    one = parse_promotion(
        {
            "kind": "percent",
            "percent_bp": 100,
            "scope": {"merchants": {"only": [5]}, "windows": [{"weekdays": [3]}]},
        }
    )
    assert holds(one, Place(3, 5, 9, noon))
    assert not holds(one, Place(3, 6, 9, noon))
    assert not holds(one, Place(3, 5, 9, noon + dt.timedelta(days=1)))

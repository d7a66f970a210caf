"""Codes, terms, shares, and whether a coupon fits a basket: decisions without a database."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.kernel.codes import ALPHABET
from zhike.offers.operations.issuing import new_code
from zhike.offers.rules import codes
from zhike.offers.rules.shares import split, split_funding
from zhike.offers.rules.terms import TermsError, parse_terms, validity_of
from zhike.offers.rules.using import Basket, BasketLine, HeldCoupon, judge

pytestmark = pytest.mark.feature("C109")
NOW = dt.datetime(2026, 6, 10, 4, 0, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 6, 10, 12, 0)  # a Wednesday in the mall
ZONE = "Asia/Shanghai"


class TestCodes:
    def test_a_wrong_or_swapped_character_is_always_found(self) -> None:
        code = new_code()
        assert codes.is_ours(code)
        for place in range(codes.LENGTH):
            for letter in ALPHABET:
                changed = code[:place] + letter + code[place + 1 :]
                assert codes.is_ours(changed) == (changed == code)
        for one in range(codes.LENGTH):
            for other in range(one):
                letters = list(code)
                letters[one], letters[other] = letters[other], letters[one]
                assert codes.is_ours("".join(letters)) == ("".join(letters) == code)

    def test_codes_are_even_and_never_the_same(self) -> None:
        made = [new_code() for _ in range(5000)]
        assert len(set(made)) == 5000
        counts = [sum(code[:15].count(letter) for code in made) for letter in ALPHABET]
        expected = 5000 * 15 / 31
        assert all(abs(count - expected) < expected * 0.12 for count in counts)

    def test_however_it_is_typed(self) -> None:
        code = new_code()
        for text in (codes.payload(code), codes.spoken(code).lower(), "-".join(code), f"  {code}\n"):
            assert codes.read_code(text) == code


class TestShares:
    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12), st.integers(0, 1000))
    def test_parts_sum_to_the_whole_and_none_is_more_than_its_weight(
        self, weights: list[int], share: int
    ) -> None:
        total = sum(weights) * share // 1000
        parts = split(total, weights)
        assert sum(parts) == (total if sum(weights) else 0)
        assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(0, 10**9))
    def test_funding_is_exact(self, total: int) -> None:
        assert sum(split_funding(total, {"mall": 3333, "merchant": 3333, "brand": 3334}).values()) == total


def terms(**changes: Any) -> Any:
    return parse_terms({"kind": "cash", "value_fen": 2000, "validity": {"days": 7}} | changes)


def coupon(number: int = 1, **changes: Any) -> HeldCoupon:
    return HeldCoupon(
        number,
        f"CODE{number}",
        "issued",
        7,
        NOW - dt.timedelta(days=1),
        NOW + dt.timedelta(days=3),
        None,
        "open",
        terms(**changes),
    )


def basket(*amounts: int, **changes: Any) -> Basket:
    lines = tuple(BasketLine(no, fen, f"S{no}", no) for no, fen in enumerate(amounts, start=1))
    return Basket(
        **{"merchant_id": 5, "mall_id": 3, "trade_category_id": 9, "local": NOON, "lines": lines, **changes}
    )


class TestTerms:
    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"value_fen": 0}, "value_fen"),
            ({"kind": "threshold"}, "minimum_fen"),
            ({"kind": "threshold", "minimum_fen": 1999}, "minimum_fen"),
            ({"kind": "percent", "percent_bp": 10_001}, "percent_bp"),
            ({"percent_bp": 10}, "percent_bp"),
            ({"kind": "gift"}, "item"),
            ({"kind": "parking"}, "minutes"),
            ({"validity": {}}, "validity"),
            ({"validity": {"days": 3, "from": "2026-01-01", "to": "2026-02-01"}}, "validity"),
            ({"validity": {"from": "2026-02-01", "to": "2026-01-01"}}, "validity.to"),
            ({"funding": {"mall": 9999}}, "funding"),
            ({"funding": {"mall": 5000, "bank": 5000}}, "funding"),
            ({"scope": {"windows": [{"from_minute": 600, "to_minute": 500}]}}, "scope.windows"),
        ],
    )
    def test_what_cannot_be_names_its_place(self, changes: dict[str, Any], path: str) -> None:
        with pytest.raises(TermsError) as refused:
            terms(**changes)
        assert refused.value.path == path

    def test_days_are_days_of_the_mall(self) -> None:
        late = dt.datetime(2026, 6, 10, 15, 59, tzinfo=dt.UTC)  # 23:59 in the mall
        assert validity_of(terms(validity={"days": 1}), late, ZONE) == (
            late, dt.datetime(2026, 6, 10, 16, tzinfo=dt.UTC),
        )  # fmt: skip
        begin, end = validity_of(terms(validity={"days": 2, "after_days": 1}), late, ZONE)
        assert begin == dt.datetime(2026, 6, 10, 16, tzinfo=dt.UTC)
        assert end == dt.datetime(2026, 6, 12, 16, tzinfo=dt.UTC)
        fixed = terms(validity={"from": "2026-06-18", "to": "2026-06-18"})
        assert validity_of(fixed, NOW, ZONE) == (
            dt.datetime(2026, 6, 17, 16, tzinfo=dt.UTC), dt.datetime(2026, 6, 18, 16, tzinfo=dt.UTC),
        )  # fmt: skip


class TestUsing:
    @pytest.mark.parametrize(
        ("changes", "amounts", "off"),
        [
            ({}, (5000,), 2000),
            ({}, (1500,), 1500),
            ({"kind": "threshold", "minimum_fen": 10_000}, (6000, 4000), 2000),
            ({"kind": "percent", "value_fen": 0, "percent_bp": 1500}, (333, 334), 100),
            ({"kind": "percent", "value_fen": 0, "percent_bp": 5000, "cap_fen": 3000}, (10_000,), 3000),
            ({"scope": {"product_categories": {"only": [2]}}}, (9000, 1200), 1200),
            ({"scope": {"skus": ["S1"]}}, (500, 9000), 500),
            ({"kind": "parking", "value_fen": 0, "minutes": 120}, (100,), 0),
        ],
    )
    def test_what_it_takes_off(self, changes: dict[str, Any], amounts: tuple[int, ...], off: int) -> None:
        [verdict] = judge([coupon(**changes)], basket(*amounts), NOW)
        assert verdict.refusal is None and verdict.share
        assert verdict.share.discount_fen == off == sum(fen for _no, fen in verdict.share.lines)

    @pytest.mark.parametrize(
        ("changes", "where", "why"),
        [
            ({"scope": {"malls": [4]}}, {}, "mall"),
            ({"scope": {"merchants": {"only": [6]}}}, {}, "merchant"),
            ({"scope": {"merchants": {"except": [5]}}}, {}, "merchant"),
            ({"scope": {"trade_categories": {"only": [1]}}}, {}, "trade-category"),
            ({"scope": {"product_categories": {"only": [77]}}}, {}, "products"),
            ({"scope": {"windows": [{"weekdays": [1, 2]}]}}, {}, "time"),
            ({"scope": {"windows": [{"from_minute": 17 * 60}]}}, {}, "time"),
            ({"scope": {"blackout_dates": ["2026-06-10"]}}, {}, "day"),
            ({"scope": {"tiers": [2]}}, {"tier_id": 1}, "tier"),
            ({"kind": "threshold", "minimum_fen": 5001}, {}, "minimum"),
            ({}, {"member_id": 8}, "other-member"),
        ],
    )
    def test_why_not(self, changes: dict[str, Any], where: dict[str, Any], why: str) -> None:
        [verdict] = judge([coupon(**changes)], basket(5000, **where), NOW)
        assert verdict.share is None and verdict.refusal and verdict.refusal.code == why

    @pytest.mark.parametrize(
        ("state", "at", "why"),
        [
            ({"status": "used"}, NOW, "used"),
            ({"status": "void"}, NOW, "void"),
            ({"status": "locked", "lock_until": NOW + dt.timedelta(seconds=1)}, NOW, "locked"),
            ({"status": "locked", "lock_until": NOW}, NOW, None),
            ({}, NOW - dt.timedelta(days=2), "not-yet"),
            ({}, NOW + dt.timedelta(days=3), "expired"),
            ({"batch_status": "closed"}, NOW, "batch-closed"),
        ],
    )
    def test_its_own_state(self, state: dict[str, Any], at: dt.datetime, why: str | None) -> None:
        from dataclasses import replace

        [verdict] = judge([replace(coupon(), **state)], basket(5000), at)
        assert (verdict.refusal.code if verdict.refusal else None) == why

    def test_coupons_side_by_side(self) -> None:
        first, second = judge([coupon(1), coupon(2)], basket(3000), NOW)
        assert first.share and second.share
        assert (first.share.discount_fen, second.share.discount_fen) == (2000, 1000)
        lonely = judge([coupon(1), coupon(2, alone=True)], basket(9000), NOW)
        assert lonely[1].refusal and lonely[1].refusal.code == "alone"
        nothing = judge([coupon(1), coupon(2)], basket(2000), NOW)
        assert nothing[1].refusal and nothing[1].refusal.code == "nothing-left"

    def test_the_hour_ends_before_its_minute(self) -> None:
        window = {"scope": {"windows": [{"weekdays": [3], "from_minute": 600, "to_minute": 720}]}}
        at_noon = judge([coupon(**window)], basket(5000), NOW)[0]
        before = judge([coupon(**window)], basket(5000, local=NOON - dt.timedelta(minutes=1)), NOW)[0]
        assert at_noon.refusal and at_noon.refusal.code == "time"
        assert before.share


def test_random_baskets_never_go_below_zero() -> None:
    rng = random.Random(3)
    for _ in range(300):
        amounts = [rng.randrange(0, 5000) for _ in range(rng.randrange(1, 6))]
        held = [coupon(no, value_fen=rng.randrange(1, 6000)) for no in range(1, 5)]
        verdicts = judge(held, basket(*amounts), NOW)
        left = dict(enumerate(amounts, start=1))
        for verdict in verdicts:
            if verdict.share:
                for line_no, fen in verdict.share.lines:
                    left[line_no] -= fen
                assert sum(verdict.share.funding.values()) == verdict.share.discount_fen
        assert all(fen >= 0 for fen in left.values())

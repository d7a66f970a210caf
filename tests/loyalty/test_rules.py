"""The pure rules, over all the values they may meet."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.loyalty.rules import cards
from zhike.loyalty.rules.accounts import AccountState, NotEnoughPoints, credit, debit, expire, restore
from zhike.loyalty.rules.calendar import NEVER, Expiry, window_start
from zhike.loyalty.rules.definition import DefinitionError, Rule, parse_definition
from zhike.loyalty.rules.earning import EarnLine, EarnReceipt, decide, rederive, round_points, share_out
from zhike.loyalty.rules.returning import kept_points
from zhike.loyalty.rules.tiers import TierStep, after_spend, next_step, tier_for

DAY = dt.date(2026, 6, 10)
AT = dt.datetime(2026, 6, 10, 4, tzinfo=dt.UTC)
EXPIRIES = st.sampled_from([dt.date(2026, 6, 30), dt.date(2026, 12, 31), dt.date(2028, 6, 30), NEVER])


def account(**lots: int) -> AccountState:
    state = AccountState(1, 0, 0, 0, 0, 1)
    for day, points in lots.items():
        credit(state, points, dt.date.fromisoformat(day.replace("_", "-").lstrip("d")), 1)
    return state


def holds_together(state: AccountState) -> bool:
    return (
        state.balance == sum(state.lots.values())
        and min([0, *state.lots.values()]) == 0
        and state.debt >= 0
        and not (state.balance and state.debt)
    )


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_shares_sum_to_the_whole_and_none_is_off_by_more_than_one(total: int, weights: list[int]) -> None:
    shares = share_out(total, weights)
    whole = sum(weights)
    assert sum(shares) == (total if whole else 0)
    assert all(
        abs(share * whole - total * weight) < whole
        for share, weight in zip(shares, weights, strict=True)
        if whole
    )


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_the_three_roundings(numerator: int, denominator: int) -> None:
    down, half, up = (round_points(numerator, denominator, kind) for kind in ("down", "half_up", "up"))
    assert down <= half <= up <= down + 1
    assert (half == up) == (2 * (numerator - down * denominator) >= denominator or up == down)


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), st.integers(1, 500), EXPIRIES),
        st.tuples(st.just("debit"), st.integers(1, 500), st.booleans()),
        st.tuples(st.just("restore"), st.integers(0, 10), st.integers(1, 500)),
        st.tuples(st.just("expire"), st.just(0), st.dates(DAY, dt.date(2029, 1, 1))),
    ),
    max_size=40,
)


@given(MOVES)
def test_lots_balance_and_debt_hold_together_whatever_happens(moves: list[tuple[str, int, Any]]) -> None:
    state = account()
    net = 0
    spent: list[list[Any]] = []
    for kind, points, detail in moves:
        before = state.net
        if kind == "credit":
            movement = credit(state, points, detail, 1)
        elif kind == "debit":
            if points > state.balance and not detail:
                with pytest.raises(NotEnoughPoints):
                    debit(state, points)
                assert state.net == before
                continue
            movement = debit(state, points, into_debt=detail)
            if not detail:
                spent.append([movement, 0])
        elif kind == "restore":
            if not spent:
                continue
            one = spent[points % len(spent)]
            back = min(detail, one[0].points - one[1])
            if not back:
                continue
            movement = restore(state, one[0].lots, one[1], back)
            one[1] += back
        else:
            for movement in expire(state, detail):
                net -= movement.points
            assert holds_together(state)
            continue
        net += movement.sign * movement.points
        assert sum(part for *_, part in movement.lots) + movement.debt_points == movement.points
        assert movement.balance_after == state.net == net
        assert holds_together(state)


@pytest.mark.feature("B01")
def test_a_full_restore_is_the_exact_opposite() -> None:
    state = account(d2026_06_30=100, d2026_12_31=200)
    before = dict(state.lots)
    movement = debit(state, 150)
    assert movement.lots == ((dt.date(2026, 6, 30), 1, 100), (dt.date(2026, 12, 31), 1, 50))
    restore(state, movement.lots, 0, 150)
    assert state.lots == before


RATES = st.fixed_dictionaries(
    {
        "base": st.fixed_dictionaries({"points": st.integers(0, 5), "per_fen": st.integers(1, 1_000)}),
        "minimum_fen": st.sampled_from([0, 5_000]),
        "tiers": st.fixed_dictionaries({"bp": st.dictionaries(st.just("1"), st.integers(0, 30_000))}),
        "excluded_tenders": st.lists(st.just("voucher"), max_size=1),
        "caps": st.fixed_dictionaries({"receipt": st.none() | st.integers(0, 2_000)}),
    }
)


@given(RATES, st.lists(st.integers(0, 50_000), min_size=1, max_size=6), st.integers(0, 100), st.data())
def test_a_decision_follows_from_its_explanation_and_returns_never_pay(
    definition: dict[str, Any], nets: list[int], voucher_percent: int, data: st.DataObject
) -> None:
    """Keeping less never gives more, giving everything back leaves nothing, keeping everything takes nothing."""
    total = sum(nets)
    voucher = total * voucher_percent // 100
    lines = tuple(EarnLine(no, net) for no, net in enumerate(nets, start=1))
    receipt = EarnReceipt(1, 1, None, AT, AT, DAY, lines, (("cash", total - voucher), ("voucher", voucher)))
    rule = Rule(1, 1, 1, "base", "base", AT - dt.timedelta(days=1), None, parse_definition(definition))
    decision = decide(AccountState(1, 0, 0, 0, 0, 1), receipt, [rule], "down")

    assert rederive(decision.explanation, "down") == decision.points
    kept = {line.line_no: (data.draw(st.integers(0, line.net_fen)), line.net_fen) for line in lines}
    fewer = {no: (data.draw(st.integers(0, keep)), net) for no, (keep, net) in kept.items()}

    def points(keeping: dict[int, tuple[int, int]]) -> int:
        return sum(part.kept for part in kept_points(decision.explanation, keeping, "down"))

    assert points({no: (net, net) for no, (_, net) in kept.items()}) == decision.points
    assert points(fewer) <= points(kept) <= decision.points
    assert points({no: (0, net) for no, (_, net) in kept.items()}) == 0


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        ({}, "$"),
        ({"base": {"points": 1, "per_fen": 0}}, "$.base.per_fen"),
        ({"base": {"points": 1, "per_fen": 100}, "surprise": 1}, "$"),
        ({"base": {"points": 1, "per_fen": 100}, "caps": {"receipt": -1}}, "$.caps.receipt"),
        (
            {"base": {"points": 1, "per_fen": 100}, "calendar": [{"name": "x", "bp": 1, "weekdays": [8]}]},
            "$.calendar[0].weekdays",
        ),
        ({"base": {"points": 1, "per_fen": 100}, "merchants": {"bp": {"1": -5}}}, "$.merchants.bp"),
    ],
)
def test_a_bad_definition_is_refused_with_its_path(definition: dict[str, Any], path: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(definition)
    assert refused.value.path == path


@pytest.mark.feature("C066", "C067")
def test_tier_boundaries() -> None:
    """D13: exactly at the threshold is in, one fen below is not."""
    ladder = [TierStep(1, 1, 0), TierStep(2, 2, 100_000), TierStep(3, 3, 500_000)]
    assert [tier_for(fen, ladder).tier_id for fen in (0, 99_999, 100_000, 499_999, 500_000)] == [
        1,
        1,
        2,
        2,
        3,
    ]
    assert after_spend(3, 0, ladder).tier_id == 3
    above = next_step(2, ladder)
    assert above is not None
    assert above.tier_id == 3
    assert next_step(3, ladder) is None


def test_expiry_and_windows() -> None:
    assert Expiry("rolling_months", 12).last_day(dt.date(2024, 2, 29)) == dt.date(2025, 2, 28)
    assert Expiry("end_of_year", 12).last_day(DAY) == dt.date(2027, 12, 31)
    assert Expiry("never", 12).last_day(DAY) == NEVER
    assert window_start("calendar_year", DAY) == dt.date(2026, 1, 1)
    assert window_start("rolling_12_months", dt.date(2024, 2, 29)) == dt.date(2023, 3, 1)


@pytest.mark.feature("C062")
def test_the_rotating_code_is_totp() -> None:
    """RFC 6238, checked against an implementation that is not ours."""
    secret = "3132333435363738393031323334353637383930"
    theirs = pyotp.TOTP(
        base64.b32encode(bytes.fromhex(secret)).decode(), digits=8, digest="sha256", interval=30
    )
    for moment in (59, 1_111_111_109, 2_000_000_000):
        assert cards.code_at(secret, cards.step_at(moment)) == theirs.at(moment)
    number, code = cards.parse(cards.payload("8800000000018", secret, 59)) or ("", "")
    assert number == "8800000000018"
    assert cards.matching_step(secret, code, 59 + 30) == 1
    assert cards.matching_step(secret, code, 59 + 90) is None

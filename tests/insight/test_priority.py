"""Whom to spend on first."""

from __future__ import annotations

import pytest

from zhike.insight.rules.priority import Assumptions, Cell, plan

pytestmark = pytest.mark.feature("C054")
EVEN = Assumptions(
    budget_fen=1_000_00,
    cost_fen={"top": 10_00, "middle": 5_00, "rest": 1_00},
    saved_bp={"high": 1_000, "middle": 500, "low": 0},
    margin_bp=5_000,
)


def test_the_budget_goes_where_a_yuan_brings_most() -> None:
    """Worth of all: at risk times saved share times margin; each: that for a yuan of cost, less the yuan."""
    top = Cell("top", "high", 60, 200_000_00, 120_000_00)
    middle = Cell("middle", "middle", 400, 300_000_00, 150_000_00)
    rest = Cell("rest", "low", 900, 90_000_00, 9_000_00)
    first, second, last = plan([rest, middle, top], EVEN)
    assert (first.cell, first.cost_fen, first.worth_fen, first.each_bp) == (top, 600_00, 6_000_00, 90_000)
    assert (first.contacts, first.spend_fen, first.back_fen) == (60, 600_00, 6_000_00)
    assert (second.cell, second.cost_fen, second.worth_fen) == (middle, 2_000_00, 3_750_00)
    assert (second.contacts, second.spend_fen, second.back_fen) == (80, 400_00, 750_00)
    assert (last.cell, last.each_bp, last.contacts, last.spend_fen, last.back_fen) == (rest, -10_000, 0, 0, 0)
    assert sum(one.spend_fen for one in (first, second, last)) <= EVEN.budget_fen


def test_nothing_is_spent_on_nobody_or_at_a_loss() -> None:
    assert plan([Cell("top", "high", 0, 0, 0)], EVEN) == []
    dear = plan([Cell("top", "high", 10, 1_000_00, 100_00)], EVEN)
    assert dear[0].contacts == 0 and dear[0].each_bp < 0
    free = Assumptions(0, {"top": 0, "middle": 0, "rest": 0}, EVEN.saved_bp, EVEN.margin_bp)
    assert plan([Cell("rest", "high", 7, 1_000_00, 500_00)], free)[0].contacts == 7

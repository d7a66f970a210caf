"""Goods come back, in parts and repeatedly, and nobody ends better off."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.sales import operations as sales
from zhike.sales.models import Receipt

Member = loyalty.EnrolledMember


def bring_back(receipt_id: Any, *lines: loyalty.ReturnLine, number: str = "T1", actor: Any = SYSTEM) -> Any:
    return loyalty.return_lines(
        actor=actor,
        receipt_id=receipt_id,
        lines=lines,
        till="01",
        number=number,
        business_date=NOW.date(),
        occurred_at=NOW,
        now=NOW,
    )


def balance(member: Member) -> int:
    file = queries.member_file(SYSTEM, member.member_id, NOW)
    return file.balance - file.debt


@pytest.fixture
def sale(town: Town, base_rule: int, zhang: Member) -> Any:
    receipt = town.receipt([10_000, 5_050], person_id=zhang.person_id)
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)


@pytest.mark.feature("B01")
def test_a_line_comes_back_with_its_points(sale: Any, zhang: Member) -> None:
    outcome = bring_back(sale.receipt_id, loyalty.ReturnLine(1))
    assert (outcome.refund_fen, outcome.clawed_points, outcome.balance) == (10_000, 100, 50)
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("B01")
def test_part_by_part_ends_where_all_at_once_does(
    town: Town, publish: Callable[..., int], zhang: Member
) -> None:
    publish(base={"points": 1, "per_fen": 300})
    line = sales.NewLine(1, "A", "袜子", Decimal(3), 3_333, 10_000)
    receipt = town.receipt(10_000, person_id=zhang.person_id, lines=(line,))
    sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    refunds = [
        bring_back(sold.receipt_id, loyalty.ReturnLine(1, Decimal(1)), number=f"T{n}").refund_fen
        for n in range(3)
    ]
    assert refunds == [3_333, 3_334, 3_333]
    assert balance(zhang) == 0
    assert queries.verify_ledger().is_clean


def test_the_same_return_again_changes_nothing(sale: Any, zhang: Member) -> None:
    first = bring_back(sale.receipt_id, loyalty.ReturnLine(1))
    again = bring_back(sale.receipt_id, loyalty.ReturnLine(1))
    assert again.duplicate
    assert again.return_id == first.return_id
    assert again.clawed_points == 100
    assert balance(zhang) == 50


@pytest.mark.parametrize(
    "line",
    [
        loyalty.ReturnLine(1, Decimal(2)),
        loyalty.ReturnLine(1, Decimal(1), 10_001),
        loyalty.ReturnLine(1, Decimal(0)),
        loyalty.ReturnLine(9),
    ],
)
def test_more_than_was_bought_is_refused(sale: Any, zhang: Member, line: loyalty.ReturnLine) -> None:
    with pytest.raises((loyalty.ReturnTooMuch, loyalty.NotReturnable)):
        bring_back(sale.receipt_id, line)
    assert (Receipt.objects.count(), balance(zhang)) == (1, 150)


@pytest.mark.feature("B03")
def test_spent_points_become_debt_that_the_next_earn_repays(sale: Any, town: Town, zhang: Member) -> None:
    """D2: a short balance never drops the clawback."""
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=150, now=NOW)
    outcome = bring_back(sale.receipt_id, loyalty.ReturnLine(1), loyalty.ReturnLine(2))
    assert (outcome.clawed_points, outcome.debt_points, outcome.balance) == (150, 150, -150)
    earned = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(20_000, person_id=zhang.person_id), now=NOW
    )
    assert earned.balance == 50
    file = queries.member_file(SYSTEM, zhang.member_id, NOW)
    assert (file.balance, file.debt, sum(lot.remaining for lot in file.lots)) == (50, 0, 50)
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("B03")
@pytest.mark.parametrize(
    ("policy", "expected"),
    [("waive", (0, 0, 0, 150)), ("deduct_cash", (0, 0, 150, 0))],
)
def test_other_policies_for_spent_points(
    sale: Any, town: Town, zhang: Member, policy: str, expected: tuple[int, ...]
) -> None:
    loyalty.update_program(actor=SYSTEM, program_id=town.program_id, changes={"shortfall": policy}, now=NOW)
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=150, now=NOW)
    outcome = bring_back(sale.receipt_id, loyalty.ReturnLine(1), loyalty.ReturnLine(2))
    assert (
        outcome.clawed_points,
        outcome.debt_points,
        outcome.deduct_cash_fen,
        outcome.waived_points,
    ) == expected
    assert balance(zhang) == 0
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("B03")
def test_a_programme_may_block_the_return(sale: Any, town: Town, zhang: Member) -> None:
    loyalty.update_program(actor=SYSTEM, program_id=town.program_id, changes={"shortfall": "block"}, now=NOW)
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=100, now=NOW)
    with pytest.raises(loyalty.ReturnNeedsPoints):
        bring_back(sale.receipt_id, loyalty.ReturnLine(1))
    assert Receipt.objects.count() == 1


def test_a_minimum_spend_that_is_no_longer_met_gives_nothing(
    town: Town, publish: Callable[..., int], zhang: Member
) -> None:
    publish(minimum_fen=12_000)
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt([10_000, 5_000], person_id=zhang.person_id), now=NOW
    )
    assert sold.points == 150
    assert bring_back(sold.receipt_id, loyalty.ReturnLine(2)).clawed_points == 150


def test_room_under_a_cap_comes_back(town: Town, publish: Callable[..., int], zhang: Member) -> None:
    publish(caps={"member_day": 100})
    take = lambda: loyalty.take_receipt(  # noqa: E731
        actor=SYSTEM, receipt=town.receipt(10_000, person_id=zhang.person_id), now=NOW
    )
    first, second = take(), take()
    assert (first.points, second.points) == (100, 0)
    bring_back(first.receipt_id, loyalty.ReturnLine(1))
    assert take().points == 100
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("C071")
def test_a_refund_below_the_threshold_takes_the_tier_back(town: Town, base_rule: int, zhang: Member) -> None:
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(120_000, person_id=zhang.person_id), now=NOW
    )
    assert sold.tier_id == town.tiers["silver"]
    bring_back(sold.receipt_id, loyalty.ReturnLine(1))
    assert queries.member_file(SYSTEM, zhang.member_id, NOW).tier.id == town.tiers["basic"]


def test_who_may_return(sale: Any, town: Town, zhang: Member) -> None:
    for actor in (staff("receipts.record"), staff("receipts.return", level="merchant", ids=[town.cafe])):
        with pytest.raises(NotAllowed):
            bring_back(sale.receipt_id, loyalty.ReturnLine(1), actor=actor)
    assert balance(zhang) == 150
    owner = staff("receipts.return", level="mall", ids=[town.mall_id])
    assert bring_back(sale.receipt_id, loyalty.ReturnLine(1), actor=owner).clawed_points == 100

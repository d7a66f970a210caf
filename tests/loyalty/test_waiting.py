"""Points wait until the goods can no longer come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import PendingPoints, Transfer
from zhike.organization.operations import structure

Member = loyalty.EnrolledMember
SEVEN_DAYS = dt.timedelta(days=7)
pytestmark = pytest.mark.feature("C086")


@pytest.fixture
def waiting(town: Town, base_rule: int) -> Town:
    """星河城 gives points seven days after the purchase."""
    loyalty.update_program(
        actor=SYSTEM, program_id=town.program_id, changes={"return_window_days": 7}, now=NOW
    )
    return town


def buy(town: Town, member: Member, fen: Any = 10_000, **changes: Any) -> loyalty.ReceiptOutcome:
    receipt = town.receipt(fen, person_id=member.person_id, **changes)
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)


def bring_back(receipt_id: UUID, *lines: loyalty.ReturnLine, at: dt.datetime = NOW) -> loyalty.ReturnOutcome:
    return loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=lines, till="01", number=f"T{uuid4().hex[:8]}",
        business_date=at.date(), occurred_at=at, now=at,
    )  # fmt: skip


def file(member: Member, at: dt.datetime = NOW) -> queries.MemberFile:
    return queries.member_file(SYSTEM, member.member_id, at)


def test_points_wait_apart_and_are_let_go_once(waiting: Town, zhang: Member) -> None:
    sold = buy(waiting, zhang)
    assert (sold.points, sold.balance, sold.available_on) == (100, 0, dt.date(2026, 6, 17))
    assert (file(zhang).balance, file(zhang).pending, file(zhang).lots) == (0, 100, ())
    assert file(zhang).waiting == (queries.WaitingView(dt.date(2026, 6, 17), 100),)
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=1, now=NOW)
    assert queries.verify_ledger().is_clean

    almost = NOW + SEVEN_DAYS - dt.timedelta(days=1)
    assert loyalty.release_points(actor=SYSTEM, program_id=waiting.program_id, now=almost) == 0
    later = NOW + SEVEN_DAYS
    assert loyalty.release_points(actor=SYSTEM, program_id=waiting.program_id, now=later) == 100
    assert loyalty.release_points(actor=SYSTEM, program_id=waiting.program_id, now=later) == 0
    assert (file(zhang).balance, file(zhang).pending) == (100, 0)
    assert [lot.expires_on for lot in file(zhang).lots] == [dt.date(2028, 6, 30)]
    assert file(zhang).lifetime_earned == 100
    assert Event.objects.filter(type="zhike.loyalty.points_released").count() == 1
    sentence = queries.statement(SYSTEM, zhang.member_id).items[0].sentence
    assert "100" in sentence
    assert queries.verify_ledger().is_clean


def test_what_comes_back_is_taken_from_what_waits(waiting: Town, zhang: Member) -> None:
    loyalty.adjust_points(actor=SYSTEM, member_id=zhang.member_id, points=30, reason="期初", now=NOW)
    sold = buy(waiting, zhang, [10_000, 5_000])
    back = bring_back(sold.receipt_id, loyalty.ReturnLine(2))
    assert (back.clawed_points, back.debt_points, back.balance) == (50, 0, 30)
    assert (file(zhang).balance, file(zhang).pending) == (30, 100)
    again = bring_back(sold.receipt_id, loyalty.ReturnLine(1))
    assert (again.clawed_points, file(zhang).pending) == (100, 0)
    loyalty.release_points(actor=SYSTEM, program_id=waiting.program_id, now=NOW + SEVEN_DAYS)
    assert file(zhang).balance == 30
    assert queries.verify_ledger().is_clean


def test_what_is_let_go_repays_debt_first(waiting: Town, zhang: Member) -> None:
    loyalty.set_return_windows(
        actor=SYSTEM, program_id=waiting.program_id, windows={_category(waiting): 0}, now=NOW
    )
    structure.update_merchant(
        actor=SYSTEM, merchant_id=waiting.cafe, changes={"trade_category_id": _category(waiting)}, now=NOW
    )
    coffee = buy(waiting, zhang, 6_000, merchant_id=waiting.cafe)
    assert (coffee.balance, coffee.available_on) == (60, None)
    buy(waiting, zhang, 10_000)
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=60, now=NOW)
    assert bring_back(coffee.receipt_id, loyalty.ReturnLine(1)).debt_points == 60
    assert (file(zhang).debt, file(zhang).pending) == (60, 100)
    loyalty.release_points(actor=SYSTEM, program_id=waiting.program_id, now=NOW + SEVEN_DAYS)
    assert (file(zhang).balance, file(zhang).debt) == (40, 0)
    released = Transfer.objects.get(reason="release")
    assert (released.points, released.debt_points, released.balance_after) == (100, 60, 40)
    assert queries.verify_ledger().is_clean


def _category(town: Town) -> int:
    from zhike.organization import queries as organization

    known = organization.trade_categories(town.group_id)
    if known:
        return known[0].id
    return structure.create_trade_category(
        actor=SYSTEM, group_id=town.group_id, code="cafe", name="咖啡", now=NOW
    )


def test_history_that_is_old_enough_waits_no_more(waiting: Town, zhang: Member) -> None:
    past = NOW - dt.timedelta(days=8)
    assert buy(waiting, zhang, at=past).available_on is None
    assert file(zhang).balance == 100


def test_in_batches_the_same(waiting: Town, zhang: Member, enroll: Callable[..., Member]) -> None:
    """A sale and its return in one batch, and the return of a sale from before it."""
    li = enroll("13900139000", "李四")
    before = buy(waiting, li, [20_000])
    sale = waiting.receipt([10_000, 4_000], person_id=zhang.person_id)

    def back(of: Any, person_id: int, line: int, fen: int) -> Any:
        one = waiting.receipt(fen, person_id=person_id, kind="return", original_id=of)
        return _naming(one, line)

    receipts = [
        sale,
        back(sale.id, zhang.person_id, 2, 4_000),
        back(before.receipt_id, li.person_id, 1, 5_000),
    ]
    outcomes = loyalty.take_receipts(actor=SYSTEM, receipts=receipts, now=NOW)
    assert outcomes[0].available_on == dt.date(2026, 6, 17)
    assert (file(zhang).pending, file(li).pending) == (100, 150)
    assert queries.verify_ledger().is_clean
    loyalty.release_points(actor=SYSTEM, program_id=waiting.program_id, now=NOW + SEVEN_DAYS)
    assert (file(zhang).balance, file(li).balance) == (100, 150)
    assert queries.verify_ledger().is_clean


def _naming(receipt: Any, line: int) -> Any:
    import dataclasses

    lines = tuple(dataclasses.replace(one, original_line_no=line) for one in receipt.lines)
    return dataclasses.replace(receipt, lines=lines)


def test_an_import_is_undone_with_what_waits_and_what_does_not(waiting: Town, zhang: Member) -> None:
    import_id = uuid4()
    fresh = waiting.receipt(10_000, person_id=zhang.person_id, import_id=import_id)
    old = waiting.receipt(
        3_000, person_id=zhang.person_id, at=NOW - dt.timedelta(days=30), import_id=import_id
    )
    loyalty.take_receipts(actor=SYSTEM, receipts=[fresh, old], now=NOW)
    assert (file(zhang).balance, file(zhang).pending) == (30, 100)
    loyalty.undo_import(actor=SYSTEM, import_id=import_id, now=NOW)
    assert (file(zhang).balance, file(zhang).pending, file(zhang).debt) == (0, 0, 0)
    assert not PendingPoints.objects.exists()
    assert queries.verify_ledger().is_clean


def test_tampering_with_what_waits_is_named(waiting: Town, zhang: Member) -> None:
    sold = buy(waiting, zhang)
    PendingPoints.objects.filter(receipt_id=sold.receipt_id).update(points=900, remaining=900)
    findings = queries.verify_ledger().findings
    assert ("loyalty_pendingpoints", str(sold.receipt_id), "remaining") in {
        (one.table, one.id, one.field) for one in findings
    }


def test_a_window_of_a_category_nobody_knows(waiting: Town) -> None:
    with pytest.raises(NotFound):
        loyalty.set_return_windows(actor=SYSTEM, program_id=waiting.program_id, windows={99: 3}, now=NOW)
    with pytest.raises(NotAllowed):
        loyalty.set_return_windows(
            actor=staff("programme.view"),
            program_id=waiting.program_id,
            windows={_category(waiting): 3},
            now=NOW,
        )
    with pytest.raises(loyalty.InvalidProgramme):
        loyalty.set_return_windows(
            actor=SYSTEM,
            program_id=waiting.program_id,
            windows={_category(waiting): -1},
            now=NOW,
        )


@pytest.mark.parametrize(
    ("settings", "last"),
    [
        ({"expiry": "rolling_months", "expiry_months": 3}, dt.date(2026, 9, 30)),
        ({"expiry": "end_of_year", "expiry_months": 12, "expiry_grace_days": 31}, dt.date(2028, 1, 31)),
        ({"expiry": "fixed_date", "expiry_months": 6, "expiry_month_day": "03-31"}, dt.date(2027, 3, 31)),
        ({"expiry": "never"}, None),
    ],
)
def test_every_expiry_policy(
    town: Town, base_rule: int, zhang: Member, settings: dict[str, Any], last: dt.date | None
) -> None:
    loyalty.update_program(actor=SYSTEM, program_id=town.program_id, changes=settings, now=NOW)
    buy(town, zhang)
    assert [lot.expires_on for lot in file(zhang).lots] == [last]


def test_a_rule_may_have_an_expiry_of_its_own(town: Town, publish: Callable[..., int], zhang: Member) -> None:
    publish()
    publish("bonus", base={"points": 2, "per_fen": 100}, expiry={"kind": "on_date", "on": "2026-08-31"})
    sold = buy(town, zhang)
    assert sold.points == 300
    lots = {lot.expires_on: lot.remaining for lot in file(zhang).lots}
    assert lots == {dt.date(2026, 8, 31): 200, dt.date(2028, 6, 30): 100}
    back = bring_back(sold.receipt_id, loyalty.ReturnLine(1, None, 5_000))
    assert back.clawed_points == 150
    assert queries.verify_ledger().is_clean


@pytest.mark.parametrize(
    "expiry",
    [
        {"kind": "sometimes"},
        {"kind": "on_date"},
        {"kind": "rolling_months"},
        {"kind": "fixed_date", "month_day": "02-30"},
        {"kind": "never", "grace_days": -1},
    ],
)
def test_an_expiry_that_cannot_be(publish: Callable[..., int], expiry: dict[str, Any]) -> None:
    with pytest.raises(loyalty.InvalidRule):
        publish(expiry=expiry)

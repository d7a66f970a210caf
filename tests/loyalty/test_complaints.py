"""What users of other loyalty programs complain of, each complaint a test by its number in our list."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from tests.offers.conftest import basket, make_batch
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Redemption, Transfer
from zhike.offers import operations as offers
from zhike.sales import operations as sales

Member = loyalty.EnrolledMember
pytestmark = pytest.mark.feature("N2")


def buy(town: Town, member: Member, fen: Any = 10_000, **changes: Any) -> loyalty.ReceiptOutcome:
    return loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(fen, person_id=member.person_id, **changes), now=NOW
    )


def bring_back(receipt_id: UUID, *lines: loyalty.ReturnLine) -> loyalty.ReturnOutcome:
    return loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=lines, till="01", number=f"T{uuid4().hex[:8]}",
        business_date=NOW.date(), occurred_at=NOW, now=NOW,
    )  # fmt: skip


def redeem(member: Member, points: int) -> loyalty.RedemptionOutcome:
    return loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=points, now=NOW)


def net(member: Member) -> int:
    file = queries.member_file(SYSTEM, member.member_id, NOW)
    return file.balance - file.debt


def opening(member: Member, points: int, day: dt.date | None = None) -> None:
    loyalty.adjust_points(
        actor=SYSTEM, member_id=member.member_id, points=points, reason="期初", expires_on=day, now=NOW
    )


def pay_with_points(town: Town, member: Member, fen: int, points: int) -> tuple[UUID, UUID]:
    """(receipt, redemption): goods of ``fen``, of which ``points`` pay their worth."""
    spent = redeem(member, points)
    paid = [("cash", fen - spent.value_fen)]
    receipt = town.receipt(fen, person_id=member.person_id, tenders=paid, lines=_pieces(fen))
    tender = sales.NewTender("points", spent.value_fen, str(spent.redemption_id))
    receipt = dataclasses.replace(receipt, tenders=(*receipt.tenders, tender))
    sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    return sold.receipt_id, spent.redemption_id


def _pieces(fen: int) -> tuple[sales.NewLine, ...]:
    return (sales.NewLine(1, "A", "袜子", Decimal(3), fen // 3, fen),)


@pytest.mark.feature("D1")
def test_d01_a_refund_never_keeps_what_was_earned(town: Town, base_rule: int, zhang: Member) -> None:
    for _ in range(3):
        sold = buy(town, zhang, [10_000, 5_000])
        bring_back(sold.receipt_id, loyalty.ReturnLine(1))
        bring_back(sold.receipt_id, loyalty.ReturnLine(2))
    assert net(zhang) == 0


@pytest.mark.feature("D2")
def test_d02_a_short_balance_never_drops_the_clawback(town: Town, base_rule: int, zhang: Member) -> None:
    sold = buy(town, zhang)
    redeem(zhang, 70)
    assert bring_back(sold.receipt_id, loyalty.ReturnLine(1)).debt_points == 70
    assert net(zhang) == -70


@pytest.mark.feature("D3")
def test_d03_a_return_makes_negative_points_by_the_line(town: Town, base_rule: int, zhang: Member) -> None:
    sold = buy(town, zhang, [10_000, 2_550])
    bring_back(sold.receipt_id, loyalty.ReturnLine(2))
    assert [entry.points for entry in queries.statement(SYSTEM, zhang.member_id).items] == [-25, 125]


@pytest.mark.feature("D4")
def test_d04_points_are_spent_once_whatever_the_channel(town: Town, base_rule: int, zhang: Member) -> None:
    buy(town, zhang)
    redeem(zhang, 100)
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.hold_points(actor=SYSTEM, member_id=zhang.member_id, points=1, now=NOW, reference="web")


@pytest.mark.feature("D5")
def test_d05_a_refund_gives_back_points_that_paid_and_never_takes_them_again(
    town: Town, base_rule: int, zhang: Member
) -> None:
    """In parts and then the rest: the very lots are whole again, to the point and to the fen."""
    opening(zhang, 40, dt.date(2026, 8, 31))
    opening(zhang, 60, dt.date(2026, 12, 31))
    before = queries.member_file(SYSTEM, zhang.member_id, NOW).lots
    receipt_id, redemption_id = pay_with_points(town, zhang, 10_000, 100)
    outcomes = [bring_back(receipt_id, loyalty.ReturnLine(1, Decimal(1))) for _ in range(3)]
    assert [one.restored_points for one in outcomes] == [34, 33, 33]
    assert [one.points_fen for one in outcomes] == [34, 33, 33]
    assert sum(one.money_fen for one in outcomes) == 9_900
    assert queries.member_file(SYSTEM, zhang.member_id, NOW).lots == before
    assert Redemption.objects.get(id=redemption_id).reversed_points == 100
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("D5")
def test_d05_what_was_given_back_by_hand_is_not_given_back_again(
    town: Town, base_rule: int, zhang: Member
) -> None:
    opening(zhang, 100)
    receipt_id, redemption_id = pay_with_points(town, zhang, 9_000, 100)
    loyalty.reverse_redemption(actor=SYSTEM, redemption_id=redemption_id, now=NOW)
    back = bring_back(receipt_id, loyalty.ReturnLine(1))
    assert (back.restored_points, back.points_fen, back.money_fen) == (0, 0, 9_000)
    assert net(zhang) == 100


@pytest.mark.feature("D5")
def test_d05_the_same_return_again_gives_nothing_twice(town: Town, base_rule: int, zhang: Member) -> None:
    opening(zhang, 100)
    receipt_id, _ = pay_with_points(town, zhang, 9_000, 100)
    values: dict[str, Any] = {
        "actor": SYSTEM, "receipt_id": receipt_id, "lines": [loyalty.ReturnLine(1)], "till": "01", "number": "T1",
        "business_date": NOW.date(), "occurred_at": NOW, "now": NOW,
    }  # fmt: skip
    first, again = loyalty.return_lines(**values), loyalty.return_lines(**values)
    assert (again.duplicate, again.restored_points, again.points_fen) == (True, 100, 100)
    assert (first.restored_points, net(zhang)) == (100, 100)


@pytest.mark.feature("D6")
def test_d06_what_points_paid_for_earns_nothing_and_takes_nothing_back(
    town: Town, base_rule: int, zhang: Member
) -> None:
    opening(zhang, 1_000)
    receipt_id, _ = pay_with_points(town, zhang, 3_000, 1_000)
    assert net(zhang) == 20
    bring_back(receipt_id, loyalty.ReturnLine(1))
    assert net(zhang) == 1_000
    assert queries.member_file(SYSTEM, zhang.member_id, NOW).qualifying_fen == 0


@pytest.mark.feature("D7")
def test_d07_a_retry_earns_once(town: Town, base_rule: int, zhang: Member) -> None:
    receipt = town.receipt(10_000, person_id=zhang.person_id)
    outcomes = [loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW) for _ in range(3)]
    assert [one.status for one in outcomes] == ["accepted", "duplicate", "duplicate"]
    assert net(zhang) == 100


@pytest.mark.feature("D8")
@pytest.mark.feature("B36")
def test_d08_a_till_without_a_line_sends_later_and_loses_nothing(
    town: Town, base_rule: int, publish: Callable[..., int], zhang: Member
) -> None:
    """What it kept counts by the rules of its hour; what reached us before the line broke counts once."""
    publish(since=NOW, base={"points": 5, "per_fen": 100})
    at = [NOW - dt.timedelta(hours=5 - hour) for hour in range(3)]
    kept = [town.receipt(10_000, person_id=zhang.person_id, at=moment) for moment in at]
    loyalty.take_receipt(actor=SYSTEM, receipt=kept[0], now=at[0])
    for _ in range(2):
        outcomes = loyalty.take_receipts(actor=SYSTEM, receipts=kept, now=NOW)
    assert [one.status for one in outcomes] == ["duplicate"] * 3
    assert net(zhang) == 300
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("D9")
def test_d09_points_lapse_and_lapsed_points_cannot_be_spent(town: Town, zhang: Member) -> None:
    opening(zhang, 100, NOW.date())
    tomorrow = NOW + dt.timedelta(days=1)
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=1, now=tomorrow)
    loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=tomorrow)
    assert queries.member_file(SYSTEM, zhang.member_id, tomorrow).balance == 0


@pytest.mark.feature("D9")
def test_d09_the_day_is_the_malls_not_greenwichs(town: Town, zhang: Member) -> None:
    """One in the night after the last day, when it is still that day in UTC."""
    opening(zhang, 100, NOW.date())
    night = dt.datetime(2026, 6, 10, 17, tzinfo=dt.UTC)
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=1, now=night)


@pytest.mark.feature("D10")
def test_d10_spending_and_lapsing_never_take_the_same_point_twice(town: Town, zhang: Member) -> None:
    opening(zhang, 100, NOW.date())
    opening(zhang, 100, dt.date(2026, 12, 31))
    redeem(zhang, 120)
    later = NOW + dt.timedelta(days=30)
    assert loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=later) == 0
    assert net(zhang) == 80


@pytest.mark.feature("D11")
def test_d11_any_amount_within_step_and_limits_leaves_no_crumbs(town: Town, zhang: Member) -> None:
    loyalty.update_program(
        actor=SYSTEM, program_id=town.program_id,
        changes={"redeem_points": 7, "redeem_fen": 10, "redeem_step": 1}, now=NOW,
    )  # fmt: skip
    opening(zhang, 100)
    spent = redeem(zhang, 13)
    assert (spent.value_fen, spent.balance) == (18, 87)
    parts = [
        loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=part, now=NOW)
        for part in (5, 8)
    ]
    assert net(zhang) == 100
    assert [one.value_fen for one in parts] == [7, 11]


@pytest.mark.feature("C113")
@pytest.mark.feature("D12")
@pytest.mark.feature("B27")
def test_d12_limits_and_names_hold_at_every_door(
    town: Town, zhang: Member, enroll: Callable[..., Member]
) -> None:
    """One each, whoever hands it out; a coupon with a name is used by nobody else, one without by its bearer."""
    li = enroll("13900139000", "李四")
    batch_id = make_batch(town, per_member=1)
    coupon = offers.claim_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
    for door in (offers.claim_coupon, offers.give_coupon):
        with pytest.raises(offers.LimitReached):
            door(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
    everybody = [zhang.member_id, li.member_id]
    pushed = offers.issue_to_members(actor=SYSTEM, batch_id=batch_id, member_ids=everybody, now=NOW)
    assert (pushed.issued, pushed.skipped) == (1, 1)

    lis = basket(town, 5_000, member_id=li.member_id)
    with pytest.raises(offers.CouponNotUsable) as refused:
        offers.lock_coupons(actor=SYSTEM, basket=lis, codes=[coupon.code], now=NOW)
    assert refused.value.params["reason"] == "other-member"
    bearer = make_batch(town, code="B2", is_bearer=True, is_public=False)
    [code] = offers.make_codes(actor=SYSTEM, batch_id=bearer, count=1, now=NOW)
    assert offers.use_coupons(actor=SYSTEM, basket=lis, codes=[code], now=NOW).discount_fen == 2_000


@pytest.mark.feature("D13")
def test_d13_the_tier_is_the_one_whose_threshold_is_reached(
    town: Town, base_rule: int, zhang: Member
) -> None:
    for fen, tier in ((99_999, "basic"), (1, "silver"), (399_999, "silver"), (1, "gold")):
        buy(town, zhang, fen)
        assert queries.member_file(SYSTEM, zhang.member_id, NOW).tier.code == tier


@pytest.mark.parametrize("cash", [0, 4_000])
@pytest.mark.feature("D14")
def test_d14_a_return_never_stands_still_because_of_how_it_was_paid(
    town: Town, base_rule: int, zhang: Member, cash: int
) -> None:
    """Goods paid with points alone, or in part, at the neighbour mall: its own till takes them back, for points."""
    opening(zhang, 10_000 - cash)
    there = town.far_shop
    spent = loyalty.redeem_points(
        actor=SYSTEM, member_id=zhang.member_id, points=10_000 - cash, merchant_id=there,
        mall_id=town.other_mall_id, now=NOW,
    )  # fmt: skip
    tenders = [sales.NewTender("points", spent.value_fen, str(spent.redemption_id))]
    tenders += [sales.NewTender("cash", cash)] if cash else []
    receipt = town.receipt(10_000, person_id=zhang.person_id, merchant_id=there)
    receipt = dataclasses.replace(receipt, tenders=tuple(tenders))
    till = staff("receipts.record", "receipts.return", level="merchant", ids=[there])
    sold = loyalty.take_receipt(actor=till, receipt=receipt, now=NOW)
    back = loyalty.return_lines(
        actor=till, receipt_id=sold.receipt_id, lines=[loyalty.ReturnLine(1)], till="01", number="T1",
        business_date=NOW.date(), occurred_at=NOW, now=NOW,
    )  # fmt: skip
    assert (back.restored_points, back.money_fen) == (10_000 - cash, cash)
    assert net(zhang) == 10_000 - cash
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("D15")
def test_d15_an_opening_balance_comes_with_its_lots(town: Town, zhang: Member) -> None:
    opening(zhang, 30, dt.date(2026, 8, 31))
    opening(zhang, 70, dt.date(2027, 8, 31))
    file = queries.member_file(SYSTEM, zhang.member_id, NOW)
    assert [(lot.expires_on, lot.remaining) for lot in file.lots] == [
        (dt.date(2026, 8, 31), 30), (dt.date(2027, 8, 31), 70),
    ]  # fmt: skip
    assert Transfer.objects.filter(reason="adjust").count() == 2


def test_a_foreign_redemption_is_given_back_to_whom_it_was_taken_from(
    town: Town, base_rule: int, zhang: Member, enroll: Callable[..., Member]
) -> None:
    """李四 buys, 张三's points pay: the goods come back, and the points go back to 张三."""
    li = enroll("13900139000", "李四")
    opening(zhang, 100)
    spent = redeem(zhang, 100)
    receipt = town.receipt(5_000, person_id=li.person_id, tenders=[("cash", 4_900), ("points", 100)])
    tenders = (
        receipt.tenders[0],
        dataclasses.replace(receipt.tenders[1], reference=str(spent.redemption_id)),
    )
    receipt = dataclasses.replace(receipt, tenders=tenders)
    sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    bring_back(sold.receipt_id, loyalty.ReturnLine(1))
    assert (net(zhang), net(li)) == (100, 0)
    assert queries.verify_ledger().is_clean

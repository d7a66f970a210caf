"""Stamp cards: filled by what is bought, rewarded once each, emptied by what comes back."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest

from tests.engagement.conftest import new_member
from tests.engagement.test_welcome import coupon_batch, net
from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.loyalty.test_merging import merge, part
from zhike.engagement import operations, queries
from zhike.engagement.handlers import stamps
from zhike.engagement.models import StampCard, StampReward
from zhike.engagement.rules.missions import Deed
from zhike.engagement.rules.stamps import collect, parse_stamps
from zhike.kernel.errors import NotAllowed
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Transfer
from zhike.offers.models import Coupon

pytestmark = pytest.mark.feature("B33")
DAY = dt.timedelta(days=1)
TERMS: dict[str, Any] = {"stamps": 3, "reward": {"points": 100}, "minimum_fen": 1_000}


def card(town: Town, card_id: int | None = None, at: dt.datetime = NOW, **changes: Any) -> int:
    own = {name: changes.pop(name) for name in ("is_open", "merchant_id") if name in changes}
    return operations.save_stamp_card(
        actor=SYSTEM,
        mall_id=town.mall_id,
        name="集点卡",
        terms=TERMS | changes,
        card_id=card_id,
        now=at,
        **own,
    )


def review(member: Any, at: dt.datetime) -> int:
    return operations.review_stamps(actor=SYSTEM, person_id=member.person_id, now=at)


def buy(town: Town, member: Any, fen: int = 1_500, at: dt.datetime = NOW + DAY, **changes: Any) -> Any:
    receipt = town.receipt(fen, person_id=member.person_id, at=at, **changes)
    bought = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=at)
    review(member, at)
    return bought


def give_back(member: Any, receipt_id: Any, at: dt.datetime) -> None:
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[loyalty.ReturnLine(1, None)], till="01",
        number=f"T{at:%d%H%M%S}", business_date=at.date(), occurred_at=at, now=at,
    )  # fmt: skip
    review(member, at)


def own(member: Any, at: dt.datetime) -> tuple[int, int]:
    """(stamps on the card being filled, cards filled)."""
    [found] = queries.own_stamp_cards(SYSTEM, member.member_id, at)
    return len(found.days), found.rounds


def given() -> int:
    """Points of stamp cards that stand, by the ledger itself."""
    came = sum(Transfer.objects.filter(reason="stamps").values_list("points", flat=True))
    back = Transfer.objects.filter(reason="take_back", explanation__reason="stamps")
    return came - sum(back.values_list("points", flat=True))


class TestFilling:
    def test_full_cards_give_once_each_and_the_next_begins(self, town: Town, zhang: Any) -> None:
        card(town)
        for day in range(7):
            buy(town, zhang, at=NOW + day * DAY)
        assert (own(zhang, NOW + 7 * DAY), given()) == ((1, 2), 200)
        review(zhang, NOW + 8 * DAY)
        assert (given(), net(zhang)) == (200, 200)
        entry = next(
            one for one in members.statement(SYSTEM, zhang.member_id).items if one.reason == "stamps"
        )
        assert entry.sentence == "集点卡“集点卡”已集满：100 积分。"
        assert not members.verify_ledger().findings

    def test_goods_that_come_back_take_stamp_and_reward(self, town: Town, zhang: Any) -> None:
        card(town, reward={"points": 100, "batch_id": coupon_batch(town)})
        sold = [buy(town, zhang, at=NOW + day * DAY) for day in range(3)]
        assert (given(), Coupon.objects.get().status) == (100, "issued")
        give_back(zhang, sold[1].receipt_id, NOW + 4 * DAY)
        assert (own(zhang, NOW + 4 * DAY), given(), Coupon.objects.get().status) == ((2, 0), 0, "void")
        buy(town, zhang, at=NOW + 5 * DAY)
        assert (given(), StampReward.objects.get().attempt) == (100, 2)
        assert not members.verify_ledger().findings

    def test_waived_points_are_not_given_twice(self, town: Town, zhang: Any) -> None:
        loyalty.update_program(
            actor=SYSTEM, program_id=town.program_id, changes={"shortfall": "waive"}, now=NOW
        )
        card(town)
        sold = [buy(town, zhang, at=NOW + day * DAY) for day in range(3)]
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=100, now=NOW + 3 * DAY)
        give_back(zhang, sold[0].receipt_id, NOW + 4 * DAY)
        buy(town, zhang, at=NOW + 5 * DAY)
        assert (given(), net(zhang)) == (100, 0)

    def test_a_reward_that_waits_is_settled(self, town: Town, zhang: Any) -> None:
        card(town, wait_days=7)
        for day in range(3):
            buy(town, zhang, at=NOW + day * DAY)
        assert operations.settle_stamps(actor=SYSTEM, mall_id=town.mall_id, now=NOW + 8 * DAY) == 0
        assert operations.settle_stamps(actor=SYSTEM, mall_id=town.mall_id, now=NOW + 9 * DAY) == 1
        assert given() == 100
        assert queries.stamp_malls() == []

    def test_only_the_own_merchant_and_after_it_opened(self, town: Town, zhang: Any) -> None:
        buy(town, zhang, at=NOW - DAY)
        card(town, merchant_id=town.cafe)
        buy(town, zhang)
        assert own(zhang, NOW + DAY) == (0, 0)
        buy(town, zhang, merchant_id=town.cafe)
        assert own(zhang, NOW + DAY) == (1, 0)

    def test_two_that_are_one_fill_one_card(self, town: Town, zhang: Any) -> None:
        card(town)
        li = new_member(town, "13900139000", name="张三")
        for day in range(2):
            buy(town, zhang, at=NOW + day * DAY)
            buy(town, li, at=NOW + day * DAY)
        assert given() == 0
        merged = merge(zhang, li, at=NOW + 3 * DAY)
        review(zhang, NOW + 3 * DAY)
        assert (own(zhang, NOW + 3 * DAY), given()) == ((1, 1), 100)
        part(merged, NOW + 4 * DAY)
        for one in (zhang, li):
            review(one, NOW + 4 * DAY)
            assert own(one, NOW + 4 * DAY) == (2, 0)
        assert (given(), members.verify_ledger().findings) == (0, [])


class TestRules:
    def deed(self, day: int, fen: int, number: int = 0) -> Deed:
        at = NOW + day * DAY + dt.timedelta(minutes=number)
        return Deed("purchase", f"{day}/{number}", at, at.date(), fen=fen)

    def test_several_on_a_receipt_with_a_cap_a_day(self) -> None:
        terms = parse_stamps(TERMS | {"stamps": 5, "each_fen": 1_000, "day_max": 4})
        got = collect(terms, [self.deed(0, 3_999), self.deed(0, 2_000, 1), self.deed(1, 2_500)], NOW.date())
        assert (len(got.filled), len(got.days), got.total) == (1, 1, 6)

    def test_a_card_runs_out_and_rounds_end(self) -> None:
        terms = parse_stamps(TERMS | {"days": 10, "rounds_max": 1})
        early = [self.deed(0, 1_000), self.deed(1, 1_000)]
        got = collect(terms, early, (NOW + 2 * DAY).date())
        assert (len(got.days), got.runs_out_on) == (2, (NOW + 9 * DAY).date())
        assert collect(terms, early, (NOW + 10 * DAY).date()).days == ()
        later = [*early, *(self.deed(day, 1_000) for day in (10, 11, 12, 13))]
        got = collect(terms, later, (NOW + 14 * DAY).date())
        assert (len(got.filled), got.days) == (1, ())


def test_what_members_have_can_only_get_kinder(town: Town, zhang: Any) -> None:
    made = card(town)
    card(town, made, stamps=4)
    buy(town, zhang)
    with pytest.raises(operations.StampsAreCollected):
        card(town, made, stamps=5)
    card(town, made, stamps=2)
    assert StampCard.objects.get().version == 3
    card(town, made, NOW + 2 * DAY, stamps=2, is_open=False)
    buy(town, zhang, at=NOW + 3 * DAY)
    assert own(zhang, NOW + 3 * DAY) == (1, 0)


@pytest.mark.parametrize(
    "wrong", [{"stamps": 1}, {"reward": {}}, {"each_fen": 0}, {"days": 0}, {"skus": [""]}, {"what": 1}]
)
def test_terms_that_cannot_be(town: Town, wrong: dict[str, Any]) -> None:
    with pytest.raises(operations.TermsUnusable):
        card(town, **wrong)


def test_only_who_may_and_only_ones_own(town: Town, zhang: Any) -> None:
    elsewhere = staff("engagement.edit", "engagement.view", level="mall", ids=[town.other_mall_id])
    cafe = staff("engagement.edit", "engagement.view", level="merchant", ids=[town.cafe])
    ask: dict[str, Any] = {"mall_id": town.mall_id, "name": "咖啡集点", "terms": TERMS, "now": NOW}
    for viewer in (elsewhere, cafe, staff("members.lookup")):
        with pytest.raises(NotAllowed):
            operations.save_stamp_card(actor=viewer, **ask)
    made = operations.save_stamp_card(actor=cafe, merchant_id=town.cafe, **ask)
    with pytest.raises(operations.StampCardUnusable):
        operations.save_stamp_card(actor=SYSTEM, merchant_id=town.far_shop, **ask)
    with pytest.raises(operations.StampCardNotFound):
        operations.save_stamp_card(actor=SYSTEM, card_id=made, **ask)
    assert [one.id for one in queries.stamp_cards(cafe, town.mall_id)] == [made]
    assert queries.stamp_cards(elsewhere, town.mall_id) == []


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_give_one_reward() -> None:
    town = build_town()
    card(town)
    zhang = new_member(town)
    for day in range(3):
        at = NOW + day * DAY
        receipt = town.receipt(1_500, person_id=zhang.person_id, at=at)
        loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=at)
    run_threads([partial(review, zhang, NOW + 3 * DAY)] * 32)
    assert (given(), StampReward.objects.count()) == (100, 1)
    drain(stamps)
    assert given() == 100

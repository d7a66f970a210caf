"""Welcome offers: once for a human being, by the first purchase that is large enough, and back with the goods."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.engagement.conftest import new_member
from tests.kernel.threads import run_threads
from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town, staff
from tests.loyalty.test_merging import merge, part
from tests.offers.conftest import make_batch
from zhike.customers.queries import viewer_of_person
from zhike.engagement import operations, queries
from zhike.engagement.handlers import welcomes
from zhike.engagement.models import Welcome, WelcomeMark
from zhike.kernel.errors import NotAllowed
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Account, Transfer
from zhike.offers.models import Coupon
from zhike.rights import operations as rights

pytestmark = pytest.mark.feature("C061")
DAY = dt.timedelta(days=1)
PHONE = "13800138000"
TERMS: dict[str, Any] = {"points": 50, "multiplier_bp": 20_000, "minimum_fen": 10_000}


@pytest.fixture
def base_rule(town: Town) -> int:
    """A point for every yuan."""
    return loyalty.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分", definition=BASE_RULE,
        effective_from=NOW - 100 * DAY, now=NOW, backdated=True,
    )  # fmt: skip


def offer(town: Town, at: dt.datetime = NOW, **changes: Any) -> int:
    return operations.save_welcome_offer(actor=SYSTEM, mall_id=town.mall_id, terms=TERMS | changes, now=at)


def coupon_batch(town: Town) -> int:
    terms = {"kind": "cash", "value_fen": 2_000, "validity": {"days": 30}}
    return make_batch(town, terms, is_public=False, per_member=0)


def review(member: Any, at: dt.datetime) -> str:
    return operations.review_welcome(actor=SYSTEM, person_id=member.person_id, now=at)


def join(town: Town, phone: str = PHONE, at: dt.datetime = NOW, **changes: Any) -> Any:
    member = new_member(town, phone, at=at, **changes)
    review(member, at)
    return member


def buy(town: Town, member: Any, fen: Any = 12_000, at: dt.datetime = NOW + DAY) -> Any:
    receipt = town.receipt(fen, person_id=member.person_id, at=at)
    bought = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=at)
    review(member, at)
    return bought


def give_back(member: Any, receipt_id: Any, at: dt.datetime, line: int = 1) -> None:
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[loyalty.ReturnLine(line, Decimal(1))], till="01",
        number=f"T{at:%d%H%M%S}", business_date=at.date(), occurred_at=at, now=at,
    )  # fmt: skip
    review(member, at)


def net(member: Any) -> int:
    account = Account.objects.get(member_id=member.member_id)
    return account.balance - account.debt


def state(member: Any) -> tuple[str, str, int]:
    row = Welcome.objects.get(member_id=member.member_id)
    return row.status, row.refusal, row.points


def welcomed() -> int:
    """Points that stand of all welcomes, by the ledger itself."""
    given = sum(Transfer.objects.filter(reason="welcome").values_list("points", flat=True))
    back = Transfer.objects.filter(reason="take_back", explanation__reason="welcome")
    return given - sum(back.values_list("points", flat=True))


class TestFirstPurchase:
    def test_the_first_one_that_is_large_enough_gives_it_once(self, town: Town, base_rule: int) -> None:
        offer(town)
        member = join(town)
        assert state(member) == ("promised", "", 0)
        buy(town, member, 9_999)
        assert state(member) == ("promised", "", 0)
        buy(town, member, 12_000, NOW + 2 * DAY)
        assert state(member) == ("granted", "", 50 + 120)
        buy(town, member, 90_000, NOW + 3 * DAY)
        assert (state(member)[2], welcomed()) == (170, 170)
        entry = next(
            one for one in members.statement(SYSTEM, member.member_id).items if one.reason == "welcome"
        )
        assert entry.sentence == "新人礼：首单额外赠送 170 积分。"
        assert not members.verify_ledger().findings

    def test_goods_that_come_back_take_their_part_line_by_line(self, town: Town, base_rule: int) -> None:
        offer(town)
        member = join(town)
        sale = buy(town, member, [10_000, 6_000])
        assert state(member) == ("granted", "", 50 + 160)
        give_back(member, sale.receipt_id, NOW + 2 * DAY, line=2)
        assert (state(member), welcomed()) == (("granted", "", 50 + 100), 150)
        give_back(member, sale.receipt_id, NOW + 3 * DAY, line=1)
        assert (state(member), welcomed(), net(member)) == (("taken_back", "", 0), 0, 0)
        buy(town, member, 11_000, NOW + 4 * DAY)
        assert (state(member), welcomed()) == (("granted", "", 160), 160)
        assert not members.verify_ledger().findings

    def test_split_purchases_do_not_reach_the_minimum(self, town: Town, base_rule: int) -> None:
        offer(town)
        member = join(town)
        for hour in range(3):
            buy(town, member, 6_000, NOW + DAY + hour * dt.timedelta(hours=1))
        assert state(member) == ("promised", "", 0)

    def test_too_late_is_too_late(self, town: Town, base_rule: int) -> None:
        offer(town, days_to_buy=10)
        member = join(town)
        buy(town, member, 12_000, NOW + 11 * DAY)
        assert state(member) == ("promised", "", 0)
        operations.settle_welcomes(actor=SYSTEM, mall_id=town.mall_id, now=NOW + 20 * DAY)
        assert state(member) == ("lapsed", "", 0)

    def test_what_waits_is_settled_and_not_if_the_goods_came_back(self, town: Town, base_rule: int) -> None:
        offer(town, wait_days=7)
        li, wang = join(town), join(town, "13900139000")
        buy(town, li)
        sale = buy(town, wang)
        assert state(li) == state(wang) == ("waiting", "", 0)
        give_back(wang, sale.receipt_id, NOW + 2 * DAY)
        assert operations.settle_welcomes(actor=SYSTEM, mall_id=town.mall_id, now=NOW + 7 * DAY) == 0
        assert operations.settle_welcomes(actor=SYSTEM, mall_id=town.mall_id, now=NOW + 8 * DAY) == 1
        assert (state(li), state(wang)) == (("granted", "", 170), ("promised", "", 0))

    def test_waived_points_count_against_the_next(self, town: Town, base_rule: int) -> None:
        """Who spends the welcome, returns and buys again does not get it a second time, where shortfalls are let go."""
        loyalty.update_program(
            actor=SYSTEM, program_id=town.program_id, changes={"shortfall": "waive"}, now=NOW
        )
        offer(town)
        member = join(town)
        sale = buy(town, member)
        balance = Account.objects.get(member_id=member.member_id).balance
        loyalty.redeem_points(
            actor=SYSTEM, member_id=member.member_id, points=balance // 100 * 100, now=NOW + DAY
        )
        give_back(member, sale.receipt_id, NOW + 2 * DAY)
        buy(town, member, 12_000, NOW + 3 * DAY)
        assert welcomed() <= 170


class TestCoupon:
    def test_money_off_the_first_purchase_is_there_before_it(self, town: Town, base_rule: int) -> None:
        offer(town, batch_id=coupon_batch(town), points=0, multiplier_bp=10_000)
        member = join(town)
        assert Coupon.objects.get(member_id=member.member_id).status == "issued"
        review(member, NOW + DAY)
        sale = buy(town, member)
        assert state(member) == ("granted", "", 0)
        give_back(member, sale.receipt_id, NOW + 2 * DAY)
        buy(town, member, 12_000, NOW + 3 * DAY)
        assert Coupon.objects.count() == 1

    def test_one_for_the_next_purchase_is_void_with_the_first(self, town: Town, base_rule: int) -> None:
        offer(town, batch_id=coupon_batch(town), coupon_on="purchase")
        member = join(town)
        assert not Coupon.objects.exists()
        sale = buy(town, member)
        assert Coupon.objects.get().status == "issued"
        give_back(member, sale.receipt_id, NOW + 2 * DAY)
        assert Coupon.objects.get().status == "void"


class TestOnce:
    def test_shared_devices(self, town: Town, base_rule: int) -> None:
        offer(town)
        for phone in ("13800138000", "13900139000", "13700137000"):
            member = new_member(town, phone)
            device = "other" if phone.startswith("137") else "one"
            operations.see_device(actor=SYSTEM, member_id=member.member_id, device=device, now=NOW)
            buy(town, member)
        assert [(row.status, row.refusal) for row in Welcome.objects.order_by("member_id")] == [
            ("granted", ""), ("refused", "same_device"), ("granted", ""),
        ]  # fmt: skip

    def test_two_that_are_one(self, town: Town, base_rule: int) -> None:
        offer(town)
        li, wang = join(town), join(town, "13900139000", name="张三")
        buy(town, li)
        buy(town, wang, 12_000, NOW + 2 * DAY)
        assert welcomed() == 340
        merged = merge(li, wang, at=NOW + 3 * DAY)
        review(li, NOW + 3 * DAY)
        assert (state(li), state(wang)) == (("granted", "", 170), ("refused", "same_person", 0))
        assert welcomed() == 170
        part(merged, NOW + 4 * DAY)
        operations.part_welcomes(
            actor=SYSTEM, person_id=li.person_id, merged_id=wang.person_id, now=NOW + 4 * DAY
        )
        assert (state(li), state(wang)) == (("granted", "", 170), ("granted", "", 170))
        assert (welcomed(), members.verify_ledger().findings) == (340, [])


def test_whoever_joined_before_it_began_is_promised_nothing(town: Town, base_rule: int) -> None:
    member = join(town)
    offer(town, NOW + dt.timedelta(hours=1))
    buy(town, member)
    assert not Welcome.objects.exists()
    assert queries.own_welcome(member.member_id, NOW + DAY) is None


def test_versions_hold_from_their_moment_on(town: Town, base_rule: int) -> None:
    offer(town)
    operations.save_welcome_offer(
        actor=SYSTEM,
        mall_id=town.mall_id,
        terms=TERMS | {"points": 500},
        now=NOW,
        effective_from=NOW + 5 * DAY,
    )
    operations.save_welcome_offer(
        actor=SYSTEM, mall_id=town.mall_id, terms=TERMS, is_open=False, now=NOW, effective_from=NOW + 8 * DAY
    )
    early, late = join(town), join(town, "13900139000", NOW + 6 * DAY)
    nobody = join(town, "13700137000", NOW + 9 * DAY)
    buy(town, early, 12_000, NOW + 7 * DAY)
    buy(town, late, 12_000, NOW + 7 * DAY)
    assert (state(early)[2], state(late)[2]) == (170, 620)
    assert not Welcome.objects.filter(member_id=nobody.member_id).exists()
    views = queries.welcome_versions(SYSTEM, town.mall_id, NOW + 6 * DAY)
    assert [(one.version, one.state) for one in views] == [(3, "planned"), (2, "current"), (1, "past")]
    with pytest.raises(operations.WelcomeInThePast):
        operations.save_welcome_offer(
            actor=SYSTEM, mall_id=town.mall_id, terms=TERMS, now=NOW, effective_from=NOW - DAY
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"points": 0, "multiplier_bp": 10_000},
        {"multiplier_bp": 5},
        {"minimum_fen": 0},
        {"points": "x"},
        {"a": 1},
    ],
)
def test_terms_that_cannot_be(town: Town, wrong: dict[str, Any]) -> None:
    with pytest.raises(operations.TermsUnusable):
        offer(town, **wrong)


def test_another_mall_and_a_cashier_may_not(town: Town) -> None:
    elsewhere = staff("engagement.edit", "engagement.view", level="mall", ids=[town.other_mall_id])
    for viewer in (staff("members.lookup"), elsewhere):
        with pytest.raises(NotAllowed):
            operations.save_welcome_offer(actor=viewer, mall_id=town.mall_id, terms=TERMS, now=NOW)
    offer(town)
    join(town)
    assert queries.welcome_figures(elsewhere, town.mall_id, NOW).total == 0
    assert queries.welcome_figures(SYSTEM, town.mall_id, NOW).total == 1


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_get_no_more_than_there_is() -> None:
    """Quota of five, and pairs that share a browser: one place each, one welcome a browser."""
    town = build_town()
    offer(town, quota=5, multiplier_bp=10_000)
    guests = []
    for number in range(16):
        member = new_member(town, f"138001380{number:02d}")
        operations.see_device(actor=SYSTEM, member_id=member.member_id, device=f"d{number // 2}", now=NOW)
        at = NOW + DAY
        loyalty.take_receipt(
            actor=SYSTEM, receipt=town.receipt(12_000, person_id=member.person_id, at=at), now=at
        )
        guests.append(member)

    run_threads([partial(review, guests[number % 16], NOW + 2 * DAY) for number in range(32)])
    assert Welcome.objects.filter(status="granted").count() == 5
    assert WelcomeMark.objects.filter(kind="device").count() == 5
    assert welcomed() == 250
    drain(welcomes)
    assert welcomed() == 250


@pytest.mark.django_db(transaction=True)
def test_closing_and_joining_again_gives_nothing() -> None:
    """Everything that named the person is gone; a keyed mark that leads to nobody is what remembers."""
    town = build_town()
    offer(town, multiplier_bp=10_000)
    member = join(town)
    buy(town, member)
    asked = rights.ask(
        actor=viewer_of_person(member.person_id), person_id=member.person_id, kind="closing", door="member_app",
        now=NOW + 30 * DAY,
    )  # fmt: skip
    assert rights.carry_out(actor=SYSTEM, request_id=asked, now=NOW + 40 * DAY)
    assert set(WelcomeMark.objects.values_list("welcome_id", flat=True)) == {None}
    again = join(town, at=NOW + 41 * DAY)
    assert again.member_id != member.member_id
    assert state(again) == ("refused", "same_person", 0)
    buy(town, again, 12_000, NOW + 42 * DAY)
    assert welcomed() == 50

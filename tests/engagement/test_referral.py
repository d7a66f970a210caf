"""Invitations: both sides after a purchase that stays, nothing for inviting oneself, and back when the goods come back."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest

from tests.engagement.conftest import new_member, themselves
from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.engagement import operations, queries
from zhike.engagement.handlers import referrals
from zhike.engagement.models import Referral
from zhike.kernel.errors import NotAllowed
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Account, Transfer

pytestmark = pytest.mark.feature("C085")
DAY = dt.timedelta(days=1)
TERMS: dict[str, Any] = {
    "inviter": {"points": 200},
    "invitee": {"points": 100},
    "minimum_fen": 10_000,
    "wait_days": 7,
}


def plan(town: Town, **changes: Any) -> None:
    operations.save_referral_plan(
        actor=SYSTEM, program_id=town.program_id, terms=TERMS | changes, is_open=True, now=NOW
    )


def code_of(member: loyalty.EnrolledMember) -> str:
    return operations.invite_code(actor=themselves(member), member_id=member.member_id, now=NOW)


def join(
    town: Town, inviter: loyalty.EnrolledMember, phone: str, at: dt.datetime = NOW, **changes: Any
) -> Any:
    return operations.join_invited(
        actor=SYSTEM,
        code=code_of(inviter),
        name="李四",
        phone=phone,
        mall_id=town.mall_id,
        source="h5",
        now=at,
        **changes,
    )


def buy(town: Town, member: Any, fen: int = 12_000, at: dt.datetime = NOW + DAY, **changes: Any) -> Any:
    bought = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(fen, person_id=member.person_id, at=at, **changes), now=at
    )
    review(member, at)
    return bought


def give_back(member: Any, receipt_id: Any, at: dt.datetime, quantity: str = "1") -> None:
    from decimal import Decimal

    loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[loyalty.ReturnLine(1, Decimal(quantity))], till="01",
        number=f"T{at:%d%H%M%S}", business_date=at.date(), occurred_at=at, now=at,
    )  # fmt: skip
    review(member, at)


def review(member: Any, at: dt.datetime) -> str:
    return operations.review_referral(actor=SYSTEM, person_id=member.person_id, now=at)


def settle(town: Town, at: dt.datetime) -> int:
    return operations.settle_referrals(actor=SYSTEM, program_id=town.program_id, now=at)


def balance(member: Any) -> int:
    return Account.objects.values_list("balance", flat=True).get(member_id=member.member_id)


def net(member: Any) -> int:
    account = Account.objects.get(member_id=member.member_id)
    return account.balance - account.debt


def state() -> tuple[str, str]:
    row = Referral.objects.order_by("-id")[0]
    return row.status, row.refusal


class TestRewards:
    def test_both_sides_when_the_return_window_is_over(self, town: Town, zhang: Any) -> None:
        plan(town)
        li = join(town, zhang, "13900139000")
        assert state() == ("joined", "")
        buy(town, li, 9_999)
        assert state() == ("joined", "")
        buy(town, li, 12_000, NOW + 2 * DAY)
        assert state() == ("waiting", "")
        assert settle(town, NOW + 8 * DAY) == 0
        assert [settle(town, NOW + 9 * DAY), settle(town, NOW + 9 * DAY)] == [1, 0]
        assert (balance(zhang), balance(li)) == (200, 100)
        entry = members.statement(SYSTEM, zhang.member_id).items[0]
        assert (entry.reason, entry.sentence) == ("referral", "您邀请的好友完成首单：200 积分。")
        own = queries.own_invitations(themselves(zhang), zhang.member_id, NOW)
        assert own is not None
        assert [(one.name, one.status, one.points) for one in own.invitations] == [("李*", "rewarded", 200)]
        assert not members.verify_ledger().findings

    def test_goods_that_come_back_in_time_give_nothing(self, town: Town, zhang: Any) -> None:
        plan(town)
        li = join(town, zhang, "13900139000")
        sale = buy(town, li)
        give_back(li, sale.receipt_id, NOW + 2 * DAY)
        assert state() == ("joined", "")
        assert settle(town, NOW + 9 * DAY) == 0
        assert (balance(zhang), balance(li)) == (0, 0)
        buy(town, li, 15_000, NOW + 10 * DAY)
        assert settle(town, NOW + 17 * DAY) == 1

    def test_goods_that_come_back_late_take_it_back_though_it_is_spent(self, town: Town, zhang: Any) -> None:
        plan(town)
        li = join(town, zhang, "13900139000")
        sale = buy(town, li)
        settle(town, NOW + 9 * DAY)
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=150, now=NOW + 9 * DAY)
        give_back(li, sale.receipt_id, NOW + 10 * DAY)
        assert (net(zhang), net(li), state()[0]) == (-150, 0, "taken_back")
        review(li, NOW + 11 * DAY)
        buy(town, li, 20_000, NOW + 11 * DAY)
        assert settle(town, NOW + 30 * DAY) == 0
        assert (net(zhang), Transfer.objects.filter(reason="take_back").count()) == (-150, 2)
        assert not members.verify_ledger().findings

    def test_too_late_is_too_late(self, town: Town, zhang: Any) -> None:
        plan(town, days_to_buy=5)
        li = join(town, zhang, "13900139000")
        buy(town, li, 12_000, NOW + 6 * DAY)
        settle(town, NOW + 7 * DAY)
        assert state() == ("lapsed", "")

    def test_what_was_promised_counts_not_what_was_changed_later(self, town: Town, zhang: Any) -> None:
        plan(town)
        li = join(town, zhang, "13900139000")
        buy(town, li)
        plan(town, minimum_fen=90_000, inviter={"points": 1})
        settle(town, NOW + 9 * DAY)
        assert balance(zhang) == 200

    @pytest.mark.django_db(transaction=True)
    def test_the_log_brings_it_about_and_rounds_at_once_reward_once(self) -> None:
        town = build_town()
        zhang = new_member(town)
        plan(town)
        drain(referrals)
        li = join(town, zhang, "13900139000")
        loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(12_000, person_id=li.person_id), now=NOW)
        drain(referrals)
        assert state() == ("waiting", "")
        assert sum(run_threads([lambda: settle(town, NOW + 8 * DAY)] * 8)) == 1
        assert (balance(zhang), balance(li)) == (200, 100)


class TestRefusals:
    def test_the_same_browser_is_the_same_person(self, town: Town, zhang: Any) -> None:
        plan(town)
        operations.see_device(actor=themselves(zhang), member_id=zhang.member_id, device="cookie-1", now=NOW)
        join(town, zhang, "13900139000", device="cookie-1")
        assert state() == ("refused", "same_device")
        assert settle(town, NOW + 60 * DAY) == 0

    def test_oneself_and_a_ring(self, town: Town, zhang: Any) -> None:
        plan(town)
        assert self.accept(zhang, zhang).refusal == "self"
        li = join(town, zhang, "13900139000")
        wang = join(town, li, "13700137000")
        assert self.accept(wang, zhang).refusal == "ring"
        assert Referral.objects.filter(refusal="ring").count() == 1
        assert self.accept(wang, zhang).refusal == "ring"

    @pytest.mark.django_db(transaction=True)
    def test_two_who_invite_each_other_at_once(self) -> None:
        town = build_town()
        plan(town)
        people = [new_member(town, f"1380013800{number}") for number in range(3)]
        pairs = [(0, 1), (1, 2), (2, 0)]
        outcomes = run_threads([partial(self.accept, people[a], people[b]) for a, b in pairs])
        assert sorted(one.refusal for one in outcomes) == ["", "", "ring"]

    def test_a_phone_given_up_tells_who_it_is(self, town: Town, zhang: Any) -> None:
        from zhike.customers.models import Identifier

        plan(town)
        Identifier.objects.filter(person_id=zhang.person_id, kind="phone").update(retired_at=NOW)
        join(town, zhang, "13800138000")
        assert state() == ("refused", "same_person")

    def test_members_are_not_new_and_a_day_has_a_limit(self, town: Town, zhang: Any) -> None:
        plan(town, daily_max=2)
        old = new_member(town, "13600136000", at=NOW - 2 * DAY)
        assert self.accept(zhang, old).refusal == "not_new"
        for number in range(3):
            join(town, zhang, f"1390013900{number}")
        assert state() == ("refused", "daily_limit")
        join(town, zhang, "13900139009", NOW + DAY)
        assert state() == ("joined", "")

    def test_one_wallet_for_both(self, town: Town, zhang: Any) -> None:
        import dataclasses

        plan(town)
        li = join(town, zhang, "13900139000")
        for member in (zhang, li):
            receipt = town.receipt(12_000, person_id=member.person_id, at=NOW + DAY)
            paid = tuple(dataclasses.replace(tender, reference="wx-openid-1") for tender in receipt.tenders)
            loyalty.take_receipt(
                actor=SYSTEM, receipt=dataclasses.replace(receipt, tenders=paid), now=NOW + DAY
            )
        review(li, NOW + DAY)
        assert state() == ("refused", "same_payment")

    def accept(self, inviter: Any, invitee: Any) -> operations.Accepted:
        return operations.accept_invitation(
            actor=themselves(invitee), code=code_of(inviter), member_id=invitee.member_id, now=NOW
        )


def test_only_ones_own_code_and_only_with_a_plan(town: Town, zhang: Any) -> None:
    li = new_member(town, "13900139000")
    with pytest.raises(members.MemberNotFound):
        operations.invite_code(actor=themselves(li), member_id=zhang.member_id, now=NOW)
    with pytest.raises(operations.NotRunning):
        operations.accept_invitation(
            actor=themselves(li), code=code_of(zhang), member_id=li.member_id, now=NOW
        )
    plan(town)
    with pytest.raises(operations.InviteCodeUnknown):
        operations.accept_invitation(actor=themselves(li), code="00000000", member_id=li.member_id, now=NOW)
    with pytest.raises(NotAllowed):
        operations.accept_invitation(
            actor=staff("engagement.take_part", level="mall", ids=[town.other_mall_id]), code=code_of(zhang),
            member_id=li.member_id, now=NOW,
        )  # fmt: skip
    assert not Referral.objects.exists()


def test_the_tree_shows_who_brought_whom_and_what_is_odd(town: Town, zhang: Any) -> None:
    plan(town, daily_max=9)
    children = [join(town, zhang, f"1390013900{number}", address="10.0.0.1") for number in range(3)]
    join(town, children[0], "13700137000")
    tree = queries.referral_tree(SYSTEM, zhang.member_id, NOW)
    assert (len(tree.children), len(tree.children[0].children)) == (3, 1)
    assert tree.flags == ["burst", "same_address"]
    [first, _second] = queries.top_inviters(SYSTEM)
    assert (first.member_id, first.total, first.flags) == (zhang.member_id, 3, ["burst", "same_address"])
    elsewhere = staff("engagement.view", "members.view", level="mall", ids=[town.other_mall_id])
    assert not queries.top_inviters(elsewhere)
    with pytest.raises(members.MemberNotFound):
        queries.referral_tree(elsewhere, zhang.member_id, NOW)

"""A tier for points: lent for a time, refused to whoever stands as high anyway, given back while nothing was had of it."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town, staff
from tests.rewards.conftest import make_reward, new_member, spec
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Member, TierGrant
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.rewards.models import ExchangeOrder, Reward

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C095")]
DAY = dt.timedelta(days=1)


@pytest.fixture
def base_rule(town: Town) -> int:
    return loyalty.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分", definition=BASE_RULE,
        effective_from=NOW - 90 * DAY, backdated=True, now=NOW,
    )  # fmt: skip


def sell(town: Town, code: str = "GOLD30", tier: str = "gold", **changes: Any) -> int:
    terms = {"tier_length": 30, "tier_unit": "day", **changes}
    return make_reward(
        town, code, kind="tier", points=600, stock=None, tier_id=town.tiers[tier], name="金卡体验", **terms
    )


def exchange(member: Any, reward_id: int, now: dt.datetime = NOW) -> rewards.Exchanged:
    return rewards.exchange_reward(actor=SYSTEM, member_id=member.member_id, reward_id=reward_id, now=now)


def cancel(order_id: int, now: dt.datetime = NOW, actor: Any = SYSTEM) -> rewards.OrderOutcome:
    return rewards.cancel_order(actor=actor, order_id=order_id, reason="不要了", now=now)


def file(member: Any, now: dt.datetime = NOW) -> members.MemberFile:
    return members.member_file(SYSTEM, member.member_id, now)


def buy(town: Town, member: Any, fen: int, at: dt.datetime = NOW) -> Any:
    receipt = town.receipt(fen, person_id=member.person_id, at=at)
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=at)


def test_tier_for_thirty_days_and_back_to_what_was_earned(town: Town, zhang: Any) -> None:
    made = exchange(zhang, sell(town))
    assert (made.state, made.balance, file(zhang).tier.code) == ("collected", 4_400, "gold")
    order = queries.member_order(viewer_of_person(zhang.person_id), zhang.member_id, made.order_id, NOW)
    assert (order.tier_until, order.member_may_cancel) == (NOW.date() + 30 * DAY, True)
    grant = members.tier_grants(SYSTEM, zhang.member_id, NOW)[0]
    assert (grant.source, grant.reason, grant.state) == ("exchange", "金卡体验", "running")
    Member.objects.filter(id=zhang.member_id).update(earned_tier_id=town.tiers["silver"])  # earned meanwhile
    loyalty.settle_tiers(actor=SYSTEM, program_id=town.program_id, now=NOW + 31 * DAY)
    assert file(zhang, NOW + 31 * DAY).tier.code == "silver"
    with pytest.raises(rewards.TierWasUsed):
        cancel(made.order_id, NOW + 31 * DAY)


def test_months_are_months(town: Town, zhang: Any) -> None:
    made = exchange(zhang, sell(town, tier_length=2, tier_unit="month"))
    order = queries.order(SYSTEM, made.order_id).order
    assert order.tier_until == dt.date(2026, 8, 10)


def test_whoever_stands_as_high_for_as_long_cannot_have_it(town: Town, zhang: Any) -> None:
    short, long = sell(town), sell(town, "GOLD60", tier_length=60)
    silver = sell(town, "SILVER20", "silver", tier_length=20)
    exchange(zhang, short)
    for refused in (short, silver):
        assert queries.shop_item(SYSTEM, zhang.member_id, refused, NOW).refusal == "held"
        with pytest.raises(loyalty.TierHeldAlready):
            exchange(zhang, refused)
    assert file(zhang).balance == 4_400
    assert queries.shop_item(SYSTEM, zhang.member_id, long, NOW).refusal is None
    longer = exchange(zhang, long)
    cancel(longer.order_id)
    assert file(zhang).tier.code == "gold", "the shorter one still runs"
    assert queries.shop_item(SYSTEM, zhang.member_id, silver, NOW + 20 * DAY).refusal is None


def test_earned_tier_counts_as_long_as_it_is_held(town: Town, zhang: Any, base_rule: int) -> None:
    reward_id = sell(town)
    buy(town, zhang, 500_000)
    with pytest.raises(loyalty.TierHeldAlready):
        exchange(zhang, reward_id)
    held = {"tier_period": "year"}
    loyalty.update_program(actor=SYSTEM, program_id=town.program_id, changes=held, now=NOW)
    Member.objects.filter(id=zhang.member_id).update(tier_until=NOW.date() + 10 * DAY)
    assert exchange(zhang, reward_id).state == "collected"


@pytest.mark.parametrize("used", ["purchase", "points", "benefit", "late"])
def test_what_was_used_is_not_given_back(town: Town, zhang: Any, base_rule: int, used: str) -> None:
    made, later = exchange(zhang, sell(town)), NOW + DAY
    if used == "purchase":
        buy(town, zhang, 100, later)
    elif used == "points":
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=100, now=later)
    elif used == "benefit":
        benefit = rewards.NewBenefit(
            "LOUNGE", "贵宾厅", "lounge", "次", {str(town.tiers["gold"]): 2}, "month"
        )
        benefit_id = rewards.save_benefit(
            actor=SYSTEM, group_id=town.group_id, mall_id=town.mall_id, benefit=benefit, now=NOW
        )
        rewards.use_benefit(
            actor=SYSTEM, member_id=zhang.member_id, benefit_id=benefit_id, mall_id=town.mall_id, now=later
        )
    else:
        later = NOW + 7 * DAY
    before = file(zhang, later).balance
    own = viewer_of_person(zhang.person_id)
    assert not queries.member_order(own, zhang.member_id, made.order_id, later).member_may_cancel
    for actor in (SYSTEM, own):
        with pytest.raises(rewards.TierWasUsed):
            cancel(made.order_id, later, actor)
    assert (file(zhang, later).balance, file(zhang, later).tier.code) == (before, "gold")


def test_given_back_unused_everything_is_as_before(town: Town, zhang: Any, base_rule: int) -> None:
    buy(town, zhang, 100_000)
    before = file(zhang)
    made = exchange(zhang, sell(town), NOW + DAY)
    for _ in range(2):
        cancel(made.order_id, NOW + 2 * DAY, viewer_of_person(zhang.person_id))
    after = file(zhang, NOW + 2 * DAY)
    assert (after.tier.code, after.balance, after.lots) == ("silver", before.balance, before.lots)
    assert TierGrant.objects.get().status == "revoked"
    assert exchange(zhang, Reward.objects.get().pk, NOW + 2 * DAY).state == "collected"
    assert members.verify_ledger().is_clean


def test_merged_and_parted_each_keeps_what_they_bought(town: Town, zhang: Any) -> None:
    li = new_member(town, "13900139000", "李四")
    made = exchange(li, sell(town))
    merge = loyalty.merge_persons(
        actor=SYSTEM, survivor_id=zhang.person_id, merged_id=li.person_id, reason="同一人", now=NOW
    )
    assert file(zhang).tier.code == "gold"
    assert queries.shop_item(SYSTEM, zhang.member_id, Reward.objects.get().pk, NOW).refusal == "held"
    loyalty.unmerge_persons(actor=SYSTEM, merge_id=merge.merge_id, reason="弄错了", now=NOW)
    assert (file(zhang).tier.code, file(li).tier.code) == ("basic", "gold")
    cancel(made.order_id)
    assert (file(li).tier.code, file(li).balance) == ("basic", 5_000)


def test_cancelled_while_merged_the_survivor_falls_back(town: Town, zhang: Any) -> None:
    li = new_member(town, "13900139000", "李四")
    made = exchange(li, sell(town))
    loyalty.merge_persons(
        actor=SYSTEM, survivor_id=zhang.person_id, merged_id=li.person_id, reason="同一人", now=NOW
    )
    cancel(made.order_id)
    assert (file(zhang).tier.code, file(zhang).balance) == ("basic", 10_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tier_id": None}, {"tier_length": 0}, {"tier_length": 367}, {"tier_unit": "year"}, {"kind": "goods"},
        {"cash_fen": 1}, {"tier_length": 13, "tier_unit": "month"}, {"tier_id": -1},
    ],
)  # fmt: skip
def test_reward_that_lends_is_checked(town: Town, wrong: dict[str, Any]) -> None:
    terms = {"kind": "tier", "tier_id": town.tiers["gold"], "tier_length": 30, "tier_unit": "day", **wrong}
    with pytest.raises(rewards.RewardUnusable):
        rewards.add_reward(actor=SYSTEM, group_id=town.group_id, reward=spec(town, **terms), now=NOW)
    lowest = spec(town, kind="tier", tier_id=town.tiers["basic"], tier_length=30)
    with pytest.raises(rewards.RewardUnusable):
        rewards.add_reward(actor=SYSTEM, group_id=town.group_id, reward=lowest, now=NOW)


def test_tier_that_is_sold_is_not_removed(town: Town) -> None:
    sell(town)
    with pytest.raises(loyalty.TierInUse):
        loyalty.remove_tier(actor=SYSTEM, tier_id=town.tiers["gold"], now=NOW)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_hands_buy_one_tier() -> None:
    town = build_town()
    zhang, reward_id = new_member(town, points=5_000), sell(town)

    def once(_number: int) -> str:
        try:
            return exchange(zhang, reward_id).state
        except (loyalty.TierHeldAlready, loyalty.InsufficientPoints):
            return "refused"

    outcomes = run_threads([partial(once, number) for number in range(32)])
    assert sorted(outcomes) == ["collected", *["refused"] * 31]
    assert (ExchangeOrder.objects.count(), TierGrant.objects.count(), file(zhang).balance) == (1, 1, 4_400)


def test_colleague_of_another_mall_does_not_take_it_back(town: Town, zhang: Any) -> None:
    made = exchange(zhang, sell(town))
    far = staff("rewards.serve", level="mall", ids=[town.other_mall_id])
    with pytest.raises(NotAllowed):
        cancel(made.order_id, NOW, far)
    stranger = viewer_of_person(new_member(town, "13900139000", "李四").person_id)
    with pytest.raises(rewards.OrderNotFound):
        cancel(made.order_id, NOW, stranger)
    assert file(zhang).tier.code == "gold"

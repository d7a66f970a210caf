"""Gifts for what was spent: fen that count once, stocks and limits that hold, and returns that take the gift back."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Sum

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.rewards.conftest import new_member
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import Invalid, NotAllowed, NotFound, Problem
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.messaging.models import OutboundMessage
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.rewards.handlers import gifts
from zhike.rewards.models import GiftDay, GiftItem, GiftRight, GiftShare
from zhike.rewards.rules import gifts as rules
from zhike.sales import operations as sales

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C115")]
DAY = dt.timedelta(days=1)
TODAY = NOW.date()
Person = loyalty.EnrolledMember


def make_item(town: Town, code: str = "BAG", *, stock: int = 10, **changes: Any) -> int:
    values: dict[str, Any] = {
        "code": code, "name": "帆布袋", "cost_fen": 1_500, "value_fen": 3_900, "points": 300, **changes,
    }  # fmt: skip
    return rewards.save_gift_item(
        actor=SYSTEM, mall_id=town.mall_id, item=rewards.NewGiftItem(**values), stock=stock, now=NOW
    )


def make_campaign(
    town: Town, item_id: int | None = None, code: str = "G1", *, publish: bool = True, **terms: Any
) -> int:
    """满500 gives a bag, receipts of today add up; unless told otherwise."""
    days = {
        "starts_on": terms.pop("starts_on", TODAY),
        "ends_on": terms.pop("ends_on", TODAY + 6 * DAY),
        "collect_until": terms.pop("collect_until", TODAY + 9 * DAY),
    }
    if "steps" not in terms:
        terms["steps"] = [{"threshold_fen": 50_000, "item_id": item_id or make_item(town)}]
    campaign = rewards.NewGiftCampaign(code=code, name="周年庆满额赠", terms=terms, **days)
    campaign_id = rewards.save_gift_campaign(actor=SYSTEM, mall_id=town.mall_id, campaign=campaign, now=NOW)
    if publish:
        rewards.publish_gift_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW)
    return campaign_id


def buy(town: Town, member: Person, fen: Any = 30_000, **changes: Any) -> UUID:
    receipt = town.receipt(fen, person_id=member.person_id, **changes)
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=changes.get("at", NOW)).receipt_id


def give_back(receipt_id: UUID, line: int = 1, fen: int | None = None, now: dt.datetime = NOW) -> None:
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[loyalty.ReturnLine(line, refund_fen=fen)], till="01",
        number=f"T{uuid4().hex[:8]}", business_date=now.date(), occurred_at=now, now=now,
    )  # fmt: skip


def reserve(member: Person, campaign_id: int, step: int = 0, **changes: Any) -> rewards.GiftOutcome:
    values: dict[str, Any] = {
        "actor": viewer_of_person(member.person_id), "member_id": member.member_id, "campaign_id": campaign_id,
        "step": step, "now": NOW, **changes,
    }  # fmt: skip
    return rewards.reserve_gift(**values)


def hand_over(member: Person, campaign_id: int, **changes: Any) -> rewards.GiftOutcome:
    return reserve(member, campaign_id, actor=SYSTEM, hand_out=True, **changes)


def review(member: Person, now: dt.datetime = NOW) -> int:
    return rewards.review_gifts(actor=SYSTEM, person_id=member.person_id, now=now)


def state_of(right: rewards.GiftOutcome) -> str:
    return GiftRight.objects.get(id=right.right_id).state


def balance(member: Person) -> tuple[int, int]:
    file = members.member_file(SYSTEM, member.member_id, NOW)
    return file.balance, file.debt


@pytest.fixture
def zhang(town: Town) -> Person:
    return new_member(town, points=0)


def test_receipts_add_up_and_every_fen_counts_once(town: Town, zhang: Person) -> None:
    item = make_item(town)
    campaign = make_campaign(town, item, per_member=0)
    first = buy(town, zhang, 30_000)
    with pytest.raises(rewards.SpentTooLittle) as short:
        reserve(zhang, campaign)
    assert "200.00" in str(short.value.sentence)
    second = buy(town, zhang, 45_000, merchant_id=town.cafe)
    right = reserve(zhang, campaign)
    assert dict(GiftShare.objects.values_list("receipt_id", "fen")) == {first: 30_000, second: 20_000}
    [progress] = queries.member_gifts(SYSTEM, zhang.member_id, NOW).progress
    assert [(one.used, one.free) for one in progress.baskets[0].receipts] == [(30_000, 0), (20_000, 25_000)]
    assert progress.baskets[0].steps[0].missing_fen == 25_000
    with pytest.raises(rewards.SpentTooLittle):
        reserve(zhang, campaign)
    buy(town, zhang, 25_000)
    reserve(zhang, campaign)
    assert GiftShare.objects.aggregate(fen=Sum("fen"))["fen"] == 100_000
    found = queries.member_gift(viewer_of_person(zhang.person_id), zhang.member_id, right.right_id, NOW)
    assert sorted(one.fen for one in found.shares) == [20_000, 30_000]
    assert GiftItem.objects.get(id=item).taken == 2


def test_the_desk_hands_it_over_exactly_once(town: Town, zhang: Person) -> None:
    campaign = make_campaign(town)
    buy(town, zhang, 50_000)
    right = reserve(zhang, campaign)
    found = queries.gift_by_code(SYSTEM, f" zke.{right.code.lower()} ")
    assert found is not None and found.id == right.right_id
    done = rewards.hand_out_gift(actor=SYSTEM, right_id=right.right_id, now=NOW)
    assert (done.state, done.replayed) == ("handed_out", False)
    assert rewards.hand_out_gift(actor=SYSTEM, right_id=right.right_id, now=NOW).replayed
    with pytest.raises(rewards.GiftMoved):
        rewards.cancel_gift(actor=SYSTEM, right_id=right.right_id, now=NOW)
    buy(town, zhang, 50_000)
    with pytest.raises(rewards.GiftLimit):
        hand_over(zhang, campaign)
    figures = queries.gift_figures(SYSTEM, [campaign])[campaign]
    assert (figures.handed_out, figures.members, figures.cost_fen, figures.shares) == (
        1,
        1,
        1_500,
        {"mall": 1_500},
    )


def test_what_does_not_count(town: Town, zhang: Person) -> None:
    make_campaign(town, merchants_out=[town.cafe], tenders_out=["voucher"], receipt_min_fen=10_000)
    buy(town, zhang, 60_000, merchant_id=town.cafe)
    buy(town, zhang, 9_900)
    buy(town, zhang, 30_000, tenders=[("voucher", 10_000), ("cash", 20_000)])
    buy(town, zhang, 60_000, at=NOW - DAY)
    [progress] = queries.member_gifts(SYSTEM, zhang.member_id, NOW).progress
    told = {one.reason: (one.net_fen, one.fen) for one in progress.baskets[0].receipts}
    assert told == {"merchant": (60_000, 0), "minimum": (9_900, 0), "tender": (30_000, 20_000)}
    assert progress.baskets[0].free_fen == 20_000


def test_a_period_adds_up_and_two_campaigns_share_the_fen_unless_one_counts_alone(
    town: Town, zhang: Person
) -> None:
    item = make_item(town)
    days = {"starts_on": TODAY - 3 * DAY}
    week = make_campaign(town, item, "WEEK", adds_up="campaign", **days)
    bank = make_campaign(town, item, "BANK", adds_up="campaign", **days)
    alone = make_campaign(town, item, "ALONE", adds_up="campaign", alone=True, **days)
    buy(town, zhang, 30_000, at=NOW - 2 * DAY)
    buy(town, zhang, 25_000)
    reserve(zhang, week)
    with pytest.raises(rewards.SpentTooLittle):
        reserve(zhang, bank)
    assert reserve(zhang, alone).state == "reserved"


def test_a_reserved_gift_goes_when_goods_come_back(town: Town, zhang: Person) -> None:
    item = make_item(town)
    campaign = make_campaign(town, item)
    receipt = buy(town, zhang, [30_000, 25_000])
    right = reserve(zhang, campaign)
    give_back(receipt, 2, 4_000)
    assert review(zhang) == 0  # what is left of it is enough
    assert state_of(right) == "reserved" and GiftShare.objects.get().fen == 50_000
    give_back(receipt, 1)
    done = rewards.hand_out_gift(actor=SYSTEM, right_id=right.right_id, now=NOW)
    assert done.state == "revoked" == state_of(right)
    assert not GiftShare.objects.exists() and GiftItem.objects.get(id=item).taken == 0
    assert GiftDay.objects.get().taken == 0


def test_a_gift_is_asked_back_and_stays_when_more_is_bought(town: Town, zhang: Person) -> None:
    campaign = make_campaign(town, per_member=2)
    receipt = buy(town, zhang, 50_000)
    right = hand_over(zhang, campaign)
    give_back(receipt, 1)
    assert review(zhang) == 1
    assert review(zhang) == 0
    row = GiftRight.objects.get()
    assert (row.state, row.due_on) == ("owed", TODAY + 7 * DAY)
    told = OutboundMessage.objects.values_list("person_id", "template")
    assert list(told) == [(zhang.person_id, "gift_asked_back")]
    buy(town, zhang, 20_000)
    review(zhang)
    assert state_of(right) == "owed"
    with pytest.raises(rewards.GiftsOwed):
        hand_over(zhang, campaign)
    buy(town, zhang, 80_000)
    assert hand_over(zhang, campaign).state == "handed_out"  # it looks at the first one again by itself
    assert state_of(right) == "handed_out"
    assert GiftShare.objects.aggregate(fen=Sum("fen"))["fen"] == 100_000


@pytest.mark.django_db(transaction=True)
def test_the_log_tells_of_the_return() -> None:
    town = build_town()
    member = new_member(town, points=0)
    campaign = make_campaign(town)
    receipt = buy(town, member, 50_000)
    right = hand_over(member, campaign)
    drain(gifts)
    give_back(receipt)
    drain(gifts)
    assert state_of(right) == "owed"


@pytest.mark.parametrize(("points", "debt"), [(1_000, 0), (100, 200)])
def test_what_is_not_brought_back_costs_points_and_bringing_it_late_gives_them_back(
    town: Town, points: int, debt: int
) -> None:
    member = new_member(town, points=points)
    item = make_item(town)
    campaign = make_campaign(town, item)
    receipt = buy(town, member, 50_000)
    right = hand_over(member, campaign)
    give_back(receipt, 1)
    review(member)
    assert rewards.lapse_gifts(actor=SYSTEM, now=NOW + 7 * DAY) == 0
    assert rewards.lapse_gifts(actor=SYSTEM, now=NOW + 8 * DAY) == 1
    assert rewards.lapse_gifts(actor=SYSTEM, now=NOW + 8 * DAY) == 0
    assert state_of(right) == "charged" and balance(member) == (max(0, points - 300), debt)
    back = rewards.take_back_gift(actor=SYSTEM, right_id=right.right_id, now=NOW + 9 * DAY)
    assert (back.state, back.points) == ("returned", 300)
    assert rewards.take_back_gift(actor=SYSTEM, right_id=right.right_id, now=NOW + 9 * DAY).replayed
    assert balance(member) == (points, 0) and GiftItem.objects.get(id=item).taken == 0
    assert members.verify_ledger().is_clean


def test_at_once_taken_back_at_the_desk_spoilt_and_waived(town: Town, zhang: Person) -> None:
    item = make_item(town)
    campaign = make_campaign(town, item, per_member=0, ask_back_days=0)
    receipt = buy(town, zhang, 50_000)
    first = hand_over(zhang, campaign)
    rewards.take_back_gift(actor=SYSTEM, right_id=first.right_id, is_good=False, reason="破损", now=NOW)
    assert GiftItem.objects.get(id=item).taken == 1
    second = hand_over(zhang, campaign)  # the fen are free again
    give_back(receipt, 1)
    review(zhang)
    assert state_of(second) == "charged" and balance(zhang)[1] == 300
    kind = make_campaign(town, item, "KIND", per_member=0)
    other = buy(town, zhang, 50_000)
    third = hand_over(zhang, kind)
    give_back(other, 1)
    review(zhang)
    with pytest.raises(rewards.ReasonMissing):
        rewards.waive_gift(actor=SYSTEM, right_id=third.right_id, reason=" ", now=NOW)
    rewards.waive_gift(actor=SYSTEM, right_id=third.right_id, reason="老顾客", now=NOW)
    assert state_of(third) == "waived" and rewards.lapse_gifts(actor=SYSTEM, now=NOW + 30 * DAY) == 0


def test_goods_that_came_back_without_their_receipt_do_not_count(town: Town, zhang: Person) -> None:
    campaign = make_campaign(town)
    buy(town, zhang, 60_000)
    right = hand_over(zhang, campaign)
    loose = town.receipt(20_000, person_id=zhang.person_id, kind="return", at=NOW + DAY)
    sales.insert_receipts(actor=SYSTEM, receipts=[loose], now=NOW + DAY)
    review(zhang, NOW + DAY)
    assert state_of(right) == "owed"


def test_what_nobody_fetches_ends_and_what_is_given_up_is_free(town: Town, zhang: Person) -> None:
    item = make_item(town)
    campaign = make_campaign(town, item)
    buy(town, zhang, 50_000)
    right = reserve(zhang, campaign)
    rewards.cancel_gift(actor=viewer_of_person(zhang.person_id), right_id=right.right_id, now=NOW)
    right = reserve(zhang, campaign)
    late = GiftRight.objects.get(id=right.right_id).collect_by
    with pytest.raises(rewards.GiftTooLate):
        rewards.hand_out_gift(actor=SYSTEM, right_id=right.right_id, now=late)
    assert rewards.lapse_gifts(actor=SYSTEM, now=late) == 1
    assert state_of(right) == "expired" and GiftItem.objects.get(id=item).taken == 0


def test_two_memberships_that_are_one_add_up_and_share_the_limit(town: Town, zhang: Person) -> None:
    campaign = make_campaign(town)
    twin = new_member(town, "13800138009", "张三三", 0)
    buy(town, zhang, 30_000)
    buy(town, twin, 30_000)
    merged = loyalty.merge_persons(
        actor=SYSTEM, survivor_id=zhang.person_id, merged_id=twin.person_id, reason="同一人", now=NOW
    )
    right = hand_over(twin, campaign)
    assert GiftRight.objects.get().member_id == zhang.member_id
    buy(town, zhang, 50_000)
    with pytest.raises(rewards.GiftLimit):
        hand_over(zhang, campaign)
    loyalty.unmerge_persons(actor=SYSTEM, merge_id=merged.merge_id, reason="弄错了", now=NOW)
    review(zhang)
    assert state_of(right) == "handed_out"  # covered by what they bought themselves meanwhile
    assert members.verify_ledger().is_clean


def test_who_may(town: Town, zhang: Person) -> None:
    campaign = make_campaign(town)
    buy(town, zhang, 50_000)
    stranger = staff("rewards.edit", "rewards.serve", "rewards.view", level="mall", ids=[town.other_mall_id])
    with pytest.raises(NotAllowed):
        reserve(zhang, campaign, actor=stranger, hand_out=True)
    with pytest.raises(NotAllowed):
        make_campaign_by(stranger, town)
    with pytest.raises(NotFound):
        queries.gift_campaign(stranger, campaign, NOW)
    other = new_member(town, "13800138008", "李四", 0)
    with pytest.raises(NotAllowed):
        reserve(zhang, campaign, actor=viewer_of_person(other.person_id))
    right = reserve(zhang, campaign)
    assert queries.gift_by_code(stranger, right.code) is None
    with pytest.raises(NotAllowed):
        rewards.hand_out_gift(actor=stranger, right_id=right.right_id, now=NOW)
    with pytest.raises(NotFound):
        queries.member_gift(viewer_of_person(other.person_id), other.member_id, right.right_id, NOW)
    assert GiftRight.objects.get().state == "reserved"


def make_campaign_by(actor: Any, town: Town) -> None:
    item = rewards.NewGiftItem("X", "赠品")
    rewards.save_gift_item(actor=actor, mall_id=town.mall_id, item=item, stock=1, now=NOW)


def test_a_published_campaign_stays_and_an_ended_one_gives_nothing(town: Town, zhang: Person) -> None:
    campaign = make_campaign(town)
    with pytest.raises(rewards.GiftCampaignPublishedBefore):
        make_campaign(town, publish=False)
    with pytest.raises(Invalid):
        rewards.end_gift_campaign(actor=SYSTEM, campaign_id=campaign, reason="", now=NOW)
    buy(town, zhang, 50_000)
    assert rewards.end_gift_campaign(actor=SYSTEM, campaign_id=campaign, reason="赠品破损", now=NOW)
    with pytest.raises(rewards.GiftCampaignOver):
        reserve(zhang, campaign)
    assert queries.gift_campaign(SYSTEM, campaign, NOW).state == "ended"


@pytest.mark.parametrize(
    "terms",
    [
        {"steps": []},
        {"steps": [{"threshold_fen": 0, "item_id": 1}]},
        {"steps": [{"threshold_fen": 50_000, "item_id": 999_999}]},
        {"per_member": -1},
        {"adds_up": "year"},
        {"ends_on": TODAY - DAY},
    ],
)
def test_what_a_campaign_cannot_be(town: Town, terms: dict[str, Any]) -> None:
    with pytest.raises(rewards.GiftCampaignUnusable):
        make_campaign(town, **terms)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_take_what_there_is_and_no_more() -> None:
    town = build_town()
    item = make_item(town, stock=20, per_day=7)
    campaign = make_campaign(town, item)
    crowd = [new_member(town, f"1360000{n:04d}", f"会员{n}", 0) for n in range(16)]
    for member in crowd:
        buy(town, member, 50_000)

    def take(member: Person) -> str:
        try:
            return hand_over(member, campaign).state
        except Problem as problem:
            return problem.code

    got = Counter(run_threads([partial(take, one) for one in crowd * 2]))
    assert got["handed_out"] == 7
    assert GiftItem.objects.get().taken == 7 == GiftDay.objects.get().taken
    assert set(got) <= {"handed_out", "gifts-gone-today", "gift-limit", "gift-spent-too-little"}


@pytest.mark.django_db(transaction=True)
def test_one_member_at_thirty_two_desks_gets_what_the_fen_are_worth() -> None:
    town = build_town()
    campaign = make_campaign(town, make_item(town, stock=100), per_member=0)
    member = new_member(town, points=0)
    for _ in range(5):
        buy(town, member, 40_000)

    def take() -> str:
        try:
            return hand_over(member, campaign).state
        except Problem as problem:
            return problem.code

    got = Counter(run_threads([take] * 32))
    assert got == {"handed_out": 4, "gift-spent-too-little": 28}
    assert GiftShare.objects.aggregate(fen=Sum("fen"))["fen"] == 200_000


def test_settling_gives_every_fen_once_and_goods_come_first() -> None:
    a, b = uuid4(), uuid4()
    reserved = rules.Standing(1, 500, {a: 500}, [(a, 400), (b, 300)], has_goods=False)
    fetched = rules.Standing(2, 300, {b: 300}, [(a, 400), (b, 300)], has_goods=True)
    first, second = rules.settle([reserved, fetched])
    assert (first.is_covered, first.shares) == (False, {})
    assert (second.is_covered, second.shares) == (True, {b: 300})

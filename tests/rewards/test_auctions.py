"""Auctions for points: what is bid is held, who is outbid has it back at once, and every unit goes to one winner, once."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db.models import F, Sum

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.rewards.conftest import make_reward, new_member
from tools.verify_auction import verify
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import NotAllowed, NotFound, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Hold
from zhike.messaging.models import OutboundMessage
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.rewards.models import Auction, AuctionBid, ExchangeOrder, Reward, RewardHolding

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C103")]
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
Person = loyalty.EnrolledMember


def make_auction(town: Town, *, publish: bool = True, reward_id: int | None = None, **changes: Any) -> int:
    values: dict[str, Any] = {
        "code": "A1", "name": "年终竞拍", "kind": "open", "units": 1, "reserve_points": 500, "step_points": 100,
        "opens_at": NOW - HOUR, "closes_at": NOW + HOUR,
        "reward_id": reward_id if reward_id is not None else make_reward(town), **changes,
    }  # fmt: skip
    auction_id = rewards.save_auction(actor=SYSTEM, auction=rewards.NewAuction(**values), now=NOW)
    if publish:
        rewards.publish_auction(actor=SYSTEM, auction_id=auction_id, now=NOW)
    return auction_id


def bid(member: Person, auction_id: int, points: int, **changes: Any) -> rewards.BidMade:
    values = {
        "actor": viewer_of_person(member.person_id), "member_id": member.member_id, "auction_id": auction_id,
        "points": points, "now": NOW,
    }  # fmt: skip
    return rewards.place_bid(**{**values, **changes})


def close(now: dt.datetime = NOW + HOUR) -> int:
    return rewards.close_auctions(actor=SYSTEM, now=now)


def file_of(member: Person) -> members.MemberFile:
    return members.member_file(SYSTEM, member.member_id, NOW)


@pytest.fixture
def li(town: Town) -> Person:
    return new_member(town, "13800138001", "李四")


@pytest.fixture
def wang(town: Town) -> Person:
    return new_member(town, "13800138002", "王五")


def test_open_bids_hold_points_and_give_them_back_to_whoever_is_outbid(
    town: Town, zhang: Person, li: Person
) -> None:
    auction_id = make_auction(town)
    assert Reward.objects.get().taken == 1
    with pytest.raises(rewards.BidTooLow) as low:
        bid(zhang, auction_id, 400)
    assert "500" in low.value.sentence
    with pytest.raises(rewards.BidOffStep):
        bid(zhang, auction_id, 550)
    assert bid(zhang, auction_id, 500).balance == 4_500
    with pytest.raises(rewards.BidTooLow):
        bid(li, auction_id, 500)
    with pytest.raises(rewards.BidTooLow):
        bid(zhang, auction_id, 500)
    assert bid(li, auction_id, 600).balance == 4_400
    assert (file_of(zhang).balance, file_of(zhang).held) == (5_000, 0)
    assert bid(li, auction_id, 800).balance == 4_200
    assert (file_of(li).held, Hold.objects.filter(status="open").count()) == (800, 1)
    floor = queries.floor(viewer_of_person(zhang.person_id), zhang.member_id, auction_id, NOW)
    assert [(one.bidder, one.points, one.is_own) for one in floor.ranking] == [(2, 800, False)]
    assert floor.own is not None
    assert (floor.own.state, floor.least, floor.refusal) == ("outbid", 900, None)
    assert close(NOW + HOUR - dt.timedelta(seconds=1)) == 0
    assert (close(), close()) == (1, 0)
    order = ExchangeOrder.objects.get()
    assert (order.member_id, order.points, order.state, order.source) == (
        li.member_id,
        800,
        "ready",
        "auction",
    )
    assert (file_of(li).balance, file_of(li).held) == (4_200, 0)
    with pytest.raises(rewards.AuctionOver):
        bid(zhang, auction_id, 900)
    told = OutboundMessage.objects.order_by("id").values_list("person_id", "template")
    assert list(told) == [(zhang.person_id, "auction_outbid"), (li.person_id, "auction_won")]
    assert verify(queries.auction_record(auction_id)) == []
    assert members.verify_ledger().is_clean


def test_the_statement_says_that_it_was_a_bid(town: Town, zhang: Person, li: Person) -> None:
    auction_id = make_auction(town)
    bid(zhang, auction_id, 600)
    bid(li, auction_id, 900)
    entries = members.statement(viewer_of_person(zhang.person_id), zhang.member_id, None, 2).items
    assert [one.sentence for one in entries] == [
        "竞拍未中或被超越，已退回：600 积分。",
        "600 积分已为竞拍出价预占。",
    ]


def test_the_order_of_a_winner_is_an_order_but_they_cannot_take_it_back(town: Town, zhang: Person) -> None:
    auction_id = make_auction(town, reward_id=make_reward(town, stock=1, per_member=1))
    bid(zhang, auction_id, 700)
    close()
    [order] = ExchangeOrder.objects.all()
    with pytest.raises(rewards.SoldOut):
        rewards.exchange_reward(
            actor=SYSTEM, member_id=new_member(town, "13900139000", "赵六").member_id, reward_id=order.reward_id,
            now=NOW,
        )  # fmt: skip
    with pytest.raises(rewards.NotCancellable):
        rewards.cancel_order(actor=viewer_of_person(zhang.person_id), order_id=order.pk, now=NOW)
    desk = staff("rewards.serve", level="mall", ids=[town.mall_id])
    rewards.cancel_order(actor=desk, order_id=order.pk, reason="商品破损", now=NOW)
    assert (file_of(zhang).balance, Reward.objects.get().taken) == (5_000, 0)
    assert RewardHolding.objects.get().taken == 0


def test_several_units_and_ties_by_time(town: Town, zhang: Person, li: Person, wang: Person) -> None:
    auction_id = make_auction(town, units=2, kind="sealed")
    bid(zhang, auction_id, 700)
    bid(li, auction_id, 700)
    bid(wang, auction_id, 600)
    bid(wang, auction_id, 700)
    seen = queries.floor(viewer_of_person(wang.person_id), wang.member_id, auction_id, NOW)
    assert (seen.ranking, seen.own_place, seen.least) == ((), None, 800)
    [first, *_rest] = queries.bids(SYSTEM, auction_id, NOW)
    assert first.points is None
    record = queries.auction_record(auction_id)
    assert "points" not in record["bids"][0]
    assert verify(record) == []
    close()
    assert [(one.place, one.bidder, one.points) for one in queries.result(auction_id)] == [
        (1, 1, 700), (2, 2, 700), (3, 3, 700),
    ]  # fmt: skip
    assert [file_of(one).balance for one in (zhang, li, wang)] == [4_300, 4_300, 5_000]
    record = queries.auction_record(auction_id)
    own = AuctionBid.objects.get(member_id=wang.member_id, number=4)
    assert verify(record, (own.commitment,)) == []
    assert verify(record, ("0" * 64,))
    for field, value in (("points", 9_000), ("bidder", 9), ("place", 2), ("state", "won"), ("salt", "")):
        bids = [*record["bids"][:3], {**record["bids"][3], field: value}]
        assert verify({**record, "bids": bids}), field
    assert verify({**record, "bids": record["bids"][1:]})
    assert verify({**record, "terms": {**record["terms"], "units": 3}})


def test_in_the_open_kind_the_weakest_makes_room(town: Town, zhang: Person, li: Person, wang: Person) -> None:
    auction_id = make_auction(town, units=2)
    bid(zhang, auction_id, 500)
    bid(li, auction_id, 500)
    with pytest.raises(rewards.BidTooLow):
        bid(wang, auction_id, 500)
    bid(wang, auction_id, 600)
    assert [file_of(one).held for one in (zhang, li, wang)] == [500, 0, 600]
    bid(zhang, auction_id, 900)
    bid(li, auction_id, 700)
    assert [file_of(one).held for one in (zhang, li, wang)] == [900, 700, 0]
    close()
    assert verify(queries.auction_record(auction_id)) == []
    assert Counter(AuctionBid.objects.values_list("state", flat=True)) == {"won": 2, "outbid": 2, "raised": 1}


def test_a_late_bid_leaves_time_to_answer_but_not_for_ever(town: Town, zhang: Person, li: Person) -> None:
    auction_id = make_auction(town, extension_minutes=5, extension_most=8)
    minute = dt.timedelta(minutes=1)
    assert bid(zhang, auction_id, 500, now=NOW + HOUR - 10 * minute).ends_at == NOW + HOUR
    assert bid(li, auction_id, 600, now=NOW + HOUR - minute).ends_at == NOW + HOUR + 4 * minute
    assert close() == 0
    late = NOW + HOUR + 4 * minute - dt.timedelta(seconds=1)
    assert bid(zhang, auction_id, 700, now=late).ends_at == NOW + HOUR + 8 * minute
    with pytest.raises(rewards.AuctionOver):
        bid(li, auction_id, 800, now=NOW + HOUR + 8 * minute)
    assert close(NOW + HOUR + 8 * minute) == 1
    hold = Hold.objects.get(status="confirmed")
    assert hold.expires_at > NOW + HOUR + 8 * minute + 6 * DAY


def test_points_that_are_bid_are_nobody_elses(town: Town, zhang: Person) -> None:
    auction_id = make_auction(town)
    bid(zhang, auction_id, 4_800)
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=300, now=NOW)
    hold_id = Hold.objects.get().pk
    for act in (loyalty.confirm_hold, loyalty.release_hold):
        with pytest.raises(loyalty.HoldNotFound):
            act(actor=SYSTEM, hold_id=hold_id, now=NOW)
    assert loyalty.expire_holds(actor=SYSTEM, now=NOW + DAY) == 0
    with pytest.raises(loyalty.InsufficientPoints):
        bid(zhang, auction_id, 5_100)
    assert file_of(zhang).held == 4_800
    close()
    with pytest.raises(loyalty.RedemptionBought):
        loyalty.reverse_redemption(actor=SYSTEM, redemption_id=hold_id, now=NOW)


def test_who_is_frozen_at_the_end_does_not_win_and_the_next_one_does(
    town: Town, zhang: Person, li: Person
) -> None:
    auction_id = make_auction(town, kind="sealed")
    bid(zhang, auction_id, 900)
    bid(li, auction_id, 600)
    loyalty.set_member_status(
        actor=SYSTEM, member_id=zhang.member_id, status="frozen", reason="核实中", now=NOW
    )
    close()
    assert ExchangeOrder.objects.get().member_id == li.member_id
    assert file_of(zhang).balance == 5_000
    assert verify(queries.auction_record(auction_id)) == []


def test_cancelled_by_staff_everybody_has_everything_back(town: Town, zhang: Person, li: Person) -> None:
    auction_id = make_auction(town, kind="sealed")
    bid(zhang, auction_id, 900)
    bid(li, auction_id, 600)
    with pytest.raises(rewards.ReasonMissing):
        rewards.cancel_auction(actor=SYSTEM, auction_id=auction_id, reason=" ", now=NOW)
    assert rewards.cancel_auction(actor=SYSTEM, auction_id=auction_id, reason="商品缺货", now=NOW)
    assert not rewards.cancel_auction(actor=SYSTEM, auction_id=auction_id, reason="商品缺货", now=NOW)
    assert (file_of(zhang).balance, file_of(li).balance, Reward.objects.get().taken) == (5_000, 5_000, 0)
    assert queries.auction_record(auction_id)["bids"][0].keys() == {"number", "commitment"}
    assert close() == 0


def test_a_stop_in_the_middle_of_closing_loses_nothing(
    town: Town, zhang: Person, li: Person, wang: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    auction_id = make_auction(town, kind="sealed")
    for member, points in ((zhang, 900), (li, 600), (wang, 700)):
        bid(member, auction_id, points)
    real, calls = loyalty.release_pledge, []

    def stops(**asked: Any) -> Any:
        calls.append(asked)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(**asked)

    monkeypatch.setattr(loyalty, "release_pledge", stops)
    with pytest.raises(KeyboardInterrupt):
        close()
    assert [file_of(one).held for one in (zhang, li, wang)] == [0, 0, 700]
    assert close(NOW + DAY) == 0
    assert [file_of(one).balance for one in (zhang, li, wang)] == [4_100, 5_000, 5_000]
    assert ExchangeOrder.objects.count() == 1
    assert members.verify_ledger().is_clean


def test_who_may_do_what(town: Town, zhang: Person, li: Person) -> None:
    auction_id = make_auction(town, publish=False)
    with pytest.raises(rewards.AuctionNotFound):
        bid(zhang, auction_id, 500)
    elsewhere = staff("rewards.edit", "rewards.view", level="mall", ids=[town.other_mall_id])
    with pytest.raises(NotAllowed):
        rewards.publish_auction(actor=elsewhere, auction_id=auction_id, now=NOW)
    with pytest.raises(NotFound):
        queries.auction(elsewhere, auction_id, NOW)
    rewards.publish_auction(actor=SYSTEM, auction_id=auction_id, now=NOW)
    with pytest.raises(rewards.AuctionIsPublished):
        make_auction(town, reward_id=Reward.objects.get().pk)
    with pytest.raises(NotAllowed):
        bid(zhang, auction_id, 500, actor=viewer_of_person(li.person_id))
    with pytest.raises(NotAllowed):
        rewards.cancel_auction(actor=elsewhere, auction_id=auction_id, reason="不", now=NOW)
    colleague = staff("rewards.exchange", level="mall", ids=[town.mall_id])
    assert bid(zhang, auction_id, 500, actor=colleague).number == 1
    with pytest.raises(rewards.AuctionNotOpen):
        bid(li, auction_id, 600, now=NOW - DAY)


UNSOUND: dict[str, dict[str, Any]] = {
    "no units": {"units": 0},
    "no step": {"step_points": 0},
    "ends before it begins": {"closes_at": NOW - DAY},
    "longer than a month": {"closes_at": NOW + 40 * DAY},
    "sealed and extended": {"kind": "sealed", "extension_minutes": 5, "extension_most": 10},
    "extended by nothing": {"extension_minutes": 5},
    "no kind": {"kind": "dutch"},
    "no name": {"name": " "},
}


@pytest.mark.parametrize("name", UNSOUND)
def test_what_an_auction_cannot_be(name: str, town: Town) -> None:
    with pytest.raises(rewards.AuctionUnusable):
        make_auction(town, **UNSOUND[name])
    assert not Auction.objects.exists()


def test_more_units_than_there_are_cannot_be_published(town: Town) -> None:
    with pytest.raises(rewards.SoldOut):
        make_auction(town, units=11)
    assert Auction.objects.get().status == "draft"


@pytest.mark.parametrize("kind", ["open", "sealed"])
@pytest.mark.django_db(transaction=True)
def test_many_at_once_in_two_auctions_and_closed_by_several_workers(kind: str) -> None:
    town = build_town()
    reward_id = make_reward(town)
    auctions = [make_auction(town, kind=kind, units=3, code=f"A{n}", reward_id=reward_id) for n in range(2)]
    crowd = [new_member(town, f"1360000{n:04d}", f"会员{n}", 3_000) for n in range(12)]

    def fight(number: int) -> str:
        member, done = crowd[number % len(crowd)], "none"
        for step in range(4):
            auction_id = auctions[(number + step) % 2]
            try:
                bid(member, auction_id, 500 + 100 * ((number * 7 + step * 5) % 24))
                done = "bid"
            except Problem as problem:
                done = problem.code
        return done

    run_threads([partial(fight, number) for number in range(32)])
    held = Hold.objects.filter(status="open").aggregate(n=Sum("points"))["n"] or 0
    standing = AuctionBid.objects.filter(state="standing")
    assert held == sum(standing.values_list("points", flat=True))
    assert not standing.exclude(points=F("hold__points")).exists()
    assert sum(file_of(one).balance for one in crowd) + held == 36_000
    run_threads([close for _ in range(4)])
    for auction_id in auctions:
        won = AuctionBid.objects.filter(auction_id=auction_id, state="won").order_by("place")
        assert list(won.values_list("place", flat=True)) == [1, 2, 3]
        assert verify(queries.auction_record(auction_id)) == []
    assert ExchangeOrder.objects.count() == Reward.objects.get().taken == 6
    assert not Hold.objects.filter(status="open").exists()
    spent = sum(ExchangeOrder.objects.values_list("points", flat=True))
    assert sum(file_of(one).balance for one in crowd) + spent == 36_000
    assert members.verify_ledger().is_clean

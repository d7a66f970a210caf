"""The search for gain, of a family: two who share a pool, exchange rewards, bid, go on a mission, and are merged and parted."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.loyalty.test_no_gain import RATE, SEQUENCES, Shopper
from tests.rewards.conftest import make_reward
from zhike.engagement import operations as engagement
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import Account, Hold, PendingPoints, PoolShare, Transfer
from zhike.rewards import operations as rewards
from zhike.rewards.models import AuctionBid
from zhike.sales.models import ReceiptLine

GOAL_FEN, REWARD, PRICE = 20_000, 150, 170
MISSION: dict[str, Any] = {
    "steps": [{"kind": "spend", "goal": GOAL_FEN}],
    "reward": {"points": REWARD},
    "wait_days": 0,
}


class Family(Shopper):
    """As the shopper, and a partner with points of their own. On top of their wealth stand the pool and the rewards they
    exchanged and keep, at what they cost; on top of what they may honestly have, the mission's reward while it is earned.
    """

    partner: ClassVar[loyalty.EnrolledMember]
    reward_id: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[int] = []
        self.worth: dict[int, Fraction] = {}
        self.merge_id = 0

    @initialize(points=st.integers(1, 1_000))
    def settle_in(self, points: int) -> None:
        loyalty.adjust_points(
            actor=SYSTEM, member_id=self.partner.member_id, points=points, reason="试", now=self.now
        )
        self.given += points
        self.household_id = loyalty.found_household(
            actor=SYSTEM, member_id=self.member.member_id, name="家", now=self.now
        )
        loyalty.invite_into_household(
            actor=SYSTEM,
            member_id=self.member.member_id,
            number=self.partner.number,
            role="adult",
            now=self.now,
        )
        loyalty.answer_household_invitation(
            actor=SYSTEM, member_id=self.partner.member_id, household_id=self.household_id, accept=True,
            now=self.now,
        )  # fmt: skip

    @rule(points=st.integers(1, 600), partners=st.booleans())
    def put_in(self, points: int, partners: bool) -> None:
        self._try(loyalty.put_into_pool, member_id=self._one(partners), points=points)

    @rule(points=st.integers(1, 600), partners=st.booleans())
    def spend_together(self, points: int, partners: bool) -> None:
        spent = self._try(loyalty.spend_from_pool, member_id=self._one(partners), points=points)
        if spent is not None:
            self.redemptions.append((spent.redemption_id, points))
            self.money += spent.value_fen

    @rule(prices=st.lists(st.integers(2_000, 30_000), min_size=1, max_size=2), points=st.integers(1, 300))
    def buy_with_the_pool(self, prices: list[int], points: int) -> None:
        spent = self._try(loyalty.spend_from_pool, member_id=self.member.member_id, points=points)
        if spent is not None:
            self._buy_with(prices, spent.redemption_id, spent.points, spent.value_fen)

    @rule(partners=st.booleans())
    def leave(self, partners: bool) -> None:
        self._try(loyalty.leave_household, member_id=self._one(partners))

    @rule(quantity=st.integers(1, 3))
    def exchange(self, quantity: int) -> None:
        order = self._try(
            rewards.exchange_reward,
            member_id=self.member.member_id,
            reward_id=self.reward_id,
            quantity=quantity,
        )
        if order is not None:
            self.orders += [order.order_id]
            self.money += RATE * PRICE * quantity
            self.worth[order.order_id] = RATE * PRICE * quantity

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order_id = data.draw(st.sampled_from(self.orders))
        done = self._try(rewards.cancel_order, order_id=order_id, reason="不要了")
        if done is not None:
            self.money -= self.worth.pop(order_id, 0)

    @initialize(kind=st.sampled_from(["open", "sealed"]), units=st.integers(1, 2))
    def put_up(self, kind: str, units: int) -> None:
        auction = rewards.NewAuction(
            "A", "竞拍", kind, self.reward_id, units, 20, 5, self.now, self.now + dt.timedelta(days=5)
        )
        self.auction_id = rewards.save_auction(actor=SYSTEM, auction=auction, now=self.now)
        rewards.publish_auction(actor=SYSTEM, auction_id=self.auction_id, now=self.now)

    @rule(steps=st.integers(0, 60), partners=st.booleans())
    def bid(self, steps: int, partners: bool) -> None:
        self._try(
            rewards.place_bid,
            member_id=self._one(partners),
            auction_id=self.auction_id,
            points=20 + 5 * steps,
        )

    @rule(calls_off=st.integers(0, 5))
    def settle_auctions(self, calls_off: int) -> None:
        if calls_off == 0:
            self._try(rewards.cancel_auction, auction_id=self.auction_id, reason="取消")
        rewards.close_auctions(actor=SYSTEM, now=self.now)
        for bid in AuctionBid.objects.filter(state="won").exclude(order_id__in=self.orders):
            assert bid.order_id is not None
            self.orders.append(bid.order_id)
            self.money += RATE * bid.points
            self.worth[bid.order_id] = RATE * bid.points

    @precondition(lambda self: not self.merge_id)
    @rule()
    def merge(self) -> None:
        done = self._try(
            loyalty.merge_persons,
            survivor_id=self.member.person_id,
            merged_id=self.partner.person_id,
            reason="同一人",
        )
        self.merge_id = done.merge_id if done is not None and done.state == "merged" else 0

    @precondition(lambda self: self.merge_id)
    @rule()
    def part(self) -> None:
        loyalty.unmerge_persons(actor=SYSTEM, merge_id=self.merge_id, reason="弄错了", now=self.now)
        self.merge_id = 0

    def _one(self, partners: bool) -> int:
        return self.partner.member_id if partners and not self.merge_id else self.member.member_id

    def _try(self, act: Any, **asked: Any) -> Any:
        """What an operation answers; None when it refuses."""
        try:
            return act(actor=SYSTEM, now=self.now, **asked)
        except Problem:
            return None

    # --- what must hold

    def _points(self) -> int:
        engagement.review_missions(actor=SYSTEM, person_id=self.member.person_id, now=self.now)
        own = Account.objects.filter(member_id__isnull=False).aggregate(net=Sum(F("balance") - F("debt")))[
            "net"
        ]
        held = Hold.objects.filter(status="open").aggregate(points=Sum("points"))["points"] or 0
        waiting = PendingPoints.objects.aggregate(points=Sum("remaining"))["points"] or 0
        pooled = PoolShare.objects.aggregate(points=Sum("remaining"))["points"] or 0
        return int(own + held + waiting + pooled)

    def _honest(self) -> int:
        kept = ReceiptLine.objects.filter(receipt__kind="sale", receipt__person_id=self.member.person_id)
        fen = kept.aggregate(fen=Sum(F("net_fen") - F("returned_fen")))["fen"] or 0
        lapsed = sum(Transfer.objects.filter(reason="expire").values_list("points", flat=True))
        mission = REWARD if fen >= GOAL_FEN else 0
        return self.given + mission + sum(map(self._honest_points, self.sales)) - lapsed


@pytest.mark.feature("N2", "C102", "C072")
def test_no_sequence_leaves_a_family_better_off(
    town: Town, base_rule: int, zhang: loyalty.EnrolledMember, enroll: Any
) -> None:
    partner = enroll("13900139000", "李四")
    engagement.save_mission(actor=SYSTEM, program_id=town.program_id, name="满二百", terms=MISSION, now=NOW)
    found = {
        "town": town,
        "member": zhang,
        "partner": partner,
        "reward_id": make_reward(town, points=PRICE, stock=None),
    }
    machine: Any = type("Machine", (Family,), found)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, SEQUENCES // 8),
            stateful_step_count=16,
            deadline=None,
            derandomize=SEQUENCES <= 60,
            suppress_health_check=list(HealthCheck),
        ),
    )

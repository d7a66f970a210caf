"""The search for gain, of a gift hunter: gifts for what was spent, fetched, kept, brought back, and goods returned after it."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.loyalty.test_no_gain import SEQUENCES, Shopper
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.rewards import operations as rewards
from zhike.rewards.models import GiftItem, GiftRight, GiftShare
from zhike.sales.models import ReceiptLine

STEPS = (15_000, 40_000)
WORTH = 110
"""Points that a gift is worth, which is what is taken for one that is kept."""


class GiftHunter(Shopper):
    """As the shopper. On top of their wealth stand the gifts they hold and do not owe, at what they are worth; on top of
    what they may honestly have, those that purchases they keep stand behind: every fen behind one gift at most."""

    campaigns: ClassVar[list[int]]

    @rule(step=st.integers(0, 1), second=st.booleans(), at_once=st.booleans())
    def take(self, step: int, second: bool, at_once: bool) -> None:
        campaign_id = self.campaigns[second]
        asked = {"member_id": self.member.member_id, "campaign_id": campaign_id, "step": step}
        self._try(rewards.reserve_gift, hand_out=at_once, **asked)

    @rule(number=st.integers(0, 3))
    def fetch(self, number: int) -> None:
        for right_id in self._rights("reserved")[number : number + 1]:
            self._try(rewards.hand_out_gift, right_id=right_id)

    @rule(number=st.integers(0, 3))
    def give_up(self, number: int) -> None:
        for right_id in self._rights("reserved")[number : number + 1]:
            self._try(rewards.cancel_gift, right_id=right_id)

    @precondition(lambda self: self.sales)
    @rule(number=st.integers(0, 5), is_good=st.booleans())
    def bring_the_gift_back(self, number: int, is_good: bool) -> None:
        for right_id in self._rights("handed_out", "owed", "charged", "returned")[number : number + 1]:
            self._try(rewards.take_back_gift, right_id=right_id, is_good=is_good)

    @rule()
    def time_is_over(self) -> None:
        self._review()
        rewards.lapse_gifts(actor=SYSTEM, now=self.now)

    def _rights(self, *states: str) -> list[int]:
        rows = GiftRight.objects.filter(state__in=states).order_by("id")
        return list(rows.values_list("id", flat=True))

    def _review(self) -> None:
        rewards.review_gifts(actor=SYSTEM, person_id=self.member.person_id, now=self.now)

    def _try(self, act: Any, **asked: Any) -> Any:
        """What an operation answers; None when it refuses."""
        try:
            return act(actor=SYSTEM, now=self.now, **asked)
        except Problem:
            return None

    # --- what must hold

    def _points(self) -> int | Fraction:
        self._review()
        kept = ReceiptLine.objects.filter(receipt__kind="sale").aggregate(
            fen=Sum(F("net_fen") - F("returned_fen"))
        )["fen"]
        covered = GiftRight.objects.filter(state__in=("reserved", "handed_out"))
        behind = GiftShare.objects.filter(right__in=covered).aggregate(fen=Sum("fen"))["fen"] or 0
        assert behind == (covered.aggregate(fen=Sum("threshold_fen"))["fen"] or 0)
        assert GiftShare.objects.count() == 0 or GiftShare.objects.aggregate(fen=Sum("fen"))["fen"] <= kept
        out = GiftRight.objects.filter(state__in=("reserved", "handed_out", "owed", "charged")).count()
        assert GiftItem.objects.get().taken >= out
        had = len(self._rights("handed_out")) + len(self._rights("charged"))
        return super()._points() + WORTH * had

    def _honest(self) -> int:
        return super()._honest() + WORTH * len(self._rights("handed_out"))


@pytest.mark.feature("N2", "C115")
def test_no_sequence_leaves_a_gift_hunter_better_off(
    town: Town, base_rule: int, zhang: loyalty.EnrolledMember
) -> None:
    item = rewards.NewGiftItem("BAG", "帆布袋", points=WORTH)
    bag = rewards.save_gift_item(actor=SYSTEM, mall_id=town.mall_id, item=item, stock=1_000, now=NOW)
    campaigns = []
    today, week = NOW.date(), dt.timedelta(days=7)
    for number, (adds_up, days) in enumerate((("campaign", 0), ("day", 3))):
        terms = {
            "steps": [{"threshold_fen": fen, "item_id": bag} for fen in STEPS], "adds_up": adds_up, "per_member": 0,
            "keep_days": 2, "ask_back_days": days,
        }  # fmt: skip
        campaign = rewards.NewGiftCampaign(
            f"G{number}", "满额赠", terms, today, today + week, today + 2 * week
        )
        made = rewards.save_gift_campaign(actor=SYSTEM, mall_id=town.mall_id, campaign=campaign, now=NOW)
        rewards.publish_gift_campaign(actor=SYSTEM, campaign_id=made, now=NOW)
        campaigns.append(made)
    machine: Any = type("Machine", (GiftHunter,), {"town": town, "member": zhang, "campaigns": campaigns})
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

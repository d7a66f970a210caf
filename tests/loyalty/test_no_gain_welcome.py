"""The search for gain, of a newcomer with a welcome offer and a stamp card: bought, returned, split, bought again, joined a second time."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.loyalty.test_no_gain import SEQUENCES, Shopper
from zhike.customers import operations as customers
from zhike.engagement import operations as engagement
from zhike.engagement.models import Welcome
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import Account

POINTS, MINIMUM_FEN = 150, 12_000
STAMPS, STAMP_FEN, FULL = 2, 4_000, 70


class Newcomer(Shopper):
    """As the shopper, and a second membership of the same person on the same phone.

    On top of what they may honestly have: the welcome's own points and once more those of one purchase, while one stands
    that reaches the minimum by itself; and what the stamp cards give that purchases that stand can fill.
    """

    twin: ClassVar[loyalty.EnrolledMember]
    seen: tuple[Any, ...] = ()

    @rule(fen=st.integers(MINIMUM_FEN // 2, 2 * MINIMUM_FEN))
    def the_twin_buys(self, fen: int) -> None:
        """Goods and money cancel out; the points the purchase itself gives are honest and left out of both sides."""
        receipt = self.town.receipt(fen, person_id=self.twin.person_id, at=self.now)
        loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=self.now)

    def _points(self) -> Any:
        if (self.now, len(self.sales), self.number) != self.seen:
            self.seen = (self.now, len(self.sales), self.number)
            for one in (self.member, self.twin):
                engagement.review_welcome(actor=SYSTEM, person_id=one.person_id, now=self.now)
            engagement.review_stamps(actor=SYSTEM, person_id=self.member.person_id, now=self.now)
        twins = Welcome.objects.filter(member_id=self.twin.member_id).values_list("points", flat=True)
        return super()._points() + sum(twins)

    def _honest(self) -> int:
        kept = [
            self._honest_points(sale)
            for sale in self.sales
            if sum(fen for fen, _paid in sale.kept.values()) >= MINIMUM_FEN
        ]
        stamped = [sale for sale in self.sales if sum(fen for fen, _paid in sale.kept.values()) >= STAMP_FEN]
        filled = len(stamped) // STAMPS * FULL
        return super()._honest() + filled + (POINTS + max(kept) if kept else 0)


@pytest.mark.feature("N2", "C061", "B33")
def test_no_sequence_leaves_a_newcomer_better_off(town: Town, base_rule: int) -> None:
    terms = {"points": POINTS, "multiplier_bp": 20_000, "minimum_fen": MINIMUM_FEN, "days_to_buy": 366}
    engagement.save_welcome_offer(actor=SYSTEM, mall_id=town.mall_id, terms=terms, now=NOW)
    card = {"stamps": STAMPS, "minimum_fen": STAMP_FEN, "reward": {"points": FULL}}
    join: dict[str, Any] = {"actor": SYSTEM, "mall_id": town.mall_id, "source": "h5", "now": NOW}
    member = loyalty.enroll_member(**join, name="张三", phone="13800138000")
    twin = loyalty.enroll_member(**join, name="张三", phone="13900139000")
    for one in (member, twin):
        engagement.see_device(actor=SYSTEM, member_id=one.member_id, device="one", now=NOW)
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(MINIMUM_FEN, person_id=member.person_id, at=NOW), now=NOW
    )
    engagement.review_welcome(actor=SYSTEM, person_id=member.person_id, now=NOW)
    line = loyalty.ReturnLine(1, None)
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=sold.receipt_id, lines=[line], till="09", number="B0", business_date=NOW.date(),
        occurred_at=NOW, now=NOW,
    )  # fmt: skip
    engagement.review_welcome(actor=SYSTEM, person_id=member.person_id, now=NOW)
    assert Account.objects.get(member_id=member.member_id).balance == 0
    with pytest.raises(Problem):
        customers.add_identifier(
            actor=SYSTEM, person_id=twin.person_id, now=NOW,
            identifier=customers.NewIdentifier("phone", "13800138000"),
        )  # fmt: skip
    engagement.save_stamp_card(actor=SYSTEM, mall_id=town.mall_id, name="集点卡", terms=card, now=NOW)
    machine: Any = type("Machine", (Newcomer,), {"town": town, "member": member, "twin": twin})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, SEQUENCES // 20),
            stateful_step_count=12,
            deadline=None,
            derandomize=SEQUENCES <= 60,
            suppress_health_check=list(HealthCheck),
        ),
    )

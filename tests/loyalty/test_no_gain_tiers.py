"""The search for gain, of a climber: a tier bought with points that doubles what purchases give, and given back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town
from tests.loyalty.test_no_gain import SEQUENCES, Sale, Shopper
from tests.rewards.conftest import make_reward
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Award
from zhike.rewards import operations as rewards
from zhike.rewards.models import ExchangeOrder

PRICE, DOUBLE = 90, 20_000


class Climber(Shopper):
    """As the shopper. A bought tier that was not given back counts at what it cost; a purchase within it may honestly give
    twice as much, while the order that lent the tier stands. So whoever gets its points back and keeps the double has gained.
    """

    hold: Any = None
    confirm: Any = None
    release: Any = None
    withdraw: Any = None
    """Left out, so that a short search meets what it is for; the shopper's own search has them."""

    top: ClassVar[int]
    reward_ids: ClassVar[list[int]]

    def __init__(self) -> None:
        super().__init__()
        self.lent_by: dict[Any, list[int]] = {}
        """The orders that lent the tier a sale was made with."""

    @rule(number=st.integers(0, 1))
    def buy_the_tier(self, number: int) -> None:
        self._try(rewards.exchange_reward, member_id=self.member.member_id, reward_id=self.reward_ids[number])

    @precondition(lambda self: ExchangeOrder.objects.filter(state="collected").exists())
    @rule(number=st.integers(0, 3))
    def give_the_tier_back(self, number: int) -> None:
        orders = list(ExchangeOrder.objects.order_by("id").values_list("id", flat=True))
        if orders:
            self._try(rewards.cancel_order, order_id=orders[number % len(orders)], reason="不要了")

    @precondition(lambda self: ExchangeOrder.objects.filter(state="collected").exists())
    @rule(fen=st.integers(100, 30_000), gives_back=st.booleans())
    def buy_as_one_who_climbed(self, fen: int, gives_back: bool) -> None:
        self.buy_one(fen)
        if gives_back:
            self.bring_all_back()

    def buy_one(self, fen: int) -> None:
        self._buy([fen], 1, [("cash", fen, "")])
        self.money -= fen

    def bring_all_back(self) -> None:
        self.number += 1
        sale = self.sales[-1]
        back = self._try(
            loyalty.return_lines, receipt_id=sale.receipt_id, lines=[loyalty.ReturnLine(1)], till="02",
            number=f"B{self.number}", business_date=self.now.date(), occurred_at=self.now,
        )  # fmt: skip
        if back is not None:
            sale.kept[1], sale.pieces[1] = (0, sale.kept[1][1]), 0
            self.money += back.money_fen

    def _buy(self, prices: list[int], pieces: int, tenders: list[tuple[str, int, str]]) -> None:
        running = ExchangeOrder.objects.filter(
            state="collected", tier_grant__starts_at__lte=self.now, tier_grant__ends_at__gt=self.now
        )
        lent = list(running.values_list("id", flat=True))
        super()._buy(prices, pieces, tenders)
        self.lent_by[self.sales[-1].receipt_id] = lent
        stands = queries.tier_standing(SYSTEM, self.member.member_id, self.now).tier.id == self.top
        assert stands == bool(lent), "the tier is there exactly as long as an order lends it"

    def _try(self, act: Any, **asked: Any) -> Any:
        """What an operation answers; None when it refuses."""
        try:
            return act(actor=SYSTEM, now=self.now, **asked)
        except Problem:
            return None

    # --- what must hold

    def _points(self) -> int | Fraction:
        return super()._points() + PRICE * self._standing().count()

    def _honest_points(self, sale: Sale) -> int:
        lent = self._standing().filter(id__in=self.lent_by[sale.receipt_id]).exists()
        total = Fraction(0)
        for part in Award.objects.get(receipt_id=sale.receipt_id).explanation["rules"]:
            for no, fen, _bp, _points in part.get("lines", ()):
                kept, net = sale.kept[no]
                total += Fraction(fen * kept, net) if net else 0
        exact = total * (2 if lent else 1) / 100
        if self.rounding == "down":
            return int(exact)
        return -int(-exact // 1) if self.rounding == "up" else int(exact + Fraction(1, 2))

    def _standing(self) -> Any:
        return ExchangeOrder.objects.filter(state="collected")


@pytest.mark.feature("N2", "C095")
def test_no_sequence_leaves_a_climber_better_off(
    town: Town, publish: Any, zhang: loyalty.EnrolledMember
) -> None:
    top = loyalty.save_tier(
        actor=SYSTEM, program_id=town.program_id, code="top", name="黑金卡", rank=9, threshold_fen=10**11,
        colour="diamond", now=NOW,
    )  # fmt: skip
    publish(**BASE_RULE, tiers={"bp": {str(top): DOUBLE}})
    lengths = {"T3": 3, "T20": 20}
    found = {
        "town": town,
        "member": zhang,
        "top": top,
        "reward_ids": [
            make_reward(town, code, kind="tier", points=PRICE, stock=None, tier_id=top, tier_length=days)
            for code, days in lengths.items()
        ],
    }
    machine: Any = type("Machine", (Climber,), found)
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

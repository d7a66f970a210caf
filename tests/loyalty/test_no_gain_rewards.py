"""The search for gain, of a bargain hunter: coupons bought with points, draws, and a friend whom they invited."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.loyalty.test_no_gain import RATE, SEQUENCES, Sale, Shopper
from tests.offers.conftest import basket, make_batch
from tests.rewards.conftest import make_reward
from tests.rewards.test_draws import DAY, FALLBACK, goods, make_draw
from zhike.engagement import operations as engagement
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import Account, Hold, PendingPoints, Redemption, Transfer
from zhike.offers import operations as offers
from zhike.offers.models import Coupon
from zhike.rewards import operations as rewards
from zhike.rewards.models import DrawTicket, ExchangeOrder
from zhike.sales import operations as sales
from zhike.sales.models import Receipt, ReceiptLine

PRICE = 140
WORTH = int(RATE * PRICE)
"""Fen that the coupon takes off, which is what its points would have been worth at a till."""
INVITER, INVITEE, MINIMUM_FEN = 90, 60, 12_000
REFERRAL = {
    "inviter": {"points": INVITER}, "invitee": {"points": INVITEE}, "minimum_fen": MINIMUM_FEN, "wait_days": 0,
}  # fmt: skip


class BargainHunter(Shopper):
    """As the shopper. Goods bought with a coupon count at what they cost without it, and a coupon that was not used yet at
    what it takes off; so using one changes nothing, and whoever gets goods, coupon and points back has gained.

    On top of what they may honestly have: what the invitation gives while a purchase of the friend's stands that reaches
    its minimum; what a draw gave, less what it cost.
    """

    friend: ClassVar[loyalty.EnrolledMember]
    reward_id: ClassVar[int]
    draw_id: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.off: dict[Any, dict[int, int]] = {}
        """What coupons took off the lines of a sale."""
        self.friends: set[Any] = set()

    @rule()
    def buy_a_coupon(self) -> None:
        self._try(rewards.exchange_reward, member_id=self.member.member_id, reward_id=self.reward_id)

    @precondition(lambda self: self._coupons("issued"))
    @rule(prices=st.lists(st.integers(2 * WORTH, 30_000), min_size=1, max_size=2), number=st.integers(0, 3))
    def buy_with_a_coupon(self, prices: list[int], number: int) -> None:
        codes = self._coupons("issued")
        code = codes[number % len(codes)]
        receipt = self.town.receipt(prices, person_id=self.member.person_id, at=self.now)
        key = offers.ReceiptKey(receipt.till, receipt.number, receipt.business_date)
        asked = basket(self.town, *prices, member_id=self.member.member_id)
        used = self._try(offers.use_coupons, basket=asked, codes=[code], receipt=key)
        if used is None:
            return
        off = dict(used.coupons[0].lines)
        lines = tuple(
            dataclasses.replace(line, discount_fen=off.get(line.line_no, 0), net_fen=line.net_fen - off.get(line.line_no, 0))
            for line in receipt.lines
        )  # fmt: skip
        paid = sum(line.net_fen for line in lines)
        receipt = dataclasses.replace(receipt, lines=lines, tenders=(sales.NewTender("cash", paid),))
        sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=self.now)
        self._sold(sold.receipt_id, [line.net_fen for line in lines])
        self.off[sold.receipt_id] = off
        self.money -= paid

    @rule(number=st.integers(0, 3))
    def give_a_coupon_back(self, number: int) -> None:
        orders = list(ExchangeOrder.objects.order_by("id").values_list("id", flat=True))
        if orders:
            self._try(rewards.cancel_order, order_id=orders[number % len(orders)], reason="不要了")

    @rule()
    def draw(self) -> None:
        drawn = self._try(
            rewards.draw_ticket, member_id=self.member.member_id, draw_id=self.draw_id, nonce="n"
        )
        if drawn is not None:
            ticket = DrawTicket.objects.select_related("prize", "draw").get(id=drawn.ticket_id)
            self.given += ticket.prize.points - ticket.draw.points

    @rule(fen=st.integers(MINIMUM_FEN - 2_000, 2 * MINIMUM_FEN))
    def the_friend_buys(self, fen: int) -> None:
        receipt = self.town.receipt(fen, person_id=self.friend.person_id, at=self.now)
        sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=self.now)
        self._sold(sold.receipt_id, [fen])
        self.friends.add(sold.receipt_id)
        self.money -= fen

    @rule(number=st.integers(0, 5))
    def give_back_what_bought_something(self, number: int) -> None:
        """Through a till, as if it had been money off."""
        bought = list(
            Redemption.objects.filter(transfer__explanation__has_key="for").values_list("id", flat=True)
        )
        if bought:
            with pytest.raises(loyalty.RedemptionBought):
                loyalty.reverse_redemption(
                    actor=SYSTEM, redemption_id=bought[number % len(bought)], now=self.now
                )

    def _sold(self, receipt_id: Any, paid: list[int]) -> None:
        numbers = range(1, len(paid) + 1)
        kept = {no: (fen, fen) for no, fen in zip(numbers, paid, strict=True)}
        pieces = dict.fromkeys(numbers, 1)
        self.sales.append(Sale(receipt_id, sum(paid), len(paid), self.now.date(), kept, pieces))

    def _coupons(self, status: str) -> list[str]:
        return list(Coupon.objects.filter(status=status).order_by("id").values_list("code", flat=True))

    def _try(self, act: Any, **asked: Any) -> Any:
        """What an operation answers; None when it refuses."""
        try:
            return act(actor=SYSTEM, now=self.now, **asked)
        except Problem:
            return None

    # --- what must hold

    def _points(self) -> int | Fraction:
        """Points, and in points what coupons are worth and took off goods that are kept."""
        for back in Receipt.objects.filter(kind="return").order_by("recorded_at", "id"):
            offers.settle_return(actor=SYSTEM, return_id=back.pk, now=self.now)
        engagement.review_referral(actor=SYSTEM, person_id=self.friend.person_id, now=self.now)
        engagement.settle_referrals(actor=SYSTEM, program_id=self.town.program_id, now=self.now)
        own = Account.objects.filter(member_id__isnull=False).aggregate(net=Sum(F("balance") - F("debt")))
        held = Hold.objects.filter(status="open").aggregate(points=Sum("points"))["points"] or 0
        waiting = PendingPoints.objects.aggregate(points=Sum("remaining"))["points"] or 0
        fen = Fraction(WORTH * len(self._coupons("issued")))
        for sale in self.sales:
            for no, off in self.off.get(sale.receipt_id, {}).items():
                kept, paid = sale.kept[no]
                fen += Fraction(off * kept, paid)
        return int(own["net"]) + held + waiting + fen / RATE

    def _honest(self) -> int:
        lapsed = sum(Transfer.objects.filter(reason="expire").values_list("points", flat=True))
        lines = ReceiptLine.objects.filter(receipt_id__in=self.friends)
        kept = lines.annotate(kept=F("net_fen") - F("returned_fen")).values_list("kept", flat=True)
        invited = INVITER + INVITEE if any(fen >= MINIMUM_FEN for fen in kept) else 0
        return self.given + invited + sum(map(self._honest_points, self.sales)) - lapsed


@pytest.mark.feature("N2", "C085", "C109", "B31")
def test_no_sequence_leaves_a_bargain_hunter_better_off(
    town: Town, base_rule: int, zhang: loyalty.EnrolledMember
) -> None:
    engagement.save_referral_plan(
        actor=SYSTEM, program_id=town.program_id, terms=REFERRAL, is_open=True, now=NOW
    )
    code = engagement.invite_code(actor=SYSTEM, member_id=zhang.member_id, now=NOW)
    friend = engagement.join_invited(
        actor=SYSTEM, code=code, name="李四", phone="13900139000", mall_id=town.mall_id, source="h5", now=NOW
    )
    batch = make_batch(
        town, {"kind": "cash", "value_fen": WORTH, "validity": {"days": 60}}, is_public=False, per_member=0
    )
    cup = goods(stock=1, odds_ppm=300_000, value_fen=1)
    found = {
        "town": town,
        "member": zhang,
        "friend": friend,
        "reward_id": make_reward(
            town, "COUPON", kind="coupon", points=PRICE, coupon_batch_id=batch, stock=None
        ),
        "draw_id": make_draw(town, cup, FALLBACK, closes_at=NOW + 90 * DAY),
    }
    machine: Any = type("Machine", (BargainHunter,), found)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, SEQUENCES // 10),
            stateful_step_count=16,
            deadline=None,
            derandomize=SEQUENCES <= 60,
            suppress_health_check=list(HealthCheck),
        ),
    )

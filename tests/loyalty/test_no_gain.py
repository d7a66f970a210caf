"""A search for gain: sequences of buying, redeeming, holding, returning and undoing, tried in the thousands.

``ZHIKE_SEARCH_SEQUENCES=5000 make test ARGS="tests/loyalty/test_no_gain.py -n0"`` searches longer, and elsewhere each time.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.loyalty.conftest import NOW, SYSTEM, Town
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Award, Transfer
from zhike.sales import operations as sales

SEQUENCES = int(os.environ.get("ZHIKE_SEARCH_SEQUENCES", "60"))
RATE = Fraction(10, 7)
"""Fen for a point: a rate at which nothing divides evenly."""
WINDOW_DAYS = 5


@dataclasses.dataclass
class Sale:
    receipt_id: UUID
    fen: int
    lines: int
    sold_on: dt.date
    kept: dict[int, tuple[int, int]]
    """Of each line: fen not refunded yet, fen paid."""
    pieces: dict[int, int]


class Shopper(RuleBasedStateMachine):
    """One member who tries to gain. What they have, in fen, exactly:

    ``wealth`` = goods they keep, at what was paid for them, − money that left their pocket + money that came back
    + ``RATE`` × (balance − debt + held + waiting points).

    What they may honestly have: ``RATE`` × (points given by hand + for each sale, the points its own rules give for the
    goods kept, rounded down over the whole sale − points that lapsed). Goods and the money paid for them cancel out.

    Wealth never exceeds the honest value: not by a fen, not in between. Roundings may cost the member, never pay them. A
    waived shortfall is a gift by policy and would be added to the honest value; the policies here waive nothing.
    """

    town: ClassVar[Town]
    member: ClassVar[loyalty.EnrolledMember]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = NOW
        self.money: int | Fraction = 0
        self.given = self.number = 0
        self.sales: list[Sale] = []
        self.redemptions: list[tuple[UUID, int]] = []
        self.holds: list[UUID] = []

    def teardown(self) -> None:
        try:
            assert queries.verify_ledger().findings == []
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @initialize(
        points=st.integers(1, 2_000),
        shortfall=st.sampled_from(["debt", "deduct_cash", "block"]),
        waits=st.booleans(),
        rounding=st.sampled_from(["down", "down", "half_up", "up"]),
    )
    def begin(self, points: int, shortfall: str, waits: bool, rounding: str) -> None:
        self.rounding = rounding
        changes = {
            "shortfall": shortfall,
            "return_window_days": WINDOW_DAYS if waits else 0,
            "rounding": rounding,
            "redeem_points": RATE.denominator,
            "redeem_fen": RATE.numerator,
            "expiry": "rolling_months",
            "expiry_months": 1,
        }
        loyalty.update_program(actor=SYSTEM, program_id=self.town.program_id, changes=changes, now=self.now)
        self.adjust(points)

    # --- what a shopper can do

    @rule(prices=st.lists(st.integers(1, 30_000), min_size=1, max_size=3), pieces=st.integers(1, 3))
    def buy(self, prices: list[int], pieces: int) -> None:
        self._buy(prices, pieces, [("cash", sum(prices), "")])
        self.money -= sum(prices)

    @rule(prices=st.lists(st.integers(500, 30_000), min_size=1, max_size=3), points=st.integers(1, 300))
    def buy_with_points(self, prices: list[int], points: int) -> None:
        try:
            spent = loyalty.redeem_points(
                actor=SYSTEM, member_id=self.member.member_id, points=points, now=self.now
            )
        except loyalty.InsufficientPoints:
            return
        self._buy_with(prices, spent.redemption_id, spent.points, spent.value_fen)

    def _buy_with(self, prices: list[int], redemption_id: UUID, points: int, value_fen: int) -> None:
        self.redemptions.append((redemption_id, points))
        cash = sum(prices) - value_fen
        self._buy(prices, 2, [("points", value_fen, str(redemption_id)), ("cash", cash, "")])
        self.money -= cash

    @rule(points=st.integers(1, 2_000))
    def redeem(self, points: int) -> None:
        try:
            spent = loyalty.redeem_points(
                actor=SYSTEM, member_id=self.member.member_id, points=points, now=self.now
            )
        except loyalty.InsufficientPoints:
            return
        self.redemptions.append((spent.redemption_id, points))
        self.money += spent.value_fen

    @rule(points=st.integers(1, 1_000))
    def hold(self, points: int) -> None:
        try:
            held = loyalty.hold_points(
                actor=SYSTEM, member_id=self.member.member_id, points=points, now=self.now
            )
        except loyalty.InsufficientPoints:
            return
        self.holds.append(held.hold_id)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        hold_id = data.draw(st.sampled_from(self.holds))
        points = data.draw(st.none() | st.integers(1, 1_000))
        try:
            used = loyalty.confirm_hold(actor=SYSTEM, hold_id=hold_id, points=points, now=self.now)
        except (loyalty.HoldHasEnded, loyalty.MoreThanHeld):
            return
        if not used.replayed:
            self.redemptions.append((hold_id, used.used_points))
            self.money += used.value_fen

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        try:
            loyalty.release_hold(actor=SYSTEM, hold_id=data.draw(st.sampled_from(self.holds)), now=self.now)
        except loyalty.HoldHasEnded:
            return

    @precondition(lambda self: self.sales)
    @rule(data=st.data())
    def bring_back(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        wanted = data.draw(
            st.dictionaries(st.integers(1, sale.lines), st.none() | st.integers(1, 3), min_size=1)
        )
        lines = [
            loyalty.ReturnLine(no, None if pieces is None else Decimal(pieces))
            for no, pieces in wanted.items()
        ]
        self.number += 1
        try:
            back = loyalty.return_lines(
                actor=SYSTEM, receipt_id=sale.receipt_id, lines=lines, till="02", number=f"B{self.number}",
                business_date=self.now.date(), occurred_at=self.now, now=self.now,
            )  # fmt: skip
        except (loyalty.ReturnTooMuch, loyalty.ReturnNeedsPoints):
            return
        for no, pieces in wanted.items():
            kept, net = sale.kept[no]
            left = 0 if pieces is None else sale.pieces[no] - pieces
            sale.pieces[no] = left
            sale.kept[no] = (self._kept_of(sale, no, kept), net)
        self.money += back.money_fen

    def _kept_of(self, sale: Sale, no: int, before: int) -> int:
        """What the till still counts as sold of a line."""
        from zhike.sales.models import ReceiptLine

        line = ReceiptLine.objects.get(receipt_id=sale.receipt_id, line_no=no)
        assert before >= line.net_fen - line.returned_fen >= 0
        return line.net_fen - line.returned_fen

    @precondition(lambda self: self.redemptions)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        redemption_id, points = data.draw(st.sampled_from(self.redemptions))
        part = data.draw(st.none() | st.integers(1, points))
        try:
            back = loyalty.reverse_redemption(
                actor=SYSTEM, redemption_id=redemption_id, points=part, now=self.now
            )
        except loyalty.ReversalTooMuch:
            return
        self.money -= back.value_fen

    @precondition(lambda self: self.sales)
    @rule(data=st.data(), undone=st.booleans())
    def withdraw(self, data: st.DataObject, undone: bool) -> None:
        """What a sale gave is taken as dishonest, and perhaps given back."""
        sale = data.draw(st.sampled_from(self.sales))
        about: dict[str, Any] = {"actor": SYSTEM, "reason": "试", "now": self.now}
        try:
            gone = loyalty.withdraw_gain(receipt_id=sale.receipt_id, reference="alert:1", **about)
        except (loyalty.NothingToWithdraw, loyalty.GainWaits):
            return
        if undone:
            loyalty.restore_gain(withdrawal_id=gone.withdrawal_id, **about)

    @rule(points=st.integers(-200, 200).filter(bool))
    def adjust(self, points: int) -> None:
        try:
            loyalty.adjust_points(
                actor=SYSTEM, member_id=self.member.member_id, points=points, reason="试", now=self.now
            )
        except loyalty.InsufficientPoints:
            return
        self.given += points

    @rule(minutes=st.sampled_from([1, 16, 60 * 24, 60 * 24 * 6, 60 * 24 * 40]), jobs=st.booleans())
    def wait(self, minutes: int, jobs: bool) -> None:
        self.now += dt.timedelta(minutes=minutes)
        if jobs:
            program_id = self.town.program_id
            loyalty.expire_holds(actor=SYSTEM, now=self.now)
            loyalty.release_points(actor=SYSTEM, program_id=program_id, now=self.now)
            loyalty.expire_points(actor=SYSTEM, program_id=program_id, now=self.now)
            loyalty.settle_pools(actor=SYSTEM, program_id=program_id, now=self.now)

    # --- what must hold

    @invariant()
    def nobody_is_better_off(self) -> None:
        goods = sum(kept for sale in self.sales for kept, _ in sale.kept.values())
        wealth = goods + self.money + RATE * self._points()
        honest = RATE * self._honest()
        assert wealth <= honest, f"gained {float(wealth - honest)} fen"

    def _points(self) -> int | Fraction:
        file = queries.member_file(SYSTEM, self.member.member_id, self.now)
        return file.balance - file.debt + file.held + file.pending

    def _honest(self) -> int:
        lapsed = sum(Transfer.objects.filter(reason="expire").values_list("points", flat=True))
        return self.given + sum(map(self._honest_points, self.sales)) - lapsed

    def _honest_points(self, sale: Sale) -> int:
        """One point a yuan of money paid for what is kept, rounded over the sale as the programme rounds."""
        why = Award.objects.get(receipt_id=sale.receipt_id).explanation
        total = Fraction(0)
        for part in why["rules"]:
            for no, fen, _bp, _points in part.get("lines", ()):
                kept, net = sale.kept[no]
                total += Fraction(fen * kept, net) if net else 0
        exact = total / 100
        if self.rounding == "down":
            return int(exact)
        return -int(-exact // 1) if self.rounding == "up" else int(exact + Fraction(1, 2))

    # --- helpers

    def _buy(self, prices: list[int], pieces: int, tenders: list[tuple[str, int, str]]) -> None:
        receipt = self.town.receipt(prices, person_id=self.member.person_id, at=self.now)
        lines = tuple(dataclasses.replace(line, quantity=Decimal(pieces)) for line in receipt.lines)
        paid = tuple(sales.NewTender(kind, fen, reference) for kind, fen, reference in tenders if fen)
        receipt = dataclasses.replace(receipt, lines=lines, tenders=paid)
        sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=self.now)
        numbers = range(1, len(prices) + 1)
        self.sales.append(
            Sale(
                sold.receipt_id, sum(prices), len(prices), self.now.date(),
                {no: (price, price) for no, price in zip(numbers, prices, strict=True)},
                dict.fromkeys(numbers, pieces),
            )
        )  # fmt: skip


@pytest.mark.feature("N2")
def test_no_sequence_leaves_the_member_better_off(
    town: Town, base_rule: int, zhang: loyalty.EnrolledMember
) -> None:
    machine: Any = type("Machine", (Shopper,), {"town": town, "member": zhang})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, SEQUENCES * 3 // 4),
            stateful_step_count=14,
            deadline=None,
            derandomize=SEQUENCES <= 60,
            suppress_health_check=list(HealthCheck),
        ),
    )

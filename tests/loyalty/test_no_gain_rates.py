"""A search for gain with rates that rise and fall: quotes, holds, reversals, cuts that keep older points what they were."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
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
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.loyalty.rate_cases import give, publish_rates, quote, redeem
from tests.loyalty.test_no_gain import SEQUENCES
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Funding, Lot

WEEKEND = {"name": "周末", "premium_bp": 2_300, "weekdays": [6, 7]}


@dataclass
class Spent:
    """A redemption: its points in the order they were taken, each with what it was worth by our own reckoning."""

    points: int
    value_fen: int
    worth: list[Fraction]
    back: int = 0
    paid: int = 0


class Trader(RuleBasedStateMachine):
    """One member who tries to gain by rates. Reckoned apart from the product, in exact fractions:

    what a redemption pays is never more than its points were worth by the table of that moment (older points by the best
    table they were promised); points given back cost at least what those very points paid, and all of them exactly the
    whole; a quote pays once.
    """

    town: ClassVar[Town]
    member: ClassVar[loyalty.EnrolledMember]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = NOW
        self.spent: dict[UUID, Spent] = {}
        self.quotes: list[tuple[loyalty.Quote, list[Fraction]]] = []
        self.prices = [(0, 100)]
        """(version that came with it, fen of 100 points): each cut keeps older points what they were."""

    def teardown(self) -> None:
        try:
            assert queries.verify_ledger().findings == []
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @initialize(points=st.integers(1, 400))
    def begin(self, points: int) -> None:
        changes = {"rate_notice_days": 0, "expiry": "never"}
        loyalty.update_program(actor=SYSTEM, program_id=self.town.program_id, changes=changes, now=self.now)
        self._publish(100)
        give(self.member, points, self.now)

    def _publish(self, fen: int) -> None:
        version = publish_rates(self.town, WEEKEND, fen=fen, at=self.now, now=self.now, keeps=True)
        loyalty.give_rate_notices(actor=SYSTEM, program_id=self.town.program_id, now=self.now)
        is_cut = fen < self.prices[-1][1]
        self.prices.append((version if is_cut else self.prices[-1][0], fen))

    @rule(fen=st.integers(31, 173))
    def change(self, fen: int) -> None:
        self.now += dt.timedelta(hours=1)
        self._publish(fen)

    @rule(points=st.integers(1, 300), day=st.integers(1, 25))
    def earn(self, points: int, day: int) -> None:
        give(self.member, points, self.now, dt.date(2028, 12, day))

    @rule(hours=st.sampled_from([1, 13, 24, 61]))
    def wait(self, hours: int) -> None:
        self.now += dt.timedelta(hours=hours)

    @rule(points=st.integers(1, 300))
    def ask(self, points: int) -> None:
        try:
            asked = quote(self.member, points, self.now)
        except loyalty.InsufficientPoints:
            return
        self.quotes.append((asked, self._worth(points)))

    @rule(points=st.integers(1, 300))
    def spend(self, points: int) -> None:
        worth = self._worth(points)
        try:
            done = redeem(self.member, points, self.now)
        except loyalty.InsufficientPoints:
            return
        self._keep(done.redemption_id, points, done.value_fen, worth)

    @precondition(lambda self: self.quotes)
    @rule(data=st.data(), holds=st.booleans())
    def spend_by_quote(self, data: st.DataObject, holds: bool) -> None:
        asked, _worth = data.draw(st.sampled_from(self.quotes))
        own: dict[str, Any] = {"actor": SYSTEM, "member_id": self.member.member_id, "points": asked.points}
        act = loyalty.hold_points if holds else loyalty.redeem_points
        best = self._worth(asked.points, asked.terms)
        try:
            done: Any = act(**own, now=self.now, quote_id=asked.quote_id)
        except (loyalty.QuoteExpired, loyalty.QuoteUsed, loyalty.InsufficientPoints):
            return
        assert asked.valid_until >= self.now
        self.quotes = [one for one in self.quotes if one[0].quote_id != asked.quote_id]
        if holds:
            used = data.draw(st.integers(1, asked.points))
            done = loyalty.confirm_hold(actor=SYSTEM, hold_id=done.hold_id, points=used, now=self.now)
            self._keep(done.hold_id, used, done.value_fen, best[:used])
        else:
            self._keep(done.redemption_id, asked.points, done.value_fen, best)

    @precondition(lambda self: self.spent)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.spent)))
        one = self.spent[key]
        part = data.draw(st.integers(1, one.points))
        try:
            back = loyalty.reverse_redemption(actor=SYSTEM, redemption_id=key, points=part, now=self.now)
        except loyalty.ReversalTooMuch:
            assert part > one.points - one.back
            return
        one.back, one.paid = one.back + part, one.paid + back.value_fen
        fraction_lost = sum(one.worth, Fraction(0)) - one.value_fen
        assert one.paid + fraction_lost >= sum(one.worth[one.points - one.back :], Fraction(0))
        assert one.paid <= one.value_fen
        if one.back == one.points:
            assert one.paid == one.value_fen

    def _keep(self, key: UUID, points: int, value_fen: int, worth: list[Fraction]) -> None:
        assert value_fen == int(sum(worth, Fraction(0)))
        self.spent[key] = Spent(points, value_fen, worth)

    def _worth(self, points: int, terms: Any = None) -> list[Fraction]:
        """What each of the next points is worth, the earliest expiry first: by a quote's day, or by today's."""
        lots = Lot.objects.filter(account__member_id=self.member.member_id, remaining__gt=0)
        since = dict(Funding.objects.values_list("id", "since_id"))
        worth: list[Fraction] = []
        for funding, remaining in lots.order_by("expires_on", "funding_id").values_list(
            "funding_id", "remaining"
        ):
            if terms is None:
                fen = self._fen(since[funding] or 0)
            else:
                rate = terms.rate_of(funding)
                fen = Fraction(rate.fen, rate.points)
            worth += [fen] * remaining
        return worth[:points]

    def _fen(self, since: int) -> Fraction:
        """Of one point of a funding: today's price, or one before a cut that came after it was given."""
        best = self.prices[-1][1]
        for (_, before), (version, _after) in zip(self.prices, self.prices[1:], strict=False):
            if version > since and _after < before:
                best = max(best, before)
        is_weekend = (self.now + dt.timedelta(hours=8)).isoweekday() > 5
        return Fraction(best * (12_300 if is_weekend else 10_000), 1_000_000)


@pytest.mark.feature("N2", "C089", "C090")
def test_no_sequence_gains_by_rates(town: Town, zhang: loyalty.EnrolledMember) -> None:
    machine: Any = type("Machine", (Trader,), {"town": town, "member": zhang})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, SEQUENCES // 6),
            stateful_step_count=12,
            deadline=None,
            derandomize=SEQUENCES <= 60,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""The time machine: today's rules reproduce the ledger, a draft shows what it would have changed; nothing is written."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.loyalty import storm, test_returns
from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, staff
from tests.loyalty.replaying import fingerprint, replay, result_of
from tests.loyalty.test_proof import Member
from tests.loyalty.test_returns import bring_back
from zhike.kernel.errors import NotAllowed, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import ReplayRun, Transfer
from zhike.loyalty.operations.replay import running

pytestmark = pytest.mark.feature("N3")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long histories run here and now too; the worker has a test of its own."""
    monkeypatch.setattr(running, "INLINE_RECEIPTS", 10**6)


class TestTodaysRules:
    def test_random_business_comes_out_to_the_point(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """Single receipts, batches, returns in parts, redemptions given back in parts, debts, corrections."""
        crowd, rng = storm.build_crowd(4), random.Random(11)
        monkeypatch.setattr(storm, "BATCH", 5)
        for step in range(300):
            for module in (storm, test_returns):
                monkeypatch.setattr(module, "NOW", NOW + dt.timedelta(minutes=step))
            try:
                storm.act(crowd, rng, str(step))
            except Problem:
                continue
        assert Transfer.objects.filter(debt_points__gt=0).exists()
        result = result_of(crowd.town, now=NOW + dt.timedelta(days=1))
        assert result["samples"] == []
        assert result["receipts"] > 80

    def test_versions_lapsing_and_reviews_come_out(
        self, town: Town, publish: Callable[..., int], zhang: Member
    ) -> None:
        publish(since=NOW.replace(year=2024))
        receipt = town.receipt(120_000, person_id=zhang.person_id)
        loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
        july = NOW.replace(month=7)
        publish(since=july, base={"points": 3, "per_fen": 100})
        later = town.receipt(10_000, person_id=zhang.person_id, at=july)
        loyalty.take_receipt(actor=SYSTEM, receipt=later, now=july)
        end = NOW.replace(year=2028, month=7, day=3)
        loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=end)
        loyalty.review_tiers(actor=SYSTEM, program_id=town.program_id, now=end)
        result = result_of(town, now=end)
        assert result["samples"] == []
        assert result["flows"]["expire"] == [1_200, 1_200]

    def test_points_that_wait_and_points_that_are_held_come_out(
        self, town: Town, base_rule: int, zhang: Member
    ) -> None:
        loyalty.update_program(
            actor=SYSTEM, program_id=town.program_id, changes={"return_window_days": 7}, now=NOW
        )
        sold = [
            loyalty.take_receipt(
                actor=SYSTEM, receipt=town.receipt([20_000, 10_000], person_id=zhang.person_id), now=NOW
            )
            for _ in range(2)
        ]
        bring_back(sold[0].receipt_id, loyalty.ReturnLine(2))
        later = NOW + dt.timedelta(days=8)
        assert loyalty.release_points(actor=SYSTEM, program_id=town.program_id, now=later) == 500
        held = loyalty.hold_points(actor=SYSTEM, member_id=zhang.member_id, points=300, now=later)
        loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, points=120, now=later)
        result = result_of(town, now=later)
        assert result["samples"] == []
        assert result["flows"]["release"] == [500, 500]
        double = result_of(
            town, now=later, rule_code="base", rule=BASE_RULE | {"base": {"points": 2, "per_fen": 100}}
        )
        assert double["flows"]["release"] == [500, 1_000]
        assert double["outstanding"] == [380, 880]
        found = queries.liability(SYSTEM, town.program_id, later)
        assert (found.ties_out, found.outstanding, found.waiting) == (True, 380, 0)

    def test_what_was_changed_behind_the_rules_is_named(
        self, town: Town, base_rule: int, zhang: Member
    ) -> None:
        loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(10_000, person_id=zhang.person_id), now=NOW)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE loyalty_earningruleversion SET definition = jsonb_set(definition, '{base,points}', '2')"
            )
            cursor.execute("UPDATE loyalty_program SET stamp = stamp + 1")
        run = replay(town)
        assert run.is_proof
        assert run.result is not None
        fields = {
            (what.split()[0], field, ledger, replayed)
            for _, what, field, ledger, replayed in run.result["samples"]
        }
        assert ("receipt", "points", "100", "200") in fields
        assert ("account", "balance", "100", "200") in fields


@pytest.fixture
def spring(town: Town, publish: Callable[..., int], zhang: Member) -> Town:
    """Two receipts in May and June, 300 points each; 500 of them spent; half of the second goes back."""
    publish()
    may = NOW - dt.timedelta(days=40)
    loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(30_000, person_id=zhang.person_id, at=may), now=may
    )
    june = town.receipt([15_000, 15_000], person_id=zhang.person_id, merchant_id=town.cafe)
    sold = loyalty.take_receipt(actor=SYSTEM, receipt=june, now=NOW)
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=500, now=NOW)
    bring_back(sold.receipt_id, loyalty.ReturnLine(2))
    return town


class TestDraft:
    def test_a_rule_that_gives_double(self, spring: Town) -> None:
        double = BASE_RULE | {"base": {"points": 2, "per_fen": 100}}
        before = fingerprint()
        result = result_of(spring, rule_code="base", rule=double)
        assert result["earned"] == [600, 1_200]
        assert result["flows"]["clawback"] == [150, 300]
        assert result["debt"] == [50, 0]
        assert result["outstanding"] == [0, 400]
        assert (result["up"], result["down"], result["unmet"]) == (1, 0, 0)
        assert {row[0]: row[2:] for row in result["by_merchant"]} == {
            spring.shop: [300, 600],
            spring.cafe: [300, 600],
        }
        assert fingerprint() == before

    def test_the_draft_holds_for_its_time_only(self, spring: Town) -> None:
        double = BASE_RULE | {"base": {"points": 2, "per_fen": 100}}
        result = result_of(spring, days=30, rule_code="base", rule=double)
        assert result["earned"] == [300, 600]
        assert [row[0] for row in result["by_period"]] == [NOW.date().isoformat()]
        assert result["outstanding"] == [0, 100]

    def test_a_rule_that_gives_nothing_leaves_wishes_unmet(self, spring: Town) -> None:
        result = result_of(spring, rule_code="base", rule=BASE_RULE | {"base": {"points": 0, "per_fen": 100}})
        assert result["earned"] == [600, 0]
        assert result["unmet"] == 500
        assert (result["outstanding"], result["debt"]) == ([0, 0], [50, 0])

    def test_a_new_rule_comes_on_top(self, spring: Town) -> None:
        extra = {"base": {"points": 1, "per_fen": 200}, "merchants": {"only": [spring.cafe]}}
        assert result_of(spring, rule_code="", rule=extra)["earned"] == [600, 750]

    def test_thresholds_move_members(self, spring: Town) -> None:
        result = result_of(spring, tiers={"silver": 40_000})
        assert result["moves"] == [[spring.tiers["basic"], spring.tiers["silver"], 1]]
        assert result["earned"] == [600, 600]

    def test_points_that_lapse_sooner(self, spring: Town) -> None:
        later = NOW + dt.timedelta(days=70)
        result = result_of(spring, now=later, expiry="rolling_months", expiry_months=1)
        assert result["flows"].get("expire", [0, 0])[0] == 0
        year = NOW.replace(year=2027)
        loyalty.adjust_points(actor=SYSTEM, member_id=_member(), points=100, reason="补", now=later)
        assert result_of(spring, now=year, expiry="never")["outstanding"] == [50, 50]

    @pytest.mark.parametrize(
        "draft",
        [
            {"rule_code": "base", "rule": {"base": {"points": -1, "per_fen": 100}}},
            {"tiers": {"silver": 600_000}},
            {"tiers": {"nobody": 1}},
            {"expiry": "tomorrow"},
            {"expiry": "rolling_months", "expiry_months": 0},
            {"something": 1},
        ],
    )
    def test_a_draft_that_cannot_be_is_refused_before_anything_is_written(
        self, spring: Town, draft: dict[str, Any]
    ) -> None:
        with pytest.raises(Problem):
            replay(spring, **draft)
        assert not ReplayRun.objects.exists()

    def test_strangers_ask_in_vain(self, spring: Town) -> None:
        with pytest.raises(NotAllowed):
            loyalty.begin_replay(
                actor=staff("programme.view"), program_id=spring.program_id, draft={}, days=None, now=NOW
            )
        with pytest.raises(NotAllowed):
            queries.replays(staff("programme.view"), spring.program_id)


class TestWorker:
    def test_a_long_history_waits_for_a_worker(self, spring: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        from zhike.loyalty.jobs import run_replay

        monkeypatch.setattr(running, "INLINE_RECEIPTS", 0)
        run = replay(spring)
        assert (run.state, run.receipts_total, run.result) == ("queued", 2, None)
        run_replay(run_id=str(run.id))
        done = queries.replay(SYSTEM, run.id)
        assert (done.state, done.receipts_done) == ("done", 2)
        run_replay(run_id=str(run.id))
        assert queries.replay(SYSTEM, run.id) == done

    def test_no_more_than_three_at_once(self, spring: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(running, "INLINE_RECEIPTS", 0)
        for _ in range(3):
            replay(spring)
        with pytest.raises(loyalty.TooManyReplays):
            replay(spring)
        assert ReplayRun.objects.count() == 3


def _member() -> int:
    from zhike.loyalty.models import Member as Row

    return Row.objects.values_list("id", flat=True).get()

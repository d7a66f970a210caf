"""The made mall: members who buy, check in, take coupons, exchange points and get campaigns; its ledger fits.

What is loaded a second time comes last, for the others look at the mall as it was loaded first.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from tests.loyalty.replaying import fingerprint, result_of
from tests.simulator.conftest import NOW, MadeMall
from zhike.engagement.models import CheckIn, CheckInRecord
from zhike.kernel.access import system_viewer
from zhike.kernel.events import drain
from zhike.loyalty.models import Member, PendingPoints, Transfer
from zhike.loyalty.queries import verify_ledger
from zhike.marketing import queries as marketing
from zhike.offers import queries as offers
from zhike.offers.models import Coupon, CouponBatch, CouponUse
from zhike.rewards import queries as rewards
from zhike.rewards.models import Auction, ExchangeOrder, Reward
from zhike.risk import operations as risk
from zhike.risk import queries as risk_queries
from zhike.risk.handlers import risk_deeds
from zhike.service import queries as service
from zhike.simulator.after_sales import CASES
from zhike.simulator.campaigns import planted_effects
from zhike.simulator.fraud import planted_fraud

VIEWER = system_viewer("tests")


@pytest.mark.feature("N1")
def test_the_ledger_fits(mall: MadeMall) -> None:
    assert verify_ledger().is_clean
    assert not PendingPoints.objects.filter(available_on__lte=NOW.date(), remaining__gt=0).exists()
    assert PendingPoints.objects.filter(remaining__gt=0).exists()


@pytest.mark.feature("C109")
def test_coupons_are_taken_used_and_returned(mall: MadeMall) -> None:
    assert CouponUse.objects.count() > 10
    assert CouponUse.objects.exclude(state="used").count() == 0
    for batch in CouponBatch.objects.all():
        assert batch.issued == Coupon.objects.filter(batch=batch).count() <= batch.stock
    figures = offers.batch_figures(list(CouponBatch.objects.values_list("id", flat=True)))
    assert sum(one.discount_fen for one in figures.values()) > 10_000
    states = {one.code.split("-")[0]: one.state for one in offers.batches_page(VIEWER, now=NOW).items}
    assert (states["FLASH50"], states["NEW20"]) == ("early", "open")


@pytest.mark.feature("C079")
def test_points_are_exchanged(mall: MadeMall) -> None:
    assert ExchangeOrder.objects.count() > 10
    assert {"ready", "collected"} <= set(rewards.order_counts(VIEWER))
    auctioned = Auction.objects.values_list("reward_id", flat=True)
    shelves = Reward.objects.exclude(id__in=auctioned)
    assert shelves.filter(status="open").count() == shelves.count() >= 16


@pytest.mark.feature("C084")
def test_members_check_in(mall: MadeMall) -> None:
    given = sum(CheckIn.objects.values_list("points", flat=True))
    assert given > 1000
    assert sum(Transfer.objects.filter(reason="check_in").values_list("points", flat=True)) == given
    assert max(CheckInRecord.objects.values_list("longest", flat=True)) > 7


@pytest.mark.feature("C171")
def test_goods_are_brought_back(mall: MadeMall) -> None:
    sheets = service.after_sales_page(VIEWER, queue="all").items
    assert len(sheets) > len(CASES) // 2


@pytest.mark.feature("N8", "C206")
def test_the_interval_holds_the_planted_truth(mall: MadeMall) -> None:
    planted = planted_effects()
    rows = {one.code: one for one in marketing.campaigns_page(VIEWER, now=NOW).items}
    assert {one.state for one in rows.values()} == {"done", "sent", "submitted"}
    assert len(planted) == 2
    for code, truth in planted.items():
        found = marketing.review(VIEWER, rows[code].id, NOW)
        assert found.together is not None and found.together.visit is not None
        assert found.together.people == truth.people
        assert found.together.visit.low <= truth.lift <= found.together.visit.high
        assert found.extra is not None and found.extra.low <= truth.extra_fen <= found.extra.high
        assert not found.split.is_broken
    [submitted] = [one for one in rows.values() if one.state == "submitted"]
    forecast = marketing.campaign(VIEWER, submitted.id, NOW).forecast
    assert forecast is not None and forecast["people"] > 0


@pytest.mark.feature("C137", "C206", "C247")
def test_the_board_adds_up_to_the_planted_truth(mall: MadeMall) -> None:
    """Its whole interval holds what was planted; parts of the same campaign add up to it; margins are those that were set."""
    planted = planted_effects()
    found = marketing.board(VIEWER, NOW, since=NOW - dt.timedelta(days=60))
    lines = {one.of.code: one for one in found.lines}
    assert planted.keys() < lines.keys() and {"campaign", "journey"} == {one.of.kind for one in found.lines}
    for code, truth in planted.items():
        extra, line = lines[code].extra, lines[code]
        assert extra is not None and extra.low <= truth.extra_fen <= extra.high
        assert 0.5 < line.of.covered <= 1 and (line.margin is None) is (line.of.covered < 0.9)
    inbox = next(one for one in found.channels if one.key == "inbox")
    whole = [one.middle for code in planted if (one := lines[code].extra) is not None]
    assert inbox.told == len(planted) and inbox.extra is not None
    assert inbox.extra.middle == pytest.approx(sum(whole))
    assert {one.name for one in found.audiences} >= {"App 女性常客（半年 3 次以上）"}
    rates = {one.name: one.rate_bp for one in found.categories}
    assert set(rates.values()) & {1_200, 2_200, 800}
    told = {one.name: one for one in marketing.marketing_targets(VIEWER, NOW).lines}
    assert told["convert"].change is not None and told["cost"].verdict == "no_control"


@pytest.mark.feature("C080", "B16", "N9")
def test_detectors_find_who_was_planted_and_hardly_anybody_else(mall: MadeMall) -> None:
    """At least 9 of 10 of the planted frauds, and at least 8 of 10 alerts are about them."""
    drain(risk_deeds)
    risk.judge_deeds(actor=VIEWER, now=NOW)
    planted = {
        (detector, subject) for detector, subjects in planted_fraud().planted.items() for subject in subjects
    }
    cheats = {subject for _detector, subject in planted}
    states = ("", "confirmed", "dismissed")
    rows = [one for state in states for one in risk_queries.alerts(VIEWER, state=state, limit=100).items]
    found = {(one.detector, one.subject) for one in rows}
    assert len(planted) >= 6
    assert len(planted & found) >= 0.9 * len(planted), planted - found
    right = [one for one in found if one in planted or one[1] in cheats]
    assert len(right) >= 0.8 * len(found), found - planted


@pytest.mark.feature("N8")
def test_journeys_stand_where_they_should(mall: MadeMall) -> None:
    """Two run with people at different steps, one is over, one waits to be looked over."""
    found = {one.template: one for one in marketing.journeys_page(VIEWER).items}
    assert {one.status for one in found.values()} == {"running", "ended", "draft"}
    assert sum(one.status == "running" for one in found.values()) == 2
    assert found["repeat"].tally.left == found["repeat"].tally.entered > 0
    for code in ("welcome", "wake_up"):
        assert found[code].tally.entered > 0
        shown = marketing.journey(VIEWER, found[code].id, NOW)
        assert sum(one.total for one in shown.figures.values()) > 0
    over = marketing.journey_results(VIEWER, found["repeat"].id, NOW)
    assert over.walked is not None and over.held is not None
    assert not over.split.is_broken


@pytest.mark.feature("N3")
def test_todays_rules_come_out_to_the_point(mall: MadeMall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three weeks of a mall: tiers, caps, calendar, vouchers, returns, redemptions, corrections. No difference at all."""
    monkeypatch.setattr("zhike.loyalty.operations.replay.running.INLINE_RECEIPTS", 10**6)
    before = fingerprint()
    result = result_of(mall.program_id, now=NOW)
    assert result["samples"] == []
    assert result["differences"] == 0
    assert result["accounts"] == Member.objects.filter(program_id=mall.program_id).count() >= 900
    assert result["receipts"] > 2000
    assert {"earn", "clawback", "redeem"} <= result["flows"].keys()
    assert {reason: both for reason, both in result["flows"].items() if both[0] != both[1]} == {}
    assert fingerprint() == before


@pytest.mark.feature("B51")
def test_loading_again_adds_nothing(mall: MadeMall) -> None:
    before = _rows()
    mall.load()
    after = _rows()
    assert {table: (before[table], count) for table, count in after.items() if count != before[table]} == {}


def _rows() -> dict[str, int]:
    """Rows by table; the log and the audit trail may tell that somebody looked again."""
    with connection.cursor() as cursor:
        counted = {}
        for table in connection.introspection.table_names(cursor):
            if not table.startswith(("kernel_", "procrastinate_", "django_")):
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                counted[table] = cursor.fetchone()[0]
    return counted

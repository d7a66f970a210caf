"""The made mall has campaigns whose true effects are known, and the measured interval holds them."""

from __future__ import annotations

import datetime as dt

import pytest

from zhike.kernel.access import system_viewer
from zhike.marketing import queries
from zhike.simulator.campaigns import planted_effects
from zhike.simulator.history import SIZES, Size
from zhike.simulator.operations import load_mall

NOW = dt.datetime(2026, 6, 10, 4, 0, tzinfo=dt.UTC)
VIEWER = system_viewer("tests")


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.feature("N8", "C206")
def test_the_interval_holds_the_planted_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "small", Size(members=900, days=21, receipts_per_day=110))
    load_mall(size="small", now=NOW)
    planted = planted_effects()
    rows = {one.code: one for one in queries.campaigns_page(VIEWER, now=NOW).items}
    assert {one.state for one in rows.values()} == {"done", "sent", "submitted"}
    assert len(planted) == 2
    for code, truth in planted.items():
        found = queries.review(VIEWER, rows[code].id, NOW)
        assert found.together is not None and found.together.visit is not None
        assert found.together.people == truth.people
        assert found.together.visit.low <= truth.lift <= found.together.visit.high
        assert found.extra is not None and found.extra.low <= truth.extra_fen <= found.extra.high
        assert not found.split.is_broken
    [submitted] = [one for one in rows.values() if one.state == "submitted"]
    forecast = queries.campaign(VIEWER, submitted.id, NOW).forecast
    assert forecast is not None and forecast["people"] > 0

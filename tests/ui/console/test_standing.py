"""Stages, RFM and personas in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations
from zhike.insight.models import Standing, StandingPolicy
from zhike.kernel.access import Viewer
from zhike.privacy import operations as privacy

pytestmark = pytest.mark.feature("C051")


@pytest.fixture
def stood(world: World) -> World:
    operations.refresh_standings(actor=SYSTEM, now=world.now)
    return world


def thresholds(**changes: Any) -> dict[str, Any]:
    return {
        "mall": "0",
        "new_days": "1",
        "dormant_days": "90",
        "churn_days": "180",
        "note": "试行",
        **changes,
    }


def rfm(**changes: Any) -> dict[str, Any]:
    return {"window_days": "365", "high_from": "4", "recency": "7 30 90 180", "frequency": "1 2 3 5",
            "monetary": "50 100 500 1000", "note": "", **changes}  # fmt: skip


def test_who_stands_where(stood: World, admin: Client) -> None:
    page = said(admin.get("/console/standing/"))
    assert "新客" in page and "重要价值" in page and "RFM 八类客户" in page


@pytest.mark.feature("C059")
def test_who_would_move_then_moves(stood: World, admin: Client) -> None:
    preview = said(admin.post("/console/standing/stages/preview/", thresholds(), headers=HTMX))
    assert "2 位会员中，2 位会变动" in preview.replace("&nbsp;", " ")
    assert not StandingPolicy.objects.exists()
    assert admin.post("/console/standing/stages/", thresholds()).status_code == 302
    assert set(Standing.objects.values_list("stage", flat=True)) == {"active"}
    assert "没有会员会变动" in said(
        admin.post("/console/standing/stages/preview/", thresholds(), headers=HTMX)
    )
    assert "试行" in said(admin.get("/console/standing/"))


@pytest.mark.feature("C042")
def test_rfm_settings(stood: World, admin: Client) -> None:
    assert admin.post("/console/standing/rfm/preview/", rfm(), headers=HTMX).status_code == 200
    assert admin.post("/console/standing/rfm/", rfm()).status_code == 302
    assert StandingPolicy.objects.get().definition["monetary"] == [5_000, 10_000, 50_000, 100_000]
    assert "50 100 500 1000" in said(admin.get("/console/standing/"))
    for changes in ({"recency": "1 2 x"}, {"recency": "3 2 1 0"}, {"high_from": "9"}, {"window_days": "0"}):
        assert admin.post("/console/standing/rfm/", rfm(**changes)).status_code == 422
    assert admin.post("/console/standing/stages/", thresholds(churn_days="80")).status_code == 422
    assert (
        admin.post("/console/standing/stages/preview/", thresholds(new_days=""), headers=HTMX).status_code
        == 200
    )
    assert StandingPolicy.objects.count() == 1


@pytest.mark.feature("C052")
def test_a_member_has_a_persona(stood: World, admin: Client) -> None:
    page = said(admin.get(f"/console/members/{stood.zhang_san}/persona/"))
    assert "咖啡" in page and "新客" in page and "R5" in page
    privacy.record_consents(
        actor=SYSTEM, person_id=Standing.objects.get(pk=stood.zhang_san).person_id, policy_version="2026-01", method="app",
        decisions=[privacy.Decision("personalisation", "any", "refused")], evidence={}, now=stood.now,
    )  # fmt: skip
    refused = said(admin.get(f"/console/members/{stood.zhang_san}/persona/"))
    assert "不希望被画像" in refused and "偏好" not in refused.split("main")[-1]


@pytest.mark.feature("C052")
def test_a_segment_has_one(stood: World, admin: Client) -> None:
    segment_id = operations.save_segment(
        actor=SYSTEM, group_id=stood.malls.group, code="all", name="全部", now=stood.now,
        definition={"match": "all", "of": [{"field": "lifecycle", "op": "is", "value": ["new"]}]},
    )  # fmt: skip
    page = said(admin.get(f"/console/segments/{segment_id}/persona/", headers=HTMX))
    assert "普卡" in page and "咖啡" in page and "30–39 岁" in page


def test_who_may(stood: World, desks: Desks, enter: Callable[[Viewer], Client]) -> None:
    there = enter(desks.qian)
    assert there.get("/console/standing/").status_code == 200
    assert there.post("/console/standing/rfm/", rfm()).status_code in (403, 422)
    assert there.post("/console/standing/stages/", thresholds(mall="0")).status_code in (403, 422)
    assert enter(desks.li).get("/console/standing/").status_code == 403
    assert enter(desks.sun).get(f"/console/members/{stood.zhang_san}/persona/").status_code == 404
    assert not StandingPolicy.objects.exists()

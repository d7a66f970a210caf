"""Models of uplift in the console: what was learnt, whether it may choose, and a campaign that lets it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.messaging.test_sending import agree, write
from tests.ui.console.conftest import said
from tests.ui.console.test_campaigns import form
from tests.ui.console.world import Desks, World
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import queries as loyalty
from zhike.marketing import operations
from zhike.marketing.models import Campaign, UpliftRun
from zhike.messaging.models import OutboundMessage

SYSTEM = system_viewer("tests")
pytestmark = pytest.mark.feature("N8")


def kept_run(group_id: int, *, is_better: bool = True, **changes: Any) -> UpliftRun:
    """A run as learning leaves it; its model says that women are changed."""
    shares = [at / 100 for at in range(101)]
    low = 0.02 if is_better else -0.03
    figures = {
        "tried": {"null": 0.0, "two_linear": 0.08}, "taught": 700, "unseen": 300, "qini": 0.08, "qini_low": low,
        "qini_high": 0.15, "auuc": 0.07, "curve": [shares, [30 * one for one in shares], [40 * one for one in shares]],
        "at": {str(one): [0.1, 0.02, 0.2, 3.0 * one] for one in range(10, 101, 10)}, "purchase_fen": 9_000, "cost_fen": 12,
        "weights": [["is_woman", 1.0], ["age", 0.0]],
    }  # fmt: skip
    slopes = [0.0] * 9 + [0.2, -0.1]
    values: dict[str, Any] = {
        "group_id": group_id, "ran_at": clock.now(), "ran_by": "tests", "people": 1_000, "treated": 600, "buyers": 200,
        "learner": "two_linear", "beats_random": is_better, "figures": figures,
        "parts": [{"weight": 1.0, "base": 0.05, "slopes": slopes, "middles": [0.0] * 11}],
    }  # fmt: skip
    return UpliftRun.objects.create(**{**values, **changes})


@pytest.fixture
def member(world: World) -> int:
    write("offer", "marketing", "inbox", body="${name}您好，周末市集开场 ${link}")
    person_id = loyalty.person_id_of(world.zhang_san)
    agree(person_id, "push")
    return person_id


def test_what_was_learnt_and_whether_it_may_choose(world: World, admin: Client, member: int) -> None:
    assert "还没有学习过" in said(admin.get("/console/campaigns/uplift/"))
    assert admin.post("/console/campaigns/uplift/learn/").status_code == 302
    failed = kept_run(world.malls.group, is_better=False, fault="too-few-people", figures={}, parts=[])
    assert "需要" in said(admin.get(f"/console/campaigns/uplift/{failed.pk}/"))
    weak = kept_run(world.malls.group, is_better=False)
    page = said(admin.get(f"/console/campaigns/uplift/{weak.pk}/"))
    assert "不优于随机" in page and "用它策划活动" not in page
    assert "没有模型" in said(admin.get("/console/campaigns/new/"))
    better = kept_run(world.malls.group)
    page = said(admin.get(f"/console/campaigns/uplift/{better.pk}/"))
    assert "优于随机" in page and "用它策划活动" in page and "是女性" in page
    assert "优于随机" in said(admin.get("/console/campaigns/uplift/"))
    assert "没有模型" not in said(admin.get(f"/console/campaigns/new/?target={better.pk}"))


def test_a_campaign_lets_it_choose(world: World, admin: Client, member: int) -> None:
    weak, better = kept_run(world.malls.group, is_better=False), kept_run(world.malls.group)
    told = {"target_rule": "top", "target_share": "30", "target_explore": "100"}
    assert admin.post("/console/campaigns/new/", form(**told, target_run=str(weak.pk))).status_code == 422
    assert (
        admin.post(
            "/console/campaigns/new/", form(**told | {"target_explore": "0"}, target_run=str(better.pk))
        ).status_code
        == 422
    )
    assert admin.post("/console/campaigns/new/", form(**told, target_run=str(better.pk))).status_code == 302
    campaign = Campaign.objects.get()
    assert campaign.target == {
        "run": better.pk, "rule": "top", "share_bp": 3_000, "cost_fen": 0, "explore_bp": 10_000,
    }  # fmt: skip
    url = f"/console/campaigns/{campaign.pk}/"
    operations.forecast_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    page = said(admin.get(url))
    assert "按预期增量挑选" in page and "模型选入" in page
    assert "30" in said(admin.get(f"{url}edit/"))
    operations.submit_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.approve_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.advance_campaigns(actor=SYSTEM, now=clock.now())
    assert "实际探索选入" in said(admin.get(url))


def test_who_may(world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client) -> None:
    run = kept_run(world.malls.group)
    there = enter(desks.qian)
    assert there.get(f"/console/campaigns/uplift/{run.pk}/").status_code == 404
    assert enter(desks.li).get("/console/campaigns/uplift/").status_code == 403
    assert enter(desks.li).post("/console/campaigns/uplift/learn/").status_code == 403


@pytest.mark.feature("C137")
def test_attribution_claims_nothing_without_a_control(world: World, admin: Client, member: int) -> None:
    assert "没有活动或旅程发送" in said(admin.get("/console/campaigns/attribution/"))
    admin.post("/console/campaigns/new/", form(holdout="0"))
    campaign = Campaign.objects.get()
    operations.submit_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.approve_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.advance_campaigns(actor=SYSTEM, now=clock.now())
    OutboundMessage.objects.update(status="delivered", sent_at=clock.now() - dt.timedelta(minutes=5))
    page = said(admin.get("/console/campaigns/attribution/?days=90&window=14"))
    assert "周末市集" in page and "无法判断" in page and "末次触达" in page
    assert admin.get("/console/campaigns/attribution/?days=x&window=9").status_code == 200

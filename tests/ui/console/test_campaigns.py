"""Campaigns in the console: a scenario becomes a draft, goes through two people, and says what it did."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from tests.messaging.test_sending import agree, write
from tests.people import hire
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import Desks, World
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.models import AuditEntry
from zhike.loyalty import queries as loyalty
from zhike.marketing import operations, queries
from zhike.marketing.models import Campaign
from zhike.messaging import operations as messaging

SYSTEM = system_viewer("tests")


def form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "周末市集", "place": "0", "goal": "visit", "theme": "带动周末客流", "segment": "", "rhythm": "once",
        "starts_at": "", "ends_on": "", "holdout": "20", "test": "100", "window_days": "7", "budget_mall": "500",
        "A_template": "offer", "A_weight": "1", "B_weight": "1", "C_weight": "1", **changes,
    }  # fmt: skip


@pytest.fixture
def member(world: World) -> int:
    """A member who agreed to offers in the app, and the wording of one."""
    write("offer", "marketing", "inbox", body="${name}您好，周末市集开场 ${link}")
    person_id = loyalty.person_id_of(world.zhang_san)
    agree(person_id, "push")
    return person_id


@pytest.mark.feature("C133", "C134", "N11", "C135")
def test_from_plan_to_review(
    world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client, member: int
) -> None:
    assert "还没有活动" in said(admin.get("/console/campaigns/"))
    assert admin.post("/console/campaigns/new/", form(holdout="95")).status_code == 422
    assert admin.post("/console/campaigns/new/", form()).status_code == 302
    campaign = Campaign.objects.get()
    url = f"/console/campaigns/{campaign.pk}/"
    assert "周末市集" in said(admin.get(f"{url}edit/"))
    page = said(admin.get(url))
    assert "尚未测算" in page and "提交" in page
    admin.post(f"{url}forecast/")
    operations.forecast_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    assert "预计触达" in said(admin.get(url, headers=HTMX))
    admin.post(f"{url}submit/")
    admin.post(f"{url}approve/")
    campaign.refresh_from_db()
    assert campaign.status == "submitted"
    boss = enter(hire(world.malls, "lin", "林总", ("group_manager", "all", 0)))
    assert "批准" in said(boss.get(url))
    assert boss.get(f"{url}back/", headers=HTMX).status_code == 200
    boss.post(f"{url}approve/")
    boss.post(f"{url}launch/")
    now = clock.now()
    operations.advance_campaigns(actor=SYSTEM, now=now)
    messaging.send_due(actor=SYSTEM, now=now)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=now)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=now + dt.timedelta(days=1))
    page = said(boss.get(url))
    assert "计划与实际" in page and "对照组" in page
    assert boss.get(f"{url}lessons/", headers=HTMX).status_code == 200
    boss.post(f"{url}lessons/", {"lessons": "周末上午效果更好"})
    assert "周末上午效果更好" in said(boss.get(url))
    assert "周末市集" in said(boss.get("/console/campaigns/?status=started", headers=HTMX))
    assert boss.post(f"{url}nonsense/").status_code == 404
    assert boss.post(f"{url}pause/").status_code == 302


@pytest.mark.feature("C206", "C139")
def test_board_calendar_and_sizes(world: World, admin: Client, member: int) -> None:
    assert "还没有活动开始" in said(admin.get("/console/campaigns/board/"))
    admin.post("/console/campaigns/new/", form(holdout="0", starts_at=""))
    campaign = Campaign.objects.get()
    operations.submit_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.approve_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.advance_campaigns(actor=SYSTEM, now=clock.now())
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    board = said(admin.get("/console/campaigns/board/"))
    assert "无法判断" in board and "没有对照组" in board
    assert "周末市集" in said(admin.get("/console/campaigns/board/?from=2020-01-01"))
    assert "周末市集" not in said(admin.get("/console/campaigns/board/?from=nonsense&to=2020-01-01"))
    taken: Any = admin.get("/console/campaigns/board/file/")
    file = b"".join(taken.streaming_content).decode()
    assert "周末市集" in file and "没有对照组" in file
    sheet: Any = load_workbook(io.BytesIO(admin.get("/console/campaigns/board/file/?format=xlsx").content))
    assert "周末市集" in [row[2].value for row in sheet.active.iter_rows()]
    assert AuditEntry.objects.filter(action="campaign.export_board").count() == 2
    assert "周末市集" in said(admin.get("/console/campaigns/calendar/"))
    assert "国庆节" in said(admin.get("/console/campaigns/calendar/?month=2026-10"))
    assert said(admin.get("/console/campaigns/calendar/?month=nonsense"))
    sizes = said(admin.get("/console/campaigns/sizes/?base=10&lift=2&holdout=50", headers=HTMX))
    assert "3,841" in sizes
    assert "介于" in said(admin.get("/console/campaigns/sizes/?base=10&lift=0&holdout=50", headers=HTMX))
    assert admin.get("/console/campaigns/measuring/", headers=HTMX).status_code == 200
    admin.post("/console/campaigns/measuring/", {"global_holdout": "5", "margin": "25"})
    assert queries.marketing_policy(campaign.group_id) == queries.PolicyView(500, 2_500)
    limits = {"withdrawn_max": "1.5", "complained_max": "0"}
    admin.post("/console/campaigns/measuring/", {"global_holdout": "5", "margin": "", **limits})
    kept = queries.marketing_policy(campaign.group_id)
    assert (kept.margin_bp, kept.withdrawn_max_bp, kept.complained_max_bp) == (None, 150, 0)
    assert "超过 1.5% 的人撤回同意" in said(admin.get("/console/campaigns/board/"))


@pytest.mark.feature("C137", "C138", "C246")
def test_margins_targets_and_people(
    world: World, admin: Client, enter: Callable[[Viewer], Client], member: int
) -> None:
    assert "尚未设定毛利率" in said(admin.get("/console/campaigns/margins/"))
    assert "业态或商户" in said(admin.get("/console/campaigns/margins/set/", headers=HTMX))
    subject = f"merchant:{world.malls.cafe}"
    rate = {"subject": subject, "margin": "18.5", "valid_from": "2026-01-01"}
    assert admin.post("/console/campaigns/margins/set/", rate).status_code == 302
    page = said(admin.get("/console/campaigns/margins/"))
    assert "18.5%" in page and "生效中" in page
    assert admin.post("/console/campaigns/margins/set/", {**rate, "margin": "180"}).status_code == 422
    targets = said(admin.get("/console/campaigns/targets/"))
    assert "唤醒率" in targets and "无法判断" in targets and "+20.0%" in targets
    admin.post("/console/campaigns/new/", form(holdout="0"))
    campaign = Campaign.objects.get()
    for step in (operations.submit_campaign, operations.approve_campaign, operations.launch_campaign):
        step(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    url = f"/console/campaigns/{campaign.pk}/people/"
    assert "名单会出现在这里" in said(admin.get(url))
    operations.advance_campaigns(actor=SYSTEM, now=clock.now())
    assert "张" in said(admin.get(f"{url}?show=given", headers=HTMX))
    boss = enter(hire(world.malls, "qian2", "钱店总", ("mall_manager", "mall", world.malls.cloud)))
    assert boss.get(url).status_code == 404
    assert "周末市集" in said(boss.get("/console/campaigns/board/"))


@pytest.mark.feature("C148")
def test_more_budget_for_a_stopped_campaign(world: World, admin: Client, member: int) -> None:
    admin.post("/console/campaigns/new/", form(holdout="0", budget_mall="0", A_points="100"))
    campaign = Campaign.objects.get()
    operations.submit_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.approve_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    admin.post(f"/console/campaigns/{campaign.pk}/launch/")
    operations.advance_campaigns(actor=SYSTEM, now=clock.now())
    page = said(admin.get(f"/console/campaigns/{campaign.pk}/"))
    assert "预算已用完" in page and "追加预算" in page
    assert admin.get(f"/console/campaigns/{campaign.pk}/budget/", headers=HTMX).status_code == 200
    admin.post(f"/console/campaigns/{campaign.pk}/budget/", {"mall": "900"})
    operations.advance_campaigns(actor=SYSTEM, now=clock.now())
    assert queries.campaign(SYSTEM, campaign.pk, clock.now()).waves[0].given >= 1


@pytest.mark.feature("C123")
def test_a_scenario_is_one_click(world: World, desks: Desks, enter: Callable[[Viewer], Client]) -> None:
    marketer = enter(desks.chen)
    assert "沉睡唤醒" in said(marketer.get("/console/campaigns/"))
    assert marketer.post("/console/campaigns/scenarios/wake_up/").status_code == 302
    campaign = Campaign.objects.get()
    page = said(marketer.get(f"/console/campaigns/{campaign.pk}/"))
    assert "沉睡唤醒" in page and f"/{campaign.pk}/approve/" not in page
    assert "沉睡唤醒" in said(marketer.get(f"/console/campaigns/{campaign.pk}/edit/"))
    assert marketer.get("/console/campaigns/measuring/").status_code == 403


@pytest.mark.feature("C133")
def test_who_may(
    world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client, member: int
) -> None:
    admin.post("/console/campaigns/new/", form(place=str(world.malls.star)))
    campaign = Campaign.objects.get()
    url = f"/console/campaigns/{campaign.pk}/"
    there = enter(desks.qian)
    assert "周末市集" not in said(there.get("/console/campaigns/"))
    assert there.get(url).status_code == 404
    assert there.get(f"{url}edit/").status_code == 404
    assert enter(desks.wang).get(url).status_code == 200
    assert enter(desks.li).get("/console/campaigns/").status_code == 403
    auditor = enter(hire(world.malls, "wu", "吴审计", ("auditor", "all", 0)))
    assert auditor.get(url).status_code == 200
    assert auditor.post(f"{url}forecast/").status_code == 403


@pytest.mark.feature("C136")
def test_the_link_is_counted_and_leads_to_the_offers(world: World, admin: Client, member: int) -> None:
    admin.post("/console/campaigns/new/", form(holdout="0"))
    campaign = Campaign.objects.get()
    operations.submit_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.approve_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign.pk, now=clock.now())
    operations.advance_campaigns(actor=SYSTEM, now=clock.now())
    token = queries.link_of(campaign.pk, member).rstrip("/").rsplit("/", 1)[1]
    response = Client().get(f"/m/go/{token}/")
    assert (response.status_code, response["Location"]) == (302, "/m/offers/")
    assert Client().get("/m/go/1.2.3/").status_code == 404
    assert queries.review(SYSTEM, campaign.pk, clock.now()).funnel.clicked == 1

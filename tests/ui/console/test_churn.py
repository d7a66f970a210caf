"""Risk of leaving and the model cards in the console, and over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.insight.leavers import crowd
from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations, queries
from zhike.kernel.access import Viewer

pytestmark = pytest.mark.feature("C053", "C054")


def test_nothing_yet_says_so(world: World, admin: Client) -> None:
    assert "暂无评分" in said(admin.get("/console/churn/"))
    assert "尚未运行" in said(admin.get("/console/models/"))
    operations.fit_churn(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/churn/"))
    assert "没有产生新评分" in page and "历史数据太短" in page
    run = queries.model_runs(SYSTEM, "churn")[0]
    assert "历史数据太短" in said(admin.get(f"/console/models/{run.id}/"))
    assert admin.get(f"/console/models/{run.id + 1}/").status_code == 404


def test_who_why_and_how_good(
    world: World, admin: Client, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    there = crowd(world.malls, 240, now=world.now)
    run_id = operations.fit_churn(actor=SYSTEM, now=world.now)
    operations.refresh_standings(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/churn/"))
    assert "高风险" in page and "距上次消费天数" in page and "发放召回券" in page
    assert "客" in said(admin.get("/console/churn/?band=high&action=coupon"))
    assert "没有符合条件的已评分会员" in said(admin.get("/console/churn/?band=low&action=call"))
    worst = queries.churn_list(SYSTEM)[0]
    assert worst.member_id in there.members
    tab = said(admin.get(f"/console/members/{worst.member_id}/persona/"))
    assert "未来 45 天不再消费的概率" in tab and f"第 {run_id} 次运行" in tab and "距上次消费天数" in tab
    card = said(admin.get(f"/console/models/{run_id}/"))
    assert "精确率" in card and "Brier" in card and "提升树看重什么" in card and "首次产生评分" in card
    assert f"/console/models/{run_id}/" in said(admin.get("/console/models/"))
    _plan(admin, world)
    there_client: Any = enter(desks.wang)
    assert "高风险" in said(there_client.get("/console/churn/"))
    assert there_client.get("/console/models/").status_code == 403
    assert there_client.post("/console/churn/fit/").status_code == 403
    assert enter(desks.li).get("/console/churn/").status_code == 403
    assert admin.post("/console/churn/fit/").status_code == 302


def test_the_horizon_is_published(world: World, admin: Client) -> None:
    form: dict[str, Any] = {"mall": str(world.malls.star), "horizon_days": "30", "note": "", "once": "h1"}
    assert admin.post("/console/churn/horizon/", form | {"horizon_days": "2"}).status_code == 422
    assert admin.post("/console/churn/horizon/", form).status_code == 302
    assert queries.churn_policies()[world.malls.star].horizon_days == 30
    assert "30 天没有消费" in said(admin.get("/console/churn/"))


def _plan(admin: Client, world: World) -> None:
    """Value times risk, with other assumptions, and as a file."""
    assert "暂无可规划的数据" in said(admin.get("/console/churn/plan/"))
    operations.fit_lifetime(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/churn/plan/"))
    assert "预计消费前 20%" in page and "建议预算" in page
    given = {"budget": "500", "margin": "30", "cost_top": "30", "cost_middle": "8", "cost_rest": "1"}
    given |= {"saved_high": "10", "saved_middle": "15", "saved_low": "2"}
    assert 'value="500"' in said(admin.get("/console/churn/plan/", given))
    assert admin.get("/console/churn/plan/", given | {"margin": "300"}).status_code == 422
    file: Any = admin.get("/console/churn/plan/", given | {"as": "csv"})
    assert file["Content-Type"].startswith("text/csv")
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("优先顺序") and len(lines) > 2

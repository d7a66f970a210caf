"""The three classifications in the console: who is in which, what it means, who would move; the four segments; the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import make_key
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations, queries
from zhike.insight.models import ClassRun, MemberClass
from zhike.kernel.access import Viewer
from zhike.ui.console.event_text import tell

pytestmark = pytest.mark.feature("C048", "C059")


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "mall": "0", "window_days": "365", "frequent_from": "3", "regular_from": "2", "discount_percent": "20",
        "main_percent": "50", "high_yuan": "2", "middle_yuan": "1", "note": "试行", **changes,
    }  # fmt: skip


def test_who_is_in_which_class(
    world: World, admin: Client, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    assert "尚未分类" in said(admin.get("/console/classes/"))
    operations.refresh_standings(actor=SYSTEM, now=world.now)
    operations.refresh_classes(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/classes/"))
    assert "低频消费" in page and "服饰偏好" in page and "中贡献" in page and "近 365 天没有消费" in page
    tab = said(admin.get(f"/console/members/{world.zhang_san}/persona/"))
    assert "消费行为" in tab and "服饰偏好" in tab and "中贡献" in tab
    key = ApiClient(make_key(["members.view", "segments.view"]))
    found = key.get(f"/api/v1/members/{world.zhang_san}/scores").json["classes"]
    assert found == {"behaviour": "occasional", "preference": "fashion", "value": "middle"}
    there: Any = enter(desks.wang)
    assert "低频消费" in said(there.get("/console/classes/"))
    assert there.post("/console/classes/presets/").status_code == 403
    assert there.post("/console/classes/publish/", settings()).status_code in (403, 422)
    assert enter(desks.li).get("/console/classes/").status_code == 403
    assert not queries.class_policies().keys() - {None}


def test_who_would_move_then_moves(world: World, admin: Client) -> None:
    operations.refresh_classes(actor=SYSTEM, now=world.now)
    day = ClassRun.objects.get()
    ClassRun.objects.create(day=day.day.replace(year=day.day.year - 1), counts=day.counts, ran_at=world.now)
    preview = said(admin.post("/console/classes/preview/", settings(), headers=HTMX))
    assert "高贡献" in preview and "价值贡献" in preview
    assert "部分填写内容有误" in said(
        admin.post("/console/classes/preview/", settings(high_yuan="x"), headers=HTMX)
    )
    assert set(MemberClass.objects.values_list("value", flat=True)) <= {"low", "middle", "none"}
    for changes in ({"regular_from": "3"}, {"middle_yuan": "2"}, {"main_percent": "0"}, {"mall": "x"}):
        assert admin.post("/console/classes/publish/", settings(**changes)).status_code == 422
    assert admin.post("/console/classes/publish/", settings()).status_code == 302
    assert "high" in set(MemberClass.objects.values_list("value", flat=True))
    page = said(admin.get("/console/classes/"))
    assert "试行" in page and "版本 1" in page and "每日价值贡献" in page
    told = tell("insight.class_changed", {"kind": "value", "before": "low", "after": "high"}, {})
    assert told.title == "价值贡献：低贡献 → 高贡献"


@pytest.mark.feature("C050")
def test_four_segments_with_what_to_do(world: World, admin: Client) -> None:
    operations.refresh_standings(actor=SYSTEM, now=world.now)
    operations.refresh_classes(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/classes/"))
    assert "高价值" in page and "不靠折扣" in page and "/console/churn/plan/" in page
    for _turn in range(2):
        assert admin.post("/console/classes/presets/").status_code == 302
    made = [one for one in queries.segments(SYSTEM) if one.code.startswith("class-")]
    assert {one.name for one in made} == {"高价值", "潜力", "一般", "流失"}
    page = said(admin.get("/console/classes/"))
    assert all(f"/console/segments/{one.id}/" in page for one in made)
    assert "价值贡献" in said(admin.get(f"/console/segments/{made[0].id}/")) or "阶段" in page

"""Journeys in the console: a template becomes a draft, is edited on the canvas, goes through two people, and shows who is where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.messaging.test_sending import agree
from tests.people import hire
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import Desks, World
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import queries as loyalty
from zhike.loyalty.models import MemberCard
from zhike.marketing import operations, queries
from zhike.marketing.models import Journey, JourneyEntry

SYSTEM = system_viewer("tests")


def template(browser: Client, code: str = "welcome") -> Journey:
    assert browser.post(f"/console/journeys/templates/{code}/").status_code == 302
    return Journey.objects.latest("id")


def revision(journey: Journey) -> int:
    return queries.journey(SYSTEM, journey.pk, clock.now()).shown.revision


def nodes(journey: Journey) -> dict[str, queries.Node]:
    return dict(queries.journey(SYSTEM, journey.pk, clock.now()).shown.definition.nodes)


def publish(journey: Journey, world: World, enter: Callable[[Viewer], Client], browser: Client) -> None:
    url = f"/console/journeys/{journey.pk}"
    browser.post(f"{url}/submit/")
    boss = enter(hire(world.malls, "lin", "林总", ("group_manager", "all", 0)))
    assert "批准" in said(boss.get(f"{url}/"))
    boss.post(f"{url}/approve/")
    boss.post(f"{url}/launch/")


@pytest.mark.feature("C124", "C123")
def test_from_template_to_results(
    world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client
) -> None:
    assert "还没有旅程" in said(admin.get("/console/journeys/"))
    journey = template(admin)
    url = f"/console/journeys/{journey.pk}"
    page = said(admin.get(f"{url}/"))
    assert "成为会员" in page and "欢迎新会员" in page
    person_id = loyalty.person_id_of(world.zhang_san)
    agree(person_id, "push")
    settings = {
        "trigger": "api", "goal_event": "zhike.sales.receipt_recorded", "goal_key1": "kind", "goal_op1": "equals",
        "goal_value1": "sale", "goal_ends": "on", "reentry": "always", "holdout": "0", "window_days": "30",
    }  # fmt: skip
    assert admin.post(f"{url}/settings/", {**settings, "window_days": "0"}, headers=HTMX).status_code == 422
    assert admin.post(f"{url}/settings/", settings, headers=HTMX).status_code == 200
    publish(journey, world, enter, admin)
    now = clock.now()
    wish = operations.Wish("k", "zhike.loyalty.member_enrolled", member_id=world.zhang_san)
    operations.enter_journey(actor=SYSTEM, journey_id=journey.pk, wishes=[wish], now=now)
    operations.step_journeys(actor=SYSTEM, now=now)
    assert "1 人在此" in said(admin.get(f"{url}/"))
    assert "1 人在此" in said(admin.get(f"{url}/figures/", headers=HTMX))
    panel = said(admin.get(f"{url}/nodes/n1/?version=1", headers=HTMX))
    assert "已发送" in panel
    people = said(admin.get(f"{url}/people/"))
    assert "成为会员" in people
    entry = JourneyEntry.objects.get()
    assert "已发送" in said(admin.get(f"{url}/people/{entry.pk}/"))
    assert "张三" in said(admin.get(f"{url}/people/?node=n2&state=active", headers=HTMX))
    operations.measure_journey(actor=SYSTEM, journey_id=journey.pk, now=now + dt.timedelta(days=1))
    assert "没有对照组" in said(admin.get(f"{url}/results/"))
    assert "在旅程中" in said(admin.get("/console/journeys/?status=running", headers=HTMX))
    timeline = said(admin.get(f"/console/members/{world.zhang_san}/?tab=timeline"))
    assert "进入旅程" in timeline
    assert "欢迎新会员" in said(admin.get(f"/console/members/{world.zhang_san}/"))
    for name in ("pause", "resume", "close", "end"):
        assert admin.post(f"{url}/{name}/").status_code == 302
    assert admin.post(f"{url}/nonsense/").status_code == 404


@pytest.mark.feature("C124")
def test_the_canvas_is_edited(world: World, admin: Client) -> None:
    assert admin.post("/console/journeys/new/", {"name": "空白", "theme": ""}).status_code == 302
    journey = Journey.objects.get()
    url = f"/console/journeys/{journey.pk}"
    assert "离开" in said(admin.get(f"{url}/"))
    assert "发送消息" in said(admin.get(f"{url}/add/?after=&outcome=", headers=HTMX))
    for kind in queries.KINDS[:-2]:
        page = said(admin.post(f"{url}/add/", {"after": "", "outcome": "", "kind": kind}, headers=HTMX))
        assert "hx-swap-oob" in page
    kinds = {one.kind: key for key, one in nodes(journey).items()}
    forms: dict[str, dict[str, Any]] = {
        "points": {"points": "50"},
        "tag": {"do": "give", "tag": ""},
        "tier": {"tier": str(world.tiers["gold"]), "days": "30"},
        "ticket": {"type": "question", "text": "回访"},
        "signal": {"name": "hello_world"},
        "delay": {"value": "2", "unit": "hours", "at": "09:30"},
        "wait": {
            "event": "zhike.sales.receipt_recorded", "value": "3", "unit": "days",
            "key1": "net_fen", "op1": "at_least", "value1": "100",
        },
        "ab": {"A_name": "短", "A_weight": "1", "B_name": "长", "B_weight": "1"},
        "branch": {"about": "spend", "fen": "100", "within": "30"},
        "message": {"template": ""},
        "coupon": {"batch": ""},
    }  # fmt: skip
    for kind, data in forms.items():
        assert f"/nodes/{kinds[kind]}/" in said(admin.get(f"{url}/nodes/{kinds[kind]}/", headers=HTMX))
        assert admin.post(f"{url}/nodes/{kinds[kind]}/", data, headers=HTMX).status_code == 200, kind
    found = nodes(journey)
    assert found[kinds["delay"]].params == {"value": 2, "unit": "hours", "at": "09:30"}
    assert found[kinds["branch"]].params["condition"]["of"][0]["value"] == 10_000
    assert found[kinds["ab"]].outcomes == ("短", "长")
    page = said(admin.get(f"{url}/"))
    assert "请选择消息模板" in page and "请选择优惠券" in page
    refused = admin.post(f"{url}/nodes/{kinds['points']}/", {"points": "0"}, headers=HTMX)
    assert refused.status_code == 422
    old = revision(journey)
    moved = {"node": kinds["points"], "after": f"{kinds['ticket']}@next"}
    assert admin.post(f"{url}/move/", moved, headers=HTMX).status_code == 200
    assert nodes(journey)[kinds["ticket"]].outs["next"] == kinds["points"]
    stale = admin.post(f"{url}/nodes/{kinds['coupon']}/remove/", {"revision": old}, headers=HTMX)
    assert stale.status_code == 422 and "其他人" in said(stale)
    admin.post(f"{url}/nodes/{kinds['coupon']}/remove/", {"revision": revision(journey)}, headers=HTMX)
    assert kinds["coupon"] not in nodes(journey)
    connected = {"outcome": "yes", "target": kinds["delay"]}
    assert admin.post(f"{url}/nodes/{kinds['branch']}/connect/", connected, headers=HTMX).status_code == 200
    for name in ("settings", "about", "trial", "rename", "enter"):
        assert admin.get(f"{url}/{name}/", headers=HTMX).status_code == 200
    assert admin.post(f"{url}/rename/", {"name": "有名字", "theme": "说明"}).status_code == 302


@pytest.mark.feature("C124")
def test_try_with_one_member_and_let_one_in(
    world: World, enter: Callable[[Viewer], Client], admin: Client
) -> None:
    journey = template(admin, "birthday")
    url = f"/console/journeys/{journey.pk}"
    card = queries_card(world)
    page = said(admin.post(f"{url}/trial/", {"member": card, "awaited": "on"}, headers=HTMX))
    assert "生日快乐" in page or "生日礼" in page
    assert admin.post(f"{url}/trial/", {"member": "0000"}, headers=HTMX).status_code == 422
    assert not JourneyEntry.objects.exists()
    publish(journey, world, enter, admin)
    assert admin.post(f"{url}/enter/", {"member": card, "once": "k1"}).status_code == 302
    assert JourneyEntry.objects.count() == 1
    again = operations.edit_journey(
        actor=SYSTEM, journey_id=journey.pk, edit=operations.RemoveNode("n2"), now=clock.now()
    )
    assert again == ""
    assert "待审批" not in said(admin.get(f"{url}/?version=1"))
    admin.post(f"{url}/submit/")
    assert admin.get(f"{url}/back/", headers=HTMX).status_code == 200
    admin.post(f"{url}/back/", {"reason": "再想想"})
    assert queries.journey(SYSTEM, journey.pk, clock.now()).shown.status == "draft"


def queries_card(world: World) -> str:
    return MemberCard.objects.get(member_id=world.zhang_san).number


@pytest.mark.feature("C124")
def test_who_may(world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client) -> None:
    journey_id = operations.plan_journey(
        actor=SYSTEM, group_id=world.malls.group, name="本店旅程", mall_id=world.malls.star, now=clock.now()
    )
    url = f"/console/journeys/{journey_id}/"
    there = enter(desks.qian)
    assert "本店旅程" not in said(there.get("/console/journeys/"))
    assert there.get(url).status_code == 404
    assert enter(desks.wang).get(url).status_code == 200
    assert enter(desks.li).get("/console/journeys/").status_code == 403
    auditor = enter(hire(world.malls, "wu", "吴审计", ("auditor", "all", 0)))
    assert auditor.get(url).status_code == 200
    assert auditor.post(f"{url}add/", {"kind": "points"}, headers=HTMX).status_code == 403

"""What members earn besides buying, in the console."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import said
from tests.ui.console.world import Desks, World
from zhike.customers import operations as customers
from zhike.engagement import operations
from zhike.engagement.models import CheckInPlan, Mission, MissionVersion
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import operations as points_operations
from zhike.loyalty import queries as loyalty

SYSTEM = system_viewer("tests")


@pytest.mark.feature("C084")
def test_check_ins_are_set_up_and_looked_at(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    place = f"?mall={world.malls.star}"
    assert "尚未设置签到" in said(admin.get(f"/console/check-ins/{place}"))
    form: dict[str, Any] = {
        "points": "1, 2，3", "milestones": "7 20\n30 100", "make_ups": "2", "make_up_days": "5", "month_max": "200",
        "validity_days": "90", "payer": f"merchant:{world.malls.cafe}", "share": "40", "is_open": "on", "reason": "开业",
    }  # fmt: skip
    for wrong in ({"points": "a"}, {"milestones": "7"}, {"milestones": "7 1 4711"}, {"payer": "x"}):
        assert admin.post(f"/console/check-ins/edit/{place}", form | wrong).status_code == 422
    assert not CheckInPlan.objects.exists()
    assert admin.post(f"/console/check-ins/edit/{place}", form).status_code == 302
    terms = CheckInPlan.objects.get().terms
    assert terms["points"] == [1, 2, 3]
    assert terms["funding"] == {f"merchant:{world.malls.cafe}": 4000, "mall": 6000}
    assert [one["day"] for one in terms["milestones"]] == [7, 30]
    operations.check_in(actor=SYSTEM, member_id=world.zhang_san, mall_id=world.malls.star, now=world.now)
    page = said(admin.get(f"/console/check-ins/{place}"))
    assert "第 30 天加赠" in page
    assert "40.0%" in page
    assert "7 20" in said(admin.get(f"/console/check-ins/edit/{place}"))
    reader = enter(desks.chen)
    assert reader.get(f"/console/check-ins/{place}").status_code == 200
    assert reader.get(f"/console/check-ins/edit/{place}").status_code == 200
    assert enter(desks.li).get(f"/console/check-ins/{place}").status_code == 403


@pytest.mark.feature("C076")
def test_birthday_gifts_are_set_up_and_looked_at(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    assert "尚未设置生日礼" in said(admin.get("/console/birthdays/"))
    form: dict[str, Any] = {
        "points": "66", "days_before": "0", f"tier_{max(world.tiers.values())}": "188", "payer": "mall", "is_open": "on",
        "reason": "周年庆",
    }  # fmt: skip
    assert admin.post("/console/birthdays/edit/", form | {"points": ""}).status_code == 422
    assert admin.post("/console/birthdays/edit/", form).status_code == 302
    person_id = loyalty.person_id_of(world.zhang_san)
    today = loyalty.program_today(world.program_id, world.now)
    born = {"birthday": dt.date(1960, 1, 1), "birthday_calendar": "solar"}
    customers.update_profile(actor=SYSTEM, person_id=person_id, changes=born, now=world.now)
    customers.update_profile(
        actor=SYSTEM, person_id=person_id, changes={"birthday": today.replace(year=1980, day=min(today.day, 28))},
        now=world.now,
    )  # fmt: skip
    if today.day <= 28:
        assert operations.give_birthday_gifts(actor=SYSTEM, program_id=world.program_id, now=world.now) == 1
        assert "张三" in said(admin.get("/console/birthdays/"))
        assert "张三" not in said(enter(desks.qian).get("/console/birthdays/"))
    assert "66 积分" in said(admin.get("/console/birthdays/"))
    assert 'value="188"' in said(admin.get("/console/birthdays/edit/"))


@pytest.mark.feature("C085", "C140")
def test_invitations_are_set_up_and_the_tree_is_there(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    assert "还没有邀请" in said(admin.get("/console/invitations/"))
    form: dict[str, Any] = {
        "inviter_points": "200", "invitee_points": "100", "minimum_fen": "100", "days_to_buy": "30", "wait_days": "",
        "daily_max": "5", "year_max": "5000", "payer": "mall", "is_open": "on", "reason": "拉新",
    }  # fmt: skip
    assert admin.post("/console/invitations/edit/", form | {"inviter_points": "0"}).status_code == 422
    assert admin.post("/console/invitations/edit/", form).status_code == 302
    code = operations.invite_code(actor=SYSTEM, member_id=world.zhang_san, now=world.now)
    for number in range(3):
        operations.join_invited(
            actor=SYSTEM, code=code, name="赵六", phone=f"1370013700{number}", mall_id=world.malls.star, source="h5",
            device="one", address="10.0.0.1", now=world.now,
        )  # fmt: skip
    page = said(admin.get("/console/invitations/"))
    assert "一小时内多人入会" in page
    tree = said(admin.get(f"/console/invitations/{world.zhang_san}/"))
    assert tree.count("赵六") >= 3
    assert "200" in said(admin.get("/console/invitations/edit/"))
    assert enter(desks.qian).get(f"/console/invitations/{world.zhang_san}/").status_code == 404


@pytest.mark.feature("N2")
def test_debt_is_waived_by_two(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    key: dict[str, Any] = {
        "actor": SYSTEM, "member_id": world.zhang_san, "reason": "mission", "reference": "m:1", "now": world.now,
    }  # fmt: skip
    points = loyalty.member_file(SYSTEM, world.zhang_san, world.now).balance
    points_operations.award_points(**key, points=300, explanation={"name": "测试"})
    points_operations.redeem_points(
        actor=SYSTEM, member_id=world.zhang_san, points=points + 300, now=world.now
    )
    points_operations.take_back_award(**key, why="test")
    desk = enter(desks.sun)
    assert "张三" in said(desk.get("/console/waivers/"))
    assert 'value="300"' in said(desk.get(f"/console/waivers/ask/{world.zhang_san}/"))
    asked = desk.post(f"/console/waivers/ask/{world.zhang_san}/", {"points": "300", "reason": "误扣"})
    assert asked.status_code == 302
    [waiver] = loyalty.waivers(SYSTEM)
    assert desk.post(f"/console/waivers/{waiver.id}/approve/").status_code == 403
    assert "等待审批" in said(admin.get("/console/waivers/"))
    assert admin.post(f"/console/waivers/{waiver.id}/approve/").status_code == 302
    assert "已免除" in said(admin.get("/console/waivers/"))
    assert loyalty.member_file(SYSTEM, world.zhang_san, world.now).debt == 0
    assert admin.post(f"/console/waivers/{waiver.id}/refuse/").status_code == 302


@pytest.mark.feature("C072")
def test_missions_are_published_changed_and_looked_at(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    assert "还没有任务" in said(admin.get("/console/missions/"))
    form: dict[str, Any] = {
        "name": "逛三店", "description": "每周一次", "starts": "all", "repeats": "week", "points": "60", "quota": "500",
        "on_return": "take_back", "payer": f"merchant:{world.malls.cafe}", "share": "40", "is_open": "on",
        "reason": "秋季活动", "steps-TOTAL_FORMS": "2", "steps-INITIAL_FORMS": "0", "steps-0-kind": "purchase",
        "steps-0-goal": "3", "steps-0-minimum_fen": "50", "steps-0-distinct": "merchant",
        "steps-0-places": [f"mall:{world.malls.star}", f"merchant:{world.malls.cafe}"],
        "steps-1-kind": "spend", "steps-1-goal": "88.50",
    }  # fmt: skip
    for wrong in (
        {"steps-0-kind": "", "steps-1-kind": ""}, {"steps-0-goal": ""}, {"steps-0-goal": "1.5"}, {"points": ""},
        {"starts": "enrolment"}, {"payer": "x"},
    ):  # fmt: skip
        assert admin.post("/console/missions/new/", form | wrong).status_code == 422, wrong
    assert not Mission.objects.exists()
    assert admin.post("/console/missions/new/", form).status_code == 302
    mission = Mission.objects.get()
    terms = MissionVersion.objects.get().terms
    assert terms["funding"] == {f"merchant:{world.malls.cafe}": 4000, "mall": 6000}
    assert [(one["kind"], one["goal"]) for one in terms["steps"]] == [("purchase", 3), ("spend", 8850)]
    assert (terms["steps"][0]["malls"], terms["steps"][0]["minimum_fen"]) == ([world.malls.star], 5_000)
    page = said(admin.get(f"/console/missions/{mission.pk}/edit/"))
    assert 'value="88.50"' in page or 'value="88.5"' in page
    assert (
        admin.post(
            f"/console/missions/{mission.pk}/edit/", form | {"points": "70", "steps-INITIAL_FORMS": "2"}
        ).status_code
        == 302
    )
    operations.record_deed(
        actor=SYSTEM, member_id=world.zhang_san, kind="share", reference="x:1", happened_at=world.now, now=world.now
    )  # fmt: skip
    operations.save_mission(
        actor=SYSTEM, program_id=world.program_id, name="晒一晒", now=world.now,
        terms={"steps": [{"kind": "share"}], "reward": {"points": 5}, "wait_days": 0},
    )  # fmt: skip
    operations.record_deed(
        actor=SYSTEM, member_id=world.zhang_san, kind="share", reference="x:2", happened_at=world.now, now=world.now
    )  # fmt: skip
    person_id = loyalty.person_id_of(world.zhang_san)
    operations.review_missions(actor=SYSTEM, person_id=person_id, now=world.now)
    listing = said(admin.get("/console/missions/"))
    assert "每家商户计一次" in listing
    shared = Mission.objects.exclude(pk=mission.pk).get()
    page = said(admin.get(f"/console/missions/{shared.pk}/"))
    assert "张三" in page
    assert "70 积分" in said(admin.get(f"/console/missions/{mission.pk}/"))
    assert "张三" not in said(enter(desks.qian).get(f"/console/missions/{shared.pk}/"))
    assert enter(desks.li).get("/console/missions/").status_code == 403
    assert admin.get("/console/missions/4711/").status_code == 404


@pytest.mark.feature("C102")
def test_a_household_is_looked_at_and_its_dispute_settled(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    place = f"/console/members/{world.zhang_san}/household/"
    assert "未加入家庭" in said(admin.get(place))
    own: dict[str, Any] = {"actor": SYSTEM, "member_id": world.zhang_san, "now": world.now}
    points_operations.found_household(name="张家", **own)
    points_operations.grant_points(points=80, reference="gift:1", note="x", **own)
    points_operations.put_into_pool(points=70, **own)
    dispute_id = points_operations.raise_dispute(text="有一笔不是我们花的", **own)
    assert place in said(admin.get(f"/console/members/{world.zhang_san}/"))
    page = said(admin.get(place))
    assert "有一笔不是我们花的" in page
    assert "户主" in page
    assert admin.post(place, {"dispute_id": dispute_id, "verdict": ""}).status_code == 422
    assert "核对过小票" in said(
        admin.post(place, {"dispute_id": dispute_id, "verdict": "核对过小票"}, follow=True)
    )
    assert enter(desks.qian).get(place).status_code == 404
    assert enter(desks.li).get(place).status_code == 403

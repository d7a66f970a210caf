"""Quality in the console: begun with, planned, drawn, reviewed with evidence, appealed, decided, reported, coached; the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.service.quality_scene import talk
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import make_key
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import QualityPick, QualityPlan

pytestmark = pytest.mark.feature("C194", "B44")
Enter = Callable[[Viewer], Client]


def drawn(world: World, desks: Desks, admin: Client) -> QualityPick:
    """One conversation of 孙客服, drawn for 王店总."""
    person = loyalty.person_id_of(world.zhang_san)
    week = queries.week_of(world.malls.star, world.now) - dt.timedelta(days=7)
    at = dt.datetime.combine(week, dt.time(3), dt.UTC)
    talk(desks.sun, person, world.malls.star, "积分没到账", "您好，已经补上了", "好的", "祝您愉快", at=at)
    assert "还没有质检表" in said(admin.get("/console/quality/setup/"))
    assert admin.post("/console/quality/setup/begin/").status_code == 302
    address = f"/console/quality/setup/plan/{world.malls.star}/"
    assert "必检情形" in said(admin.get(address, headers=HTMX))
    form = {
        "percent": "100", "at_least": "0", "double_percent": "0", "appeal_days": "5", "answer_within_s": "60",
        "vip_rank": "3", "always": ["words"], f"quota_{desks.wang.id}": "20",
    }  # fmt: skip
    assert admin.post(address, form | {"percent": "101"}, headers=HTMX).status_code == 422
    assert admin.post(address, form, headers=HTMX).status_code == 200
    plan = QualityPlan.objects.get()
    assert (plan.percent, plan.reviewers, plan.always) == (100, [[desks.wang.id, 20]], ["words"])
    assert admin.post("/console/quality/setup/draw/").status_code == 302
    service.draw_quality(actor=SYSTEM, mall_id=world.malls.star, week=week, now=world.now)
    return QualityPick.objects.get()


def test_from_the_checklist_to_the_report(enter: Enter, desks: Desks, world: World) -> None:
    admin, wang, sun = enter(desks.admin), enter(desks.wang), enter(desks.sun)
    pick = drawn(world, desks, admin)
    assert "结果一致" in said(admin.get("/console/quality/setup/"))
    assert pick.conversation.number in said(wang.get("/console/quality/"))
    address = f"/console/quality/{pick.pk}/"
    assert sun.get(address).status_code == 404
    shown = said(wang.get(address))
    assert "data-review" in shown and "您好，已经补上了" in shown
    form: dict[str, Any] = {f"answer_{one['code']}": "yes" for one in pick.checklist.items}
    form |= {
        "answer_right": "no",
        "note_right": "与知识库不符",
        "quote_right": "5",
        "comment": "",
        "once": "k1",
    }
    messages = queries.pick_file(desks.wang, pick.pk, world.now).messages
    number = next(one.number for one in messages if one.author_kind == "staff" and one.text)
    form["quote_right"] = f"{number}:0-2"
    assert wang.post(address, form | {"quote_right": "x"}).status_code == 422
    assert wang.post(address, form | {"answer_polite": "partly"}).status_code == 422
    for _twice in range(2):
        assert wang.post(address, form).status_code == 302
    pick.refresh_from_db()
    assert pick.is_fatal and pick.score == 0
    mine = said(sun.get(address))
    assert "与知识库不符" in mine and "<blockquote" in mine and "申诉截止" in mine
    assert "一票否决" in said(sun.get("/console/quality/"))
    assert "data-review" in said(wang.get(address + "?again=1"))
    assert sun.get(f"{address}appeal/", headers=HTMX).status_code == 200
    assert sun.post(f"{address}appeal/", {"reason": "答复与知识库一致"}, headers=HTMX).status_code == 200
    assert wang.post(f"{address}uphold/", {"decision": "维持原来的评价"}, headers=HTMX).status_code == 422
    assert "data-review" in said(admin.get(address))
    again = form | {"answer_right": "yes", "decision": "知识库在当天更新过", "once": "k2"}
    assert admin.post(address, again).status_code == 302
    pick.refresh_from_db()
    assert (pick.outcome, pick.score) == ("changed", 1000)
    assert "知识库在当天更新过" in said(sun.get(address))


def test_report_coaching_export_and_strangers(enter: Enter, desks: Desks, world: World) -> None:
    admin, wang, sun = enter(desks.admin), enter(desks.wang), enter(desks.sun)
    pick = drawn(world, desks, admin)
    findings = service.Findings(answers={one["code"]: "yes" for one in pick.checklist.items})
    service.review_conversation(actor=desks.wang, pick_id=pick.pk, findings=findings, now=world.now)
    report = said(wang.get("/console/quality/report/"))
    assert "孙客服" in report and "数量太少" in report
    assert said(sun.get("/console/quality/report/")).count("孙客服") >= 1
    rows = b"".join(wang.get("/console/quality/export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert pick.conversation.number in rows and "greeting=yes" in rows
    assert AuditEntry.objects.filter(action="quality.export").count() == 1
    assert sun.get("/console/quality/export/").status_code == 403
    coach = f"/console/quality/coaching/?pick={pick.pk}"
    assert "孙客服" in said(wang.get(coach, headers=HTMX))
    note = {"staff_id": desks.sun.id, "text": "先复述再回答"}
    assert wang.post(coach, note, headers=HTMX).status_code == 200
    assert wang.get("/console/quality/coaching/", headers=HTMX).status_code == 200
    mine = said(sun.get("/console/quality/"))
    assert "先复述再回答" in mine and "我已阅读" in mine
    note_id = mine.split("/console/quality/coaching/")[1].split("/")[0]
    assert sun.post(f"/console/quality/coaching/{note_id}/read/").status_code == 302
    shown = said(wang.get(f"/console/quality/{pick.pk}/"))
    assert "先复述再回答" in shown and "未阅读" not in shown
    qian = enter(desks.qian)
    assert qian.get(f"/console/quality/{pick.pk}/").status_code == 404
    assert pick.conversation.number not in said(qian.get("/console/quality/?queue=all"))
    assert enter(desks.li).get("/console/quality/").status_code == 403
    desk = ApiClient(make_key(["quality.view", "quality.review"]))
    [listed] = desk.get("/api/v1/quality/conversations").json["items"]
    assert (listed["conversation"], listed["score"], listed["reasons"]) == (
        pick.conversation.number,
        1000,
        ["random"],
    )
    read = desk.get(f"/api/v1/quality/conversations/{pick.pk}").json
    assert read["reviews"][0]["answers"]["greeting"] == "yes"
    found = desk.get(
        f"/api/v1/quality/report?since={pick.week}&until={pick.week + dt.timedelta(days=7)}"
    ).json
    assert found["agents"][0]["count"] == 1 and found["kappa"] is None
    other = ApiClient(make_key(["quality.view"], "mall", world.malls.cloud))
    assert other.get(f"/api/v1/quality/conversations/{pick.pk}").status == 404


def test_checklist_is_written_and_a_review_given_to_somebody_else(
    enter: Enter, desks: Desks, world: World
) -> None:
    admin, wang = enter(desks.admin), enter(desks.wang)
    pick = drawn(world, desks, admin)
    address = "/console/quality/setup/checklist/"
    assert "新建质检表" in said(admin.get(address))
    form = {
        "rows": "2", "code": "night", "name": "夜班质检表", "skills": ["places"], "is_open": "on",
        "key_0": "a", "section_0": "attitude", "text_0": "语气平和", "weight_0": "7", "fatal_0": "on", "fact_0": "greeting",
        "key_1": "b", "section_1": "quality", "text_1": "", "weight_1": "5", "fact_1": "",
    }  # fmt: skip
    assert admin.post(address, form | {"text_0": ""}).status_code == 422
    assert admin.post(address, form).status_code == 302
    assert "夜班质检表" in said(wang.get("/console/quality/setup/"))
    assert "语气平和" in said(admin.get(f"{address}night/"))
    assert admin.get(f"{address}nothing/").status_code == 404
    assert wang.get(address).status_code == 403
    dialog = f"/console/quality/{pick.pk}/assign/first/"
    assert "王店总" in said(admin.get(dialog, headers=HTMX))
    assert admin.post(dialog, {"reviewer": desks.admin.id}, headers=HTMX).status_code == 200
    assert "待质检" in said(admin.get("/console/quality/?queue=mine"))
    pick.refresh_from_db()
    assert pick.first_id == desks.admin.id
    shown = said(wang.get(f"/console/quality/{pick.pk}/"))
    assert "data-review" not in shown and "尚未评价" in shown

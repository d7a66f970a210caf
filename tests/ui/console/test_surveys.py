"""Surveys in the console: made, changed, sent, put up at places, looked at, exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.service import operations as service
from zhike.service.models import Invitation, Survey, SurveyVersion, Touchpoint

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C190")


def post(client: Client, address: str, **fields: Any) -> Any:
    return client.post(address, form_of(client.get(address, headers=HTMX)) | fields, headers=HTMX)


def test_a_survey_from_its_words_to_its_answers(enter: Enter, desks: Desks, world: World) -> None:
    admin = enter(desks.admin)
    assert "使用常用设置" in said(admin.get("/console/surveys/"))
    admin.post("/console/surveys/found/")
    assert "会员净推荐值" in said(admin.get("/console/surveys/"))
    nps = Survey.objects.get(code="member-nps")
    words = {
        "name": "净推荐值", "question": "会推荐我们吗？", "thanks": "谢谢", "window_days": "9", "remind_after_days": "2",
        "quarantine_days": "5", "quota": "0", "is_open": "on",
        "questions": "多选* | 看重什么？ | 餐饮 | 停车\n文字 | 还有什么想说的？",
    }  # fmt: skip
    post(admin, f"/console/surveys/{nps.pk}/edit/", **words)
    version = SurveyVersion.objects.filter(survey=nps).latest("version")
    assert version.version == 2 and version.questions[0]["required"]
    assert "多选* | 看重什么？" in said(admin.get(f"/console/surveys/{nps.pk}/edit/"))
    bad = post(admin, f"/console/surveys/{nps.pk}/edit/", **words | {"questions": "多选 | 看重什么？ | 餐饮"})
    assert bad.status_code == 422 and "第 1 题" in said(bad)
    new = words | {"code": "effort", "kind": "ces", "trigger": "link", "questions": ""}
    post(admin, "/console/surveys/new/", **new)
    assert Survey.objects.get(code="effort").kind == "ces"
    post(admin, f"/console/surveys/{nps.pk}/send/", percent="100", wave="2026-Q1")
    assert Invitation.objects.count() == 2  # both members
    page = said(admin.get(f"/console/surveys/{nps.pk}/?verdict=low&days=30"))
    assert "答复进度" in page and "暂无答复" in page
    assert b"".join(admin.get(f"/console/surveys/{nps.pk}/export/")).startswith(b"\xef\xbb\xbf")  # type: ignore[arg-type]


@pytest.mark.feature("C195")
def test_a_place_has_a_code_to_print_and_its_answers(enter: Enter, desks: Desks, world: World) -> None:
    service.found_surveys(actor=SYSTEM, group_id=world.malls.group, now=world.now)
    admin, survey = enter(desks.admin), Survey.objects.get(code="places")
    place = {
        "name": "二层洗手间",
        "kind": "restroom",
        "survey_id": str(survey.pk),
        "mall_id": str(world.malls.star),
    }
    post(admin, "/console/surveys/places/new/", **place, is_open="on")
    row = Touchpoint.objects.get()
    service.answer_touchpoint(
        actor=SYSTEM, code=row.code, nonce="a", device=b"a", score=2, comment="地面湿滑", answers={"0": ["清洁"]},
        now=world.now,
    )  # fmt: skip
    sheet = said(admin.get(f"/console/surveys/places/{row.pk}/"))
    assert row.code in sheet and "地面湿滑" in sheet and "<svg" in sheet
    post(admin, f"/console/surveys/places/{row.pk}/edit/", **place | {"name": "二层东侧洗手间"})
    row.refresh_from_db()
    assert (row.name, row.is_open) == ("二层东侧洗手间", False)
    assert "二层东侧洗手间" in said(admin.get("/console/surveys/"))
    results = said(admin.get(f"/console/surveys/{survey.pk}/"))
    assert "地面湿滑" in results and "清洁" in results
    assert "低分回访" in said(admin.get("/console/service/tasks/?kind=low_score"))
    assert "满意度" in said(admin.get("/console/service/board/"))


def test_who_may_not(enter: Enter, desks: Desks, world: World) -> None:
    service.found_surveys(actor=SYSTEM, group_id=world.malls.group, now=world.now)
    pk = Survey.objects.get(code="member-nps").pk
    sun, li = enter(desks.sun), enter(desks.li)
    assert sun.get(f"/console/surveys/{pk}/").status_code == 200
    for address in (
        f"/console/surveys/{pk}/edit/",
        f"/console/surveys/{pk}/send/",
        "/console/surveys/places/new/",
    ):
        assert sun.get(address, headers=HTMX).status_code == 403
    assert li.get("/console/surveys/").status_code == 403
    assert sun.get("/console/surveys/999/").status_code == 404

"""Forms in the console: built by buttons alone, published, shared, their answers read and exported."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations as insight
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry
from zhike.service import operations as service
from zhike.webforms import operations, queries
from zhike.webforms.models import Answer, Form

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C007", "C023")


def post(client: Client, address: str, **fields: Any) -> Any:
    return client.post(address, form_of(client.get(address, headers=HTMX)) | fields, headers=HTMX)


def draft_of(form_id: int) -> queries.Definition:
    return queries.of_json(Form.objects.get(pk=form_id).draft)


def answer(form_id: int, world: World, **given: Any) -> str:
    form = queries.open_form(Form.objects.get(pk=form_id).code, world.now)
    made = operations.answer_form(
        actor=SYSTEM,
        code=form.code,
        version=form.version,
        nonce=uuid.uuid4().hex,
        channel="link",
        given=given,
        now=world.now,
    )
    operations.carry_out(actor=SYSTEM, answer_id=str(made), now=world.now)
    return str(made)


def build(enter: Enter, desks: Desks, world: World) -> int:
    """By buttons and dialogs alone, from nothing to published; the form's id."""
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    tag = insight.save_tag(
        actor=SYSTEM, group_id=world.malls.group, code="parking", name="在意停车", category="note", kind="manual",
        now=world.now,
    )  # fmt: skip
    wang = enter(desks.wang)
    assert "还没有表单" in said(wang.get("/console/forms/"))
    post(wang, "/console/forms/new/", name="逛店反馈", mall_id=str(world.malls.star), pattern="empty")
    form_id = Form.objects.get().pk
    base = f"/console/forms/{form_id}/"
    assert "表单还没有任何问题" in said(wang.get(base))
    for act in (
        "add:rating",
        "add:many",
        "add:long",
        "add:text",
        "up:q4",
        "place:q4:0",
        "down:q4",
        "remove:q3",
        "add:nps",
    ):
        revision = Form.objects.get().revision
        fragment = wang.post(f"{base}change/", {"act": act, "revision": revision}, headers=HTMX)
        assert fragment.status_code == 200 and "有人" not in said(fragment)
    assert [one.key for one in draft_of(form_id).fields] == ["q1", "q4", "q2", "q5"]
    stale = wang.post(f"{base}change/", {"act": "remove:q1", "revision": 1}, headers=HTMX)
    assert "其他人" in said(stale) and draft_of(form_id).field("q1") is not None
    post(wang, f"{base}fields/q1/", label="今天逛得怎么样？", is_required="on")
    bad = post(
        wang, f"{base}fields/q2/", options="停车\n环境", when_field="q1", when_op="contains", when_value="3"
    )
    assert bad.status_code == 422
    second = {
        "label": "哪里不好？",
        "options": "停车\n环境",
        "when_field": "q1",
        "when_op": "at_most",
        "when_value": "3",
    }
    post(wang, f"{base}fields/q2/", **second)
    post(wang, f"{base}fields/q2/", **second, tag_0=str(tag), suggests="on")
    post(wang, f"{base}words/", title="星河城逛店反馈", thanks="谢谢您")
    post(
        wang, f"{base}deeds/", opens_ticket="on", type="complaint", severity="high", when_field="q1", when_op="at_most",
        when_value="2",
    )  # fmt: skip
    known = draft_of(form_id).field("q2")
    assert known is not None and known.when == queries.Condition("q1", "at_most", "3")
    assert dict(known.tags) == {"停车": tag} and draft_of(form_id).ticket is not None
    page = said(wang.get(base))
    assert "如果“今天逛得怎么样？”" in page and "停车 → 在意停车" in page
    wang.post(f"{base}publish/")
    return form_id


def test_a_form_built_without_a_mouse_is_shared_answered_read_and_closed(
    enter: Enter, desks: Desks, world: World
) -> None:
    form_id = build(enter, desks, world)
    wang, base = enter(desks.wang), f"/console/forms/{form_id}/"
    share = said(wang.get(f"{base}share/"))
    assert Form.objects.get().code in share and "<svg" in share
    post(
        wang,
        f"{base}taking/",
        name="逛店反馈",
        answers_max="100",
        opens_at="2020-01-01T10:00",
        kiosk_seconds="8",
    )
    bad = post(
        wang, f"{base}taking/", name="逛店反馈", opens_at="2020-01-01T10:00", closes_at="2019-01-01T10:00"
    )
    assert bad.status_code == 422
    unhappy = answer(form_id, world, q1="1", q2=["停车"], q4="=cmd()", q5="3")
    answer(form_id, world, q1="5", q5="10")
    results = said(wang.get(f"{base}results/"))
    assert "今天逛得怎么样？" in results and "NPS 0" in results and unhappy in results
    sheet = said(wang.get(f"{base}answers/{unhappy}/"))
    assert "=cmd()" in sheet and "创建工单" in sheet
    assert "只有客服" in said(enter(desks.chen).get(f"{base}results/"))
    assert enter(desks.chen).get(f"{base}answers/{unhappy}/").status_code == 403
    assert enter(desks.qian).get(base).status_code == 404
    wang.post(f"{base}close/")
    assert not Form.objects.get().is_open and "逛店反馈" in said(wang.get("/console/forms/"))


def test_exports_need_a_reason_and_hold_no_formulas(enter: Enter, desks: Desks, world: World) -> None:
    fields = (queries.Field("q1", "text", "=姓名"), queries.Field("q2", "number", "数量"))
    form_id = operations.create_form(
        actor=SYSTEM, group_id=world.malls.group, name="表", mall_id=world.malls.star,
        draft=queries.Definition("表", fields=fields), now=world.now,
    )  # fmt: skip
    operations.publish_form(actor=SYSTEM, form_id=form_id, now=world.now)
    answer(form_id, world, q1="=1+1", q2="-3")
    wang, address = enter(desks.wang), f"/console/forms/{form_id}/export/"
    assert post(wang, address, file_format="csv", reason="").status_code == 422
    csv = b"".join(post(wang, address, file_format="csv", reason="月报").streaming_content).decode()
    assert "'=姓名" in csv and "'=1+1" in csv and ",-3" in csv
    assert AuditEntry.objects.latest("id").action == "form.export"
    book = load_workbook(io.BytesIO(post(wang, address, file_format="xlsx", reason="月报").content))
    rows = list(book.active.iter_rows())
    assert [rows[1][4].value, rows[1][4].data_type, rows[1][5].value] == ["=1+1", "s", -3]
    assert enter(desks.sun).get(address).status_code == 403


def test_a_lead_is_called_and_becomes_a_member(enter: Enter, desks: Desks, world: World) -> None:
    wang = enter(desks.wang)
    post(wang, "/console/forms/new/", name="亲子活动报名", mall_id=str(world.malls.star), pattern="sign_up")
    form_id = Form.objects.get().pk
    base = f"/console/forms/{form_id}/"
    post(
        wang,
        f"{base}deeds/",
        type="complaint",
        severity="normal",
        enrols="on",
        enrol_name="q1",
        enrol_phone="q2",
    )
    wang.post(f"{base}publish/")
    lead = answer(form_id, world, q1="赵六", q2="13600001234", q3="2", q4="on")
    sheet = said(wang.get(f"{base}answers/{lead}/")).replace(" ", "")
    assert "136****1234" in sheet and "13600001234" not in sheet
    shown = wang.post(f"{base}answers/{lead}/phone/", headers=HTMX)
    assert "13600001234" in said(shown).replace(" ", "")
    assert AuditEntry.objects.latest("id").action == "form.reveal"
    assert enter(desks.chen).post(f"{base}answers/{lead}/phone/").status_code == 403
    assert lead in said(wang.get(f"{base}results/?lead=open"))
    wang.post(f"{base}answers/{lead}/lead/", {"verdict": "real"})
    row = Answer.objects.get()
    assert row.lead == "enrolled" and row.person_id is not None
    assert "赵六" in said(wang.get(f"{base}answers/{lead}/"))
    assert wang.post(f"{base}answers/{lead}/lead/", {"verdict": "no"}).status_code == 302

"""What people say, in a browser: read, filtered, corrected, exported; on tickets, surveys and the improvement report; the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.service.test_listening import learn
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.kernel.events import drain
from zhike.service import operations as service
from zhike.service.handlers import listening
from zhike.service.models import Verbatim

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C058", "C019")


def complain(world: World) -> str:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    number = service.open_ticket(
        actor=SYSTEM, type="complaint", text="洗手间太脏了，没人打扫", channel="phone", mall_id=world.malls.star,
        now=world.now,
    )  # fmt: skip
    drain(listening)
    return number


def test_read_filtered_corrected_and_exported(enter: Enter, desks: Desks, world: World) -> None:
    wang = enter(desks.wang)
    page = said(wang.get("/console/listening/"))
    assert "本期没有原声" in page and "尚未训练" in page
    number = complain(world)
    page = said(wang.get("/console/listening/"))
    assert "正在识别" in page
    learn(world.now)
    service.read_verbatims(actor=SYSTEM, now=world.now)
    page = said(wang.get("/console/listening/?days=7&topic=clean&sentiment=negative"))
    assert "洗手间太脏了" in page and number in page and "环境卫生" in page
    assert "洗手间" not in said(wang.get("/console/listening/?topic=parking", headers=HTMX))
    assert "洗手间" in said(wang.get("/console/listening/?q=没人打扫&source=ticket&days=x", headers=HTMX))
    row = Verbatim.objects.get()
    address = f"/console/listening/{row.pk}/decide/"
    form = form_of(wang.get(address, headers=HTMX)) | {"sentiment": "neutral", "topics": "clean"}
    assert wang.post(address, form | {"sentiment": "happy"}, headers=HTMX).status_code == 422
    wang.post(address, form, headers=HTMX)
    row.refresh_from_db()
    assert row.topics == {"clean": "neutral"} and row.decided_by == desks.wang.label
    assert "王店总 判定" in said(wang.get("/console/listening/", headers=HTMX))
    lines = b"".join(wang.get("/console/listening/export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert "环境卫生: 中性" in lines and "洗手间太脏了" in lines
    assert enter(desks.li).get("/console/listening/").status_code == 403


def test_shown_where_it_matters(enter: Enter, desks: Desks, world: World) -> None:
    learn(world.now)
    number = complain(world)
    wang = enter(desks.wang)
    assert "系统识别" in said(wang.get(f"/console/service/{number}/"))
    assert "环境卫生" in said(wang.get("/console/service/improvement/"))

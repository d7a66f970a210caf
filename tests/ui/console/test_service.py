"""The service desk in a browser: queues, a ticket's page, dialogs, settings; who may and who may not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.service.conftest import PNG
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Entry, PolicyVersion, Ticket

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C177", "C181")


@pytest.fixture
def number(world: World) -> str:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    return service.open_ticket(
        actor=SYSTEM,
        type="complaint",
        text="咖啡里有异物",
        channel="phone",
        merchant_id=world.malls.cafe,
        person_id=loyalty.person_id_of(world.zhang_san),
        receipt_id=world.sale,
        now=world.now,
    )


@pytest.fixture
def desk(enter: Enter, desks: Desks) -> Client:
    return enter(desks.sun)


def form_of(page: Any) -> dict[str, str]:
    """The key of the form on a page."""
    found = re.search(r'name="once" value="([0-9a-f]+)"', said(page))
    assert found is not None
    return {"once": found[1]}


def send(client: Client, number: str, what: str, **fields: Any) -> Any:
    """Open a dialog of the ticket and send it."""
    address = f"/console/service/{number}/{what}/"
    return client.post(address, form_of(client.get(address, headers=HTMX)) | fields, headers=HTMX)


def test_a_ticket_goes_through_its_life_in_the_browser(desk: Client, number: str) -> None:
    page = desk.get("/console/service/")
    assert "咖啡里有异物" in said(page) and number in said(page)
    ticket = desk.get(f"/console/service/{number}/")
    assert "服务台营业时间" in said(ticket) and "张三" in said(ticket)
    form = form_of(ticket) | {"text": "您好，正在核实", "audience": "member"}
    for _ in range(2):
        sent = desk.post(
            f"/console/service/{number}/reply/", form | {"files": SimpleUploadedFile("a.png", PNG)}
        )
        assert sent.status_code == 302
    assert Entry.objects.filter(kind="message").count() == 1
    file = re.search(rf"/console/service/{number}/files/\d+/", said(desk.get(f"/console/service/{number}/")))
    assert file is not None and desk.get(file[0])["Content-Type"] == "image/png"
    assert desk.post(f"/console/service/{number}/hold/", {"waits": "yes"}).status_code == 302
    assert Ticket.objects.get().status == "waiting"
    send(desk, number, "resolve", text="已退款")
    send(desk, number, "close", reason="")
    assert Ticket.objects.get().status == "closed"
    assert "回访" in said(desk.get("/console/service/tasks/"))
    send(desk, number, "reopen", text="会员来电，再看看")
    assert Ticket.objects.get().reopened == 1


@pytest.mark.feature("C233", "C180")
def test_dialogs_hand_over_grade_and_give_parts(
    desk: Client, number: str, desks: Desks, world: World
) -> None:
    departments = queries.departments(world.malls.group)
    assert (
        send(desk, number, "assign", staff_id=desks.wang.id, department_id=departments[1].id).status_code
        == 200
    )
    send(
        desk,
        number,
        "classify",
        type="complaint",
        severity="major",
        merchant_id=world.malls.cafe,
        cause_id="",
    )
    send(desk, number, "task", title="现场巡查", department_id=departments[2].id, for_merchant="")
    file = queries.ticket(desks.sun, number, world.now)
    assert (file.row.assignee, file.row.department, file.row.severity) == ("王店总", "营运部", "major")
    page = said(desk.get(f"/console/service/{number}/"))
    assert "现场巡查" in page and "重大事项" in page
    [task] = queries.tasks_of(desks.sun, file.row.id)
    address = f"/console/service/tasks/{task.id}/finish/"
    form = form_of(desk.get(address, headers=HTMX))
    desk.post(address, form | {"outcome": "done", "result": "已巡查"}, headers=HTMX)
    assert queries.task(desks.sun, task.id).result == "已巡查"


def test_a_refusal_stands_in_the_form(desk: Client, number: str) -> None:
    refused = send(desk, number, "merge", into="T000000-1")
    assert refused.status_code == 422
    page = desk.get("/console/service/new/")
    form = form_of(page) | {"type": "question", "severity": "normal", "channel": "phone", "text": "几点关门"}
    form |= {"mall_id": str(Ticket.objects.get().mall_id), "known": "13700137000"}
    assert desk.post("/console/service/new/", form).status_code == 422
    opened = desk.post("/console/service/new/", form | {"known": "13800138000"})
    assert opened.status_code == 302
    assert Ticket.objects.latest("id").person_id == Ticket.objects.earliest("id").person_id


@pytest.mark.feature("C177")
def test_the_list_refreshes_by_itself_and_filters(desk: Client, number: str) -> None:
    live = desk.get("/console/service/live/?queue=unassigned", headers=HTMX)
    assert number in said(live) and 'hx-trigger="every 5s"' in said(live)
    assert number not in said(desk.get("/console/service/?queue=closed", headers=HTMX))
    assert number in said(desk.get("/console/service/", {"q": "异物", "type": "complaint"}, headers=HTMX))
    assert number not in said(desk.get("/console/service/", {"severity": "major"}, headers=HTMX))


def test_strangers_find_nothing(enter: Enter, desks: Desks, number: str) -> None:
    other = enter(desks.qian)
    assert number not in said(other.get("/console/service/"))
    assert other.get(f"/console/service/{number}/").status_code == 404
    assert other.post(f"/console/service/{number}/take/", headers=HTMX).status_code in (200, 302, 404)
    assert Ticket.objects.get().assignee_id is None
    assert enter(desks.chen).get("/console/service/").status_code == 403
    assert enter(desks.li).get(f"/console/service/{number}/").status_code in (403, 404)
    assert enter(desks.sun).get("/console/service/settings/policy/").status_code == 403


@pytest.mark.feature("C182", "C187", "C191")
def test_the_board_shows_the_day(enter: Enter, desks: Desks, number: str) -> None:
    page = said(enter(desks.wang).get("/console/service/board/?days=30"))
    assert "时限达成" in page and "半山咖啡" in page


def test_an_empty_house_is_set_up_with_one_click(admin: Client) -> None:
    assert "尚未设置" in said(admin.get("/console/service/settings/"))
    admin.post("/console/service/settings/found/")
    page = said(admin.get("/console/service/settings/"))
    assert "客户服务部" in page and "09:00-12:00, 13:30-18:00" in page
    assert "国庆节" in said(admin.get("/console/service/settings/holidays/2026/"))


@pytest.mark.feature("N12")
def test_calendars_and_promises_get_new_versions(admin: Client, number: str, world: World) -> None:
    week = {f"day{n}": "09:00-12:00, 13:00-21:00" for n in range(7)}
    address = "/console/service/settings/calendars/desk/"
    form = week | {
        "name": "服务台",
        "time_zone": "Asia/Shanghai",
        "exceptions": "2026-10-01 10:00-16:00\n2026-10-02",
    }
    assert admin.post(address, form).status_code == 302
    assert admin.post(address, form | {"day0": "9 bis 5"}).status_code == 422
    assert admin.post(address, form | {"exceptions": "morgen"}).status_code == 422
    view = queries.calendar_by_code(SYSTEM, world.malls.group, "desk")
    assert (view.version, view.week[0], len(view.exceptions)) == (2, "09:00-12:00, 13:00-21:00", 2)

    page = admin.get("/console/service/settings/policy/")
    data = {
        "rows-TOTAL_FORMS": "1",
        "rows-INITIAL_FORMS": "1",
        "rows-MIN_NUM_FORMS": "1",
        "rows-MAX_NUM_FORMS": "60",
    }
    row = {
        "type": "*", "severity": "*", "calendar": "desk", "first_answer": "20", "resolution": "90",
        "call_back": "0", "warn_percent": "75", "owner": "mall_manager",
    }  # fmt: skip
    data |= {f"rows-0-{name}": value for name, value in row.items()} | {
        "on_reopen": "continue",
        "note": "试行",
    }
    assert page.status_code == 200
    assert admin.post("/console/service/settings/policy/", data).status_code == 302
    newest = PolicyVersion.objects.latest("version")
    assert (newest.version, newest.definition["rows"][0]["first_answer"]) == (2, 20)
    refused = admin.post("/console/service/settings/policy/", data | {"rows-0-resolution": "5"})
    assert refused.status_code == 422


def test_a_year_of_holidays_is_loaded_from_a_file(admin: Client, number: str) -> None:
    data = {"year": 2027, "days": [{"date": "2027-01-01", "name": "元旦", "isOffDay": True}]}
    file = SimpleUploadedFile("2027.json", json.dumps(data).encode())
    admin.post("/console/service/settings/holidays/", {"file": file})
    assert 2027 in [view.year for view in queries.holiday_years(SYSTEM)]
    admin.post("/console/service/settings/holidays/", {"file": SimpleUploadedFile("x.json", b"{")})
    assert len(queries.holiday_years(SYSTEM)) == 4


def test_causes_and_departments_are_edited(admin: Client, number: str, world: World) -> None:
    top = queries.causes(world.malls.group)[0]
    admin.post(
        "/console/service/settings/cause/",
        {"code": "x-new", "name": "包装破损", "parent_id": top.id},
        headers=HTMX,
    )
    assert "商品 / 包装破损" in [ref.path for ref in queries.causes(world.malls.group)]
    admin.post("/console/service/settings/department/", {"code": "legal", "name": "法务部"}, headers=HTMX)
    assert "法务部" in [ref.name for ref in queries.departments(world.malls.group)]

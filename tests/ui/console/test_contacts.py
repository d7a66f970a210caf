"""Contacts at WeCom in a browser: bound, their tasks and hand-overs; and the associate's own code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client

from tests.integrations.vendors import SYSTEM
from tests.people import hire
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import Desks, World
from zhike.config.vendors import emulated_wecom
from zhike.integrations.wecom import client, emulator
from zhike.integrations.wecom.emulator import Corp, WecomEmulator
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations, queries
from zhike.messaging.models import ContactTransfer, StaffContact, StaffTask
from zhike.organization import queries as organization

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("B29", "C128")
OUTSIDE = "wmAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"


def test_bound_written_to_and_handed_over(enter: Enter, desks: Desks, world: World) -> None:
    malls, now = world.malls, world.now
    zhou = hire(malls, "zhou", "周导购", ("sales_associate", "merchant", malls.fashion), now=now)
    wu = hire(malls, "wu", "吴导购", ("sales_associate", "merchant", malls.fashion), now=now)
    wang = enter(desks.wang)
    assert "尚未开通企业微信" in said(wang.get("/console/contacts/"))
    assert wang.get("/console/contacts/bind/", headers=HTMX).status_code == 404
    with WecomEmulator(Corp(users={"zhou", "wu"}, links={("zhou", OUTSIDE): ()})) as corp:
        client.TOKENS.forget()
        account_id = operations.save_account(
            actor=SYSTEM, account_id=None, group_id=organization.default_group().id, vendor="wecom", name="企业微信",
            values=emulated_wecom(corp.url), price=0, position=0, is_active=True, now=now,
        )  # fmt: skip
        assert "尚未绑定导购" in said(wang.get("/console/contacts/"))
        for staff, userid in ((zhou, "zhou"), (wu, "wu")):
            form = form_of(wang.get("/console/contacts/bind/", headers=HTMX))
            form |= {
                "account_id": str(account_id),
                "staff_id": str(staff.id),
                "userid": userid,
                "welcome": "您好",
            }
            assert (
                wang.post("/console/contacts/bind/", form | {"userid": "周"}, headers=HTMX).status_code == 422
            )
            wang.post("/console/contacts/bind/", form, headers=HTMX)
        assert "周导购" in said(wang.get("/console/contacts/"))
        _in_contact(world, account_id)
        phone = enter(zhou)
        assert "微信扫码加我" in said(phone.get("/counter/mine/invite/"))
        assert phone.get("/counter/mine/invite/code/")["Content-Type"] == "image/png"
        _ask(world)
        assert "1 位客户的消息待您在企业微信中确认" in said(phone.get("/counter/mine/"))
        assert "等待确认" in said(wang.get("/console/contacts/tasks/"))
        task_id = StaffTask.objects.get().pk
        for _time in range(4):
            wang.post(f"/console/contacts/tasks/{task_id}/remind/")
        [task] = corp.corp.tasks.values()
        assert len(task.reminded) == 3
        emulator.confirm(corp.corp, task.msgid)
        operations.look_at_tasks(actor=SYSTEM, now=now + dt.timedelta(minutes=6))
        assert "导购已确认" in said(wang.get("/console/contacts/tasks/"))
        assert "尚无好友转接" in said(wang.get("/console/contacts/hand-overs/"))
        person_id = loyalty.person_id_of(world.zhang_san)
        operations.follow_associate(actor=SYSTEM, person_id=person_id, staff_id=wu.id, now=now)
        operations.call_transfers(actor=SYSTEM, now=now)
        assert ContactTransfer.objects.get().state == "waiting"
        assert "等待接替，客户可拒绝" in said(wang.get("/console/contacts/hand-overs/"))
        binding = queries.own_binding(zhou.id)
        assert binding is not None
        assert wang.get(f"/console/contacts/{binding.id}/code/").content.startswith(b"\x89PNG")
        wang.post(f"/console/contacts/{binding.id}/unbind/")
        assert queries.own_binding(zhou.id) is None
    for address in ("", "tasks/", "hand-overs/", "bind/"):
        assert enter(desks.li).get(f"/console/contacts/{address}").status_code == 403


def _in_contact(world: World, account_id: int) -> None:
    operations.record_contact_added(
        actor=SYSTEM, account_id=account_id, userid="zhou", outside=OUTSIDE, state="", welcome_code="",
        at=world.now, now=world.now,
    )  # fmt: skip
    StaffContact.objects.update(person_id=loyalty.person_id_of(world.zhang_san), matched_by="unionid")


def _ask(world: World) -> None:
    template_id = operations.create_template(
        actor=SYSTEM, group_id=organization.default_group().id, code="care", name="换季护理", kind="service",
        fallback=("wecom",), now=world.now,
    )  # fmt: skip
    version_id = operations.write_version(
        actor=SYSTEM, template_id=template_id, channel="wecom", language="zh-hans", title="", body="欢迎到店护理",
        now=world.now,
    )  # fmt: skip
    operations.approve_version(actor=SYSTEM, version_id=version_id, now=world.now)
    operations.send_messages(
        actor=SYSTEM, template="care", person_ids=[loyalty.person_id_of(world.zhang_san)], now=world.now
    )
    operations.send_due(actor=SYSTEM, now=world.now)

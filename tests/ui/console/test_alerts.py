"""Alerts by message, in a browser: one's own address, the chains, who was told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.service import operations as service
from zhike.service.models import AlertChain, AlertContact

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C181")


def test_set_told_and_seen(enter: Enter, desks: Desks, world: World) -> None:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    wang, admin = enter(desks.wang), enter(desks.admin)
    address = "/console/service/alerts/contact/"
    form = form_of(wang.get(address, headers=HTMX)) | {"channel": "sms", "address": "13800000001"}
    assert wang.post(address, form | {"address": "1"}, headers=HTMX).status_code == 422
    wang.post(address, form | {"absent_days": "0"}, headers=HTMX)
    assert AlertContact.objects.get().masked in said(wang.get("/console/service/alerts/"))
    address = f"/console/service/alerts/{world.malls.star}/mall_manager/"
    assert wang.get(address, headers=HTMX).status_code == 403
    form = form_of(admin.get(address, headers=HTMX)) | {"person_0": str(desks.wang.id), "patience": "7"}
    admin.post(address, form, headers=HTMX)
    assert AlertChain.objects.get().staff_ids == [desks.wang.id]
    assert admin.get(f"/console/service/alerts/{world.malls.star}/cashier/", headers=HTMX).status_code == 404
    service.open_ticket(
        actor=SYSTEM, type="complaint", text="咖啡里有异物", channel="phone", merchant_id=world.malls.cafe,
        now=world.now - dt.timedelta(days=2),  # long enough at any hour
    )  # fmt: skip
    service.sweep_deadlines(actor=SYSTEM, now=world.now)
    assert service.tell_alerts(actor=SYSTEM, now=world.now) >= 1
    page = said(wang.get("/console/service/alerts/"))
    assert "咖啡里有异物" in page and "7 分钟" in page
    assert "短信" in said(wang.get("/console/service/alerts/contact/", headers=HTMX))

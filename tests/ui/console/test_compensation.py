"""Amends in a browser: offered on the ticket, agreed to by somebody else, handed over, reported."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of, send
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service
from zhike.service.models import AuthorityLimit, Compensation, CompensationItem

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C183")


@pytest.fixture
def number(world: World) -> str:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    service.found_compensation(actor=SYSTEM, group_id=world.malls.group, now=world.now)
    return service.open_ticket(
        actor=SYSTEM, type="complaint", text="咖啡里有异物", channel="phone", merchant_id=world.malls.cafe,
        person_id=loyalty.person_id_of(world.zhang_san), now=world.now,
    )  # fmt: skip


def test_offered_agreed_to_and_handed_over(enter: Enter, desks: Desks, number: str) -> None:
    sun, wang = enter(desks.sun), enter(desks.wang)
    dialog = sun.get(f"/console/service/{number}/amends/", headers=HTMX)
    assert "单张工单 ¥100.00" in said(dialog) and "半山咖啡" in said(dialog)
    halves = {"item": "points", "amount": "1.5", "payer": "mall", "reason": "异物"}
    assert send(sun, number, "amends", **halves).status_code == 422
    send(sun, number, "amends", item="points", amount="500", payer="merchant", reason="异物")
    send(sun, number, "amends", item="cash", amount="250.50", payer="mall", reason="异物")
    points, cash = Compensation.objects.order_by("id")
    assert (points.state, cash.state, cash.amount) == ("executed", "proposed", 25_050)
    assert "待审批" in said(sun.get(f"/console/service/{number}/"))
    page = said(wang.get("/console/service/amends/"))
    assert number in page and f"/console/service/amends/{cash.pk}/agree/" in page
    address = f"/console/service/amends/{cash.pk}/"
    assert sun.get(f"{address}agree/", headers=HTMX).status_code == 403
    for what in ("agree", "hand-over"):
        form = form_of(wang.get(f"{address}{what}/?from=list", headers=HTMX))
        wang.post(f"{address}{what}/?from=list", form | {"note": "同意", "reference": "P1"}, headers=HTMX)
    cash.refresh_from_db()
    assert (cash.state, cash.reference) == ("executed", "P1")
    report = said(wang.get("/console/service/amends/?state=given&days=90"))
    assert "¥255.50" in report and "半山咖啡" in report
    assert "250.50" in b"".join(wang.get("/console/service/amends/export/")).decode()  # type: ignore[arg-type]
    form = form_of(wang.get(f"/console/service/amends/{points.pk}/withdraw/", headers=HTMX))
    wang.post(f"/console/service/amends/{points.pk}/withdraw/", form | {"reason": "重复"}, headers=HTMX)
    points.refresh_from_db()
    assert points.state == "reversed"


def test_the_catalogue_and_the_limits(enter: Enter, desks: Desks, world: World) -> None:
    admin = enter(desks.admin)
    assert "使用常用设置" in said(admin.get("/console/service/amends/catalogue/"))
    admin.post("/console/service/amends/catalogue/found/")
    assert CompensationItem.objects.count() == 5
    assert "积分补偿" in said(admin.get("/console/service/amends/catalogue/"))
    address = "/console/service/amends/catalogue/item/"
    form = form_of(admin.get(f"{address}?code=cash", headers=HTMX))
    values = {"code": "cash", "name": "现金", "kind": "cash", "amount_max": "500", "is_offered": "on"}
    admin.post(address, form | values, headers=HTMX)
    assert CompensationItem.objects.get(code="cash").amount_max == 50_000
    assert admin.post(address, form | values | {"kind": "coupon"}, headers=HTMX).status_code == 422
    address = "/console/service/amends/catalogue/authority/"
    form = form_of(admin.get(f"{address}?role=service_agent", headers=HTMX))
    admin.post(address, form | {"role": "cashier", "each": "20", "period": "day", "total": ""}, headers=HTMX)
    limit = AuthorityLimit.objects.get(role="cashier")
    assert (limit.each_fen, limit.period, limit.period_fen) == (2_000, "day", None)
    sun = enter(desks.sun)
    assert sun.get(address, headers=HTMX).status_code == 403
    assert sun.get("/console/service/amends/").status_code == 200


def test_a_neighbours_manager_sees_none_of_it(enter: Enter, desks: Desks, world: World, number: str) -> None:
    made = service.propose_compensation(
        actor=desks.sun, number=number, item_code="cash", amount=90_000, reason="异物", now=world.now
    )
    qian = enter(desks.qian)
    assert number not in said(qian.get("/console/service/amends/?state=all"))
    assert qian.get(f"/console/service/amends/{made}/agree/", headers=HTMX).status_code == 404

"""Returns and repairs in the console: the list, the panel on the ticket, steps in dialogs, a plan, terms, the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client

from tests.people import PASSWORD, hire
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import AfterSale, AfterSalesPolicy, Ticket

DAY = dt.timedelta(days=1)
Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C193", "C082")


@pytest.fixture
def ask(world: World) -> Callable[..., str]:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    service.found_after_sales(actor=SYSTEM, group_id=world.malls.group, now=world.now)

    def _ask(kind: str = "return") -> str:
        return service.apply_after_sale(
            actor=SYSTEM,
            receipt_id=world.sale,
            kind=kind,
            reason="quality",
            condition="used",
            quantities={1: Decimal(1)},
            now=world.now,
        )

    return _ask


def test_listed_and_taken_step_by_step(enter: Enter, desks: Desks, ask: Callable[..., str]) -> None:
    number = ask()
    sun = enter(desks.sun)
    assert number in sun.get("/console/service/after-sales/?queue=applied").content.decode()
    assert number not in sun.get("/console/service/after-sales/?kind=repair", headers=HTMX).content.decode()
    panel = sun.get(f"/console/service/{number}/").content.decode()
    assert "售后商品" in panel and "resolve/" not in panel
    for act in ("approve", "receive", "pass", "settle"):
        address = f"/console/service/after-sales/{number}/{act}/"
        assert sun.get(address, headers=HTMX).status_code == 200
        assert sun.post(address, {"once": act}, headers=HTMX).status_code == 200
    assert AfterSale.objects.get().state == "refunded"
    assert sun.get(f"/console/service/after-sales/{number}/settle/").status_code == 404
    assert "查看退货小票" in sun.get(f"/console/service/{number}/").content.decode()


def test_a_refusal_needs_its_reason(enter: Enter, desks: Desks, ask: Callable[..., str]) -> None:
    number = ask()
    sun = enter(desks.sun)
    address = f"/console/service/after-sales/{number}/refuse/"
    assert sun.post(address, {"note": ""}, headers=HTMX).status_code == 422
    assert sun.post(address, {"note": "人为损坏"}, headers=HTMX).status_code == 200
    assert Ticket.objects.get().status == "resolved"


def test_a_repair_is_planned_with_parts(
    enter: Enter, desks: Desks, world: World, ask: Callable[..., str]
) -> None:
    number = ask("repair")
    service.receive_goods(actor=SYSTEM, number=number, now=world.now)
    sun = enter(desks.sun)
    address = f"/console/service/after-sales/{number}/plan/"
    assert "在保修期内" in sun.get(address).content.decode()
    form = {
        "workshop": "星河工坊", "promised_on": (world.now + 3 * DAY).date().isoformat(), "labour_fen": "30", "charge_fen": "5",
        "parts-TOTAL_FORMS": "1", "parts-INITIAL_FORMS": "0", "parts-0-name": "拉链", "parts-0-quantity": "2",
        "parts-0-cost_fen": "8.50",
    }  # fmt: skip
    assert sun.post(address, form).status_code == 422
    assert sun.post(address, form | {"charge_fen": ""}).status_code == 302
    assert AfterSale.objects.get().cost_fen == 4_700
    assert "拉链" in sun.get(f"/console/service/{number}/").content.decode()


def test_the_merchant_reads_and_strangers_find_nothing(
    enter: Enter, desks: Desks, world: World, ask: Callable[..., str]
) -> None:
    number = ask()
    role = ("merchant_manager", "merchant", world.malls.cafe)
    he = enter(hire(world.malls, "he", "何店长", role, password=PASSWORD, now=world.now))
    assert number in he.get("/console/service/after-sales/").content.decode()
    assert "after-sales/" + number not in he.get(f"/console/service/{number}/").content.decode()
    assert he.get(f"/console/service/after-sales/{number}/approve/").status_code == 403
    assert he.get("/console/service/after-sales/terms/").status_code == 403
    assert he.get("/console/service/after-sales/report/").status_code == 403
    qian = enter(desks.qian)
    assert qian.get(f"/console/service/after-sales/{number}/approve/").status_code == 404
    assert number not in qian.get("/console/service/after-sales/?queue=all").content.decode()


def test_terms_are_edited_and_the_report_is_drawn(
    enter: Enter, desks: Desks, world: World, ask: Callable[..., str]
) -> None:
    ask()
    lin = enter(desks.admin)
    page = lin.get("/console/service/after-sales/terms/").content.decode()
    assert "rows-0-return_days" in page
    tier = next(key for key in queries.standing_keys(world.malls.group) if key.startswith("tier:"))
    form = {
        "at_once_fen": "200", "photo_for_faults": "on", "note": "双十一",
        "rows-TOTAL_FORMS": "1", "rows-INITIAL_FORMS": "1", "rows-0-category": "*", "rows-0-return_days": "7",
        "rows-0-exchange_days": "15", "rows-0-fault_return_days": "7", "rows-0-fault_exchange_days": "15",
        "rows-0-repair_days": "365", "extras-TOTAL_FORMS": "1", "extras-INITIAL_FORMS": "0",
        "extras-0-key": tier, "extras-0-extra_days": "23",
    }  # fmt: skip
    assert (
        lin.post("/console/service/after-sales/terms/", form | {"rows-0-return_days": "8"}).status_code == 422
    )
    sent = lin.post("/console/service/after-sales/terms/", form)
    assert "第 2 版" in said(lin.get(sent["Location"]))
    newest = AfterSalesPolicy.objects.latest("version").definition
    assert (newest["at_once_fen"], newest["extensions"][0]["extra_days"]) == (20_000, 23)
    report = lin.get("/console/service/after-sales/report/").content.decode()
    assert "质量问题" in report and "after-sales-reasons" in report
    assert "没有售后申请" in enter(desks.qian).get("/console/service/after-sales/report/").content.decode()

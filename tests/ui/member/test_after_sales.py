"""A member sends goods back from the phone, the desk scans the code, the console decides; each page of the road is drawn."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.people import NOW, Crew
from tests.service.conftest import PNG, found
from tests.ui.counter.world import SYSTEM, World, token_of
from zhike.service import operations as service
from zhike.service.models import AfterSale, Ticket

pytestmark = pytest.mark.feature("C171")


@pytest.fixture
def receipt(world: World) -> UUID:
    found(world.malls)
    service.found_after_sales(actor=SYSTEM, group_id=world.malls.group, now=NOW)
    return world.buy(member=world.zhang, lines=[("羊毛大衣", "2", 60_000)]).receipt_id


def test_chosen_judged_sent_and_followed(zhang: Client, world: World, crew: Crew, receipt: UUID) -> None:
    address = f"/m/receipts/{receipt}/after-sales/"
    assert address in zhang.get(f"/m/receipts/{receipt}/").content.decode()
    page = zhang.get(address)
    assert "Possible until" in page.content.decode()
    judged = zhang.get(address, {"kind": "return", "condition": "used"}, headers={"hx-request": "true"})
    assert "Used goods come back only with a fault" in judged.content.decode()
    assert "<html" not in judged.content.decode()
    values = {"token": token_of(page), "kind": "return", "reason": "quality", "condition": "used"}
    bare = zhang.post(address, values | {"line-1": "1"})
    assert (bare.status_code, "photo" in bare.content.decode()) == (422, True)
    photo = SimpleUploadedFile("a.png", PNG)
    sent = zhang.post(address, values | {"line-1": "1", "files": photo})
    number = Ticket.objects.get().number
    assert sent["Location"] == f"/m/help/{number}/"
    service.decide_after_sale(actor=crew.sun, number=number, approve=True, now=NOW)
    shown = zhang.get(f"/m/help/{number}/").content.decode()
    assert "Approved" in shown and "<svg" in shown
    other = Client(headers={"accept-language": "en"})
    assert other.post(f"/m/help/{number}/withdraw/").status_code == 302
    zhang.post(f"/m/help/{number}/withdraw/")
    assert AfterSale.objects.get().state == "withdrawn"


def test_anothers_receipt_and_a_mall_without_terms(zhang: Client, world: World) -> None:
    own = world.buy(member=world.zhang).receipt_id
    assert zhang.get(f"/m/receipts/{own}/after-sales/").status_code == 404
    assert "after-sales" not in zhang.get(f"/m/receipts/{own}/").content.decode()
    service.found_after_sales(actor=SYSTEM, group_id=world.malls.group, now=NOW)
    others = world.buy(member=world.li).receipt_id
    assert zhang.get(f"/m/receipts/{others}/after-sales/").status_code == 404


def test_a_repair_shows_workshop_and_day(zhang: Client, world: World, crew: Crew, receipt: UUID) -> None:
    page = zhang.get(f"/m/receipts/{receipt}/after-sales/?kind=repair&reason=quality&condition=used")
    assert "Free of charge until" in page.content.decode()
    values = {
        "token": token_of(page),
        "kind": "repair",
        "reason": "other",
        "condition": "used",
        "line-1": "1",
    }
    assert zhang.post(f"/m/receipts/{receipt}/after-sales/", values).status_code == 302
    number = Ticket.objects.get().number
    service.receive_goods(actor=crew.sun, number=number, now=NOW)
    plan = service.RepairPlan("星河工坊", NOW.date() + dt.timedelta(days=3))
    service.take_step(actor=crew.sun, number=number, act="send", plan=plan, now=NOW)
    assert "星河工坊" in zhang.get(f"/m/help/{number}/").content.decode()


def test_a_repair_that_costs_is_agreed_to(zhang: Client, world: World, crew: Crew, receipt: UUID) -> None:
    old = world.buy(member=world.zhang, at=NOW - dt.timedelta(days=500)).receipt_id
    page = zhang.get(f"/m/receipts/{old}/after-sales/?kind=repair")
    assert "the repair is charged" in page.content.decode()
    values = {
        "token": token_of(page),
        "kind": "repair",
        "reason": "other",
        "condition": "used",
        "line-1": "1",
    }
    assert zhang.post(f"/m/receipts/{old}/after-sales/", values).status_code == 302
    number = Ticket.objects.get().number
    service.receive_goods(actor=crew.sun, number=number, now=NOW)
    plan = service.RepairPlan("星河工坊", NOW.date() + dt.timedelta(days=3), charge_fen=8_800)
    service.take_step(actor=crew.sun, number=number, act="send", plan=plan, now=NOW)
    assert "¥88.00. Shall we go on?" in zhang.get(f"/m/help/{number}/").content.decode()
    for _ in range(2):
        assert zhang.post(f"/m/help/{number}/charge/", {"agrees": "yes"}).status_code == 302
    assert "You agreed to pay" in zhang.get(f"/m/help/{number}/").content.decode()
    assert AfterSale.objects.get().agreed_at == NOW

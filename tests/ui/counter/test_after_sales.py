"""Goods brought to the desk: the code is scanned, they are taken in, checked, refunded; or asked for here."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from django.test import Client

from tests.people import NOW
from tests.service.conftest import found
from tests.ui.counter.world import SYSTEM, World, token_of
from zhike.service import operations as service
from zhike.service.models import AfterSale, Ticket

pytestmark = pytest.mark.feature("C171", "C193")


@pytest.fixture
def receipt(world: World) -> UUID:
    found(world.malls)
    service.found_after_sales(actor=SYSTEM, group_id=world.malls.group, now=NOW)
    return world.buy(member=world.zhang, lines=[("羊毛大衣", "2", 60_000)]).receipt_id


def asked(receipt: UUID, kind: str = "return") -> AfterSale:
    service.apply_after_sale(
        actor=SYSTEM,
        receipt_id=receipt,
        kind=kind,
        reason="quality",
        condition="used",
        quantities={1: Decimal(1)},
        now=NOW,
    )
    return AfterSale.objects.get()


def test_scanned_taken_in_checked_and_refunded(desk: Client, receipt: UUID) -> None:
    sheet = asked(receipt)
    address = desk.post("/counter/find/", {"q": f"ZKA.{sheet.code}"})["Location"]
    assert address == f"/counter/after-sales/{sheet.ticket.number}/"
    for act in ("approve", "receive", "pass", "settle"):
        page = desk.get(address)
        assert f'value="{act}"' in page.content.decode()
        form = {"token": token_of(page), "act": act}
        assert [desk.post(address, form).status_code for _ in range(2)] == [302, 302]
    sheet.refresh_from_db()
    assert (sheet.state, sheet.money_fen) == ("refunded", 30_000)
    assert "¥300.00" in desk.get(address).content.decode()


def test_typed_on_its_own_page_where_what_is_here_is_listed(desk: Client, receipt: UUID) -> None:
    sheet = asked(receipt, "repair")
    service.receive_goods(actor=SYSTEM, number=sheet.ticket.number, now=NOW)
    page = desk.get("/counter/after-sales/").content.decode()
    assert "羊毛大衣" in page
    found_ = desk.post("/counter/after-sales/", {"code": sheet.code.lower()})
    assert found_["Location"] == f"/counter/after-sales/{sheet.ticket.number}/"
    assert "There is no request" in desk.post("/counter/after-sales/", {"code": "NOSUCH"}).content.decode()
    address = found_["Location"]
    page_ = desk.get(address)
    refused = desk.post(address, {"token": token_of(page_), "act": "reject"})
    assert (refused.status_code, "Say it in between" in refused.content.decode()) == (422, True)
    assert "console" in page_.content.decode()


def test_asked_for_at_the_desk(desk: Client, till: Client, receipt: UUID) -> None:
    address = f"/counter/receipts/{receipt}/after-sales/"
    assert address in desk.get(f"/counter/receipts/{receipt}/").content.decode()
    page = desk.get(address)
    judged = desk.get(address, {"condition": "opened"}, headers={"hx-request": "true"})
    assert "Opened goods come back only with a fault" in judged.content.decode()
    form = {
        "token": token_of(page),
        "kind": "exchange",
        "reason": "size",
        "condition": "sealed",
        "line-1": "1",
    }
    sent = [desk.post(address, form)["Location"] for _ in range(2)]
    assert sent[0] == sent[1] == f"/counter/after-sales/{Ticket.objects.get().number}/"
    assert desk.post(address, form | {"token": token_of(desk.get(address)), "line-1": "2"}).status_code == 422
    assert till.get(address).status_code == 403
    assert till.get(sent[0]).status_code == 403

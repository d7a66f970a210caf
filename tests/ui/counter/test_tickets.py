"""A complaint is written down at the till for the customer in front of us."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.ui.counter.world import ZHANG_PHONE, World, token_of
from zhike.service.models import Ticket

pytestmark = pytest.mark.feature("C181", "C176")


def test_a_cashier_writes_it_down_once(till: Client, world: World) -> None:
    address = str(till.post("/counter/find/", {"q": ZHANG_PHONE})["Location"]) + "ticket/"
    form = {
        "token": token_of(till.get(address)),
        "type": "complaint",
        "severity": "normal",
        "text": "咖啡洒了",
    }
    first, second = till.post(address, form), till.post(address, form)
    assert first["Location"] == second["Location"]
    ticket = Ticket.objects.get()
    assert ticket.number in till.get(first["Location"]).content.decode()
    assert (ticket.merchant_id, ticket.channel) == (world.malls.cafe, "counter")
    assert till.post(address, form | {"text": ""}).status_code == 422


def test_nobody_who_was_not_presented(till: Client, world: World) -> None:
    assert till.get(f"/counter/members/{world.li.member_id}/ticket/").status_code == 404

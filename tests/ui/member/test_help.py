"""A member writes to us, follows it, answers, and says when it is settled."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.people import NOW, Crew
from tests.service.conftest import PNG, found
from tests.ui.counter.world import LI_PHONE, World, token_of
from zhike.service import operations as service
from zhike.service.models import Entry, Ticket

pytestmark = pytest.mark.feature("C181", "C176")


def complain(client: Client, world: World, **changes: Any) -> Any:
    page = client.get("/m/help/new/")
    values = {"type": "complaint", "merchant": str(world.malls.cafe), "text": "咖啡里有异物"} | changes
    return client.post("/m/help/new/", {"token": token_of(page)} | values)


def test_it_is_sent_followed_and_settled(zhang: Client, world: World, crew: Crew) -> None:
    found(world.malls)
    sent = complain(zhang, world, files=SimpleUploadedFile("a.png", PNG))
    number = Ticket.objects.get().number
    assert sent["Location"] == f"/m/help/{number}/"
    service.answer_ticket(actor=crew.sun, number=number, text="内部备注", audience="staff", now=NOW)
    service.resolve_ticket(actor=crew.sun, number=number, text="已为您换新", now=NOW)
    page = zhang.get(f"/m/help/{number}/").content.decode()
    assert "已为您换新" in page and "内部备注" not in page
    file = re.search(rf"/m/help/{number}/files/\d+/", page)
    assert file is not None and zhang.get(file[0]).content == PNG
    assert (
        number in zhang.get("/m/help/").content.decode()
        or "咖啡里有异物" in zhang.get("/m/help/").content.decode()
    )
    zhang.post(f"/m/help/{number}/close/")
    assert Ticket.objects.get().status == "closed"
    again = {"token": token_of(zhang.get(f"/m/help/{number}/")), "text": "又坏了"}
    for _ in range(2):
        assert zhang.post(f"/m/help/{number}/", again).status_code == 302
    assert Ticket.objects.get().status == "open"
    assert Entry.objects.filter(text="又坏了").count() == 1


def test_another_members_matter_is_not_there(zhang: Client, world: World, enter: Any) -> None:
    complain(zhang, world)
    number = Ticket.objects.get().number
    other = Client(headers={"accept-language": "en"})
    enter(other, LI_PHONE)
    assert other.get(f"/m/help/{number}/").status_code == 404
    assert other.post(f"/m/help/{number}/close/").status_code == 404
    assert Ticket.objects.get().status == "new"


def test_a_receipt_comes_along(zhang: Client, world: World) -> None:
    receipt_id = world.buy(5_000, member=world.zhang).receipt_id
    page = zhang.get(f"/m/help/new/?receipt={receipt_id}")
    form = {"token": token_of(page), "type": "return", "merchant": str(world.malls.cafe), "text": "想退货"}
    zhang.post(f"/m/help/new/?receipt={receipt_id}", form)
    assert Ticket.objects.get().receipt_id == receipt_id


def test_nothing_is_sent_without_words(zhang: Client, world: World) -> None:
    assert complain(zhang, world, text=" ").status_code == 422
    assert complain(zhang, world, files=SimpleUploadedFile("a.exe", b"MZ" * 40)).status_code == 422
    assert not Ticket.objects.exists()


@pytest.mark.feature("C183")
def test_amends_are_shown_where_the_matter_is(zhang: Client, world: World, crew: Crew) -> None:
    found(world.malls)
    service.found_compensation(actor=crew.admin, group_id=world.malls.group, now=NOW)
    complain(zhang, world)
    number = Ticket.objects.get().number
    for item, amount in (("points", 300), ("gift", 1), ("cash", 99_999)):
        service.propose_compensation(
            actor=crew.sun, number=number, item_code=item, amount=amount, reason="致歉", now=NOW
        )
    page = zhang.get(f"/m/help/{number}/").content.decode()
    assert "The points are on your card." in page and "Ready for you at the service desk." in page
    assert "999.99" not in page  # nobody has agreed to that

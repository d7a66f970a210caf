"""The card and the counter show a new member what is waiting for them, and what came of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.ui.counter.world import SYSTEM, World
from tests.ui.member.test_coming_in import JOIN, NEW_PHONE
from zhike.engagement import operations
from zhike.engagement.models import Welcome
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members

pytestmark = pytest.mark.feature("C061")


def test_shown_before_and_after_the_first_purchase(zhang: Client, enter: Any, world: World) -> None:
    terms = {"points": 88, "minimum_fen": 5_000}
    operations.save_welcome_offer(
        actor=SYSTEM, mall_id=world.malls.star, terms=terms, now=world.now - dt.timedelta(minutes=1)
    )
    assert "Your welcome gift" not in zhang.get("/m/").content.decode()
    phone = Client(headers={"accept-language": "en"})
    phone.get(f"/m/login/?mall={world.malls.star}")
    enter(phone, NEW_PHONE)
    phone.post("/m/join/", JOIN)
    page = phone.get("/m/").content.decode()
    assert "Your welcome gift" in page and "88 points on top" in page
    person_id = members.person_id_of(_newest())
    invitee = loyalty.EnrolledMember(_newest(), person_id, "")
    world.now += dt.timedelta(minutes=1)
    world.buy(member=invitee)
    operations.review_welcome(actor=SYSTEM, person_id=person_id, now=world.now)
    assert Welcome.objects.get().status == "granted"
    assert "are yours for your first purchase" in phone.get("/m/").content.decode()


def _newest() -> int:
    from zhike.loyalty.models import Member

    return Member.objects.latest("id").pk


@pytest.mark.feature("B33")
def test_stamps_on_the_phone(zhang: Client, world: World) -> None:
    terms = {"stamps": 4, "reward": {"points": 50}, "day_max": 2}
    assert "No stamp cards" in zhang.get("/m/stamps/").content.decode()
    operations.save_stamp_card(
        actor=SYSTEM,
        mall_id=world.malls.star,
        name="Coffee card",
        terms=terms,
        now=world.now - dt.timedelta(days=1),
    )
    world.buy(member=world.zhang)
    assert "/m/stamps/" in zhang.get("/m/").content.decode()
    page = zhang.get("/m/stamps/").content.decode()
    assert "Coffee card" in page and "1 of 4 stamps" in page

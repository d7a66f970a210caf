"""What whoever serves a member sees of their welcome and their stamp cards."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from tests.ui.counter.world import SYSTEM, ZHANG_PHONE, World
from zhike.engagement import operations


@pytest.mark.feature("B33", "C061")
def test_a_welcome_and_stamps_at_the_counter(desk: Client, world: World) -> None:
    before = world.now - dt.timedelta(days=400)
    operations.save_welcome_offer(
        actor=SYSTEM, mall_id=world.malls.star, terms={"points": 77, "days_to_buy": 366}, now=before
    )
    terms = {"stamps": 4, "reward": {"points": 50}, "day_max": 2}
    operations.save_stamp_card(
        actor=SYSTEM,
        mall_id=world.malls.star,
        name="Coffee card",
        terms=terms,
        now=world.now - dt.timedelta(days=1),
    )
    member = desk.post("/counter/find/", {"q": ZHANG_PHONE})["Location"]
    page = desk.get(member).content.decode()
    assert "a welcome gift is waiting" in page and "77 points on top" in page
    world.buy(member=world.zhang)
    shown = desk.get(f"{member}stamps/").content.decode()
    assert "1 / 4" in shown and "50 points" in shown

"""Checking in on the phone: one tap, a calendar, and days made up for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.ui.counter.world import SYSTEM, World
from zhike.engagement import operations
from zhike.engagement.models import CheckIn

pytestmark = pytest.mark.feature("C084")
DAY = dt.timedelta(days=1)


@pytest.fixture
def plan(world: World) -> dict[str, Any]:
    terms = {"points": [5, 6], "make_ups": 2, "milestones": [{"day": 3, "reward": {"points": 20}}]}
    operations.save_check_in_plan(
        actor=SYSTEM, mall_id=world.malls.star, terms=terms, is_open=True, now=world.now - 9 * DAY
    )
    return terms


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_one_tap_a_day(zhang: Client, plan: Any) -> None:
    assert "/m/check-in/" in text(zhang.get("/m/"))
    assert "2 more days: 20 points" not in text(zhang.get("/m/check-in/"))
    page = text(zhang.post("/m/check-in/", follow=True))
    assert "+5 points. 1 day in a row." in page
    assert "Done for today" in page
    assert "2 more days: 20 points" in page
    assert "+5 points." not in text(zhang.post("/m/check-in/", follow=True))
    assert CheckIn.objects.count() == 1


def test_a_missed_day_is_made_up_for_on_the_calendar(
    zhang: Client, plan: Any, world: World, clock: Any
) -> None:
    zhang.post("/m/check-in/")
    clock.move_to(world.now + 2 * DAY)
    page = text(zhang.get("/m/check-in/"))
    assert 'value="2026-03-09"' in page
    assert "Made up for. 2 days in a row." in text(
        zhang.post("/m/check-in/make-up/", {"day": "2026-03-09"}, follow=True)
    )
    assert "You had checked in on that day." in text(
        zhang.post("/m/check-in/make-up/", {"day": "2026-03-09"}, follow=True)
    )
    assert zhang.post("/m/check-in/make-up/", {"day": "soon"})["Location"] == "/m/check-in/"
    page = text(zhang.post("/m/check-in/", follow=True))
    assert "+25 points. 3 days in a row." in page
    assert list(CheckIn.objects.order_by("day").values_list("points", flat=True)) == [5, 0, 25]


def test_nothing_runs(zhang: Client) -> None:
    assert "/m/check-in/" not in text(zhang.get("/m/"))
    assert "No check-in at the moment" in text(zhang.get("/m/check-in/"))


@pytest.mark.feature("C076")
def test_the_next_birthday_and_its_gift_by_either_calendar(zhang: Client, world: World) -> None:
    operations.save_birthday_plan(
        actor=SYSTEM,
        program_id=world.program_id,
        terms={"reward": {"points": 66}},
        is_open=True,
        now=world.now,
    )
    assert "For your birthday on" in (page := text(zhang.get("/m/me/")))
    assert "2026-05-12" in page
    form = {"name": "张三丰", "sex": "male", "birthday_calendar": "lunar", "occupation": ""}
    assert zhang.post("/m/me/edit/", form).status_code == 302
    page = text(zhang.get("/m/me/"))
    assert "四月十八" in page
    assert "2026-05-12" not in page
    refused = zhang.post("/m/me/edit/", form | {"birthday_calendar": "solar"})
    assert refused.status_code == 422
    assert "once a year" in text(refused)

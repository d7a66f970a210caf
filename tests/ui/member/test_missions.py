"""Missions on the phone: what there is to do, taken on, followed, and done."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.ui.counter.world import SYSTEM, World
from zhike.engagement import operations

pytestmark = pytest.mark.feature("C072")


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_taken_on_followed_and_done(zhang: Client, world: World) -> None:
    assert "No missions at the moment" in text(zhang.get("/m/missions/"))
    assert "/m/missions/" not in text(zhang.get("/m/"))
    terms: dict[str, Any] = {
        "steps": [{"kind": "purchase", "goal": 2, "minimum_fen": 5_000, "merchants": [world.malls.cafe]}],
        "reward": {"points": 50}, "starts": "accept", "days": 9, "wait_days": 0, "quota": 7,
    }  # fmt: skip
    mission_id = operations.save_mission(
        actor=SYSTEM, program_id=world.program_id, name="咖啡两杯", terms=terms, now=world.now
    )
    assert "/m/missions/" in text(zhang.get("/m/"))
    page = text(zhang.get("/m/missions/"))
    for said in (
        "咖啡两杯",
        "50 points",
        "2 purchases of ¥50.00 or more at",
        "You have 9 days",
        "7 rewards left",
    ):
        assert said in page
    assert "Take it on" in page
    page = text(zhang.post(f"/m/missions/{mission_id}/accept/", follow=True))
    assert "Off you go" in page
    assert "0 / 2" in page
    assert "Take it on" not in page
    for _ in range(2):
        world.buy(6_000, member=world.zhang, at=dt.datetime.now(dt.UTC))
    operations.review_missions(actor=SYSTEM, person_id=world.zhang.person_id, now=dt.datetime.now(dt.UTC))
    page = text(zhang.get("/m/missions/"))
    assert "2 / 2" in page
    assert "Rewarded" in page
    assert "There is no such mission." in text(zhang.post("/m/missions/4711/accept/", follow=True))

"""A member reads the ladder, until when a tier is theirs, and why."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from tests.people import NOW
from tests.ui.counter.world import SYSTEM, World
from zhike.loyalty import operations, queries


@pytest.mark.feature("C068", "C069")
def test_ladder_standing_and_reasons(zhang: Client, world: World) -> None:
    file = queries.member_file(SYSTEM, world.zhang.member_id, NOW)
    operations.update_program(
        actor=SYSTEM,
        program_id=file.programme.id,
        changes={"tier_period": "year", "tier_grace_days": 30},
        now=NOW,
    )
    top = queries.tiers(file.programme.id)[-1]
    operations.grant_tier(
        actor=SYSTEM, member_id=world.zhang.member_id, tier_id=top.id, until=NOW.date() + dt.timedelta(days=10),
        reason="Anniversary", now=NOW,
    )  # fmt: skip
    page = zhang.get("/m/tiers/").content.decode()
    for text in (
        "How tiers work",
        top.name,
        "You are here",
        "until the end of the calendar year",
        "Anniversary",
        "for a time",
    ):
        assert text in page
    assert "is lent to you until" in zhang.get("/m/tiers/line/").content.decode()
    assert "/m/tiers/line/" in zhang.get("/m/").content.decode()

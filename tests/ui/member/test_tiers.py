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


@pytest.mark.feature("C078")
def test_terms_in_force_coming_and_past_with_what_changes(zhang: Client, world: World) -> None:
    program_id = queries.member_file(SYSTEM, world.zhang.member_id, NOW).programme.id
    assert "have held from the beginning" in zhang.get("/m/tiers/terms/").content.decode()
    about = {"actor": SYSTEM, "program_id": program_id}
    terms = queries.plain_policy(queries.policy_now(program_id))
    terms |= {"period": "year", "text": "All shops of the mall take part."}
    operations.publish_tier_policy(
        definition=terms, effective_from=NOW, texts_only_add=True, note="Held for a year", now=NOW, **about
    )
    terms["tiers"][-1]["threshold_fen"] *= 2
    terms["tiers"][-1]["benefits"] = "Lounge"
    begins = NOW + dt.timedelta(days=60)
    operations.publish_tier_policy(
        definition=terms, effective_from=begins, note="New lounge", now=NOW, **about
    )
    waiting = zhang.get("/m/tiers/terms/").content.decode()
    assert "A change is being announced" in waiting and "30 days after everybody was told" in waiting
    operations.give_tier_policy_notices(now=NOW, **about)
    page = zhang.get("/m/tiers/terms/").content.decode()
    for text in (
        "Changes on",
        "You were told on",
        "Stricter",
        "New wording",
        "Lounge",
        "All shops",
        "Version 1",
    ):
        assert text in page
    assert "/m/tiers/terms/" in zhang.get("/m/tiers/").content.decode()

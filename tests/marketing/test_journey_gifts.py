"""Nodes that give or take a tag and lend a tier: once, as by hand, and never against the member."""

from __future__ import annotations

from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.marketing.conftest import DAY, populate
from tests.marketing.journeys import enter, graph, live, node, path, planned, step
from zhike.customers import queries as customers
from zhike.insight import operations as tagging
from zhike.insight import queries as insight
from zhike.loyalty import queries as loyalty
from zhike.loyalty.models import TierGrant
from zhike.marketing import operations, queries

pytestmark = pytest.mark.feature("C134")


def a_tag(town: Town) -> int:
    return tagging.save_tag(
        actor=SYSTEM,
        group_id=town.group_id,
        code="vip_guest",
        name="活动贵宾",
        category="taste",
        kind="manual",
        now=NOW,
    )


def tags_on(person_id: int) -> set[str]:
    return {one.ref.name for one in insight.tags_of(person_id).on}


def test_a_tag_is_given_and_taken_but_not_against_the_member(town: Town) -> None:
    tag_id = a_tag(town)
    willing, unwilling = populate(town, 2)
    tagging.mark_tag(
        actor=customers.viewer_of_person(unwilling), person_id=unwilling, tag_id=tag_id, is_on=False, now=NOW
    )
    give = node("n1", "tag", {"tag": tag_id, "do": "give"}, given="n2", refused="n3")
    take = node("n4", "tag", {"tag": tag_id, "do": "take"}, given="n3", refused="n3")
    rest = node("n2", "delay", {"value": 2, "unit": "days", "at": ""}, next="n4")
    journey_id = live(town, graph(give, rest, node("n3", "exit"), take))
    enter(journey_id, [willing, unwilling])
    step(NOW)
    step(NOW)
    assert tags_on(willing) == {"活动贵宾"} and tags_on(unwilling) == set()
    assert path(journey_id, willing) == [("n1", "given")]
    assert path(journey_id, unwilling) == [("n1", "refused"), ("n3", "")]
    step(NOW + 3 * DAY)
    assert tags_on(willing) == set()
    assert path(journey_id, willing)[1:] == [("n2", "next"), ("n4", "given"), ("n3", "")]


def test_a_tier_is_lent_for_a_time_and_once(town: Town) -> None:
    (person_id,) = populate(town, 1)
    lend = {"tier": town.tiers["gold"], "days": 30}
    journey_id = live(
        town,
        graph(
            node("n1", "tier", lend, given="n2", refused="n3"),
            node("n2", "tier", lend, given="n3", refused="n3"),
            node("n3", "exit"),
        ),
    )
    enter(journey_id, [person_id])
    step(NOW)
    step(NOW)
    assert path(journey_id, person_id) == [("n1", "given"), ("n2", "refused"), ("n3", "")]
    [grant] = TierGrant.objects.all()
    assert (grant.source, grant.tier_id) == ("journey", town.tiers["gold"])
    held = loyalty.held_tiers(grant.member_id, NOW + DAY)
    assert held.covers(town.tiers["gold"], NOW.date() + 30 * DAY)
    figures = queries.node_figures(queries.journey(SYSTEM, journey_id, NOW).shown.id)
    assert figures["n2"].reasons == {"tier-held-already": 1}


def test_what_is_not_there_keeps_a_journey_from_going_live(town: Town) -> None:
    def wrong(**changes: dict[str, Any]) -> set[str]:
        kind, params = changes.popitem()
        journey_id = planned(
            town, graph(node("n1", kind, params, given="n2", refused="n2"), node("n2", "exit"))
        )
        with pytest.raises(operations.JourneyUnusable):
            operations.submit_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
        return {one.code for one in queries.journey(SYSTEM, journey_id, NOW).faults}

    gone = a_tag(town)
    tagging.retire_tag(actor=SYSTEM, tag_id=gone, now=NOW)
    assert wrong(tag={"tag": gone, "do": "give"}) == {"tag-gone"}
    assert wrong(tag={"tag": gone, "do": "sell"}) == wrong(tag={"do": "give"}) == {"tag"}
    assert wrong(tier={"tier": 2**40, "days": 30}) == {"tier-gone"}
    assert wrong(tier={"days": 30}) == {"tier"}
    assert wrong(tier={"tier": town.tiers["gold"], "days": 91}) == {"tier-days"}

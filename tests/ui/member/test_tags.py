"""A member sees their tags, takes one off, and switches personalisation off."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.people import NOW
from tests.ui.counter.world import SYSTEM, World
from zhike.insight import operations, queries
from zhike.insight.handlers import tags
from zhike.kernel.events import drain
from zhike.privacy import queries as privacy

pytestmark = [pytest.mark.feature("C046", "N7"), pytest.mark.django_db]
RULE = {
    "match": "all",
    "of": [{"ask": "figure", "event": "purchase", "within": {"days": 30}, "op": "at_least", "value": 1}],
}


def test_seen_taken_off_and_switched_off(zhang: Client, world: World) -> None:
    person_id = world.zhang.person_id
    made = [
        operations.save_tag(
            actor=SYSTEM, group_id=world.malls.group, code=code, name=name, name_en=name_en, category="visit", rule=RULE,
            now=NOW,
        )
        for code, name, name_en in (("a", "常客", "Regular"), ("b", "新客", ""))
    ]  # fmt: skip
    for tag_id in made:
        operations.publish_tag(actor=SYSTEM, tag_id=tag_id, now=NOW)
    world.buy(member=world.zhang)
    drain(tags)
    page = zhang.get("/m/me/tags/").content.decode()
    assert "Regular" in page and "新客" in page and "purchases within 30 days: 1" in page
    assert zhang.post("/m/me/tags/", {"do": "remove", "tag": str(made[0])})["Location"] == "/m/me/tags/"
    assert [one.ref.id for one in queries.tags_of(person_id).on] == [made[1]]
    assert "Allow again" in zhang.get("/m/me/tags/").content.decode()
    zhang.post("/m/me/tags/", {"do": "restore", "tag": str(made[0])})
    assert len(queries.tags_of(person_id).on) == 2
    zhang.post("/m/me/tags/", {"do": "off"})
    drain(tags)
    assert privacy.decisions_on([person_id], "personalisation")[person_id] in ("refused", "withdrawn")
    assert queries.tags_of(person_id).on == ()
    assert "It is off" in zhang.get("/m/me/tags/").content.decode()
    zhang.post("/m/me/tags/", {"do": "on"})
    assert "It is on" in zhang.get("/m/me/tags/").content.decode()
    assert zhang.post("/m/me/tags/", {"do": "magic"}).status_code == 404
    assert zhang.post("/m/me/tags/", {"do": "remove", "tag": "999999"}).status_code == 404

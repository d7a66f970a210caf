"""How many queries a page may ask, however many rows there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.ui.console.conftest import HTMX
from tests.ui.console.world import World, enroll, sell

# Of these about six ask who is there and which malls they see.
BUDGETS = {
    "/console/": 20,
    "/console/feed/": 12,
    "/console/search/?q=张": 22,
    "/console/members/": 20,
    "/console/members/?q=张": 27,
    "/console/members/{member}/": 31,
    "/console/members/{member}/points/": 30,
    "/console/members/{member}/receipts/": 22,
    "/console/members/{member}/timeline/": 25,
    "/console/receipts/": 12,
    "/console/receipts/{sale}/": 22,
    "/console/redemptions/": 12,
    "/console/merchants/": 16,
    "/console/malls/": 16,
    "/console/rules/": 21,
    "/console/tiers/": 20,
    "/console/audit/": 16,
    "/console/staff/": 18,
}


@pytest.fixture
def crowd(world: World) -> World:
    for number in range(30):
        member = enroll(
            world.malls, f"张{number:02d}", f"136{number:08d}", world.malls.star, world.malls.cafe, world.now
        )
        sell(world.malls.star, world.malls.cafe, 5000 + number, world.now, member.person_id, world.now)
        sell(world.malls.star, world.malls.cafe, 7000, world.now, None, world.now)
    return world


def test_every_page_keeps_to_its_budget(crowd: World, admin: Client) -> None:
    over = {}
    for url, budget in BUDGETS.items():
        address = url.format(member=crowd.zhang_san, sale=crowd.sale)
        if (asked := queries_of(admin, address)) > budget:
            over[url] = asked
    assert over == {}


def test_a_tab_costs_less_than_its_page(crowd: World, admin: Client) -> None:
    url = f"/console/members/{crowd.zhang_san}/timeline/"
    assert queries_of(admin, url, {**HTMX, "HX-Boosted": "true", "HX-Target": "member-tab"}) <= 23


def queries_of(client: Client, address: str, headers: dict[str, str] | None = None) -> int:
    """The fewest of three times: what is remembered for a minute may be asked again in any one of them."""
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address, headers=headers).status_code == 200
        counts.append(len(asked))
    return min(counts)

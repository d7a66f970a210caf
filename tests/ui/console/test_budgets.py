"""How many queries a page may ask, however many rows there are."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX
from tests.ui.console.world import World, enroll, sell

# Of these about six ask who is there and which malls they see.
BUDGETS = {
    "/console/": 20,
    "/console/feed/": 12,
    "/console/search/?q=张": 22,
    "/console/members/": 20,
    "/console/members/?q=张": 26,
    "/console/members/{member}/": 28,
    "/console/members/{member}/points/": 30,
    "/console/members/{member}/receipts/": 22,
    "/console/members/{member}/timeline/": 23,
    "/console/receipts/": 12,
    "/console/receipts/{sale}/": 22,
    "/console/redemptions/": 12,
    "/console/merchants/": 16,
    "/console/malls/": 16,
    "/console/rules/": 20,
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


@pytest.mark.parametrize("url", BUDGETS)
def test_a_page_keeps_to_its_budget(
    url: str, crowd: World, admin: Client, django_assert_max_num_queries: Any
) -> None:
    address = url.format(member=crowd.zhang_san, sale=crowd.sale)
    admin.get(address)
    with django_assert_max_num_queries(BUDGETS[url]):
        assert admin.get(address).status_code == 200


def test_a_tab_costs_less_than_its_page(
    crowd: World, admin: Client, django_assert_max_num_queries: Any
) -> None:
    url = f"/console/members/{crowd.zhang_san}/timeline/"
    headers = {**HTMX, "HX-Boosted": "true", "HX-Target": "member-tab"}
    admin.get(url, headers=headers)
    with django_assert_max_num_queries(21):
        admin.get(url, headers=headers)

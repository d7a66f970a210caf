"""What may be recommended to who stands at the till: of this merchant, and nothing of what was bought elsewhere."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.insight.shops import buy, stock
from tests.ui.counter.world import SYSTEM, World
from zhike.insight import operations

pytestmark = pytest.mark.feature("C131")


def test_of_this_till(till: Client, desk: Client, world: World) -> None:
    ids = stock(world.malls)
    for ago in (3, 6, 9):
        buy(world.malls, ids, world.li.person_id, ago, "CUP", "FILTER", "DRESS")
    buy(world.malls, ids, world.zhang.person_id, 2, "DRESS")
    operations.fit_recommendations(actor=SYSTEM, now=world.now)
    address = f"/counter/members/{world.zhang.member_id}/recommended/"
    assert till.get(address).status_code == 404
    till.post("/counter/find/", {"q": "13800138000"})
    assert address in till.get(f"/counter/members/{world.zhang.member_id}/").content.decode()
    found = till.get(address).content.decode()
    assert "滤纸" in found and "You may recommend" in found
    assert "连衣裙" not in found and "bought" not in found
    there = desk.get(address).content.decode()
    assert "You may recommend" in there

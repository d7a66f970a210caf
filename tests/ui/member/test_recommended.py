"""Recommended on the phone: a block of the card, a page with reasons, one item with its place; and what is sent away is gone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.insight.shops import buy, stock
from tests.ui.counter.world import SYSTEM, World
from zhike.insight import operations
from zhike.kernel.models import Event

pytestmark = pytest.mark.feature("C131")


@pytest.fixture
def ids(world: World) -> dict[str, int]:
    """张三丰 bought beans; the others beans and filters."""
    ids = stock(world.malls)
    for ago in (3, 6, 9):
        buy(world.malls, ids, world.li.person_id, ago, "BEANS", "FILTER", "DRESS")
    buy(world.malls, ids, world.zhang.person_id, 2, "BEANS")
    operations.fit_recommendations(actor=SYSTEM, now=world.now)
    return ids


def text(answer: Any) -> str:
    return str(answer.content.decode())


def told(kind: str) -> list[dict[str, Any]]:
    rows = Event.objects.filter(type=f"zhike.insight.recommendation{kind}").order_by("position")
    return [row.data for row in rows]


def test_block_page_and_one_item(zhang: Client, world: World, ids: dict[str, int]) -> None:
    assert "/m/recommended/block/" in text(zhang.get("/m/"))
    block = text(zhang.get("/m/recommended/block/"))
    assert "滤纸" in block and "/m/recommended/seen/" in block
    page = text(zhang.get("/m/recommended/"))
    assert re.search(r"Members who buy “咖啡豆” like it too|Many members bought it", page)
    sent = {"place": "member_page", "kind": "product", "item": [ids["FILTER"], ids["DRESS"]]}
    assert zhang.post("/m/recommended/seen/", sent).status_code == 204
    assert told("s_shown")[0]["items"] == [ids["FILTER"], ids["DRESS"]]
    assert zhang.post("/m/recommended/seen/", {"place": "street"}).status_code == 422
    one = text(zhang.get(f"/m/recommended/product/{ids['FILTER']}/?from=member_home&why=together"))
    assert "滤纸" in one and "星河城" in one
    assert told("_chosen")[0] | {"person_id": 0, "member_id": 0} == {
        "person_id": 0, "member_id": 0, "place": "member_home", "kind": "product", "item": ids["FILTER"], "source": "together",
    }  # fmt: skip
    assert "星河城" in text(zhang.get(f"/m/recommended/merchant/{world.malls.cafe}/"))
    assert zhang.get("/m/recommended/coupon/1/")["Location"] == "/m/offers/"
    for nonsense in ("product/999999999", "horse/1", "merchant/999999999"):
        assert zhang.get(f"/m/recommended/{nonsense}/").status_code == 404
    assert len(told("_chosen")) == 3


def test_sent_away(zhang: Client, world: World, ids: dict[str, int]) -> None:
    address = f"/m/recommended/product/{ids['FILTER']}/refuse/"
    assert zhang.get(address).status_code == 405
    assert zhang.post(address)["Location"] == "/m/recommended/"
    page = text(zhang.get("/m/recommended/"))
    assert "You will not see it here any more." in page and "滤纸" not in page


def test_nothing_yet(zhang: Client, world: World) -> None:
    assert "Nothing to recommend yet" in text(zhang.get("/m/recommended/"))
    assert text(zhang.get("/m/recommended/block/")).strip() == ""


@pytest.mark.feature("C131")
def test_only_signed_in(phone: Client, world: World) -> None:
    for address in ("/m/recommended/", "/m/recommended/block/", "/m/recommended/merchant/1/"):
        assert phone.get(address).status_code == 302

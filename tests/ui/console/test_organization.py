"""Malls, floors, merchants: looked up, added, changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel import queries as kernel
from zhike.kernel.access import Viewer
from zhike.organization import queries

Enter = Callable[[Viewer], Client]


def test_merchants_are_found_by_name_code_and_trade_category(world: World, admin: Client) -> None:
    assert "老凤祥" not in said(admin.get("/console/merchants/", {"q": "c001"}, headers=HTMX))
    food = next(place.id for place in queries.trade_categories(world.malls.group) if place.code == "food")
    rows = said(admin.get("/console/merchants/", {"category": food}, headers=HTMX))
    assert "阿婆面馆" in rows
    assert "老凤祥" not in rows


def test_a_merchant_shows_its_day(world: World, admin: Client) -> None:
    page = said(admin.get(f"/console/merchants/{world.malls.cafe}/"))
    for text in ("半山咖啡", "星河城", "一层", "咖啡", "半山", "¥45.00"):
        assert text in page


def test_a_new_merchant_stands_in_the_chosen_mall(world: World, admin: Client) -> None:
    form = {"code": "B001", "name": "云上书局", "floor_id": "", "trade_category_id": "", "brand_id": ""}
    admin.post(f"/console/merchants/new/?mall={world.malls.star}", form)
    made = queries.merchant_by_code("B001", world.malls.star)
    assert made is not None
    again = admin.post(f"/console/merchants/new/?mall={world.malls.star}", form)
    assert "B001" in said(again)
    assert again.status_code == 200


def test_a_change_of_a_merchant_is_audited(world: World, admin: Client) -> None:
    form = {
        "name": "半山咖啡·旗舰",
        "status": "closed",
        "reason": "装修",
        "floor_id": "",
        "brand_id": "",
        "trade_category_id": "",
    }
    admin.post(f"/console/merchants/{world.malls.cafe}/edit/", form)
    queries.forget_merchants()
    changed = queries.merchant_ref(world.malls.cafe)
    assert changed is not None
    assert (changed.name, changed.is_open) == ("半山咖啡·旗舰", False)
    [entry] = kernel.search_audit(SYSTEM, action="merchant.update").items
    assert entry.reason == "装修"


@pytest.mark.feature("C029")
def test_a_merchant_of_another_mall_does_not_exist(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.qian)
    assert browser.get(f"/console/merchants/{world.malls.cafe}/").status_code == 404
    assert browser.post(f"/console/merchants/{world.malls.cafe}/edit/", {"name": "x"}).status_code == 404
    assert "半山咖啡" not in said(browser.get("/console/merchants/"))


def test_places_are_added_in_a_dialog(world: World, admin: Client) -> None:
    url = f"/console/malls/new/floor/?mall={world.malls.star}"
    admin.post(url, {"code": "L3", "name": "三层", "position": "3"}, headers=HTMX)
    assert [floor.name for floor in queries.floors(world.malls.star)][-1] == "三层"
    taken = admin.post(url, {"code": "L3", "name": "又三层", "position": "3"}, headers=HTMX)
    assert taken.status_code == 422
    admin.post("/console/malls/new/brand/", {"code": "NB", "name": "新品牌"}, headers=HTMX)
    admin.post(
        "/console/malls/new/trade-category/", {"code": "tea", "name": "茶饮", "parent_id": ""}, headers=HTMX
    )
    admin.post(
        "/console/malls/new/mall/",
        {"code": "NEW", "name": "江畔里", "time_zone": "Asia/Shanghai"},
        headers=HTMX,
    )
    page = said(admin.get("/console/malls/"))
    for text in ("三层", "新品牌", "茶饮", "江畔里"):
        assert text in page
    assert admin.get("/console/malls/new/planet/", headers=HTMX).status_code == 404
    assert admin.get("/console/malls/new/floor/?mall=x", headers=HTMX).status_code == 404


def test_a_mall_manager_adds_floors_to_their_own_mall_only(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.qian)
    form = {"code": "L9", "name": "九层", "position": "9"}
    refused = browser.post(f"/console/malls/new/floor/?mall={world.malls.star}", form, headers=HTMX)
    assert refused.status_code == 422
    assert len(queries.floors(world.malls.star)) == 2
    browser.post(f"/console/malls/new/floor/?mall={world.malls.cloud}", form, headers=HTMX)
    assert len(queries.floors(world.malls.cloud)) == 2

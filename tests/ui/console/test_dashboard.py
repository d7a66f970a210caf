"""The day at a glance: figures, the lists behind them, what just happened, and the search over everything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.people import hire
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.customers import operations as customer_operations
from zhike.customers import queries as customers
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.loyalty import operations, queries

Enter = Callable[[Viewer], Client]


def tiles(answer: Any) -> dict[str, dict[str, Any]]:
    return {str(tile["icon"]): tile for tile in answer.context["tiles"]}


def yesterday(world: World) -> dt.date:
    return clock.business_date(world.now - dt.timedelta(days=1), "Asia/Shanghai")


def test_each_figure_is_the_length_of_the_list_it_opens(world: World, admin: Client) -> None:
    found = tiles(admin.get("/console/", {"day": yesterday(world).isoformat()}))
    assert (found["receipt-text"]["value"], found["id-card"]["value"]) == ("3", "3")
    assert found["wallet"]["value"] == "¥164.90"
    assert found["coins"]["value"] == "164"
    for icon in ("receipt-text", "id-card", "undo-2"):
        listed = admin.get(found[icon]["url"]).context["page"].items
        assert str(len(listed)) == found[icon]["value"]


def test_redemptions_open_their_list(world: World, admin: Client) -> None:
    operations.redeem_points(
        actor=SYSTEM, member_id=world.zhang_san, points=200, merchant_id=world.malls.cafe, now=clock.now()
    )
    tile = tiles(admin.get("/console/"))["gift"]
    assert tile["value"] == "200"
    [row] = admin.get(tile["url"]).context["rows"]
    assert row["one"].points == 200


def test_every_figure_says_what_it_counts(world: World, admin: Client) -> None:
    page = said(admin.get("/console/"))
    assert "优惠后、退款前的实付金额" in page
    for tile in tiles(admin.get("/console/")).values():
        assert tile["definition"]


def test_a_day_that_is_over_is_compared_with_the_same_weekday(world: World, admin: Client) -> None:
    finished = tiles(admin.get("/console/", {"day": yesterday(world).isoformat()}))["receipt-text"]
    assert finished["note"] == "上周同日为 0"
    running = tiles(admin.get("/console/"))["receipt-text"]
    assert running["note"] == "上周同日 0"
    assert running["tone"] == ""


def test_the_future_has_no_dashboard(world: World, admin: Client) -> None:
    assert admin.get("/console/", {"day": "2999-01-01"}).context["is_today"]
    assert admin.get("/console/", {"day": "nonsense"}).context["is_today"]


@pytest.mark.feature("C029")
def test_the_chosen_mall_is_kept_and_scopes_the_figures(world: World, admin: Client) -> None:
    day = yesterday(world).isoformat()
    admin.get(f"/console/mall/{world.malls.cloud}/?next=/console/")
    assert tiles(admin.get("/console/", {"day": day}))["wallet"]["value"] == "¥36.00"
    admin.get("/console/mall/0/?next=https://evil.example/")
    assert tiles(admin.get("/console/", {"day": day}))["wallet"]["value"] == "¥164.90"


@pytest.mark.feature("C029")
def test_a_mall_manager_sees_one_mall_and_cannot_choose_another(
    world: World, desks: Desks, enter: Enter
) -> None:
    browser = enter(desks.qian)
    browser.get(f"/console/mall/{world.malls.star}/")
    for query in ({}, {"mall": str(world.malls.star)}):
        answer = browser.get("/console/", {"day": yesterday(world).isoformat(), **query})
        assert tiles(answer)["wallet"]["value"] == "¥36.00"


def test_the_feed_tells_what_just_happened_in_ones_own_malls(
    world: World, desks: Desks, enter: Enter
) -> None:
    assert "半山咖啡" in said(enter(desks.admin).get("/console/feed/", headers=HTMX))
    qians = said(enter(desks.qian).get("/console/feed/", headers=HTMX))
    assert "阿婆面馆" in qians
    assert "半山咖啡" not in qians


@pytest.mark.parametrize(
    ("text", "found"), [("zs", "张三"), ("13900139000", "李四"), ("半山", "半山咖啡"), ("C001", "半山咖啡")]
)
def test_one_search_box_finds_members_receipts_and_merchants(
    text: str, found: str, world: World, admin: Client
) -> None:
    assert found in said(admin.get("/console/search/", {"q": text}, headers=HTMX))


def test_a_receipt_is_found_by_its_number(world: World, admin: Client) -> None:
    number = admin.get("/console/receipts/").context["page"].items[0].number
    rows = said(admin.get("/console/search/", {"q": number}, headers=HTMX))
    assert f">{number}<" in rows
    assert "<html" in said(admin.get("/console/search/", {"q": number}))


@pytest.mark.feature("C029")
def test_search_finds_nothing_outside_ones_scope(world: World, desks: Desks, enter: Enter) -> None:
    qians = enter(desks.qian)
    assert "张三" not in said(qians.get("/console/search/", {"q": "zhangsan"}, headers=HTMX))
    assert "半山咖啡" not in said(qians.get("/console/search/", {"q": "半山"}, headers=HTMX))
    assert "没有找到" in said(enter(desks.tang).get("/console/search/", {"q": "张三"}, headers=HTMX))


@pytest.mark.feature("C029")
def test_search_leads_to_no_member_page_outside_ones_scope(world: World, desks: Desks, enter: Enter) -> None:
    """At a counter a whole phone number finds any member; the console's box knows only those one may open."""
    phone = "13900139000"
    suns, qians = enter(desks.sun), enter(desks.qian)
    assert [hit.name for hit in customers.search(desks.sun, phone)] == ["李*"]
    assert "李四" not in said(suns.get("/console/search/", {"q": phone}, headers=HTMX))
    assert suns.get(f"/console/members/{world.li_si}/").status_code == 404
    shown = said(qians.get("/console/search/", {"q": phone}, headers=HTMX))
    assert f"/console/members/{world.li_si}/" in shown


@pytest.mark.feature("C029")
def test_search_of_a_sales_associate_knows_their_own_customers(world: World, enter: Enter) -> None:
    he = hire(world.malls, "he", "何导购", ("sales_associate", "merchant", world.malls.cafe), now=world.now)
    browser = enter(he)
    for query in ("张三", "zs", "13800138000"):
        assert "/members/" not in said(browser.get("/console/search/", {"q": query}, headers=HTMX))
    person_id = queries.person_id_of(world.zhang_san)
    customer_operations.assign_associate(actor=SYSTEM, person_id=person_id, staff_id=he.id, now=world.now)
    for query in ("张三", "zs", "13800138000"):
        shown = said(browser.get("/console/search/", {"q": query}, headers=HTMX))
        assert f"/console/members/{world.zhang_san}/" in shown
        assert "李四" not in shown

"""Receipts: listed, read, explained, returned by line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.loyalty import queries
from zhike.sales import queries as sales

LIST = "/console/receipts/"
Enter = Callable[[Viewer], Client]


def shown(browser: Client, **filters: object) -> list[int]:
    return [row.net_fen for row in browser.get(LIST, filters).context["page"].items]  # type: ignore[arg-type]


def test_filters_narrow_the_list(world: World, admin: Client) -> None:
    assert len(shown(admin)) == 5
    assert shown(admin, mall=world.malls.cloud) == [3600]
    assert shown(admin, merchant=world.malls.jeweller) == [99_000]
    assert shown(admin, member="no") == [4500]
    assert shown(admin, kind="return") == []
    number = sales.receipt(SYSTEM, world.sale).row.number
    assert shown(admin, q=number) == [12_800]


@pytest.mark.feature("C029")
def test_each_sees_the_receipts_of_their_place(world: World, desks: Desks, enter: Enter) -> None:
    assert sorted(shown(enter(desks.li))) == [4500, 12_800]
    assert shown(enter(desks.qian)) == [3600]
    assert enter(desks.qian).get(f"{LIST}{world.sale}/").status_code == 404


def test_a_receipt_shows_lines_payment_origin_and_points(world: World, admin: Client) -> None:
    page = said(admin.get(f"{LIST}{world.sale}/"))
    for text in ("示例商品", "¥128.00", "现金", "半山咖啡", "+128", "消费积分", "李收银"):
        assert text in page


@pytest.mark.feature("B22")
def test_a_receipt_of_nobody_says_why_it_gave_no_points(world: World, admin: Client) -> None:
    [unclaimed] = admin.get(LIST, {"member": "no"}).context["page"].items
    page = said(admin.get(f"{LIST}{unclaimed.id}/"))
    assert "为什么没积分" in page
    assert "补登" in page or "认领" in page


@pytest.mark.feature("B01")
def test_lines_are_returned_once_however_often_the_form_is_sent(world: World, admin: Client) -> None:
    url = f"{LIST}{world.sale}/return/"
    number = admin.get(url, headers=HTMX).context["form"]["number"].value()
    form = {"number": number, "till": "CONSOLE", "quantity_1": "1"}
    first = admin.post(url, form, headers=HTMX)
    again = admin.post(url, form, headers=HTMX)
    assert first.headers["HX-Redirect"] == again.headers["HX-Redirect"]
    receipt = sales.receipt(SYSTEM, world.sale)
    assert receipt.lines[0].returned_quantity == 1
    assert receipt.lines[0].returned_fen == 6400
    assert queries.member_file(SYSTEM, world.zhang_san, clock.now()).balance == 1118 - 64
    assert "退货" in said(admin.get(first.headers["HX-Redirect"]))


@pytest.mark.parametrize(
    "wrong", [{"quantity_1": "3"}, {"quantity_1": "-1"}, {}, {"quantity_1": "1", "refund_1": "1.234"}]
)
def test_a_return_that_cannot_be_changes_nothing(wrong: dict[str, str], world: World, admin: Client) -> None:
    url = f"{LIST}{world.sale}/return/"
    answer = admin.post(url, {"number": "R1", "till": "CONSOLE", **wrong}, headers=HTMX)
    assert answer.status_code == 422
    assert sales.receipt(SYSTEM, world.sale).lines[0].returned_quantity == 0


def test_who_may_not_return_does_not(world: World, desks: Desks, enter: Enter) -> None:
    url = f"{LIST}{world.sale}/return/"
    form = {"number": "R1", "till": "CONSOLE", "quantity_1": "1"}
    assert enter(desks.chen).post(url, form, headers=HTMX).status_code == 403
    assert enter(desks.qian).post(url, form, headers=HTMX).status_code == 404
    assert sales.receipt(SYSTEM, world.sale).returns == ()

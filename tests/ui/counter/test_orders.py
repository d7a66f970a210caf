"""What was exchanged is handed over at the desk: once, to whoever shows the code, against its cash part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client

from tests.people import Crew
from tests.rewards.world import SYSTEM, give, stock_the_mall
from tests.ui.counter.world import ZHANG_PHONE, World, token_of
from zhike.kernel.access import Viewer
from zhike.rewards import operations as rewards
from zhike.rewards.models import DrawTicket, ExchangeOrder

pytestmark = pytest.mark.feature("C107")


def order_of(world: World, code: str) -> ExchangeOrder:
    ids = stock_the_mall(world.malls, world.now)
    give(world.zhang.member_id, 500, world.now)
    made = rewards.exchange_reward(
        actor=SYSTEM, member_id=world.zhang.member_id, reward_id=ids[code], now=world.now
    )
    return ExchangeOrder.objects.get(id=made.order_id)


@pytest.mark.feature("C096")
def test_scanned_paid_and_handed_over_once(desk: Client, world: World) -> None:
    order = order_of(world, "COFFEE")
    address = desk.post("/counter/find/", {"q": f"ZKE.{order.code}"})["Location"]
    assert address == f"/counter/orders/{order.pk}/"
    page = desk.get(address)
    assert "¥9.90" in page.content.decode()
    assert desk.post(address, {"token": token_of(page), "tender": ""}).status_code == 422
    first = desk.post(address, {"token": token_of(page), "tender": "wechat"})
    second = desk.post(address, {"token": token_of(page), "tender": "wechat"})
    assert first["Location"] == second["Location"]
    assert "手冲一杯" in desk.get(first["Location"]).content.decode()
    order.refresh_from_db()
    assert (order.state, order.tender) == ("collected", "wechat")
    assert "Already handed over" in desk.get(address).content.decode()


def test_what_is_not_ready_or_cancelled_stays_here(desk: Client, world: World) -> None:
    order = order_of(world, "CUP")
    address = desk.post("/counter/orders/", {"code": order.code.lower()})["Location"]
    page = desk.get(address)
    assert "still being prepared" in page.content.decode()
    rewards.mark_ready(actor=SYSTEM, order_ids=[order.pk], now=world.now)
    form = {"token": token_of(desk.get(address))}
    rewards.cancel_order(actor=SYSTEM, order_id=order.pk, reason="缺货", now=world.now)
    assert desk.post(address, form).status_code == 422
    assert "缺货" in desk.get(address).content.decode()
    assert "There is no order" in desk.post("/counter/orders/", {"code": "NOSUCHCODE"}).content.decode()


def test_the_member_in_front_and_what_waits_for_them(desk: Client, world: World) -> None:
    order = order_of(world, "CUP")
    member = desk.post("/counter/find/", {"q": ZHANG_PHONE})["Location"]
    page = desk.get(f"{member}orders/").content.decode()
    assert "星河马克杯" in page
    assert desk.get(f"/counter/orders/{order.pk}/").status_code == 200


def test_a_stranger_opens_nothing(
    desk: Client, world: World, crew: Crew, browser_of: Callable[[Viewer], Client]
) -> None:
    order = order_of(world, "COFFEE")
    assert desk.get(f"/counter/orders/{order.pk}/").status_code == 404
    assert browser_of(crew.li).get("/counter/orders/").status_code == 403
    elsewhere = browser_of(crew.qian)
    elsewhere.post("/counter/till/", {"place": f"mall:{world.malls.cloud}", "name": "D1"})
    answer = elsewhere.post("/counter/orders/", {"code": order.code})
    assert answer.status_code == 422
    assert ExchangeOrder.objects.get().state == "ready"


@pytest.mark.feature("B31")
def test_goods_won_in_a_draw_are_handed_over_once(desk: Client, world: World) -> None:
    give(world.zhang.member_id, 100, world.now)
    prizes = [
        rewards.NewPrize("马克杯", "goods", 999_999, 9, 5_900),
        rewards.NewPrize("5 积分", "points", 1, None, 5, points=5),
    ]
    window = (world.now - dt.timedelta(hours=1), world.now + dt.timedelta(hours=1))
    draw_id = rewards.save_draw(
        actor=SYSTEM,
        group_id=world.malls.group,
        mall_id=world.malls.star,
        draw=rewards.NewDraw("SPIN", "周末转盘", 50, 2, *window, prizes),
        now=world.now,
    )
    rewards.publish_draw(actor=SYSTEM, draw_id=draw_id, now=world.now)
    rewards.draw_ticket(
        actor=SYSTEM, member_id=world.zhang.member_id, draw_id=draw_id, nonce="a", now=world.now
    )
    ticket = DrawTicket.objects.get()
    assert desk.get(f"/counter/prizes/{ticket.pk}/").status_code == 404
    address = desk.post("/counter/orders/", {"code": f"ZKE.{ticket.code}"})["Location"]
    assert "马克杯" in desk.get(address).content.decode()
    for _ in range(2):
        desk.post(address)
    assert "Handed over" in desk.get(address).content.decode()
    ticket.refresh_from_db()
    assert ticket.collected_at == world.now


def test_points_of_an_order_are_given_back_with_the_order_only(desk: Client, world: World) -> None:
    order = order_of(world, "CUP")
    desk.post("/counter/find/", {"q": ZHANG_PHONE})
    page = desk.get(f"/counter/members/{world.zhang.member_id}/redemptions/").content.decode()
    assert f"Exchange DH{order.pk:08d}" in page
    assert "The points come back when it is cancelled." in page
    assert "Reverse it" not in page
    assert "exchange:CUP" not in page
    reverse = f"/counter/members/{world.zhang.member_id}/redemptions/{order.redemption_id}/reverse/"
    assert desk.get(reverse).status_code == 404

"""The points mall on a phone: found, chosen, exchanged once, shown at the desk, cancelled."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.rewards.world import SYSTEM, give, sell_tier, stock_the_mall
from tests.ui.counter.world import LI_PHONE, World, token_of
from tools.verify_auction import verify as verify_auction
from tools.verify_draw import verify
from zhike.loyalty import queries as loyalty
from zhike.rewards import operations as rewards
from zhike.rewards.models import ExchangeOrder, Reward

pytestmark = pytest.mark.feature("C079")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def mall(world: World) -> dict[str, int]:
    give(world.zhang.member_id, 500, world.now)
    return stock_the_mall(world.malls, world.now)


def said(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return str(answer.content.decode())


def form_of(page: Any, quantity: int = 1) -> dict[str, str]:
    expected = re.search(r'name="expected" value="(\d+)"', page.content.decode())
    assert expected
    return {"token": token_of(page), "expected": expected[1], "quantity": str(quantity)}


def exchanged(client: Client, reward_id: int, quantity: int = 1) -> str:
    address = f"/m/shop/{reward_id}/exchange/"
    return str(client.post(address, form_of(client.get(address), quantity))["Location"])


def test_the_shop_is_searched_and_sorted(zhang: Client, mall: dict[str, int]) -> None:
    page = said(zhang, "/m/shop/")
    assert page.index("山村图书角") < page.index("洗车一次"), "what one cannot have comes last"
    assert 'data-refused="points"' in page
    assert "8,500 points short" in page
    mine = said(zhang, "/m/shop/?mine=1&sort=cheap&category=home")
    assert "洗车一次" not in mine and "星河马克杯" in mine
    assert "Nothing like that here" in said(zhang, "/m/shop/?q=围巾")
    assert "星河马克杯" in said(zhang, "/m/shop/?q=马克")
    for address in ("/m/", "/m/points/"):
        assert "/m/shop/" in said(zhang, address)


def test_two_taps_are_one_order_and_its_code_waits_for_the_desk(
    zhang: Client, mall: dict[str, int], world: World
) -> None:
    address = f"/m/shop/{mall['CUP']}/exchange/"
    assert "星河马克杯" in said(zhang, f"/m/shop/{mall['CUP']}/")
    form = form_of(zhang.get(address), 2)
    first, second = zhang.post(address, form), zhang.post(address, form)
    assert first["Location"] == second["Location"]
    order = ExchangeOrder.objects.get()
    assert (order.state, order.points, order.quantity) == ("reserved", 200, 2)
    where = first["Location"]
    page = said(zhang, where)
    assert "We are preparing it" in page and order.code[:5] not in page
    rewards.mark_ready(actor=SYSTEM, order_ids=[order.pk], now=world.now)
    page = said(zhang, where)
    assert order.code[:5] in page and "<svg" in page
    assert "星河马克杯" in said(zhang, "/m/orders/")
    assert "星河马克杯" not in said(zhang, "/m/orders/?ended")
    zhang.post(f"{where}cancel/")
    zhang.post(f"{where}cancel/")
    assert "Cancelled" in said(zhang, where)
    assert loyalty.member_file(SYSTEM, world.zhang.member_id, world.now).balance == 500
    assert "星河马克杯" in said(zhang, "/m/orders/?ended")


@pytest.mark.feature("C098")
def test_a_code_is_shown_to_its_owner_only(
    zhang: Client, mall: dict[str, int], enter: Callable[..., Any]
) -> None:
    where = exchanged(zhang, mall["VIDEO"])
    assert "IQY-1234-5678" in said(zhang, where)
    other = Client(headers={"accept-language": "en"})
    enter(other, LI_PHONE)
    assert other.get(where).status_code == 404
    other.post(f"{where}cancel/")
    assert ExchangeOrder.objects.get().state == "collected"
    assert "All gone" in said(other, f"/m/shop/{mall['VIDEO']}/")


@pytest.mark.feature("C101")
def test_a_donation_has_its_receipt_and_the_total(zhang: Client, mall: dict[str, int]) -> None:
    where = exchanged(zhang, mall["BOOKS"], 5)
    page = said(zhang, where)
    assert "Donation receipt" in page and "50 points" in page
    assert "cancel/" not in page
    project = said(zhang, f"/m/shop/{mall['BOOKS']}/")
    assert "50 points of 1,000" in project and "1 member gave" in project


def test_whoever_cannot_is_told_why_and_nothing_happens(zhang: Client, mall: dict[str, int]) -> None:
    assert 'data-refusal="points"' in said(zhang, f"/m/shop/{mall['CAR']}/")
    assert zhang.get(f"/m/shop/{mall['CAR']}/exchange/").status_code == 302
    address = f"/m/shop/{mall['CUP']}/exchange/"
    form = form_of(zhang.get(address))
    cup = Reward.objects.get(id=mall["CUP"])
    Reward.objects.filter(id=cup.pk).update(points=150)
    answer = zhang.post(address, form, follow=True)
    assert "The reward has changed" in answer.content.decode()
    assert zhang.post(address, form | {"quantity": "x"}).status_code == 422
    assert not ExchangeOrder.objects.exists()


def test_the_picture_is_public_and_kept(
    phone: Client, mall: dict[str, int], world: World, zhang: Client
) -> None:
    rewards.set_picture(actor=SYSTEM, reward_id=mall["CUP"], content=PNG, now=world.now)
    digest = Reward.objects.get(id=mall["CUP"]).picture
    assert digest in said(zhang, "/m/shop/")
    answer = Client().get(f"/m/shop/pictures/{digest}/")
    assert (answer["Content-Type"], answer.content) == ("image/png", PNG)
    assert "immutable" in answer["Cache-Control"]
    assert Client().get("/m/shop/pictures/none/").status_code == 404


@pytest.mark.feature("B31")
def test_a_draw_with_its_odds_one_press_and_the_proof(
    zhang: Client, mall: dict[str, int], world: World
) -> None:
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
    address = f"/m/draws/{draw_id}/"
    assert zhang.get(address).status_code == 404
    commitment = rewards.publish_draw(actor=SYSTEM, draw_id=draw_id, now=world.now)
    assert address in said(zhang, "/m/shop/")
    page = zhang.get(address)
    assert commitment in page.content.decode() and "100.0%" in page.content.decode()
    form = {"token": token_of(page), "nonce": "abc"}
    first, second = zhang.post(address, form), zhang.post(address, form)
    assert first["Location"] == second["Location"]
    assert "马克杯" in said(zhang, first["Location"])
    assert "1 draws left today" in said(zhang, address)
    assert "published when the draw is over" in said(zhang, address)
    rewards.reveal_draws(actor=SYSTEM, now=window[1])
    record = zhang.get(f"{address}record/").json()
    assert verify(record) == [] and len(record["tickets"]) == 1
    assert record["seed"] in said(zhang, address)


@pytest.mark.feature("C103")
def test_an_auction_one_bid_for_two_taps_outbid_and_the_proof(
    zhang: Client, mall: dict[str, int], world: World
) -> None:
    hour = dt.timedelta(hours=1)
    spec = rewards.NewAuction(
        "A1", "年终竞拍", "open", mall["CUP"], 1, 100, 50, world.now - hour, world.now + hour, 5, 10
    )
    auction_id = rewards.save_auction(actor=SYSTEM, auction=spec, now=world.now)
    address = f"/m/auctions/{auction_id}/"
    assert "No auctions now" in said(zhang, "/m/auctions/")
    assert zhang.get(address).status_code == 404
    rewards.publish_auction(actor=SYSTEM, auction_id=auction_id, now=world.now)
    assert address in said(zhang, "/m/shop/") and "年终竞拍" in said(zhang, "/m/auctions/")
    page = zhang.get(address)
    form = {"token": token_of(page), "points": "200"}
    for _ in range(2):
        assert zhang.post(f"{address}bid/", form)["Location"] == address
    assert 'data-own="standing"' in said(zhang, address)
    assert loyalty.member_file(SYSTEM, world.zhang.member_id, world.now).held == 200
    assert (
        "Bid at least 250 points"
        in zhang.post(
            f"{address}bid/", {"token": token_of(zhang.get(address)), "points": "200"}, follow=True
        ).content.decode()
    )
    assert "whole number" in zhang.post(f"{address}bid/", {"points": "x"}, follow=True).content.decode()
    give(world.li.member_id, 500, world.now)
    rewards.place_bid(
        actor=SYSTEM, member_id=world.li.member_id, auction_id=auction_id, points=250, now=world.now
    )
    live = zhang.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in live and 'data-own="outbid"' in live and "every 3s" in live
    assert "Bidder 2" in live and "Bid 300 points" in live
    rewards.close_auctions(actor=SYSTEM, now=world.now + hour)
    ended = said(zhang, address)
    assert "every 3s" not in ended and "You were outbid" in ended
    assert verify_auction(zhang.get(f"{address}record/").json()) == []


@pytest.mark.feature("C095")
def test_a_tier_is_bought_at_once_and_given_back_unused(
    zhang: Client, mall: dict[str, int], world: World
) -> None:
    file = loyalty.member_file(SYSTEM, world.zhang.member_id, world.now)
    reward_id = sell_tier(world.malls, file.programme.id, world.now)
    top = loyalty.tiers(file.programme.id)[-1]
    page = said(zhang, f"/m/shop/{reward_id}/")
    assert "Yours through" in page and "Within 7 days" in page
    assert "It begins at once" in said(zhang, f"/m/shop/{reward_id}/exchange/")
    where = exchanged(zhang, reward_id)
    assert "Yours through" in said(zhang, where) and "/cancel/" in said(zhang, where)
    assert loyalty.tier_id_of(world.zhang.member_id) == top.id
    assert "You are as high for as long" in said(zhang, f"/m/shop/{reward_id}/")
    zhang.post(f"{where}cancel/")
    assert loyalty.tier_id_of(world.zhang.member_id) == file.tier.id
    again = exchanged(zhang, reward_id)
    exchanged(zhang, mall["CUP"])
    assert "/cancel/" not in said(zhang, again), "points were spent with it"


@pytest.mark.feature("C077")
def test_what_is_kept_for_a_tier_is_had_early(zhang: Client, mall: dict[str, int], world: World) -> None:
    file = loyalty.member_file(SYSTEM, world.zhang.member_id, world.now)
    day = dt.timedelta(days=1)
    Reward.objects.filter(id=mall["CUP"]).update(
        opens_at=world.now + 3 * day, early_opens_at=world.now - day, early_quota=1,
        early_tier_ids=[file.tier.id], needs_preparing=False,
    )  # fmt: skip
    assert "Early for your tier" in said(zhang, "/m/shop/")
    page = said(zhang, f"/m/shop/{mall['CUP']}/")
    assert "Early for your tier" in page and "For everybody" in page
    exchanged(zhang, mall["CUP"])
    assert ExchangeOrder.objects.get().is_early
    assert "Your share is gone" in said(zhang, f"/m/shop/{mall['CUP']}/")

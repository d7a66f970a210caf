"""Auctions and draws through the API: seen, taken part in once, proved; a stranger gets nothing."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from tests.rewards.world import SYSTEM, give, stock_the_mall
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from tools.verify_auction import verify as verify_auction
from tools.verify_draw import verify as verify_draw
from zhike.kernel import clock
from zhike.rewards import operations as rewards

SCOPES = ["members.view", "rewards.view", "rewards.exchange", "rewards.serve"]
HOUR = dt.timedelta(hours=1)


def make_auction(shop: Shop, now: dt.datetime) -> int:
    ids = stock_the_mall(shop.malls, now)
    give(shop.member_id, 900, now)
    auction = rewards.NewAuction("A1", "年终竞拍", "sealed", ids["CUP"], 1, 100, 50, now - HOUR, now + HOUR)
    auction_id = rewards.save_auction(actor=SYSTEM, auction=auction, now=now)
    rewards.publish_auction(actor=SYSTEM, auction_id=auction_id, now=now)
    return auction_id


@pytest.mark.feature("C103")
def test_bid_once_and_the_record_proves_it(shop: Shop) -> None:
    now = clock.now()
    auction_id = make_auction(shop, now)
    app = ApiClient(make_key(SCOPES))
    base = f"/api/v1/members/{shop.member_id}/auctions"
    [listed] = app.get(base).json["items"]
    assert (listed["state"], listed["reward_name"]) == ("open", "星河马克杯")
    key = uuid.uuid4().hex
    made = app.post(f"{base}/{auction_id}/bids", {"points": 200}, idempotency_key=key)
    again = app.post(f"{base}/{auction_id}/bids", {"points": 200}, idempotency_key=key)
    assert (made.status, again.json, made.json["balance"]) == (201, made.json, 700)
    low = app.post(f"{base}/{auction_id}/bids", {"points": 200})
    assert (low.status, low.json["code"]) == (409, "bid-too-low")
    assert app.post(f"{base}/{auction_id}/bids", {"points": 333}).json["code"] == "bid-off-step"
    floor = app.get(f"{base}/{auction_id}").json
    assert (floor["own"]["state"], floor["least"], floor["free"], floor["ranking"]) == (
        "standing",
        250,
        900,
        [],
    )
    rewards.close_auctions(actor=SYSTEM, now=now + HOUR)
    record = app.get(f"/api/v1/auctions/{auction_id}/record").json
    [own] = app.get(f"{base}/{auction_id}/bids").json["items"]
    assert verify_auction(record, (own["commitment"],)) == []
    assert own["order_id"] is not None
    stranger = ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    assert stranger.get(f"{base}/{auction_id}").status == 404
    assert stranger.get(f"/api/v1/auctions/{auction_id}/record").status == 404
    assert stranger.post(f"{base}/{auction_id}/bids", {"points": 300}).status == 403
    assert app.get("/api/v1/auctions/999999/record").status == 404


@pytest.mark.feature("C114", "C097")
def test_draw_once_collect_and_prove(shop: Shop) -> None:
    now = clock.now()
    give(shop.member_id, 200, now)
    prizes = [
        rewards.NewPrize("马克杯", "goods", 999_999, 9, 5_900),
        rewards.NewPrize("5 积分", "points", 1, None, 5, points=5),
    ]
    draw = rewards.NewDraw("SPIN", "周末转盘", 50, 2, now - HOUR, now + HOUR, prizes)
    draw_id = rewards.save_draw(
        actor=SYSTEM, group_id=shop.malls.group, mall_id=shop.malls.star, draw=draw, now=now
    )
    app = ApiClient(make_key(SCOPES))
    base = f"/api/v1/members/{shop.member_id}/draws"
    assert app.get(base).json["items"] == []
    commitment = rewards.publish_draw(actor=SYSTEM, draw_id=draw_id, now=now)
    [listed] = app.get(base).json["items"]
    assert (listed["commitment"], listed["prizes"][0]["odds_ppm"]) == (commitment, 999_999)
    key = uuid.uuid4().hex
    first = app.post(f"{base}/{draw_id}/tickets", {"nonce": "abc"}, idempotency_key=key)
    again = app.post(f"{base}/{draw_id}/tickets", {"nonce": "abc"}, idempotency_key=key)
    assert (first.status, again.json, first.json["prize"]) == (201, first.json, "马克杯")
    assert app.get(f"{base}/{draw_id}").json["left_today"] == 1
    assert app.post(f"{base}/{draw_id}/tickets", {"nonce": ""}).status == 422
    [ticket] = app.get(f"{base}/{draw_id}/tickets").json["items"]
    shown = {"pick_up_code": ticket["pick_up_code"]}
    assert app.post("/api/v1/draws/hand-over", shown).json["handed_over"] is True
    assert app.post("/api/v1/draws/hand-over", shown).json["handed_over"] is False
    assert app.post("/api/v1/draws/hand-over", {"pick_up_code": "ZKE.X"}).status == 404
    rewards.reveal_draws(actor=SYSTEM, now=now + HOUR)
    assert verify_draw(app.get(f"/api/v1/draws/{draw_id}/record").json) == []
    stranger = ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    assert stranger.get(f"/api/v1/draws/{draw_id}/record").status == 404
    assert stranger.post(f"{base}/{draw_id}/tickets", {"nonce": "x"}).status == 403

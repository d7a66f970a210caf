"""Gifts for purchases through the API: seen, reserved once, handed out once, brought back; a stranger gets nothing."""

from __future__ import annotations

import datetime as dt
import uuid
from zoneinfo import ZoneInfo

import pytest

from tests.rewards.world import SYSTEM
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import EVERYTHING, Shop, make_key
from zhike.kernel import clock
from zhike.rewards import operations as rewards
from zhike.rewards.models import GiftRight

pytestmark = pytest.mark.feature("C115")
SCOPES = [*EVERYTHING, "rewards.view", "rewards.exchange", "rewards.serve"]


def open_campaign(shop: Shop, now: dt.datetime) -> int:
    item = rewards.NewGiftItem("BAG", "帆布袋", points=30)
    bag = rewards.save_gift_item(actor=SYSTEM, mall_id=shop.malls.star, item=item, stock=3, now=now)
    today = now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    day = dt.timedelta(days=1)
    terms = {"steps": [{"threshold_fen": 20_000, "item_id": bag}], "adds_up": "campaign"}
    campaign = rewards.NewGiftCampaign("G1", "周年庆满额赠", terms, today - day, today + day, today + day)
    made = rewards.save_gift_campaign(actor=SYSTEM, mall_id=shop.malls.star, campaign=campaign, now=now)
    rewards.publish_gift_campaign(actor=SYSTEM, campaign_id=made, now=now)
    return made


def test_reserved_handed_out_and_brought_back(shop: Shop) -> None:
    campaign_id = open_campaign(shop, clock.now())
    app = ApiClient(make_key(SCOPES))
    receipt = app.post("/api/v1/receipts", shop.sale(25_000)).json
    base = f"/api/v1/members/{shop.member_id}/gifts"
    [campaign] = app.get("/api/v1/gift-campaigns").json["items"]
    assert (campaign["campaign_id"], campaign["steps"][0]["left"]) == (campaign_id, 3)
    [progress] = app.get(base).json["progress"]
    assert progress["baskets"][0]["free_fen"] == 25_000
    key = uuid.uuid4().hex
    body = {"campaign_id": campaign_id}
    first, again = app.post(base, body, idempotency_key=key), app.post(base, body, idempotency_key=key)
    assert (first.status, again.json) == (201, first.json)
    assert app.post(base, body).json["code"] == "gift-spent-too-little"
    [gift] = app.get(base).json["gifts"]
    assert gift["shares"] == [{"receipt_id": receipt["receipt_id"], "fen": 20_000}]
    done = app.post("/api/v1/gifts/hand-over", {"gift_code": gift["gift_code"]}).json
    assert (done["state"], done["replayed"]) == ("handed_out", False)
    assert app.post("/api/v1/gifts/hand-over", {"gift_code": gift["gift_code"]}).json["replayed"]
    [behind] = app.get(f"/api/v1/receipts/{receipt['receipt_id']}/gifts").json["items"]
    assert (behind["fen"], behind["gift"]["state"]) == (20_000, "handed_out")
    back = app.post(f"/api/v1/gifts/{done['right_id']}/return", {"reason": "退货"}).json
    assert back["state"] == "returned"
    assert app.post("/api/v1/gifts/hand-over", {"gift_code": "ZKE.X"}).status == 404


def test_a_key_of_another_mall_gets_nothing(shop: Shop) -> None:
    campaign_id = open_campaign(shop, clock.now())
    ApiClient(make_key(SCOPES)).post("/api/v1/receipts", shop.sale(25_000))
    stranger = ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    base = f"/api/v1/members/{shop.member_id}/gifts"
    assert stranger.get("/api/v1/gift-campaigns").json["items"] == []
    assert stranger.get(base).status == 404
    assert stranger.post(base, {"campaign_id": campaign_id}).status == 403
    assert not GiftRight.objects.exists()

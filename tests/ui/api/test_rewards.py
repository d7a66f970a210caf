"""The points mall through the API: looked at, exchanged once, handed over, cancelled; a stranger gets nothing."""

from __future__ import annotations

import uuid

import pytest

from tests.rewards.world import SYSTEM, give, sell_tier, stock_the_mall
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.kernel import clock
from zhike.loyalty import queries as loyalty_queries
from zhike.rewards import operations as rewards
from zhike.rewards.models import ExchangeOrder

pytestmark = pytest.mark.feature("C107")
SCOPES = ["members.view", "rewards.view", "rewards.exchange", "rewards.serve"]


def test_exchanged_once_handed_over_once_and_cancelled(shop: Shop) -> None:
    ids = stock_the_mall(shop.malls, clock.now())
    give(shop.member_id, 300, clock.now())
    app = ApiClient(make_key(SCOPES))
    base = f"/api/v1/members/{shop.member_id}"
    listed = app.get(f"{base}/rewards?category=home").json
    by_code = {one["code"]: one for one in listed["items"]}
    assert (listed["balance"], by_code["CUP"]["most"], by_code["CAR"]["refusal"]) == (300, 3, "points")
    body = {"reward_id": ids["COFFEE"], "quantity": 2, "expected_points": 100}
    key = uuid.uuid4().hex
    first = app.post(f"{base}/exchanges", body, idempotency_key=key)
    again = app.post(f"{base}/exchanges", body, idempotency_key=key)
    assert (first.status, again.json) == (201, first.json)
    assert first.json["balance"] == 200
    [order] = app.get(f"{base}/exchanges").json["items"]
    shown = {"pick_up_code": order["pick_up_code"]}
    assert app.post("/api/v1/exchanges/hand-over", shown).json["code"] == "exchange-order-unpaid"
    done = app.post("/api/v1/exchanges/hand-over", shown | {"tender": "alipay"})
    assert (done.status, done.json["cash_fen"]) == (200, 1_980)
    assert app.post("/api/v1/exchanges/hand-over", {"pick_up_code": "ZKE.X"}).status == 404
    made = app.post(f"{base}/exchanges", {"reward_id": ids["CUP"]}).json["order_id"]
    back = app.post(f"/api/v1/exchanges/{made}/cancellation", {"reason": "缺货"})
    assert (back.json["state"], back.json["points"]) == ("cancelled", 100)
    wrong = app.post(f"{base}/exchanges", body | {"expected_points": 1})
    assert (wrong.status, wrong.json["code"]) == (409, "reward-price-changed")


def test_a_key_of_another_mall_gets_nothing(shop: Shop) -> None:
    ids = stock_the_mall(shop.malls, clock.now())
    give(shop.member_id, 300, clock.now())
    stranger = ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    asked = stranger.post(f"/api/v1/members/{shop.member_id}/exchanges", {"reward_id": ids["COFFEE"]})
    assert asked.status == 403
    assert stranger.get(f"/api/v1/members/{shop.member_id}/rewards").status == 404
    assert not ExchangeOrder.objects.exists()


@pytest.mark.feature("C073")
def test_benefits_are_listed_used_and_given_back(shop: Shop) -> None:
    tier = loyalty_queries.tiers(shop.program_id)[0]
    benefit = rewards.NewBenefit("PARK", "免费停车", "parking", "小时", {str(tier.id): 2})
    rewards.save_benefit(
        actor=SYSTEM, group_id=shop.malls.group, mall_id=shop.malls.star, benefit=benefit, now=clock.now()
    )
    app = ApiClient(make_key(SCOPES))
    base = f"/api/v1/members/{shop.member_id}"
    [listed] = app.get(f"{base}/benefits").json["items"]
    body = {"benefit_id": listed["benefit_id"], "mall_id": shop.malls.star, "quantity": 2}
    used = app.post(f"{base}/benefit-uses", body)
    assert (used.status, used.json["left"]) == (201, 0)
    assert app.post(f"{base}/benefit-uses", body).code == "benefit-quota"
    back = app.post(f"/api/v1/benefit-uses/{used.json['use_id']}/cancellation", {"reason": "记错了"})
    assert back.status == 200
    assert app.get(f"{base}/benefits").json["items"][0]["left"] == 2


@pytest.mark.feature("C095")
def test_a_tier_is_had_once_and_given_back(shop: Shop) -> None:
    now = clock.now()
    stock_the_mall(shop.malls, now)
    give(shop.member_id, 300, now)
    reward_id = sell_tier(shop.malls, shop.program_id, now)
    app = ApiClient(make_key(SCOPES))
    base = f"/api/v1/members/{shop.member_id}"

    def listed() -> dict[str, object]:
        found = app.get(f"{base}/rewards").json["items"]
        return next(one for one in found if one["code"] == "TIER")

    assert (listed()["kind"], listed()["refusal"], listed()["tier_until"] is None) == ("tier", None, False)
    made = app.post(f"{base}/exchanges", {"reward_id": reward_id})
    assert (made.status, made.json["state"]) == (201, "collected")
    assert (listed()["refusal"], app.get(f"{base}/exchanges").json["items"][0]["tier_until"] is None) == (
        "held",
        False,
    )
    again = app.post(f"{base}/exchanges", {"reward_id": reward_id})
    assert (again.status, again.json["code"]) == (409, "tier-held-already")
    back = app.post(f"/api/v1/exchanges/{made.json['order_id']}/cancellation", {"reason": "不要了"})
    assert (back.status, back.json["points"]) == (200, 80)
    assert listed()["refusal"] is None

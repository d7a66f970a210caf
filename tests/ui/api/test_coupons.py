"""Coupons through the API: claimed, held in two phases, used once; a stranger gets nothing."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.offers import operations as offers
from zhike.offers.models import Coupon, CouponUse

pytestmark = pytest.mark.feature("C109")
SYSTEM = system_viewer("tests")


@pytest.fixture
def batch_id(shop: Shop) -> int:
    """¥20 off from ¥50 of drinks on, a public batch of the mall."""
    now = dt.datetime.now(dt.UTC)
    template_id = offers.save_template(
        actor=SYSTEM,
        group_id=shop.malls.group,
        mall_id=shop.malls.star,
        code="T20",
        name="满50减20",
        terms={"kind": "threshold", "value_fen": 2000, "minimum_fen": 5000, "validity": {"days": 7}},
        now=now,
    )
    batch = offers.NewBatch(
        "B20", "开业券", 10, now - dt.timedelta(hours=1), now + dt.timedelta(days=1), 2, is_public=True
    )
    return offers.open_batch(actor=SYSTEM, template_id=template_id, batch=batch, now=now)


@pytest.fixture
def till(shop: Shop) -> ApiClient:
    return ApiClient(make_key(["coupons.use", "members.lookup"], "merchant", shop.malls.cafe))


@pytest.fixture
def app(shop: Shop) -> ApiClient:
    """The mall's own mini programme."""
    scopes = ["coupons.claim", "coupons.issue", "offers.view", "members.view"]
    return ApiClient(make_key(scopes, "mall", shop.malls.star))


def claimed(app: ApiClient, batch_id: int, shop: Shop) -> str:
    reply = app.post(f"/api/v1/coupon-batches/{batch_id}/claims", {"member_id": shop.member_id})
    assert reply.status == 201, reply.json
    return str(reply.json["code"])


def sale(shop: Shop, code: str, *amounts: int) -> dict[str, Any]:
    return {
        "merchant_id": shop.malls.cafe,
        "codes": [code],
        "lines": [{"sku": f"S{fen}", "net_fen": fen} for fen in amounts],
    }


def test_from_the_claim_to_the_till(shop: Shop, batch_id: int, app: ApiClient, till: ApiClient) -> None:
    code = claimed(app, batch_id, shop)
    [mine] = app.get(f"/api/v1/members/{shop.member_id}/coupons").json["items"]
    assert (mine["state"], mine["value"], mine["payload"]) == ("usable", "¥20", f"ZKC.{code}")

    short = till.post("/api/v1/coupons/quote", sale(shop, code, 4000)).json
    assert (short["usable"], short["coupons"][0]["refusal"], short["to_pay_fen"]) == (False, "minimum", 4000)
    asked = sale(shop, f"ZKC.{code}", 4000, 2000)
    quote = till.post("/api/v1/coupons/quote", asked).json
    assert (quote["usable"], quote["discount_fen"], quote["to_pay_fen"]) == (True, 2000, 4000)
    assert quote["coupons"][0]["lines"] == [
        {"line_no": 1, "discount_fen": 1333}, {"line_no": 2, "discount_fen": 667},
    ]  # fmt: skip

    lock = till.post("/api/v1/coupons/locks", asked | {"till": "T1"}, idempotency_key="k1")
    again = till.post("/api/v1/coupons/locks", asked | {"till": "T1"}, idempotency_key="k1")
    assert (lock.status, again.json, again.headers["idempotent-replayed"]) == (201, lock.json, "true")
    second = till.post("/api/v1/coupons/locks", asked)
    assert (second.status, second.json["code"]) == (409, "coupon-not-usable")

    address = f"/api/v1/coupons/locks/{lock.json['lock_id']}"
    used = till.post(f"{address}/confirm", {"number": "R1"})
    repeated = till.post(f"{address}/confirm", {"number": "R1"})
    assert (used.status, used.json["state"], repeated.json) == (200, "used", used.json)
    assert till.post(f"{address}/release", {}).json["code"] == "coupon-lock-used"
    assert CouponUse.objects.get().number == "R1"


def test_released_and_used_after_all(shop: Shop, batch_id: int, app: ApiClient, till: ApiClient) -> None:
    code = claimed(app, batch_id, shop)
    lock = till.post("/api/v1/coupons/locks", sale(shop, code, 6000)).json
    address = f"/api/v1/coupons/locks/{lock['lock_id']}"
    assert till.post(f"{address}/release", {}).json["state"] == "released"
    assert till.post(f"{address}/release", {}).status == 200
    assert till.post(f"{address}/confirm", {}).json["code"] == "coupon-lock-gone"
    assert till.post("/api/v1/coupons/locks", sale(shop, code, 6000)).status == 201


def test_a_stranger_and_a_colleague_get_nothing(shop: Shop, batch_id: int, app: ApiClient) -> None:
    code = claimed(app, batch_id, shop)
    elsewhere = ApiClient(make_key(["coupons.use", "coupons.claim"], "mall", shop.malls.cloud))
    for client, status in ((ApiClient(), 401), (elsewhere, 403)):
        assert client.post("/api/v1/coupons/locks", sale(shop, code, 6000)).status == status
        claim = client.post(f"/api/v1/coupon-batches/{batch_id}/claims", {"member_id": shop.member_id})
        assert claim.status == status
        push = client.post(f"/api/v1/coupon-batches/{batch_id}/coupons", {"member_ids": [shop.member_id]})
        assert push.status in (401, 403)
    assert Coupon.objects.count() == 1 and not CouponUse.objects.exists()


def test_the_limit_and_what_is_unknown(shop: Shop, batch_id: int, app: ApiClient, till: ApiClient) -> None:
    claims = f"/api/v1/coupon-batches/{batch_id}/claims"
    answers = [app.post(claims, {"member_id": shop.member_id}).status for _ in range(3)]
    assert answers == [201, 201, 409]
    assert app.post(claims, {"member_id": 10**12}).json["code"] == "member-unknown"
    assert app.post(f"/api/v1/coupon-batches/{2**63}/claims", {"member_id": 1}).status == 404
    assert till.post(f"/api/v1/coupons/locks/{uuid.uuid4()}/confirm", {}).status == 404
    quote = till.post("/api/v1/coupons/quote", sale(shop, "NOSUCH\x00CODE", 100))
    assert quote.status in (200, 422)
    twice = sale(shop, "NOSUCHCODE", 100, 200)
    twice["lines"][1]["line_no"] = 1
    assert till.post("/api/v1/coupons/quote", twice).json["code"] == "line-twice"


def test_pushed_to_a_list_once(shop: Shop, batch_id: int, app: ApiClient) -> None:
    li = loyalty.enroll_member(
        actor=SYSTEM,
        name="李四",
        phone="13900139000",
        mall_id=shop.malls.star,
        source="till",
        now=dt.datetime.now(dt.UTC),
    )
    body = {"member_ids": [shop.member_id, li.member_id, 999_999], "reason": "会员日"}
    address = f"/api/v1/coupon-batches/{batch_id}/coupons"
    first = app.post(address, body, idempotency_key="p")
    assert (first.status, first.json) == (201, {"issued": 2, "skipped": 1})
    assert app.post(address, body, idempotency_key="p").json == first.json
    assert Coupon.objects.count() == 2
    [batch] = app.get("/api/v1/coupon-batches").json["items"]
    assert (batch["issued"], batch["stock"], batch["state"]) == (2, 10, "open")


def test_a_retry_does_not_need_the_scanned_code_again(
    shop: Shop, batch_id: int, app: ApiClient, till: ApiClient
) -> None:
    """A rotating code is good once; an answer lost on the way can still be asked for under the same key."""
    scanned = {"member": {"code": loyalty_queries.qr_payload(shop.member_id, clock.now())}}
    asked = sale(shop, claimed(app, batch_id, shop), 6000) | scanned
    first = till.post("/api/v1/coupons/locks", asked, idempotency_key="lost")
    again = till.post("/api/v1/coupons/locks", asked, idempotency_key="lost")
    assert (first.status, again.status, again.json) == (201, 201, first.json)
    assert till.post("/api/v1/coupons/locks", asked, idempotency_key="new").status == 409


@pytest.mark.feature("C110")
def test_the_best_price_of_a_basket(shop: Shop, till: ApiClient) -> None:
    now = dt.datetime.now(dt.UTC)
    for code, definition in (
        ("NTH", {"kind": "nth", "nth": 2, "percent_bp": 5000, "group": "sale"}),
        ("REACH", {"kind": "reach", "steps": [[10_000, 1000]], "group": "sale"}),
    ):
        offers.publish_promotion(
            actor=SYSTEM, group_id=shop.malls.group, mall_id=shop.malls.star, code=code, name=code,
            definition=definition, effective_from=now, now=now,
        )  # fmt: skip
    body = {"merchant_id": shop.malls.cafe, "lines": [{"quantity": 2, "unit_price_fen": 3_200}]}
    found = till.post("/api/v1/prices/quote", body).json
    assert (found["net_fen"], found["exact"]) == (4800, True)
    assert [one["code"] for one in found["promotions"]] == ["NTH"]
    assert found["near"][0]["missing_fen"] == 3600
    elsewhere = ApiClient(make_key(["coupons.use"], "mall", shop.malls.cloud))
    assert elsewhere.post("/api/v1/prices/quote", body).status == 403
    assert till.post("/api/v1/prices/quote", body | {"lines": []}).status == 422

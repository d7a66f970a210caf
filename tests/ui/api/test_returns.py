"""Goods that come back, and points that are spent and given back."""

from typing import Any

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, row_counts


def sold(shop: Shop, till: ApiClient, fen: int = 12_800) -> str:
    return str(till.post("/api/v1/receipts", shop.sale(fen)).json["receipt_id"])


def giving_back(shop: Shop, **changes: Any) -> dict[str, Any]:
    sale = shop.sale()
    return {
        "till": "T1",
        "number": sale["number"],
        "occurred_at": sale["occurred_at"],
        "lines": [{"line_no": 1}],
    } | changes


@pytest.mark.feature("B01")
class TestReturns:
    def test_half_then_the_rest(self, shop: Shop, till: ApiClient, office: ApiClient) -> None:
        receipt = sold(shop, till)
        path = f"/api/v1/receipts/{receipt}/returns"
        first = till.post(path, giving_back(shop, lines=[{"line_no": 1, "quantity": "1"}]))
        assert (first.status, first.json["refund_fen"], first.json["clawed_points"]) == (201, 6_400, 64)
        rest = till.post(path, giving_back(shop)).json
        assert (rest["refund_fen"], rest["clawed_points"], rest["balance"]) == (6_400, 64, 0)
        seen = office.get(f"/api/v1/receipts/{receipt}").json
        assert (seen["points"], len(seen["returns"])) == (128, 2)
        assert seen["lines"][0]["returned_quantity"] == "2.000"
        before = row_counts()
        assert till.post(path, giving_back(shop)).code == "return-exceeds-purchase"
        assert row_counts() == before

    @pytest.mark.feature("B04")
    def test_the_same_return_again(self, shop: Shop, till: ApiClient) -> None:
        path = f"/api/v1/receipts/{sold(shop, till)}/returns"
        body = giving_back(shop, lines=[{"line_no": 1, "quantity": 1}])
        first = till.post(path, body, idempotency_key="r")
        before = row_counts()
        replayed = till.post(path, body, idempotency_key="r")
        assert (replayed.status, replayed.json, replayed.headers["idempotent-replayed"]) == (
            201,
            first.json,
            "true",
        )
        again = till.post(path, body)
        assert (again.status, again.json) == (200, first.json | {"status": "duplicate"})
        assert row_counts() == before

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"lines": []}, 422, "invalid"),
            ({"lines": [{"line_no": 9}]}, 422, "not-returnable"),
            ({"lines": [{"line_no": 1}, {"line_no": 1}]}, 422, "not-returnable"),
            ({"lines": [{"line_no": 1, "quantity": "3"}]}, 409, "return-exceeds-purchase"),
            ({"lines": [{"line_no": 1, "quantity": 0}]}, 422, "invalid"),
            ({"lines": [{"line_no": 1, "quantity": -1}]}, 422, "invalid"),
            ({"lines": [{"line_no": 1, "quantity": True}]}, 422, "invalid"),
            ({"lines": [{"line_no": 1, "refund_fen": 12_801}]}, 409, "return-exceeds-purchase"),
            ({"lines": [{"line_no": 1, "refund_fen": -1}]}, 422, "invalid"),
            ({"occurred_at": "2099-01-01T00:00:00Z"}, 422, "invalid-receipt"),
            ({"occurred_at": 0}, 422, "invalid"),
            ({"business_date": "2020-01-01"}, 422, "invalid-receipt"),
            ({"extra": 1}, 422, "invalid"),
        ],
    )
    def test_what_does_not_fit_changes_nothing(
        self, shop: Shop, till: ApiClient, changes: dict[str, Any], status: int, code: str
    ) -> None:
        path = f"/api/v1/receipts/{sold(shop, till)}/returns"
        before = row_counts()
        reply = till.post(path, giving_back(shop, **changes), idempotency_key="r")
        assert (reply.status, reply.code) == (status, code)
        assert row_counts() == before

    @pytest.mark.feature("C029")
    def test_only_where_it_was_sold(self, shop: Shop, till: ApiClient, other_mall: ApiClient) -> None:
        path = f"/api/v1/receipts/{sold(shop, till)}/returns"
        before = row_counts()
        assert other_mall.post(path, giving_back(shop)).code in ("not-allowed", "receipt-not-found")
        assert row_counts() == before
        nowhere = "/api/v1/receipts/0197c3a2-5b1e-7c40-8a51-2f6f3f1d9b10/returns"
        assert till.post(nowhere, giving_back(shop)).code == "receipt-not-found"
        assert till.post(path, giving_back(shop)).status == 201


def test_a_receipt_is_seen_where_the_key_is_valid(shop: Shop, till: ApiClient, office: ApiClient) -> None:
    from tests.ui.api.conftest import make_key

    path = f"/api/v1/receipts/{sold(shop, till)}"
    assert office.get(path).json["sentence"] == "¥128.00 counted, 1 point per ¥1.00: 128 points."
    assert ApiClient(make_key(["receipts.view"], "mall", shop.malls.cloud)).get(path).code == "not-found"
    assert ApiClient(make_key(["receipts.view"], "merchant", shop.malls.cafe)).get(path).status == 200


class TestRedemptions:
    @pytest.fixture(autouse=True)
    def _points(self, shop: Shop, till: ApiClient) -> None:
        till.post("/api/v1/receipts", shop.sale(100_000))

    def spend(self, shop: Shop, till: ApiClient, points: int, **headers: str) -> Any:
        body = {"points": points, "merchant_id": shop.malls.cafe, "reference": "T1-42"}
        return till.post(f"/api/v1/members/{shop.member_id}/redemptions", body, **headers)

    @pytest.mark.feature("C063", "B04")
    def test_spent_and_given_back(self, shop: Shop, till: ApiClient) -> None:
        spent = self.spend(shop, till, 300, idempotency_key="s")
        assert (spent.status, spent.json["points"], spent.json["value_fen"], spent.json["balance"]) == (
            201,
            300,
            300,
            700,
        )
        before = row_counts()
        assert self.spend(shop, till, 300, idempotency_key="s").json == spent.json
        assert row_counts() == before
        path = f"/api/v1/redemptions/{spent.json['redemption_id']}/reversal"
        part = till.post(path, {"points": 100, "reason": "改用现金"}, idempotency_key="v")
        assert (part.status, part.json["points"], part.json["balance"]) == (201, 100, 800)
        replayed = till.post(path, {"points": 100, "reason": "改用现金"}, idempotency_key="v")
        assert (replayed.json, replayed.headers["idempotent-replayed"]) == (part.json, "true")
        assert till.post(path, {}).json["balance"] == 1_000
        before = row_counts()
        assert till.post(path, {}).code == "reversal-exceeds-redemption"
        assert row_counts() == before

    def test_the_address_below_the_member(self, shop: Shop, till: ApiClient, office: ApiClient) -> None:
        redemption = self.spend(shop, till, 100).json["redemption_id"]
        other = office.post("/api/v1/members", {"name": "李四", "phone": "13900139000"}).json["member_id"]
        before = row_counts()
        wrong = office.post(f"/api/v1/members/{other}/redemptions/{redemption}/reversal", {})
        assert (wrong.status, wrong.code) == (404, "redemption-not-found")
        assert row_counts() == before
        right = office.post(f"/api/v1/members/{shop.member_id}/redemptions/{redemption}/reversal", {})
        assert (right.status, right.json["balance"]) == (201, 1_000)

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"points": 1_001}, 409, "insufficient-points"),
            ({"points": 0}, 422, "invalid"),
            ({"points": -5}, 422, "invalid"),
            ({"points": True}, 422, "invalid"),
            ({"points": "5"}, 422, "invalid"),
            ({"points": 10**30}, 422, "invalid"),
            ({}, 422, "invalid"),
            ({"points": 5, "merchant_id": 999_999}, 422, "merchant-unknown"),
            ({"points": 5, "reference": "x" * 81}, 422, "invalid"),
        ],
    )
    def test_what_does_not_fit_changes_nothing(
        self, shop: Shop, till: ApiClient, body: dict[str, Any], status: int, code: str
    ) -> None:
        before = row_counts()
        sent = {"merchant_id": shop.malls.cafe} | body
        reply = till.post(f"/api/v1/members/{shop.member_id}/redemptions", sent, idempotency_key="s")
        assert (reply.status, reply.code) == (status, code)
        assert row_counts() == before

    @pytest.mark.feature("C029")
    def test_only_where_the_key_is_valid(self, shop: Shop, till: ApiClient, other_mall: ApiClient) -> None:
        before = row_counts()
        assert self.spend(shop, other_mall, 5).code == "not-allowed"
        nobody = till.post(
            "/api/v1/members/999999/redemptions", {"points": 5, "merchant_id": shop.malls.cafe}
        )
        assert nobody.code == "member-not-found"
        assert row_counts() == before
        redemption = self.spend(shop, till, 5).json["redemption_id"]
        before = row_counts()
        assert other_mall.post(f"/api/v1/redemptions/{redemption}/reversal", {}).code == "not-allowed"
        assert row_counts() == before

"""Returns over the API: judged, asked for once per key, taken to the refund; a merchant's key sees its own."""

from __future__ import annotations

import pytest

from tests.people import NOW
from tests.service.conftest import SYSTEM, found
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key, row_counts
from zhike.service import operations as service

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C171", "C193")]


def test_judged_asked_for_and_refunded(shop: Shop, till: ApiClient) -> None:
    desk = ApiClient(
        make_key(["tickets.view", "tickets.open", "tickets.handle", "receipts.view", "receipts.return"])
    )
    receipt = str(till.post("/api/v1/receipts", shop.sale(12_800)).json["receipt_id"])
    address = f"/api/v1/receipts/{receipt}/after-sales"
    assert desk.get(address).code == "after-sale-no-terms"
    found(shop.malls)
    service.found_after_sales(actor=SYSTEM, group_id=shop.malls.group, now=NOW)
    [line] = desk.get(address, {"reason": "quality", "condition": "used"}).json["items"]
    assert (line["allowed"], line["verdict"], line["left"]) == (True, "ok", "2.000")
    body = {
        "kind": "return",
        "reason": "quality",
        "condition": "used",
        "lines": [{"line_no": 1, "quantity": 1}],
    }
    first = desk.post(address, body, idempotency_key="A")
    assert (first.status, first.json["state"]) == (201, "applied")
    assert desk.post(address, body, idempotency_key="A").json == first.json
    before = row_counts()
    assert (
        desk.post(address, body | {"lines": [{"line_no": 1, "quantity": 2}]}).code
        == "after-sale-nothing-chosen"
    )
    assert desk.post(address, body | {"kind": "gift"}).status == 422
    assert row_counts() == before
    number = first.json["number"]
    steps = f"/api/v1/after-sales/{number}/steps"
    assert desk.post(steps, {"act": "settle"}).code == "after-sale-wrong-step"
    for act in ("approve", "receive", "pass", "settle"):
        done = desk.post(steps, {"act": act})
    assert (done.json["state"], done.json["money_fen"], done.json["clawed_points"]) == ("refunded", 6_400, 64)
    assert done.json["return_id"] and done.json["steps"] == []
    merchant = ApiClient(make_key(["tickets.view", "tickets.handle"], "merchant", shop.malls.cafe))
    assert [row["number"] for row in merchant.get("/api/v1/after-sales").json["items"]] == [number]
    other = ApiClient(make_key(["tickets.view", "tickets.handle"], "mall", shop.malls.cloud))
    assert other.get(f"/api/v1/after-sales/{number}").status == 404
    assert other.get("/api/v1/after-sales", {"queue": "ended"}).json["items"] == []


def test_a_repair_is_planned(shop: Shop, till: ApiClient) -> None:
    desk = ApiClient(make_key(["tickets.view", "tickets.open", "tickets.handle", "receipts.view"]))
    receipt = str(till.post("/api/v1/receipts", shop.sale(12_800)).json["receipt_id"])
    found(shop.malls)
    service.found_after_sales(actor=SYSTEM, group_id=shop.malls.group, now=NOW)
    body = {"kind": "repair", "reason": "other", "lines": [{"line_no": 1, "quantity": 1}]}
    number = desk.post(f"/api/v1/receipts/{receipt}/after-sales", body).json["number"]
    steps = f"/api/v1/after-sales/{number}/steps"
    desk.post(steps, {"act": "receive"})
    plan = {"workshop": "星河工坊", "promised_on": "2099-01-01", "parts": [{"name": "拉链", "cost_fen": 900}]}
    assert desk.post(steps, {"act": "send"}).code == "after-sale-wrong-step"
    sent = desk.post(steps, {"act": "send", "plan": plan}).json
    assert (sent["state"], sent["cost_fen"], sent["promised_on"]) == ("workshop", 900, "2099-01-01")

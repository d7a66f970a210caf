"""Quotes for a checkout and the redemption rates, as a till and an office system use them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key

pytestmark = pytest.mark.feature("C088", "C089")
RATES = "/api/v1/redemption-rates"


@pytest.fixture
def planner(shop: Shop) -> ApiClient:
    """A program of the head office that plans the programme."""
    return ApiClient(make_key(["programme.view", "programme.edit"]))


def soon(days: int = 0) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()


def earn(shop: Shop, points: int) -> None:
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.loyalty import operations

    operations.adjust_points(
        actor=system_viewer("tests"), member_id=shop.member_id, points=points, reason="期初", now=clock.now()
    )


def rates(**table: Any) -> dict[str, Any]:
    return {"table": {"points": 100, "fen": 100} | table, "effective_from": soon()}


def test_published_quoted_and_spent_by_the_quote(shop: Shop, till: ApiClient, planner: ApiClient) -> None:
    earn(shop, 1_000)
    body = rates(fen=120, step=100, minimum=100)
    impact = planner.post(f"{RATES}/preview", body)
    assert (impact.status, impact.json["cut_bp"]) == (200, 0)
    assert impact.json["after_fen"] == impact.json["before_fen"] * 120 // 100
    assert planner.post(RATES, body, idempotency_key="r").status == 201
    [version] = planner.get(RATES).json["items"]
    assert (version["state"], version["table"]["fen"], version["version"]) == ("in_force", 120, 1)
    quotes = f"/api/v1/members/{shop.member_id}/redemption-quotes"
    asked = {"points": 200, "merchant_code": "C001"}
    quote = till.post(quotes, asked, idempotency_key="q")
    assert (quote.status, quote.json["value_fen"], quote.json["version"]) == (201, 240, 1)
    assert "1.20" in quote.json["why"]
    assert till.post(quotes, asked, idempotency_key="q").json == quote.json
    spending = f"/api/v1/members/{shop.member_id}/redemptions"
    spent = till.post(spending, asked | {"quote_id": quote.json["quote_id"]}, idempotency_key="s")
    assert (spent.status, spent.json["value_fen"]) == (201, 240)
    assert (
        till.post(spending, asked | {"quote_id": quote.json["quote_id"]}, idempotency_key="s").json
        == spent.json
    )
    again = till.post(spending, asked | {"quote_id": quote.json["quote_id"]})
    assert (again.status, again.json["code"]) == (409, "quote-used")
    held = till.post(f"/api/v1/members/{shop.member_id}/holds", asked | {"quote_id": quote.json["quote_id"]})
    assert held.json["code"] == "quote-used"
    assert till.post(quotes, {"bill_fen": 250, "merchant_code": "C001"}).json["points"] == 200


def test_what_does_not_fit_says_why(shop: Shop, till: ApiClient, planner: ApiClient) -> None:
    earn(shop, 300)
    cut = planner.post(RATES, rates(fen=80))
    assert (cut.status, cut.json["code"]) == (409, "rate-cut-too-soon")
    unknown = planner.post(RATES, rates(lines=[{"premium_bp": 100, "tiers": [987_654]}]))
    assert (unknown.status, unknown.json["code"]) == (422, "invalid-rates")
    assert planner.post(RATES, rates() | {"effective_from": "2026-01-01T00:00:00"}).status == 422
    assert till.post(RATES, rates()).status == 403
    missing = till.post(
        f"/api/v1/members/{shop.member_id}/redemptions",
        {"points": 100, "merchant_code": "C001", "quote_id": "0190f0a0-0000-7000-8000-000000000000"},
    )
    assert (missing.status, missing.json["code"]) == (404, "quote-not-found")


def test_a_quote_only_where_the_key_is_valid(shop: Shop, other_mall: ApiClient) -> None:
    earn(shop, 300)
    reply = other_mall.post(
        f"/api/v1/members/{shop.member_id}/redemption-quotes", {"points": 100, "merchant_code": "C001"}
    )
    assert reply.status == 403


def test_a_version_is_withdrawn_before_it_begins(shop: Shop, till: ApiClient, planner: ApiClient) -> None:
    later = planner.post(RATES, rates(fen=130) | {"effective_from": soon(40)}).json["version_id"]
    assert till.post(f"{RATES}/{later}/withdrawal", {}).status == 403
    for _ in range(2):
        assert planner.post(f"{RATES}/{later}/withdrawal", {}, idempotency_key="w").status == 200
    assert [one["state"] for one in planner.get(RATES).json["items"]] == ["withdrawn"]
    begun = planner.post(RATES, rates(fen=140)).json["version_id"]
    refused = planner.post(f"{RATES}/{begun}/withdrawal", {})
    assert refused.status == 409, refused.json
    assert planner.post(f"{RATES}/987654321/withdrawal", {}).status == 404

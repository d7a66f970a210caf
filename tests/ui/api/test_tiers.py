"""Tiers through the API: read with their reasons, lent once, taken back, decided by another."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.kernel import clock
from zhike.loyalty import queries

pytestmark = pytest.mark.feature("C069")
SCOPES = ["members.view", "tiers.grant", "tiers.approve"]


def test_lent_once_read_and_taken_back(shop: Shop) -> None:
    app = ApiClient(make_key(SCOPES))
    base, top = f"/api/v1/members/{shop.member_id}", queries.tiers(shop.program_id)[-1].code
    until = (clock.now() + dt.timedelta(days=20)).date().isoformat()
    body = {"tier": top, "until": until, "reason": "周年庆", "reference": "campaign:57"}
    key = uuid.uuid4().hex
    first = app.post(f"{base}/tier-grants", body, idempotency_key=key)
    again = app.post(f"{base}/tier-grants", body | {"until": until}, idempotency_key=uuid.uuid4().hex)
    assert (first.status, again.json) == (201, first.json)
    stands = app.get(f"{base}/tier").json
    assert (stands["tier"], [one["state"] for one in stands["grants"]]) == (top, ["running"])
    assert stands["history"][0]["why"]["reason"] == "周年庆"
    assert "周年庆" in stands["history"][0]["sentence"]
    assert app.post(f"{base}/tier-grants", body | {"tier": "none", "reference": ""}).status == 404
    assert app.post(f"{base}/tier-grants", body | {"until": "2019-01-01", "reference": ""}).status == 422
    grant = f"/api/v1/tier-grants/{first.json['grant_id']}/revocation"
    assert app.post(grant, {"reason": "发错人"}).status == 200
    assert app.get(f"{base}/tier").json["tier"] != top


@pytest.mark.feature("C070")
def test_exception_waits_for_another_key(shop: Shop) -> None:
    one, other = ApiClient(make_key(SCOPES)), ApiClient(make_key(SCOPES))
    until = (clock.now() + dt.timedelta(days=200)).date().isoformat()
    body = {
        "tier": queries.tiers(shop.program_id)[-1].code,
        "until": until,
        "reason": "海外居住",
        "exception": True,
    }
    asked = one.post(f"/api/v1/members/{shop.member_id}/tier-grants", body).json["grant_id"]
    [row] = other.get("/api/v1/tier-exceptions").json["items"]
    assert (row["grant_id"], row["state"]) == (asked, "asked")
    decide = f"/api/v1/tier-exceptions/{asked}/decision"
    assert one.post(decide, {"approve": True}).json["code"] == "tier-exception-own"
    assert other.post(decide, {"approve": True}).status == 200
    assert queries.tier_rank(shop.member_id) == queries.tiers(shop.program_id)[-1].rank
    stranger = ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    assert stranger.get("/api/v1/tier-exceptions").json["items"] == []
    assert stranger.get(f"/api/v1/members/{shop.member_id}/tier").status == 404

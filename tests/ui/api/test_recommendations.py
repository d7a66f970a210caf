"""Recommendations over the API."""

from __future__ import annotations

import pytest

from tests.insight.shops import buy, stock
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.insight import operations
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.loyalty import queries

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C131", "C065")]
SYSTEM = system_viewer("tests")


def test_with_basis_and_reasons(shop: Shop) -> None:
    now = clock.now()
    ids = stock(shop.malls)
    file = queries.member_file(SYSTEM, shop.member_id, now)
    for ago in (1, 4):
        buy(shop.malls, ids, file.person.id, ago, "BEANS", now=now)
    operations.fit_recommendations(actor=SYSTEM, now=now)
    address = f"/api/v1/members/{shop.member_id}/recommendations"
    key = ApiClient(make_key(["members.view"]))
    found = key.get(address)
    assert found.status == 200
    assert found.json["basis"] == "personal"
    assert [(one["id"], one["source"]) for one in found.json["items"]] == [(ids["BEANS"], "repeat")]
    assert found.json["items"][0]["reason"] == "You bought it 2 times."
    assert key.get(address, {"kind": "merchant", "limit": 1}).status == 200
    assert key.get(address, {"kind": "coupon"}).json["items"] == []
    assert key.get(address, {"kind": "horse"}).status == 422
    assert key.get(address, {"limit": 51}).status == 422
    assert key.get("/api/v1/members/999999999/recommendations").status == 404
    assert ApiClient(make_key(["segments.view"])).get(address).status == 403
    assert ApiClient(make_key(["members.view"], "mall", shop.malls.cloud)).get(address).status == 404

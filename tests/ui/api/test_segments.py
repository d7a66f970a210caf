"""Segments over the API: made once, counted, and given out for what members agreed to."""

from __future__ import annotations

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C049", "N7")]
EVERYBODY = {"match": "all", "of": [{"field": "points", "op": "at_least", "value": 0}]}
SCOPES = ["segments.view", "segments.edit", "segments.export", "members.view"]


def test_made_counted_and_given_out(shop: Shop) -> None:
    key = ApiClient(make_key(SCOPES))
    body = {"code": "all", "name": "全部会员", "definition": EVERYBODY}
    made = key.post("/api/v1/segments", body, idempotency_key="S-1")
    again = key.post("/api/v1/segments", body, idempotency_key="S-1")
    assert (made.status, again.json) == (201, made.json)
    address = f"/api/v1/segments/{made.json['id']}"
    count = key.post("/api/v1/segments/count", {"definition": EVERYBODY}).json["count"]
    assert count >= 1
    assert [(one["code"], one["count"]) for one in key.get("/api/v1/segments").json["items"]] == [
        ("all", count)
    ]
    found = key.get(address).json
    assert found["definition"] == EVERYBODY
    assert found["sentence"] == "Points to spend at least 0 points"  # no Accept-Language
    nobody = key.get(f"{address}/members", {"purpose": "sharing"}).json
    assert nobody == {"items": [], "next_after": None}
    assert key.get(f"{address}/members").status == 422
    assert key.get(f"{address}/members", {"purpose": "curiosity"}).status == 422


def test_refused_without_scope_and_nonsense(shop: Shop) -> None:
    key, elsewhere = ApiClient(make_key(SCOPES)), ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    made = key.post("/api/v1/segments", {"code": "all", "name": "全部", "definition": EVERYBODY}).json["id"]
    assert elsewhere.get(f"/api/v1/segments/{made}").status == 404
    assert elsewhere.get(f"/api/v1/segments/{made}/members", {"purpose": "membership"}).status == 404
    assert (
        elsewhere.post("/api/v1/segments", {"code": "b", "name": "b", "definition": EVERYBODY}).status == 403
    )
    assert (
        ApiClient(make_key(["segments.view"]))
        .get(f"/api/v1/segments/{made}/members", {"purpose": "membership"})
        .status
        == 403
    )
    bad = key.post("/api/v1/segments/count", {"definition": {"match": "all", "of": []}})
    assert (bad.status, bad.code) == (422, "definition-invalid")

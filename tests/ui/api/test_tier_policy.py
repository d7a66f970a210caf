"""The terms of the tiers, as an office system publishes them and a member's app reads them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key

pytestmark = pytest.mark.feature("C078")
POLICIES = "/api/v1/tier-policies"


def terms(planner: ApiClient, **changes: Any) -> dict[str, Any]:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(days=changes.pop("days", 0))
    return {"terms": planner.get(POLICIES).json["in_force"] | changes, "effective_from": moment.isoformat()}


def test_published_told_read_and_withdrawn(shop: Shop, till: ApiClient) -> None:
    planner = ApiClient(make_key(["programme.view", "programme.edit", "members.view"]))
    wider = terms(planner, window="lifetime", text="全场门店适用\n含餐饮")
    refused = planner.post(POLICIES, wider, idempotency_key="a")
    assert (refused.status, refused.json["code"]) == (409, "tier-policy-too-soon"), (
        "changed words need a notice"
    )
    made = planner.post(POLICIES, wider | {"texts_only_add": True}, idempotency_key="b")
    assert made.status == 201
    assert planner.post(POLICIES, wider | {"texts_only_add": True}, idempotency_key="b").json == made.json
    narrower = terms(planner, window="calendar_year", days=40)
    later = planner.post(POLICIES, narrower, idempotency_key="c").json["version_id"]
    found = planner.get(POLICIES).json
    assert [one["state"] for one in found["items"]] == ["notice", "in_force", "past"]
    assert found["items"][0]["changes"][0]["kind"] == "worse" and found["in_force"]["window"] == "lifetime"
    own = planner.get(f"/api/v1/members/{shop.member_id}/tier-policies").json
    assert own["items"][0]["changes"][0]["sentence"] and own["items"][0]["told_at"] is None
    for _ in range(2):
        assert planner.post(f"{POLICIES}/{later}/withdrawal", {}, idempotency_key="d").status == 200
    begun = planner.post(f"{POLICIES}/{made.json['version_id']}/withdrawal", {}, idempotency_key="e")
    assert (begun.status, begun.json["code"]) == (409, "tier-policy-in-force")
    wrong = planner.post(POLICIES, terms(planner, grace_days=91), idempotency_key="f")
    assert wrong.status == 422
    mixed = terms(planner)
    mixed["terms"]["tiers"] = mixed["terms"]["tiers"][::-1]
    assert planner.post(POLICIES, mixed, idempotency_key="g").json["code"] == "invalid-tier-policy"
    assert till.post(POLICIES, terms(planner, window="calendar_year"), idempotency_key="h").status == 403

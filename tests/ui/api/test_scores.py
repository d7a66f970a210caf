"""What the models say of a member, over the API."""

from __future__ import annotations

import pytest

from tests.people import publish_policy
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.insight.models import ChurnScore, ModelRun
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.privacy import operations as privacy

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C053")]
BOTH = ["members.view", "segments.view"]


def scored(shop: Shop) -> int:
    now = clock.now()
    run = ModelRun.objects.create(
        kind="churn",
        state="done",
        ran_at=now,
        ran_by="tests",
        last_on=now.date(),
        members=1,
        holdout={},
        drift={},
    )
    ChurnScore.objects.create(
        member_id=shop.member_id, run=run, risk_bp=8_123, source="trees", action="coupon", horizon_days=45,
        reasons=[["recency_days", 61.2, 1_400], ["discount_share", None, -20]],
    )  # fmt: skip
    return run.pk


def test_scores_of_a_member(shop: Shop) -> None:
    address = f"/api/v1/members/{shop.member_id}/scores"
    key = ApiClient(make_key(BOTH))
    assert key.get(address).json == {"churn": None, "expected": None, "cluster": None, "classes": None}
    run_id = scored(shop)
    found = key.get(address).json["churn"]
    assert (found["risk"], found["band"], found["action"], found["run_id"]) == (
        0.8123,
        "high",
        "coupon",
        run_id,
    )
    assert found["reasons"][0]["text"] == "Days since the last purchase: 61 days (raises the risk much)"
    assert found["reasons"][1] == {
        "figure": "discount_share", "value": None, "adds": -0.02,
        "text": "Share taken off by discounts: not known (lowers the risk a little)",
    }  # fmt: skip
    assert key.get("/api/v1/members/999999999/scores").status == 404
    assert ApiClient(make_key(["members.view"])).get(address).status == 403
    assert ApiClient(make_key(BOTH, "mall", shop.malls.cloud)).get(address).status == 404
    publish_policy(shop.malls, now=clock.now())
    privacy.record_consents(
        actor=system_viewer("tests"), person_id=shop.person_id, method="counter", policy_version="2026-01",
        decisions=[privacy.Decision("personalisation", "any", "refused")], evidence={"screen": "test"}, now=clock.now(),
    )  # fmt: skip
    assert key.get(address).json == {"churn": None, "expected": None, "cluster": None, "classes": None}


def test_runs_of_the_models(shop: Shop) -> None:
    run_id = scored(shop)
    runs = ApiClient(make_key(["segments.view"])).get("/api/v1/model-runs").json["items"]
    assert [(one["id"], one["kind"], one["state"]) for one in runs] == [(run_id, "churn", "done")]
    assert (
        ApiClient(make_key(["segments.view"], "mall", shop.malls.star)).get("/api/v1/model-runs").status
        == 403
    )
    assert ApiClient(make_key(["segments.view"])).get("/api/v1/model-runs", {"kind": "x"}).status == 422

"""Oversight through the API: alerts read, a freeze that the till feels at once, undone, and decided."""

from __future__ import annotations

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.risk.handlers import risk_deeds
from zhike.risk.models import Alert
from zhike.risk.operations import judge_deeds

pytestmark = pytest.mark.feature("C080", "B16")
SYSTEM = system_viewer("tests")
SCOPES = ["risk.view", "risk.handle", "receipts.record", "members.lookup", "points.redeem"]


def test_a_freeze_is_felt_at_the_till_and_undone(shop: Shop) -> None:
    app = ApiClient(make_key(SCOPES))
    for _ in range(6):
        assert app.post("/api/v1/receipts", shop.sale()).status == 201
    drain(risk_deeds)
    assert judge_deeds(actor=SYSTEM, now=clock.now()) == 1
    [row] = app.get("/api/v1/oversight/alerts").json["items"]
    assert (row["detector"], row["member_id"], row["state"]) == ("velocity", shop.member_id, "open")
    base = f"/api/v1/oversight/alerts/{row['id']}"
    shown = app.get(base).json
    assert len(shown["evidence"]) == 6
    frozen = app.post(f"{base}/measures", {"kind": "freeze", "reason": "核查"})
    assert frozen.status == 201
    spend = {"points": 10, "merchant_id": shop.malls.cafe}
    refused = app.post(f"/api/v1/members/{shop.member_id}/redemptions", spend)
    assert (refused.status, refused.code) == (409, "spending-stopped")
    undo = f"/api/v1/oversight/measures/{frozen.json['measure_id']}/undo"
    assert app.post(undo, {"reason": "误会"}).status == 200
    assert app.post(undo, {"reason": "误会"}).code == "nothing-to-undo"
    receipts = [one["receipt_id"] for one in shown["evidence"][:1]]
    assert (
        app.post(f"{base}/measures", {"kind": "withdraw", "reason": "核查", "items": receipts}).status == 201
    )
    assert app.post(f"{base}/decision", {"confirmed": True, "reason": "属实"}).json == {"state": "confirmed"}
    assert app.post(f"{base}/measures", {"kind": "void", "reason": "核查", "items": ["x"]}).status == 422
    loyalty.redeem_points(actor=SYSTEM, member_id=shop.member_id, points=10, now=clock.now())


def test_a_key_of_another_mall_sees_nothing(shop: Shop) -> None:
    app = ApiClient(make_key(SCOPES))
    for _ in range(6):
        app.post("/api/v1/receipts", shop.sale())
    drain(risk_deeds)
    judge_deeds(actor=SYSTEM, now=clock.now())
    stranger = ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    alert_id = Alert.objects.get().pk
    assert stranger.get("/api/v1/oversight/alerts").json["items"] == []
    assert stranger.get(f"/api/v1/oversight/alerts/{alert_id}").status == 404
    asked = stranger.post(
        f"/api/v1/oversight/alerts/{alert_id}/decision", {"confirmed": True, "reason": "是"}
    )
    assert asked.status == 404
    assert ApiClient(make_key(["members.view"])).get("/api/v1/oversight/alerts").status == 403

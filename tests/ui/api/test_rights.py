"""A hotline's system takes privacy requests down and follows them."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.rights.models import RightsRequest


@pytest.mark.feature("C033")
def test_a_request_is_taken_down_once_and_followed(shop: Shop) -> None:
    now = dt.datetime.now(dt.UTC)
    zhang = loyalty.enroll_member(
        actor=system_viewer("tests"), name="张三", phone="13800138000", mall_id=shop.malls.star, source="counter",
        now=now,
    )  # fmt: skip
    hotline = ApiClient(make_key(["rights.ask", "rights.view"], "mall", shop.malls.star))
    stranger = ApiClient(make_key(["rights.ask", "rights.view"], "mall", shop.malls.cloud))
    body = {"member_id": zhang.member_id, "kind": "correction", "changes": {"name": "张三丰"}, "note": "来电"}
    assert stranger.post("/api/v1/rights-requests", body).status == 404
    made = hotline.post("/api/v1/rights-requests", body)
    assert (made.status, made.json["state"], made.json["standing"]) == (201, "asked", "fine")
    again = hotline.post("/api/v1/rights-requests", body)
    assert (again.status, again.code) == (409, "request-open")
    assert [row["number"] for row in hotline.get("/api/v1/rights-requests").json["items"]] == [
        made.json["number"]
    ]
    path = f"/api/v1/rights-requests/{made.json['id']}"
    assert hotline.get(path).json["due_on"] == made.json["due_on"]
    assert stranger.get(path).status == 404
    refused = hotline.post("/api/v1/rights-requests", body | {"kind": "closing"})
    assert refused.status == 422
    assert RightsRequest.objects.count() == 1

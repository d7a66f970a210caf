"""The ROI board, the targets and margins through the API."""

from __future__ import annotations

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key


@pytest.mark.feature("C137", "C206", "C246", "C247")
def test_margins_board_and_targets(shop: Shop) -> None:
    app = ApiClient(make_key(["campaigns.view", "campaigns.approve"]))
    rate = {"merchant_id": shop.malls.cafe, "margin_bp": 1_850, "valid_from": "2026-01-01"}
    made = app.post("/api/v1/margin-rates", rate)
    assert made.status == 201 and app.post("/api/v1/margin-rates", rate).json == made.json
    [kept] = app.get("/api/v1/margin-rates").json["items"]
    assert (kept["kind"], kept["margin_bp"], kept["state"]) == ("merchant", 1_850, "now")
    assert app.post("/api/v1/margin-rates", {**rate, "category_id": 1}).json["code"] == "margin-unusable"
    board = app.get("/api/v1/marketing-board?days=30").json
    assert board["lines"] == [] and board["total"]["extra_sales"] is None
    told = app.get("/api/v1/marketing-targets").json
    assert {one["name"]: one["verdict"] for one in told["targets"]} == dict.fromkeys(
        ("wake", "repeat", "convert", "cost"), "no_control"
    )
    assert ApiClient(make_key(["campaigns.view"])).post("/api/v1/margin-rates", rate).status == 403
    assert ApiClient(make_key(["members.view"])).get("/api/v1/marketing-board").status == 403
    stranger = ApiClient(make_key(["campaigns.view", "campaigns.approve"], "mall", shop.malls.cloud))
    assert stranger.post("/api/v1/margin-rates", rate).status == 403
    assert stranger.get("/api/v1/margin-rates").json["items"] == []

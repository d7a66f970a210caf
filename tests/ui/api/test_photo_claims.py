"""Photographed receipts over the API: a mall's own app hands them in, a back office decides."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.loyalty.photos import photograph
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import PhotoClaim

pytestmark = pytest.mark.feature("B07")
SYSTEM = system_viewer("tests")


def test_handed_in_listed_and_decided(shop: Shop, settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path
    now = dt.datetime.now(dt.UTC)
    zhang = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=shop.malls.star, source="counter", now=now
    )
    app = ApiClient(make_key(["receipts.claim", "members.view"], "mall", shop.malls.star))
    office = ApiClient(make_key(["photo_claims.review", "receipts.record"], "mall", shop.malls.star))
    other = ApiClient(make_key(["photo_claims.review", "receipts.claim"], "mall", shop.malls.cloud))
    path = f"/api/v1/members/{zhang.member_id}/photo-claims"
    paper = {
        "merchant_id": shop.malls.cafe, "number": "H1", "business_date": now.date().isoformat(), "net_fen": 6_600,
        "bought_at": "00:05",
    }  # fmt: skip
    body = {"picture": base64.b64encode(photograph(1)).decode(), "paper": paper}
    assert other.post(path, body).status in (403, 404)
    assert app.post(path, body | {"picture": "!!"}).code == "picture-unusable"
    assert app.post(path, body | {"paper": paper | {"bought_at": "25:00"}}).status == 422
    first = app.post(path, body)
    assert (first.status, first.json["state"], first.json["points"]) == (201, "waiting", 0)
    claim_id = first.json["claim_id"]
    assert [one["claim_id"] for one in app.get(path).json["items"]] == [claim_id]
    assert [one["claim_id"] for one in office.get("/api/v1/photo-claims").json["items"]] == [claim_id]
    assert other.get("/api/v1/photo-claims").json["items"] == []
    assert office.get(f"/api/v1/photo-claims/{claim_id}/picture").status == 200
    assert other.post(f"/api/v1/photo-claims/{claim_id}/approval", {}).status == 404
    given = office.post(f"/api/v1/photo-claims/{claim_id}/approval", {"paper": paper | {"net_fen": 6_000}})
    assert (given.json["state"], PhotoClaim.objects.get().net_fen) == ("given", 6_000)
    refused = office.post(f"/api/v1/photo-claims/{claim_id}/refusal", {"reason": "altered"})
    assert (refused.status, refused.code) == (409, "photo-claim-decided")

"""Tags over the API: listed, read of a member, given and taken back."""

from __future__ import annotations

import pytest

from tests.people import NOW
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.insight import operations
from zhike.kernel.access import system_viewer

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C047")]
SCOPES = ["tags.give", "members.view"]
SYSTEM = system_viewer("tests")


def test_given_read_and_taken_back(shop: Shop) -> None:
    operations.save_tag(
        actor=SYSTEM, group_id=shop.malls.group, code="plain", name="偏好简约", category="taste", kind="manual", now=NOW
    )  # fmt: skip
    key, elsewhere = ApiClient(make_key(SCOPES)), ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    address = f"/api/v1/members/{shop.member_id}/tags"
    assert [(one["code"], one["kind"], one["rule"]) for one in key.get("/api/v1/tags").json["items"]] == [
        ("plain", "manual", None)
    ]
    given = key.post(address, {"code": "plain", "note": "试衣时说的"}, idempotency_key="T-1")
    again = key.post(address, {"code": "plain", "note": "试衣时说的"}, idempotency_key="T-1")
    assert (given.status, again.json) == (200, given.json)
    assert [(one["code"], one["source"], one["note"]) for one in key.get(address).json["items"]] == [
        ("plain", "staff", "试衣时说的")
    ]
    assert key.call("DELETE", f"{address}/plain").json == {"items": [], "refused": []}
    assert key.post(address, {"code": "nothing"}).status == 404
    assert key.post(address, {"code": "plain", "is_on": "yes"}).status == 422
    assert elsewhere.get(address).status == 404
    assert ApiClient(make_key(["members.view"])).post(address, {"code": "plain"}).status == 403

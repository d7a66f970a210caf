"""Welcome offers through the API: published once by whoever may, read by whoever sees the member."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.engagement import operations
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty

pytestmark = pytest.mark.feature("C061")


def test_published_and_read_where_one_may(shop: Shop) -> None:
    scopes = ["engagement.edit", "engagement.view", "members.view"]
    own = ApiClient(make_key(scopes, "mall", shop.malls.star))
    other = ApiClient(make_key(scopes, "mall", shop.malls.cloud))
    body = {"mall_id": shop.malls.star, "terms": {"multiplier_bp": 30_000, "minimum_fen": 8_800}}
    assert other.post("/api/v1/welcome-offers", body).status == 403
    assert own.post("/api/v1/welcome-offers", body | {"terms": {}}).code == "engagement-terms-unusable"
    assert own.post("/api/v1/welcome-offers", body).json == {"version": 1}
    zhang = loyalty.enroll_member(
        actor=system_viewer("tests"), name="周七", phone="13700137000", mall_id=shop.malls.star, source="counter",
        now=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    offer = own.get(f"/api/v1/welcome-offers?mall_id={shop.malls.star}").json
    assert [(one["version"], one["state"], one["minimum_fen"]) for one in offer["versions"]] == [
        (1, "current", 8_800)
    ]
    path = f"/api/v1/members/{zhang.member_id}/welcome"
    assert (own.get(path).json["status"], other.get(path).status) == ("promised", 404)
    assert own.get("/api/v1/members/999999/welcome").status == 404


@pytest.mark.feature("B33")
def test_stamp_cards_are_read_where_one_sees_the_member(shop: Shop) -> None:
    now = dt.datetime.now(dt.UTC)
    terms = {"stamps": 4, "reward": {"points": 50}}
    operations.save_stamp_card(
        actor=system_viewer("tests"), mall_id=shop.malls.star, name="集点卡", terms=terms, now=now
    )
    own = ApiClient(make_key(["members.view"]))
    other = ApiClient(make_key(["members.view"], "mall", shop.malls.cloud))
    path = f"/api/v1/members/{shop.member_id}/stamp-cards"
    [found] = own.get(path).json["items"]
    assert (found["of"], found["days"], found["open"]) == (4, [], True)
    assert other.get(path).status == 404

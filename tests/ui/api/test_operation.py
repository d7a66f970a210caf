"""Events for those who follow, merchants, health and figures."""

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key


@pytest.mark.django_db(transaction=True)  # an open transaction's own events are not in the log yet
@pytest.mark.feature("C015", "C017")
def test_events_are_cloudevents_and_none_is_missed(shop: Shop, office: ApiClient) -> None:
    office.post("/api/v1/receipts", shop.sale())
    found, cursor = [], None
    for _ in range(200):
        page = office.get("/api/v1/events", {"limit": 100} | ({"cursor": cursor} if cursor else {})).json
        found += page["items"]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert len({event["id"] for event in found}) == len(found)
    types = [event["type"] for event in found]
    assert types.index("zhike.loyalty.member_enrolled") < types.index("zhike.loyalty.points_earned")
    earned = found[types.index("zhike.loyalty.points_earned")]
    assert (earned["specversion"], earned["source"], earned["subject"]) == (
        "1.0",
        "/zhike/loyalty",
        f"person/{shop.person_id}",
    )
    assert earned["data"]["points"] == 128
    only = office.get(
        "/api/v1/events", {"type": ["zhike.loyalty.points_earned", "zhike.loyalty.tier_changed"]}
    ).json["items"]
    assert [event["type"] for event in only] == ["zhike.loyalty.points_earned"]


@pytest.mark.feature("C028", "C029")
def test_events_need_a_key_for_everything(shop: Shop) -> None:
    assert (
        ApiClient(make_key(["events.view"], "mall", shop.malls.star)).get("/api/v1/events").code
        == "not-allowed"
    )


@pytest.mark.feature("C029")
def test_merchants_within_the_scope(shop: Shop, office: ApiClient) -> None:
    codes = [merchant["code"] for merchant in office.get("/api/v1/merchants").json["items"]]
    assert sorted(codes) == ["C001", "F001", "J001", "N001"]
    cloud = ApiClient(make_key(["organization.view"], "mall", shop.malls.cloud))
    (noodles,) = cloud.get("/api/v1/merchants").json["items"]
    assert (noodles["merchant_id"], noodles["mall_code"], noodles["trade_category"]) == (
        shop.malls.noodles,
        "YGH",
        "food",
    )
    assert cloud.get("/api/v1/merchants", {"mall_id": shop.malls.star}).json["items"] == []


class TestHealth:
    def test_live_needs_nothing(self, stranger: ApiClient) -> None:
        assert stranger.get("/health/live").json == {"status": "ok"}

    def test_ready_when_the_database_is(self, stranger: ApiClient) -> None:
        reply = stranger.get("/health/ready")
        assert (reply.status, reply.json["status"], reply.json["checks"]["database"]["ok"]) == (
            200,
            "ok",
            True,
        )

    def test_not_ready_when_a_check_fails(self, stranger: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
        from zhike.kernel import health

        monkeypatch.setattr(health, "readiness", lambda: [health.Check("database", ok=False, detail="gone")])
        reply = stranger.get("/health/ready")
        assert (reply.status, reply.json["checks"]["database"]) == (503, {"ok": False, "detail": "gone"})


class TestMetrics:
    def test_counted_by_route_not_by_address(self, shop: Shop, till: ApiClient) -> None:
        till.post("/api/v1/members/999999/redemptions", {"points": 1, "merchant_id": shop.malls.cafe})
        text = ApiClient().get("/metrics", remote_addr="127.0.0.1").body.decode()
        series = 'route="api/v1/members/<int:member_id>/redemptions",status="404"'
        assert f'zhike_http_request_seconds_count{{method="POST",{series}}}' in text
        assert "members/999999" not in text, "an address would be a series of its own for every member"
        assert "zhike_event_lag_events" in text

    def test_open_to_the_machine_only(self, shop: Shop, office: ApiClient, stranger: ApiClient) -> None:
        assert stranger.get("/metrics", remote_addr="127.0.0.1").status == 200
        assert stranger.get("/metrics", remote_addr="::1").status == 200
        assert stranger.get("/metrics").status == 401
        assert stranger.get("/metrics", remote_addr="127.0.0.1", x_forwarded_for="203.0.113.9").status == 401
        assert office.get("/metrics").status == 200

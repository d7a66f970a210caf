"""Members through the API: enrolled once, found by what they show, seen in full by who may."""

import datetime as dt
from typing import Any

import pytest

from tests.people import publish_policy
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import CARD, PHONE, Shop, make_key, row_counts

MEMBERS = "/api/v1/members"


@pytest.mark.feature("C004", "C060")
class TestEnrol:
    def test_a_new_member_with_consents(self, shop: Shop, office: ApiClient) -> None:
        from zhike.loyalty import queries
        from zhike.privacy.queries import current_consents

        publish_policy(shop.malls)
        version = office.get("/api/v1/policy").json["version"]
        reply = office.post(
            MEMBERS,
            {
                "name": "李四",
                "phone": "139 0013 9000",
                "sex": "female",
                "birthday": "1990-05-12",
                "merchant_code": "C001",
                "consents": [
                    {"purpose": "membership", "channel": "any", "decision": "granted"},
                    {"purpose": "marketing", "channel": "sms", "decision": "refused"},
                ],
                "policy_version": version,
                "evidence": {"form": "A-17"},
            },
        )
        assert (reply.status, reply.json["existing"]) == (201, False)
        consents = current_consents(queries.person_id_of(reply.json["member_id"]))
        assert {(one.purpose, one.decision, one.evidence["form"]) for one in consents} == {
            ("membership", "granted", "A-17"),
            ("marketing", "refused", "A-17"),
        }

    def test_who_is_a_member_already_stays_as_they_are(self, shop: Shop, office: ApiClient) -> None:
        before = row_counts()
        reply = office.post(MEMBERS, {"name": "Somebody Else", "phone": PHONE})
        assert (reply.status, reply.json["existing"], reply.json["member_id"]) == (200, True, shop.member_id)
        assert row_counts() == before

    def test_the_same_request_again(self, shop: Shop, office: ApiClient) -> None:
        body = {"name": "李四", "phone": "13900139000"}
        first = office.post(MEMBERS, body, idempotency_key="m")
        again = office.post(MEMBERS, body, idempotency_key="m")
        assert (first.status, again.status, again.json) == (201, 201, first.json)
        assert again.headers["idempotent-replayed"] == "true"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"name": "李四"}, "no-identifier"),
            ({"name": "李四", "phone": "12"}, "invalid-identifier"),
            ({"name": "李四", "email": "not an address"}, "invalid-identifier"),
            ({"name": "李四", "phone": "13900139000", "birthday": "2999-01-01"}, None),
            ({"name": "李四", "phone": "13900139000", "sex": "other"}, "invalid"),
            ({"name": "李四", "phone": 13900139000}, "invalid"),
            ({"name": "李四", "phone": "13900139000", "admin": True}, "invalid"),
            ({"name": "李四", "phone": "13900139000", "mall_id": True}, "invalid"),
            ({"name": "李四", "phone": "13900139000", "mall_id": 999_999}, "not-found"),
            ({"name": "李四", "phone": "13900139000", "merchant_code": "nope"}, "merchant-unknown"),
            (
                {
                    "name": "李四",
                    "phone": "13900139000",
                    "consents": [{"purpose": "marketing", "channel": "sms", "decision": "granted"}],
                },
                "consents-need-policy",
            ),
            (
                {
                    "name": "李四",
                    "phone": "13900139000",
                    "consents": [{"purpose": "marketing", "channel": "sms", "decision": "granted"}],
                    "policy_version": "nope",
                },
                None,
            ),
            ([], "invalid"),
        ],
    )
    def test_what_does_not_fit_changes_nothing(
        self, shop: Shop, office: ApiClient, body: object, code: str | None
    ) -> None:
        before = row_counts()
        reply = office.post(MEMBERS, body)
        assert 400 <= reply.status < 500
        assert code is None or reply.code == code
        assert row_counts() == before

    @pytest.mark.feature("C029")
    def test_only_where_the_key_is_valid(self, shop: Shop) -> None:
        till = ApiClient(make_key(["members.enroll"], "mall", shop.malls.star))
        body = {"name": "李四", "phone": "13900139000"}
        before = row_counts()
        assert till.post(MEMBERS, body).code == "not-allowed"
        assert till.post(MEMBERS, body | {"merchant_id": shop.malls.noodles}).code == "not-allowed"
        assert row_counts() == before
        assert till.post(MEMBERS, body | {"merchant_id": shop.malls.cafe}).status == 201


@pytest.mark.feature("C064", "C065")
class TestLookUp:
    @pytest.mark.parametrize("query", [{"phone": PHONE}, {"phone": "+8613800138000"}, {"card": CARD}])
    def test_by_phone_and_card(self, shop: Shop, till: ApiClient, query: dict[str, str]) -> None:
        reply = till.get(f"{MEMBERS}/lookup", query)
        assert (reply.status, reply.json["member_id"], reply.json["phone"]) == (
            200,
            shop.member_id,
            "138****8000",
        )

    def test_by_a_code_that_is_good_once(self, shop: Shop, till: ApiClient) -> None:
        from zhike.kernel import clock
        from zhike.loyalty import queries

        code = queries.qr_payload(shop.member_id, clock.now())
        assert till.get(f"{MEMBERS}/lookup", {"code": code}).json["member_id"] == shop.member_id
        assert till.get(f"{MEMBERS}/lookup", {"code": code}).code == "qr-replayed"

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ({}, "one-of-these"),
            ({"phone": PHONE, "card": CARD}, "one-of-these"),
            ({"phone": "13999999999"}, "member-not-found"),
            ({"card": "nope"}, "member-not-found"),
            ({"code": "nope"}, "qr-invalid"),
        ],
    )
    def test_nobody(self, shop: Shop, till: ApiClient, query: dict[str, str], code: str) -> None:
        assert till.get(f"{MEMBERS}/lookup", query).code == code

    def test_a_till_sees_the_name_masked_and_only_its_own_receipts(
        self, shop: Shop, office: ApiClient
    ) -> None:
        office.post("/api/v1/receipts", shop.sale())
        office.post("/api/v1/receipts", shop.sale(merchant_id=shop.malls.fashion))
        till = ApiClient(make_key(["members.lookup", "receipts.view"], "merchant", shop.malls.cafe))
        seen = till.get(f"{MEMBERS}/lookup", {"phone": PHONE}).json
        assert (seen["name"], seen["balance"]) == ("张*", 256)
        assert [row["merchant"] for row in seen["recent_receipts"]] == ["半山咖啡"]
        assert len(office.get(f"{MEMBERS}/lookup", {"phone": PHONE}).json["recent_receipts"]) == 2


@pytest.mark.feature("C065")
def test_one_member_in_full(shop: Shop, office: ApiClient) -> None:
    office.post("/api/v1/receipts", shop.sale(200_000))
    office.post(f"{MEMBERS}/{shop.member_id}/redemptions", {"points": 500, "merchant_id": shop.malls.cafe})
    member = office.get(f"{MEMBERS}/{shop.member_id}").json
    assert (member["name"], member["number"], member["status"]) == ("张三", CARD, "active")
    assert member["tier"] == {
        "code": "silver",
        "name": "银卡",
        "rank": 0,
        "threshold_fen": 0,
        "threshold_count": 0,
    }
    assert member["progress"] == {
        "qualifying_fen": 200_000,
        "to_next_fen": 300_000,
        "basis": "spend",
        "counted": 200_000,
        "to_next": 300_000,
        "growth": 0,
        "sentence": "Spend ¥3,000 more to reach 金卡.",
        "percent": 40,
        "next": {"code": "gold", "name": "金卡", "rank": 1, "threshold_fen": 500_000, "threshold_count": 0},
    }
    assert (member["balance"], member["lifetime_earned"], member["lifetime_spent"]) == (1_500, 2_000, 500)
    assert [lot["remaining"] for lot in member["lots"]] == [1_500]
    assert [row["net_fen"] for row in member["recent_receipts"]] == [200_000]


@pytest.mark.feature("C029")
def test_a_member_of_another_mall_is_not_there(shop: Shop) -> None:
    scopes = ["members.view", "points.view"]
    path = f"{MEMBERS}/{shop.member_id}"
    colleague = ApiClient(make_key(scopes, "mall", shop.malls.cloud))
    assert colleague.get(path).code == "member-not-found"
    assert colleague.get(f"{path}/points/entries").code == "member-not-found"
    owner = ApiClient(make_key(scopes, "mall", shop.malls.star))
    assert owner.get(path).status == 200
    assert owner.get(f"{MEMBERS}/999999").code == "member-not-found"


@pytest.mark.feature("N4")
def test_movements_page_by_page(shop: Shop, office: ApiClient) -> None:
    for fen in (1_000, 2_000, 3_000, 4_000, 5_000):
        office.post("/api/v1/receipts", shop.sale(fen))
    office.post(f"{MEMBERS}/{shop.member_id}/redemptions", {"points": 20, "merchant_id": shop.malls.cafe})
    path = f"{MEMBERS}/{shop.member_id}/points/entries"
    found, cursor = [], None
    while True:
        page = office.get(path, {"limit": 2} | ({"cursor": cursor} if cursor else {})).json
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [entry["points"] for entry in found] == [-20, 50, 40, 30, 20, 10]
    assert [entry["balance_after"] for entry in found] == [130, 150, 100, 60, 30, 10]
    assert found[0]["sentence"] == "Redeemed 20 points for ¥0.20."
    assert found[1]["sentence"] == "¥50.00 counted, 1 point per ¥1.00: 50 points."


@pytest.mark.feature("C066", "B24")
def test_growth_value_with_its_entries(shop: Shop, office: ApiClient) -> None:
    from zhike.kernel.access import system_viewer
    from zhike.loyalty import operations, queries

    now = dt.datetime.now(dt.UTC)
    where = f"{MEMBERS}/{shop.member_id}/growth"
    assert office.get(where).json["rules"] is None
    policy = queries.plain_policy(queries.policy_now(shop.program_id)) | {"growth": {"visit": 10}}
    about: dict[str, Any] = {"actor": system_viewer("tests"), "program_id": shop.program_id}
    operations.publish_tier_policy(definition=policy, effective_from=now, now=now, **about)
    office.post("/api/v1/receipts", shop.sale(12_800))
    operations.settle_growth(now=now, **about)
    found = office.get(f"{where}?limit=1").json
    assert (found["in_window"], found["gathered"], len(found["items"])) == (138, 138, 1)
    assert found["next_cursor"]
    assert office.get(f"{MEMBERS}/999999/growth").status == 404
    assert office.get(f"{MEMBERS}/{shop.member_id}/tier").json["growth"] == 138

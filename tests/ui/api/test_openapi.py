"""The document says what there is, all of it, and its examples work."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.urls import URLPattern, URLResolver

from tests.people import publish_policy
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty

pytestmark = pytest.mark.feature("C065")
ADDRESS = "/api/v1/openapi.json"
NOT_DESCRIBED = {"/api/docs", ADDRESS, "/v1/{call}", "/v1/cloudevents"}
"""What others have described: the calls of collection are Segment's."""


def document(language: str = "en") -> dict[str, Any]:
    found: dict[str, Any] = ApiClient(language=language).get(ADDRESS).json
    return found


def addresses(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and "^" not in route:
            yield route


def test_every_address_is_described_and_nothing_else() -> None:
    from zhike.ui.api.urls import urlpatterns

    found = {address for address in addresses(urlpatterns) if not address.endswith("/api-root")}
    assert set(document()["paths"]) == found - NOT_DESCRIBED - {"/api/v1/"}


def test_it_is_openapi_31_with_one_way_in() -> None:
    found = document()
    assert found["openapi"] == "3.1.0"
    assert found["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    for name, schema in found["components"]["schemas"].items():
        jsonschema_rs.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": found["components"]}
        )
        assert schema["type"] == "object"
    for path, methods in found["paths"].items():
        for operation in methods.values():
            assert bool(operation["security"]) == path.startswith("/api/"), path
            assert operation["summary"]
            if operation["security"]:
                assert {"401", "403", "429"} <= set(operation["responses"])


def test_it_speaks_the_callers_language() -> None:
    assert document("zh-CN")["paths"]["/api/v1/receipts"]["post"]["summary"] == "记录一笔销售"
    assert document("zh-TW")["paths"]["/api/v1/receipts"]["post"]["summary"] == "記錄一筆銷售"
    assert document("en")["paths"]["/api/v1/receipts"]["post"]["summary"] == "Record a sale"


def test_the_texts_belong_to_something() -> None:
    from zhike.ui.api import field_texts

    schemas = document()["components"]["schemas"]
    for path in field_texts.FIELDS:
        schema, _, field = path.partition(".")
        assert field in schemas[schema]["properties"], path


def test_the_examples_are_valid_and_work(shop: Shop, office: ApiClient) -> None:
    from zhike.ui.api.examples import BODIES

    publish_policy(shop.malls)
    now = shop.sale()["occurred_at"]

    def sent(name: str) -> dict[str, Any]:
        body = BODIES[name] | ({"occurred_at": now} if "occurred_at" in BODIES[name] else {})
        if "receipts" in body:
            body["receipts"] = [receipt | {"occurred_at": now} for receipt in body["receipts"]]
        return body

    sale = office.post("/api/v1/receipts", sent("take_receipt"))
    assert (sale.status, sale.json["points"]) == (201, 99)
    assert office.post("/api/v1/receipts/batch", sent("take_receipts")).json["accepted"] == 2
    member = sale.json["member_id"]
    spent = office.post(f"/api/v1/members/{member}/redemptions", sent("redeem"))
    redemption = spent.json["redemption_id"]
    part = office.post(
        f"/api/v1/members/{member}/redemptions/{redemption}/reversal", sent("reverse_member_redemption")
    )
    rest = office.post(f"/api/v1/redemptions/{redemption}/reversal", sent("reverse_redemption"))
    assert (spent.status, part.json["points"], rest.json["points"]) == (201, 20, 30)
    held = [office.post(f"/api/v1/members/{member}/holds", sent("hold")) for _ in range(2)]
    used = office.post(f"/api/v1/holds/{held[0].json['hold_id']}/confirm", sent("confirm_hold"))
    freed = office.post(f"/api/v1/holds/{held[1].json['hold_id']}/release", sent("release_hold"))
    assert [reply.status for reply in (*held, used, freed)] == [201] * 4
    assert (used.json["used_points"], freed.json["balance"]) == (30, 267)
    back = office.post(f"/api/v1/receipts/{sale.json['receipt_id']}/returns", sent("return_lines"))
    assert (back.status, back.json["refund_fen"]) == (201, 3_200)
    assert office.post("/api/v1/members", sent("enroll_member")).status == 201
    twin = office.post("/api/v1/members", {"name": "张三", "phone": "13900139111"}).json["member_id"]
    pair = {"member_id": member, "merged_member_id": twin}
    merged = office.post("/api/v1/merges", sent("merge_members") | pair)
    assert (merged.status, merged.json["state"]) == (201, "merged")
    undone = office.post(f"/api/v1/merges/{merged.json['merge_id']}/undo", sent("undo_merge"))
    assert (undone.status, undone.json["state"]) == (201, "undone")
    assert office.get(f"/api/v1/merges/{merged.json['merge_id']}").json["merged_member_id"] == twin
    loyalty.find_twins(actor=system_viewer("tests"), now=dt.datetime.now(dt.UTC))
    [pair] = office.get("/api/v1/merge-suggestions").json["items"]
    assert {pair["member_id"], pair["other_member_id"]} == {member, twin}
    judged = office.post(
        f"/api/v1/merge-suggestions/{pair['suggestion_id']}/verdict", sent("judge_merge_suggestion")
    )
    assert (judged.status, judged.json["state"]) == (201, "merged")
    ticket = office.post("/api/v1/tickets", sent("open_ticket") | {"member_id": member})
    number = ticket.json["number"]
    assert office.post(f"/api/v1/tickets/{number}/messages", sent("answer_ticket")).status == 201
    assert office.post(f"/api/v1/tickets/{number}/closing", sent("close_ticket")).status == 200

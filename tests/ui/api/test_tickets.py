"""Tickets over the API: opened once per key, read within scope, answered and closed."""

from __future__ import annotations

import pytest

from tests.service.conftest import found
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key, row_counts

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C181", "C176")]


def body(shop: Shop) -> dict[str, object]:
    return {
        "type": "complaint", "text": "蛋糕有异味", "merchant_id": shop.malls.cafe, "member_id": shop.member_id,
    }  # fmt: skip


def test_opened_answered_and_closed(shop: Shop, office: ApiClient) -> None:
    found(shop.malls)
    first = office.post("/api/v1/tickets", body(shop), idempotency_key="A-1")
    again = office.post("/api/v1/tickets", body(shop), idempotency_key="A-1")
    assert (first.status, first.json, again.json) == (201, again.json, first.json)
    number = first.json["number"]
    address = f"/api/v1/tickets/{number}"
    file = office.get(address).json
    assert {promise["kind"]: promise["target_minutes"] for promise in file["promises"]} == {
        "first_answer": 30,
        "resolution": 120,
    }
    assert office.post(f"{address}/messages", {"text": "您好", "wait": True}).status == 201
    assert office.get(address).json["ticket"]["status"] == "waiting"
    assert office.post(f"{address}/closing", {}).status == 200
    assert office.post(f"{address}/closing", {}).status == 200
    assert [row["number"] for row in office.get("/api/v1/tickets", {"queue": "closed"}).json["items"]] == [
        number
    ]


def test_a_merchants_key_reads_its_part_and_a_stranger_nothing(shop: Shop, office: ApiClient) -> None:
    number = office.post("/api/v1/tickets", body(shop)).json["number"]
    office.post(f"/api/v1/tickets/{number}/messages", {"text": "内部", "audience": "staff"})
    office.post(f"/api/v1/tickets/{number}/messages", {"text": "请查监控", "audience": "merchant"})
    merchant = ApiClient(make_key(["tickets.view", "tickets.answer"], "merchant", shop.malls.cafe))
    texts = [entry["text"] for entry in merchant.get(f"/api/v1/tickets/{number}").json["entries"]]
    assert texts == ["蛋糕有异味", "请查监控"]
    other = ApiClient(make_key(["tickets.view", "tickets.handle"], "mall", shop.malls.cloud))
    assert other.get(f"/api/v1/tickets/{number}").status == 404
    assert other.get("/api/v1/tickets").json["items"] == []
    assert other.post(f"/api/v1/tickets/{number}/closing", {}).status == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"type": "rant"}, 422),
        ({"text": ""}, 422),
        ({"text": "a\x00b"}, 422),
        ({"merchant_id": 999_999}, 422),
        ({"member_id": 999_999}, 404),
        ({"surprise": 1}, 422),
        ({"merchant_id": None}, 422),
    ],
)
def test_bad_input_changes_nothing(
    shop: Shop, office: ApiClient, changes: dict[str, object], status: int
) -> None:
    before = row_counts()
    assert office.post("/api/v1/tickets", body(shop) | changes).status == status
    assert row_counts() == before


@pytest.mark.feature("C183")
def test_amends_proposed_by_a_key_wait_for_a_person(shop: Shop, office: ApiClient) -> None:
    from tests.people import NOW
    from tests.service.conftest import SYSTEM
    from zhike.service import operations as service

    found(shop.malls)
    service.found_compensation(actor=SYSTEM, group_id=shop.malls.group, now=NOW)
    number = office.post("/api/v1/tickets", body(shop)).json["number"]
    asked = {"item": "cash", "amount": 100, "payer": "merchant", "reason": "致歉"}
    made = office.post(f"/api/v1/tickets/{number}/amends", asked, idempotency_key="B-1")
    again = office.post(f"/api/v1/tickets/{number}/amends", asked, idempotency_key="B-1")
    assert made.status == 201 and made.json == again.json and made.json["state"] == "proposed"
    [row] = office.get("/api/v1/amends", {"state": "waiting"}).json["items"]
    assert (row["cost_fen"], row["payer"]) == (100, f"merchant:{shop.malls.cafe}")
    other = ApiClient(make_key(["tickets.view", "tickets.handle"], "mall", shop.malls.cloud))
    assert other.get("/api/v1/amends").json["items"] == []
    assert other.post(f"/api/v1/tickets/{number}/amends", asked).status == 404


@pytest.mark.feature("C190")
def test_surveys_and_their_answers(shop: Shop, office: ApiClient) -> None:
    from tests.people import NOW
    from tests.service.conftest import SYSTEM
    from zhike.service import operations as service

    service.found_surveys(actor=SYSTEM, group_id=shop.malls.group, now=NOW)
    found_ones = {one["code"]: one for one in office.get("/api/v1/surveys").json["items"]}
    assert found_ones["member-nps"]["score"] == {"answers": 0, "value": None, "low": None, "high": None}
    pk = found_ones["places"]["id"]
    place = service.save_touchpoint(
        actor=SYSTEM, survey_id=pk, mall_id=shop.malls.star, kind="till", name="收银台", now=NOW
    )
    from zhike.service import queries

    service.answer_touchpoint(
        actor=SYSTEM, code=queries.touchpoint(SYSTEM, place).code, nonce="a", device=b"a", score=2, comment="排队久",
        answers={}, now=NOW,
    )  # fmt: skip
    [one] = office.get(f"/api/v1/surveys/{pk}/answers", {"verdict": "low"}).json["items"]
    assert (one["score"], one["comment"], one["late"]) == (2, "排队久", False)
    other = ApiClient(make_key(["tickets.handle"], "mall", shop.malls.cloud))
    assert other.get(f"/api/v1/surveys/{pk}/answers").json["items"] == []
    assert office.get("/api/v1/surveys/999999/answers").status == 404

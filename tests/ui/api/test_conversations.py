"""Conversations over the API: read, answered in the assistant's place, noted, handed over, closed; articles looked up."""

from __future__ import annotations

import uuid

import pytest

from tests.people import NOW, Crew
from tests.service.conftest import SYSTEM
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.customers import queries as customers
from zhike.kernel.models import AuditEntry
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service
from zhike.service.models import Conversation, Message

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C176")]
SCOPES = ["tickets.view", "tickets.handle"]


def ask(shop: Shop, text: str = "停车券怎么用？") -> str:
    person = loyalty.person_id_of(shop.member_id)
    return service.write_as_member(
        actor=customers.viewer_of_person(person),
        person_id=person,
        mall_id=shop.malls.star,
        text=text,
        key=uuid.uuid4(),
        now=NOW,
    )


def test_read_answered_handed_over_and_closed(shop: Shop) -> None:
    number = ask(shop)
    Conversation.objects.update(status="bot", queued_at=None, handover={})
    desk = ApiClient(make_key(SCOPES))
    [row] = desk.get("/api/v1/conversations?queue=bot").json["items"]
    assert (row["number"], row["status"], row["agent_id"]) == (number, "bot", None)
    address = f"/api/v1/conversations/{number}"
    sent = {"text": "出示会员码即可抵扣。"}
    first = desk.post(f"{address}/messages", sent, idempotency_key="m1")
    assert (
        first.status == 201
        and desk.post(f"{address}/messages", sent, idempotency_key="m1").json == first.json
    )
    assert Message.objects.filter(author_kind="bot", author_id=None).count() == 1
    noted = desk.post(
        f"{address}/messages", {"text": "来自车场系统", "audience": "staff"}, idempotency_key="m2"
    )
    found = desk.get(f"{address}?after={first.json['message'] - 1}").json
    assert [(one["by"], one["audience"], one["text"]) for one in found["messages"]] == [
        ("bot", "member", "出示会员码即可抵扣。"),
        ("staff", "staff", "来自车场系统"),
    ]
    assert noted.json["message"] == found["last_number"]
    for _again in range(2):
        assert desk.post(f"{address}/hand-over", idempotency_key=str(uuid.uuid4())).json["status"] == "queued"
    refused = desk.post(f"{address}/messages", sent, idempotency_key="m3")
    assert (refused.status, refused.json["code"]) == (409, "conversation-wrong-state")
    assert desk.post(f"{address}/closing", idempotency_key="c1").json["status"] == "closed"
    assert desk.post(f"{address}/messages", sent, idempotency_key="m4").json["code"] == "conversation-over"
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"conversation.write", "conversation.hand_over", "conversation.close"} <= actions


def test_beside_an_agent_who_keeps_it(shop: Shop) -> None:
    number, sun = ask(shop), Crew(shop.malls).sun.id
    Conversation.objects.update(status="open", assignee_id=sun, queued_at=None)
    desk = ApiClient(make_key(SCOPES))
    assert (
        desk.post(f"/api/v1/conversations/{number}/messages", {"text": "已补发"}, idempotency_key="a").status
        == 201
    )
    row = Conversation.objects.get()
    assert (row.status, row.assignee_id, row.awaits_us) == ("open", sun, False)


def test_strangers_and_readers(shop: Shop) -> None:
    number = ask(shop)
    other = ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    assert other.get("/api/v1/conversations").json["items"] == []
    for method, path in (("get", ""), ("post", "/hand-over"), ("post", "/closing")):
        assert getattr(other, method)(f"/api/v1/conversations/{number}{path}").status == 404
    reader = ApiClient(make_key(["tickets.view"]))
    assert reader.get(f"/api/v1/conversations/{number}").status == 200
    assert reader.post(f"/api/v1/conversations/{number}/closing").status == 403
    assert reader.post(f"/api/v1/conversations/{number}/messages", {"text": " "}).status == 403


def test_articles(shop: Shop) -> None:
    service.found_knowledge(actor=SYSTEM, group_id=shop.malls.group, now=NOW)
    reader = ApiClient(make_key(["tickets.view"]))
    found = reader.get("/api/v1/articles", {"q": "积分"}).json["items"]
    assert found and all(one["state"] == "published" for one in found)
    code = found[0]["code"]
    assert reader.get(f"/api/v1/articles/{code}").json["title"] == found[0]["title"]
    assert reader.get("/api/v1/articles/nothing-here").status == 404

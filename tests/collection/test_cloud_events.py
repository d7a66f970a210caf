"""CloudEvents come in as the CloudEvents SDK writes them, in all three modes."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.collection.conftest import Sender, behaviour
from tests.ui.api.client import ApiClient, Reply
from zhike.kernel import clock

pytestmark = pytest.mark.feature("C002", "C017")
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def event(**changes: Any) -> dict[str, Any]:
    made = {
        "specversion": "1.0", "id": "1", "source": "/shop/orders", "type": "com.shop.product.added",
        "time": (clock.now() - dt.timedelta(hours=1)).isoformat(), "userid": "u-7",
        "data": {"sku": "A1", "price": 12.5},
    }  # fmt: skip
    return {name: value for name, value in (made | changes).items() if value is not None}


def post(sender: Sender, body: Any, content_type: str = STRUCTURED, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content_type": content_type, "authorization": f"Bearer {sender.key}"} | headers
    return ApiClient().call("POST", "/v1/cloudevents", raw, **sent)


def of_sdk() -> CloudEvent:
    moment = clock.now() - dt.timedelta(hours=1)
    attributes = {
        "id": "7",
        "source": "/商城/订单",
        "type": "com.shop.order.completed",
        "time": moment,
        "userid": "u-7",
    }
    return CloudEvent(attributes=attributes, data={"total": 99.5, "order_id": "O1"})


@pytest.mark.parametrize("write", [to_structured, to_binary])
def test_sdk_in_both_modes(server: Sender, write: Any) -> None:
    message: HTTPMessage = write(of_sdk(), JSONFormat())
    headers = {name.lower().replace("-", "_"): value for name, value in message.headers.items()}
    kind = headers.pop("content_type", "")
    for duplicates in (0, 1):
        reply = post(server, message.body, kind, **headers)
        assert reply.status == 200, reply
        assert (reply.json["taken"], reply.json["duplicates"]) == (1 - duplicates, duplicates)
    (told,) = behaviour()
    assert told.data["name"] == "order_completed"
    assert told.data["properties"]["total_fen"] == 9950


def test_batch_counts_each_source_and_id_once(server: Sender) -> None:
    batch = [event(), event(), event(id="2"), event(source="/other")]
    assert post(server, batch, BATCH).json == {
        "taken": 3, "anonymised": 0, "refused": 0, "duplicates": 1, "set_aside": 0,
    }  # fmt: skip
    assert [one.data["name"] for one in behaviour()] == ["product_added"] * 3
    assert post(server, [], BATCH).json["taken"] == 0


def test_type_of_our_own_and_every_way_to_say_who(server: Sender) -> None:
    ways: list[dict[str, Any]] = [
        {"type": "com.acme.lift.called"},
        {"userid": None, "subject": "user/u-7"},
        {"userid": None, "subject": "visitor/b-1"},
        {"userid": None, "anonymousid": "b-2"},
        {"userid": None, "data": {"userId": "u-7", "sku": "A1"}},
        {"data": None, "data_base64": base64.b64encode(b'{"sku": "A1"}').decode()},
    ]
    for number, way in enumerate(ways):
        assert post(server, event(id=f"e{number}", **way)).json["taken"] == 1, way
    assert behaviour()[0].data["name"] == "com.acme.lift.called"
    assert "userId" not in behaviour()[4].data["properties"]
    nobody = post(server, event(id="x", userid=None))
    assert (nobody.status, nobody.json["set_aside"]) == (200, 1)


def test_consent_is_an_attribute(web: Sender) -> None:
    said = [event(id="1", consent="Analytics"), event(id="2", consent="none"), event(id="3")]
    told = post(web, said, BATCH).json
    assert (told["taken"], told["refused"], told["anonymised"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": None}, "id"),
        ({"source": ""}, "source"),
        ({"type": 7}, "type"),
        ({"specversion": "0.3"}, "specversion"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-02-31T00:00:00Z"}, "time"),
        ({"Bad-Name": "x"}, "Bad-Name"),
        ({"extra": {"a": 1}}, "extra"),
        ({"id": "a\x00b"}, "id"),
        ({"data_base64": "e30="}, "data_base64"),
    ],
)
def test_what_is_no_cloud_event_is_refused_whole(server: Sender, changes: dict[str, Any], field: str) -> None:
    one = post(server, event(**changes))
    assert (one.status, one.code, list(one.json["errors"])) == (422, "not-a-cloud-event", [field])
    many = post(server, [event(id="good"), event(**changes)], BATCH)
    assert (many.status, list(many.json["errors"])) == (422, [f"1.{field}"])
    assert behaviour() == []


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status"),
    [
        (b"{}", "application/json", {}, 415),
        (b"<a/>", "application/cloudevents+xml", {}, 415),
        (b"x", "text/plain", {"ce_specversion": "1.0"}, 415),
        (json.dumps(event(datacontenttype="text/xml", data="<a/>")).encode(), STRUCTURED, {}, 415),
        (b"{", STRUCTURED, {}, 400),
        (b"[]", STRUCTURED, {}, 422),
        (b"{}", BATCH, {}, 422),
        (b'[1, "a"]', BATCH, {}, 422),
        (b"\xff\xfe", STRUCTURED, {}, 400),
        (b"[" + b" " * 600_000 + b"]", BATCH, {}, 413),
        (b"{" + b" " * 70_000 + b"}", STRUCTURED, {}, 413),
        (json.dumps(event(data=None, data_base64="%%%")).encode(), STRUCTURED, {}, 422),
    ],
    ids=range(12),
)
def test_other_types_and_broken_bodies(
    server: Sender, body: bytes, kind: str, headers: dict[str, str], status: int
) -> None:
    assert post(server, body, kind, **headers).status == status
    assert behaviour() == []


def test_sixty_kilobytes_are_taken(server: Sender) -> None:
    assert post(server, event(data={"note": "x" * 60_000})).json["taken"] == 1


def test_key_and_handshake(server: Sender) -> None:
    asked = {"webhook_request_origin": "events.example.com"}
    good = ApiClient().call("OPTIONS", "/v1/cloudevents", authorization=f"Bearer {server.key}", **asked)
    assert (good.status, good.headers["webhook-allowed-origin"]) == (200, "events.example.com")
    assert int(good.headers["webhook-allowed-rate"]) > 0
    for headers in ({}, {"authorization": "Bearer wk_00000000_no"}, {"authorization": "Basic ???"}):
        assert ApiClient().call("OPTIONS", "/v1/cloudevents", **asked, **headers).status == 401
        assert (
            ApiClient().call("POST", "/v1/cloudevents", b"{}", content_type=STRUCTURED, **headers).status
            == 401
        )
    basic = base64.b64encode(f"{server.key}:".encode()).decode()
    assert post(server, event(), authorization=f"Basic {basic}").json["taken"] == 1
    assert ApiClient().call("GET", "/v1/cloudevents").status == 405

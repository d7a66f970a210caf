"""The protocol, call by call, as Segment documents it."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
from typing import Any

import pytest

from tests.collection.conftest import SYSTEM, Sender, agreed, behaviour, build_sender, track
from tests.people import Malls
from tests.ui.api.client import ApiClient
from zhike.collection import operations, queries
from zhike.kernel import clock

pytestmark = [pytest.mark.feature("C002"), pytest.mark.django_db]

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("track", {"event": "Signed Up"}),
    ("page", {"name": "Home", "category": "Shop", "properties": {"path": "/"}}),
    ("screen", {"name": "Card"}),
    ("group", {"groupId": "family-1"}),
    ("identify", {"traits": {"phone": "13700137000"}}),
    ("alias", {"previousId": "browser-9", "userId": "u-1"}),
]


@pytest.mark.parametrize(("call", "fields"), CALLS)
def test_every_call_has_its_address(server: Sender, call: str, fields: dict[str, Any]) -> None:
    server.send({"type": "identify", "userId": "u-1"})
    reply = server.call(f"/v1/{call}", {"userId": "u-1", "anonymousId": "a"} | fields)
    assert (reply.status, reply.json) == (200, {"success": True})
    assert server.last.taken == 1 and server.last.set_aside == 0


@pytest.mark.parametrize("form", ["basic", "body", "bearer and body", "both"])
def test_write_key_comes_in_four_forms(web: Sender, form: str) -> None:
    message = track(context=agreed())
    headers = {"content_type": "application/json"}
    if form in ("basic", "both"):
        headers["authorization"] = "Basic " + base64.b64encode(f"{web.key}:".encode()).decode()
    if form == "bearer and body":
        headers["authorization"] = "Bearer some.oauth.token"
    if form != "basic":
        message["writeKey"] = web.key
    assert ApiClient().call("POST", "/v1/track", json.dumps(message).encode(), **headers).status == 200
    assert len(behaviour()) == 1


@pytest.mark.parametrize("key", ["", "wk_0000_1111", "ключ"])
def test_unknown_write_key_is_refused_in_the_sdks_words(malls: Malls, key: str) -> None:
    reply = ApiClient().post("/v1/track", track(writeKey=key))
    assert reply.status == 401
    assert reply.json["code"] == "unknown-write-key" and reply.json["message"]
    assert not behaviour()


def test_browser_may_call_from_anywhere_without_a_preflight(web: Sender) -> None:
    reply = web.call("/v1/t", track(context=agreed()), content_type="text/plain")
    assert reply.status == 200 and reply.headers["access-control-allow-origin"] == "*"
    preflight = ApiClient().call("OPTIONS", "/v1/batch")
    assert preflight.status == 204 and "authorization" in preflight.headers["access-control-allow-headers"]


def test_gzip_is_unpacked(web: Sender) -> None:
    packed = gzip.compress(json.dumps({"batch": [track(context=agreed())]}).encode())
    assert web.call("/v1/batch", packed, content_encoding="gzip").status == 200
    assert len(behaviour()) == 1
    bomb = gzip.compress(b" " * 20_000_000)
    assert web.call("/v1/batch", bomb, content_encoding="gzip").status == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/track", b'{"event": '),
        ("/v1/track", b"[]"),
        ("/v1/track", b"\xff\xfe"),
        ("/v1/batch", b'{"messages": []}'),
        ("/v1/track", json.dumps(track(properties={"note": "x" * 33_000})).encode()),
        ("/v1/batch", json.dumps({"batch": [track(properties={"note": "x" * 900})] * 600}).encode()),
        ("/v1/batch", json.dumps({"batch": [{}] * 2_501}).encode()),
    ],
    ids=["broken", "list", "not utf-8", "no batch", "32 KB", "500 KB", "2500 messages"],
)
def test_only_oversize_and_bad_json_are_refused(web: Sender, path: str, body: bytes) -> None:
    reply = web.call(path, body)
    assert reply.status == 400 and {"code", "message"} <= set(reply.json)
    assert not behaviour()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "track", "event": "X"}, "no-id"),
        ({"type": "track", "userId": "u"}, "no-event"),
        ({"type": "track", "userId": "u", "event": "  "}, "no-event"),
        ({"type": "sing", "userId": "u"}, "unknown-type"),
        ({"userId": "u"}, "unknown-type"),
        ({"type": "page", "userId": {"a": 1}}, "bad-id"),
        ({"type": "page", "userId": "u" * 201}, "bad-id"),
        ({"type": "page", "userId": "u", "properties": []}, "not-an-object"),
        ({"type": "page", "userId": "u", "timestamp": "yesterday"}, "bad-timestamp"),
        ({"type": "page", "userId": "u", "timestamp": "1999-01-01T00:00:00Z"}, "bad-timestamp"),
        ({"type": "page", "userId": "u", "timestamp": "9999-12-31T23:59:59Z"}, "bad-timestamp"),
        ({"type": "page", "userId": "u", "messageId": "m" * 101}, "message-id-too-long"),
        ({"type": "alias", "userId": "u"}, "no-previous-id"),
        (
            {"type": "track", "userId": "u", "event": "E", "properties": {"n": "x" * 33_000}},
            "message-too-large",
        ),
        ("nothing", "not-a-message"),
    ],
)
def test_one_bad_message_is_set_aside_and_the_others_go_on(web: Sender, message: Any, reason: str) -> None:
    reply = web.call("/v1/batch", {"batch": [message, track(context=agreed())]})
    assert reply.status == 200
    assert (web.last.taken, web.last.set_aside) == (1, 1)
    [kept] = queries.set_aside_page(SYSTEM, web.source_id).items
    assert kept.reason == reason and kept.sentence != reason
    assert len(behaviour()) == 1


def test_message_id_is_taken_once_within_and_across_requests(web: Sender) -> None:
    web.send(track(messageId="m-1", context=agreed()), track(messageId="m-1", context=agreed()))
    web.send(track(messageId="m-1", context=agreed()), track(messageId="m-2", context=agreed()))
    assert web.last.duplicates == 1
    assert len(behaviour()) == 2


def test_message_without_id_is_always_new(web: Sender) -> None:
    web.send(track(context=agreed()), track(context=agreed()))
    assert len(behaviour()) == 2


def test_wrong_clock_of_a_device_does_not_matter(web: Sender) -> None:
    """timestamp = receivedAt − (sentAt − originalTimestamp): ten minutes before it was sent, whatever the device's year."""
    web.send(
        track(context=agreed(), timestamp="2011-02-03T04:00:00Z"),
        track(context=agreed(), originalTimestamp="2011-02-03T12:05:00+08:00"),
        sentAt="2011-02-03T04:10:00.000Z",
    )
    ages = [clock.now() - event.time for event in behaviour()]
    assert dt.timedelta(minutes=10) <= ages[0] < dt.timedelta(minutes=11)
    assert dt.timedelta(minutes=5) <= ages[1] < dt.timedelta(minutes=6)


def test_without_sent_at_the_given_time_counts(server: Sender) -> None:
    server.send(track(timestamp="2025-11-02T08:00:00+08:00"))
    assert behaviour()[0].time == dt.datetime(2025, 11, 2, 0, 0, tzinfo=dt.UTC)


def test_context_of_the_batch_is_that_of_its_messages(web: Sender) -> None:
    web.send(
        track(),
        track(context={"page": {"title": "自己的"}}),
        context=agreed() | {"page": {"title": "共同的"}},
    )
    assert [event.data["context"]["page"]["title"] for event in behaviour()] == ["共同的", "自己的"]


def test_limit_of_a_source_answers_429_with_a_pause(malls: Malls) -> None:
    slow = build_sender(malls, "慢", kind="web", rate_per_minute=2)
    statuses = [slow.call("/v1/track", track()).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    reply = slow.call("/v1/track", track())
    assert 0 < int(reply.headers["retry-after"]) <= 60 and reply.json["code"] == "rate-limited"


def test_commerce_names_become_ours_with_amounts_in_fen(web: Sender) -> None:
    web.send(
        track(
            "Order Completed",
            context=agreed(),
            properties={
                "order_id": "O-1",
                "total": 27.5,
                "products": [{"sku": "A", "price": "12.30", "quantity": 2}],
            },
        ),
        track("Viewed Product", context=agreed(), properties={"price": 9, "currency": "USD"}),
        track("收藏店铺", context=agreed()),
    )
    order, viewed, own = behaviour()
    assert order.data["name"] == "order_completed" and order.data["properties"]["total_fen"] == 2750
    assert order.data["properties"]["products"] == [
        {"sku": "A", "price": "12.30", "quantity": 2, "price_fen": 1230}
    ]
    assert viewed.data["name"] == "product_viewed" and "price_fen" not in viewed.data["properties"]
    assert own.data["name"] == own.data["said"] == "收藏店铺"


def test_rotated_key_works_on_for_a_while_and_a_revoked_one_ends(web: Sender) -> None:
    now = clock.now()
    _key, new = operations.make_write_key(
        actor=SYSTEM, source_id=web.source_id, overlap=dt.timedelta(days=7), now=now
    )
    assert web.call("/v1/track", track()).status == 200
    assert Sender(web.source_id, new).call("/v1/track", track()).status == 200
    newest, oldest = queries.source(SYSTEM, web.source_id, now).keys
    assert (newest.state, oldest.state) == ("works", "ends")
    assert queries.source_of_key(new, now) is not None
    queries.forget_sources()
    assert queries.source_of_key(web.key, now + dt.timedelta(days=8)) is None
    operations.revoke_write_key(actor=SYSTEM, key_id=oldest.id, now=now)
    assert web.call("/v1/track", track()).status == 401
    assert Sender(web.source_id, new).call("/v1/track", track()).status == 200


def test_no_character_stops_the_others(web: Sender) -> None:
    """What PostgreSQL cannot keep as text, wherever it stands, costs at most the message it stands in."""
    nul = "a\x00b"
    context = agreed() | {"library": {"name": nul, "version": nul}}
    reply = web.call(
        "/v1/batch",
        {
            "context": context,
            "batch": [
                track(properties={nul: nul, "deep": {nul: 1}}, context=context),
                track(type=nul, event=nul),
                {"type": "identify", "userId": "u", "traits": {nul: nul, "name": nul}},
                track(event="E", context=agreed()),
            ],
        },
    )
    assert reply.status == 200
    assert len(behaviour()) >= 2


def test_names_of_properties_hold_no_personal_data(web: Sender) -> None:
    web.send(track(properties={"sent to 13800138000": 1, "a@b.cn": 2}, context=agreed()))
    [event] = behaviour()
    assert "13800138000" not in str(event.data) and "a@b.cn" not in str(event.data)
    [delivery] = queries.latest_deliveries(SYSTEM, web.source_id)
    assert "13800138000" not in str(delivery.sample) and "a@b.cn" not in str(delivery.sample)

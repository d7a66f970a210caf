"""The lane of the busiest calls, through a server as it runs in production: exact, deaf to bad calls, in everyone's language."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import http.client
import json
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.people import build_malls
from tests.ui.api.conftest import TILL_SCOPES, Shop, build_shop, make_key
from tests.ui.api.live import web_server
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.ui.api.body import BODY_MAX
from zhike.ui.api.lane import TillLane

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.feature("B04", "B15")]

RECEIPTS = "/api/v1/receipts"
TILLS = 32


@dataclass(frozen=True)
class Reply:
    status: int
    json: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Till:
    """Speaks to the server over a connection of its own for each call."""

    address: str
    key: str

    def connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        assert parts.hostname
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connect()
        try:
            connection.request("POST", path, sent, head)
            answer = connection.getresponse()
            return Reply(answer.status, json.loads(answer.read()), dict(answer.getheaders()))
        finally:
            connection.close()

    def post_at_once(self, calls: list[tuple[str, Any, dict[str, str]]]) -> list[Reply]:
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self.post(call[0], call[1], **call[2]), calls))


@pytest.fixture
def shop() -> Shop:
    organization.forget_merchants()
    organization.forget_api_callers()
    now = dt.datetime.now(dt.UTC)
    return build_shop(build_malls(now), now)


@pytest.fixture
def till(shop: Shop) -> Iterator[Till]:
    with web_server() as address:
        yield Till(address, make_key(TILL_SCOPES, rate=100_000))


def test_many_tills_at_once_are_served_exactly(shop: Shop, till: Till) -> None:
    spend = f"/api/v1/members/{shop.member_id}/redemptions"
    now = dt.datetime.now(dt.UTC)
    loyalty.adjust_points(
        actor=system_viewer("tests"), member_id=shop.member_id, points=1_000, reason="期初", now=now
    )

    spent = till.post_at_once([(spend, {"points": 100}, {"Idempotency_Key": f"s{n}"}) for n in range(TILLS)])
    assert Counter(reply.status for reply in spent) == {201: 10, 409: TILLS - 10}
    assert {reply.json["balance"] for reply in spent if reply.status == 201} == set(range(0, 1_000, 100))
    again = till.post_at_once([(spend, {"points": 100}, {"Idempotency_Key": f"s{n}"}) for n in range(TILLS)])
    assert [reply.json for reply in again if reply.status == 201] == [
        reply.json for reply in spent if reply.status == 201
    ]
    assert all(reply.headers["idempotent-replayed"] == "true" for reply in again if reply.status == 201)

    sale = shop.sale(12_800)
    taken = till.post_at_once([(RECEIPTS, sale, {"Idempotency_Key": "one sale"})] * TILLS)
    assert {reply.status for reply in taken} <= {201, 409}
    (first,) = {json.dumps(reply.json) for reply in taken if reply.status == 201}
    assert json.loads(first)["points"] == 128
    mixed: list[tuple[str, Any, dict[str, str]]] = [(RECEIPTS, shop.sale(1_000), {}) for _ in range(20)]
    mixed += [(spend, {"points": 1}, {})] * 20
    assert {reply.status for reply in till.post_at_once(mixed)} == {201}
    report = queries.verify_ledger()
    assert report.is_clean, report.findings


def test_holds_of_many_tills_at_once_end_once(shop: Shop, till: Till) -> None:
    now = dt.datetime.now(dt.UTC)
    loyalty.adjust_points(
        actor=system_viewer("tests"), member_id=shop.member_id, points=100, reason="期初", now=now
    )
    wish: tuple[str, Any, dict[str, str]] = (f"/api/v1/members/{shop.member_id}/holds", {"points": 10}, {})
    held = [reply for reply in till.post_at_once([wish] * TILLS) if reply.status == 201]
    assert sorted(reply.json["balance"] for reply in held) == list(range(0, 100, 10))
    ids = [reply.json["hold_id"] for reply in held]
    calls: list[tuple[str, Any, dict[str, str]]] = []
    for hold_id in ids:
        calls += [(f"/api/v1/holds/{hold_id}/confirm", {}, {}), (f"/api/v1/holds/{hold_id}/release", {}, {})]
    ended = till.post_at_once(calls)
    assert {reply.status for reply in ended} <= {201, 409}
    status = Counter(reply.json.get("status") for reply in ended if reply.status == 201)
    assert len(ids) <= status["confirmed"] + status["released"]
    report = queries.verify_ledger()
    assert report.is_clean, report.findings
    file = queries.member_file(system_viewer("tests"), shop.member_id, now)
    assert file.held == 0 and file.balance % 10 == 0


def test_bad_calls_harm_nobody_beside_them(shop: Shop, till: Till) -> None:
    languages = ["zh-Hans", "en", "zh-Hant"] * 8
    refused = till.post_at_once([(RECEIPTS, b"{", {"Accept_Language": one}) for one in languages])
    assert {reply.status for reply in refused} == {400}
    assert [reply.headers["content-language"].lower() for reply in refused] == [
        one.lower() for one in languages
    ]
    assert len({reply.json["title"] for reply in refused}) == 3

    stranger = Till(till.address, "zk_nobody")
    hang_up(till)
    calls = {
        401: lambda: stranger.post(RECEIPTS, shop.sale()),
        404: lambda: till.post("/api/v1/members/999999999/redemptions", {"points": 1}),
        413: lambda: till.post(RECEIPTS, b" " * (BODY_MAX + 1)),
        415: lambda: till.post(RECEIPTS, shop.sale(), Content_Type="text/plain"),
        422: lambda: till.post(RECEIPTS, shop.sale(-5)),
        201: lambda: till.post(
            RECEIPTS, gzip.compress(json.dumps(shop.sale()).encode()), Content_Encoding="gzip"
        ),
    }
    with ThreadPoolExecutor(len(calls)) as pool:
        replies = pool.map(lambda call: call().status, calls.values())
        assert list(replies) == list(calls)
    assert till.post("/api/v1/members/x/redemptions", {}).status == 404
    assert chunked(till, BODY_MAX + 70_000) == 413


def hang_up(till: Till) -> None:
    """Announce a body, send a part of it, and go."""
    connection = till.connect()
    connection.connect()
    assert isinstance(connection.sock, socket.socket)
    connection.sock.sendall(
        b"POST /api/v1/receipts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    )
    connection.close()


def chunked(till: Till, size: int) -> int:
    """The status of a call whose body has no announced length."""
    connection = till.connect()
    head = {"Authorization": f"Bearer {till.key}", "Content-Type": "application/json"}
    parts = (b" " * 10_000 for _ in range(size // 10_000))
    try:
        connection.request("POST", RECEIPTS, parts, head, encode_chunked=True)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_call_that_breaks_the_lane_does_not_hold_up_later_ones() -> None:
    def handle(environ: Any, start: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/broken":
            raise SystemExit(1)
        start("200 OK", [])
        return [environ["wsgi.input"].read()]

    lane = TillLane(handle, [])

    async def call(path: str) -> list[dict[str, Any]]:
        heard = [{"type": "http.request", "body": b"well", "more_body": False}]
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return heard.pop()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await lane({"type": "http", "method": "POST", "path": path, "headers": []}, receive, send)
        return said

    async def both() -> list[dict[str, Any]]:
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(call("/broken"), 30)
        return await asyncio.wait_for(call("/whole"), 30)

    assert asyncio.run(both())[1]["body"] == b"well"

"""Whatever is sent: a clear answer, in RFC 9457, and a database that did not notice."""

import gzip
import json
from typing import Any

import pytest

from tests.ui.api.client import ApiClient, Reply
from tests.ui.api.conftest import Shop, row_counts

RECEIPTS = "/api/v1/receipts"
pytestmark = pytest.mark.feature("C005")


def refused(till: ApiClient, body: bytes, **headers: str) -> Reply:
    """The answer to a raw body, after checking that nothing was changed."""
    before = row_counts()
    reply = till.call("POST", RECEIPTS, body, **{"content_type": "application/json"} | headers)
    assert row_counts() == before
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(reply.json) >= {"type", "title", "status", "detail", "code", "instance", "request_id"}
    return reply


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b'{"till": NaN}', 400, "malformed-json"),
        (b'{"till": "\\ud800"}', 400, "malformed-json"),
        (b'{"till": "\xff"}', 400, "not-utf-8"),
        ("小票".encode("gbk"), 400, "malformed-json"),
        (b"[" * 100_000, 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"42", 422, "invalid"),
    ],
)
def test_what_is_not_a_json_object(shop: Shop, till: ApiClient, body: bytes, status: int, code: str) -> None:
    reply = refused(till, body)
    assert (reply.status, reply.code) == (status, code)


WRONG: list[tuple[str, Any, str]] = [
    ("till", 1, "This has the wrong type."),
    ("till", None, "This has the wrong type."),
    ("till", "", "This is too short."),
    ("till", "x" * 41, "This is too long."),
    ("till", "a\x00b", "This holds characters that are not allowed here."),
    ("number", "x" * 61, "This is too long."),
    ("merchant_id", True, "This has the wrong type."),
    ("merchant_id", "1", "This has the wrong type."),
    ("merchant_id", 1.0, "This has the wrong type."),
    ("merchant_id", 0, "This number is out of range."),
    ("merchant_id", 2**63, "This number is out of range."),
    ("merchant_id", 10**40, "This number is out of range."),
    (
        "occurred_at",
        "yesterday",
        "This is not a time with its offset from UTC, such as 2026-07-01T12:30:00+08:00.",
    ),
    (
        "occurred_at",
        "2026-07-01T12:30:00",
        "This is not a time with its offset from UTC, such as 2026-07-01T12:30:00+08:00.",
    ),
    (
        "occurred_at",
        1782880200,
        "This is not a time with its offset from UTC, such as 2026-07-01T12:30:00+08:00.",
    ),
    ("occurred_at", "0001-01-01T00:00:00+23:59", "This number is out of range."),
    ("business_date", "2026-02-30", "This is not a date, such as 2026-07-01."),
    ("lines", [], "This is too short."),
    ("lines", {}, "This has the wrong type."),
    ("tenders", None, "This has the wrong type."),
    ("colour", "red", "There is no such field."),
    ("member", "13800138000", "This has the wrong type."),
]


@pytest.mark.parametrize(("field", "value", "sentence"), WRONG)
def test_each_wrong_field_is_named(
    shop: Shop, till: ApiClient, field: str, value: Any, sentence: str
) -> None:
    reply = refused(till, json.dumps(shop.sale() | {field: value}).encode())
    assert (reply.status, reply.json["errors"]) == (422, {field: [sentence]})


WRONG_IN_LINE: list[tuple[str, Any]] = [
    ("quantity", 0),
    ("quantity", -1),
    ("quantity", "-1"),
    ("quantity", "1e3"),
    ("quantity", "NaN"),
    ("quantity", " 1"),
    ("quantity", "１"),
    ("quantity", 1_000_001),
    ("quantity", "0.0001"),
    ("quantity", True),
    ("net_fen", -1),
    ("net_fen", 12_800.0),
    ("net_fen", "12800"),
    ("net_fen", 10**12),
    ("unit_price_fen", -5),
    ("discount_fen", 2**70),
    ("line_no", 0),
    ("line_no", 40_000),
    ("sku", "s" * 61),
    ("name", "n" * 201),
    ("points", 5),
]


@pytest.mark.parametrize(("field", "value"), WRONG_IN_LINE)
def test_each_wrong_field_of_a_line_is_named(shop: Shop, till: ApiClient, field: str, value: Any) -> None:
    sale = shop.sale()
    sale["lines"] = [sale["lines"][0] | {field: value}]
    reply = refused(till, json.dumps(sale).encode())
    assert reply.status == 422
    assert list(reply.json["errors"]) in ([f"lines.0.{field}"], ["tenders"])


def test_amounts_must_add_up_and_clocks_agree(shop: Shop, till: ApiClient) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"tenders": [{"kind": "cash", "amount_fen": 1}]}, "tenders"),
        ({"occurred_at": "2099-01-01T00:00:00+08:00"}, "occurred_at"),
        ({"business_date": "2020-01-01"}, "business_date"),
        ({"business_date": "1999-12-31"}, "business_date"),
        ({"business_date": "2999-01-01"}, "business_date"),
    ]
    for changes, field in wrong:
        reply = refused(till, json.dumps(shop.sale() | changes).encode())
        assert reply.code == "invalid-receipt"
        assert field in reply.json["errors"]


def test_unknown_merchants_members_and_categories(shop: Shop, till: ApiClient) -> None:
    line = shop.sale()["lines"][0]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"merchant_id": 999_999}, "merchant-unknown"),
        ({"merchant_id": None}, "one-of-these"),
        ({"merchant_code": "C001"}, "one-of-these"),
        ({"merchant_id": None, "merchant_code": "nope"}, "merchant-unknown"),
        ({"member": {"member_id": 999_999}}, "member-unknown"),
        ({"member": {"phone": "13999999999"}}, "member-unknown"),
        ({"member": {"phone": "not a number"}}, "member-unknown"),
        ({"member": {"card": "nope"}}, "member-unknown"),
        ({"member": {"code": "nope"}}, "qr-invalid"),
        ({"member": {}}, "one-of-these"),
        ({"member": {"phone": "13800138000", "card": "VIP0001"}}, "one-of-these"),
        ({"lines": [line | {"category_code": "nope"}]}, "category-unknown"),
    ]
    for changes, code in wrong:
        assert refused(till, json.dumps(shop.sale() | changes).encode()).code == code


class TestTheWrapping:
    def test_gzip_is_welcome(self, shop: Shop, till: ApiClient) -> None:
        assert till.post_gzip(RECEIPTS, json.dumps(shop.sale()).encode()).status == 201

    def test_chunks_are_welcome(self, shop: Shop, till: ApiClient) -> None:
        body = json.dumps(shop.sale()).encode()
        chunked = {"content_length": "", "transfer_encoding": "chunked", "content_type": "application/json"}
        assert till.call("POST", RECEIPTS, body, **chunked).status == 201

    def test_broken_gzip(self, shop: Shop, till: ApiClient) -> None:
        packed = gzip.compress(json.dumps(shop.sale()).encode())
        for body in (b"not gzip", packed[:-10], packed[:40], packed + b"more", packed + packed):
            reply = refused(till, body, content_encoding="gzip")
            assert (reply.status, reply.code) == (400, "broken-body")

    def test_a_zip_bomb_is_not_unpacked(self, shop: Shop, till: ApiClient) -> None:
        import tracemalloc

        bomb = gzip.compress(b" " * 200_000_000, compresslevel=9)
        tracemalloc.start()
        reply = refused(till, bomb, content_encoding="gzip")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (reply.status, reply.code) == (413, "too-large")
        assert peak < 20_000_000

    @pytest.mark.parametrize("headers", [{}, {"content_length": "", "transfer_encoding": "chunked"}])
    def test_too_large_a_body(self, shop: Shop, till: ApiClient, headers: dict[str, str]) -> None:
        assert refused(till, b" " * 1_048_577, **headers).code == "too-large"

    def test_a_lie_about_the_length(self, shop: Shop, till: ApiClient) -> None:
        body = json.dumps(shop.sale()).encode()
        assert refused(till, body, content_length=str(len(body) + 5)).code == "broken-body"
        assert refused(till, body, content_length="-1").code == "too-large"

    @pytest.mark.parametrize(
        "content_type",
        ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", "json"],
    )
    def test_another_kind_of_content(self, shop: Shop, till: ApiClient, content_type: str) -> None:
        reply = refused(till, json.dumps(shop.sale()).encode(), content_type=content_type)
        assert (reply.status, reply.code) == (415, "unsupported-media-type")

    @pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "application/vnd.pos+json"])
    def test_json_by_another_name(self, shop: Shop, till: ApiClient, content_type: str) -> None:
        body = json.dumps(shop.sale()).encode()
        assert till.call("POST", RECEIPTS, body, content_type=content_type).status == 201

    def test_another_compression(self, shop: Shop, till: ApiClient) -> None:
        reply = refused(till, b"...", content_encoding="br")
        assert (reply.status, reply.headers["accept-encoding"]) == (415, "gzip")


class TestTheAddress:
    def test_another_method(self, shop: Shop, office: ApiClient) -> None:
        for path, allowed in [
            (RECEIPTS, "POST"),
            ("/api/v1/merchants", "GET"),
            ("/health/live", "GET, HEAD"),
        ]:
            reply = office.call("DELETE", path)
            assert (reply.status, reply.code, reply.headers["allow"]) == (405, "method-not-allowed", allowed)

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/nothing",
            "/api/v2/receipts",
            "/api/",
            "/api/v1/members/abc",
            "/api/v1/receipts/not-a-uuid",
            "/metrics/x",
        ],
    )
    def test_no_such_thing(self, shop: Shop, office: ApiClient, path: str) -> None:
        assert office.get(path).code == "not-found"

    def test_ids_beyond_the_database(self, shop: Shop, office: ApiClient) -> None:
        beyond = 10**30
        assert office.get(f"/api/v1/members/{beyond}").status == 422
        spend = {"points": 1, "merchant_id": shop.malls.cafe}
        assert office.post(f"/api/v1/members/{beyond}/redemptions", spend).code == "member-not-found"

    def test_queries(self, shop: Shop, office: ApiClient) -> None:
        entries = f"/api/v1/members/{shop.member_id}/points/entries"
        for path, query, field in [
            (entries, {"limit": 0}, "limit"),
            (entries, {"limit": "many"}, "limit"),
            ("/api/v1/merchants", {"mall_id": "x"}, "mall_id"),
            ("/api/v1/events", {"limit": 1001}, "limit"),
        ]:
            reply = office.get(path, query)
            assert (reply.status, list(reply.json["errors"])) == (422, [field])
        for cursor in ("x", "AAAA", "\x00", "é" * 10):
            assert office.get(entries, {"cursor": cursor}).code == "bad-cursor"
            assert office.get("/api/v1/events", {"cursor": cursor}).code == "bad-event-cursor"
        assert office.get("/api/v1/members/lookup", {"phone": "\x00"}).code == "member-not-found"
        assert list(office.get("/api/v1/events", {"type": "\x00"}).json["errors"]) == ["type.0"]


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "This call needs a valid API key: “Authorization: Bearer zk_…”."),
        ("zh-CN,zh;q=0.9", "此调用需要有效的 API 密钥：“Authorization: Bearer zk_…”。"),
        ("zh-TW", "此呼叫需要有效的"),
        ("fr", "此调用需要有效的"),
        ("", "此调用需要有效的"),
        ("\x00;;q=x,,", "此调用需要有效的"),
    ],
)
def test_the_sentence_is_in_the_callers_language(db: None, language: str, title: str) -> None:
    reply = ApiClient(language=language).get("/api/v1/merchants")
    assert reply.json["title"].startswith(title[:8])
    assert reply.json["code"] == "unauthenticated"

"""Who is calling, may they, how often; and what every answer carries."""

import datetime as dt

import pytest
import time_machine

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import EVERYTHING, TILL_SCOPES, Shop, make_key

MERCHANTS = "/api/v1/merchants"


@pytest.mark.feature("C028")
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer zk_",
        "Bearer zk_00000000_" + "0" * 64,
        "Basic abc",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 5000,
        "zk",
    ],
)
def test_a_stranger_is_told_what_is_missing(db: None, header: str) -> None:
    reply = ApiClient().get(MERCHANTS, authorization=header)
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert reply.headers["www-authenticate"] == 'Bearer realm="zhike"'
    assert "ratelimit-limit" not in reply.headers


@pytest.mark.feature("C028")
def test_half_a_key_opens_nothing(shop: Shop) -> None:
    key = make_key(EVERYTHING)
    assert ApiClient(key).get(MERCHANTS).status == 200
    for wrong in (key[:-1] + ("0" if key[-1] != "0" else "1"), key + "0", key.upper()):
        assert ApiClient(wrong).get(MERCHANTS).status == 401


@pytest.mark.feature("C028")
def test_a_revoked_key_stops(shop: Shop) -> None:
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.organization import queries
    from zhike.organization.operations.api_keys import revoke_api_key

    client = ApiClient(make_key(EVERYTHING))
    assert client.get(MERCHANTS).status == 200
    key = queries.api_keys(system_viewer("tests"))[0]
    assert key.last_used_at is not None
    revoke_api_key(actor=system_viewer("tests"), key_id=key.id, now=clock.now())
    queries.forget_api_callers()  # what other processes remember for twenty seconds
    assert client.get(MERCHANTS).status == 401


@pytest.mark.feature("C028")
@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/api/v1/receipts", "receipts.record"),
        ("POST", "/api/v1/receipts/batch", "receipts.record"),
        ("GET", "/api/v1/receipts/0197c3a2-5b1e-7c40-8a51-2f6f3f1d9b10", "receipts.view"),
        ("POST", "/api/v1/receipts/0197c3a2-5b1e-7c40-8a51-2f6f3f1d9b10/returns", "receipts.return"),
        ("POST", "/api/v1/members/1/redemptions", "points.redeem"),
        ("POST", "/api/v1/redemptions/0197c3a2-5b1e-7c40-8a51-2f6f3f1d9b10/reversal", "points.redeem"),
        ("POST", "/api/v1/members", "members.enroll"),
        ("GET", "/api/v1/members/lookup?phone=1", "members.lookup"),
        ("GET", "/api/v1/members/1", "members.view"),
        ("GET", "/api/v1/members/1/points/entries", "points.view"),
        ("GET", "/api/v1/policy", "members.enroll"),
        ("GET", "/api/v1/merchants", "organization.view"),
        ("GET", "/api/v1/events", "events.view"),
    ],
)
def test_every_call_needs_its_scope(shop: Shop, method: str, path: str, scope: str) -> None:
    client = ApiClient(make_key([one for one in EVERYTHING if one != scope]))
    reply = client.call(method, path, b"not even looked at")
    assert (reply.status, reply.code) == (403, "scope-missing")
    assert reply.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'
    assert reply.json["title"] == f"This API key lacks the scope {scope}."


@pytest.mark.feature("B15")
def test_each_key_has_its_own_limit_a_minute(shop: Shop) -> None:
    slow, other = (ApiClient(make_key(TILL_SCOPES + ["organization.view"], rate=3)) for _ in range(2))
    with time_machine.travel(dt.datetime(2026, 7, 1, 12, 0, 20, tzinfo=dt.UTC), tick=False):
        replies = [slow.get(MERCHANTS) for _ in range(5)]
        assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
        assert [reply.headers["ratelimit-remaining"] for reply in replies] == ["2", "1", "0", "0", "0"]
        stopped = replies[-1]
        assert (stopped.code, stopped.headers["retry-after"], stopped.headers["ratelimit-limit"]) == (
            "rate-limited",
            "40",
            "3",
        )
        assert stopped.headers["ratelimit-reset"] == "40"
        assert other.get(MERCHANTS).status == 200
    with time_machine.travel(dt.datetime(2026, 7, 1, 12, 1, 0, tzinfo=dt.UTC), tick=False):
        assert slow.get(MERCHANTS).status == 200


def test_a_request_keeps_its_name(shop: Shop, till: ApiClient) -> None:
    from zhike.kernel.models import AuditEntry

    sale = till.post("/api/v1/receipts", shop.sale()).json
    returned = {
        "till": "T1",
        "number": "B1",
        "occurred_at": shop.sale()["occurred_at"],
        "lines": [{"line_no": 1}],
    }
    reply = till.post(f"/api/v1/receipts/{sale['receipt_id']}/returns", returned, x_request_id="till-7/abc")
    assert (reply.status, reply.headers["x-request-id"]) == (201, "till-7/abc")
    assert AuditEntry.objects.filter(request_id="till-7/abc", action="receipt.return").count() == 1
    for unfit in ("", "with space", "x" * 65, "中".encode().decode("latin-1"), "a\r\nb"):
        given = till.get("/health/live", x_request_id=unfit).headers["x-request-id"]
        assert given != unfit
        assert len(given) == 32


def test_every_answer_is_closed_to_browsers(db: None) -> None:
    headers = ApiClient().get("/api/v1/merchants").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-language"] == "en"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_an_unanticipated_error_is_told_without_its_insides(
    shop: Shop, office: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from zhike.organization import queries

    def break_down(*_args: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(queries, "merchants", break_down)
    reply = office.get(MERCHANTS)
    assert (reply.status, reply.code) == (500, "internal-error")
    assert b"secret" not in reply.body
    assert "the secret reason" in caplog.text


def test_a_database_that_is_away_is_told_as_such(
    shop: Shop, office: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db.utils import OperationalError

    from zhike.organization import queries

    def hang_up(*_args: object) -> None:
        raise OperationalError("the database system is shutting down")

    monkeypatch.setattr(queries, "merchants", hang_up)
    reply = office.get(MERCHANTS)
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "unavailable", "1")

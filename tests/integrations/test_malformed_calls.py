"""What anybody may send to the addresses that vendors call: it is refused, kept nowhere, and never answered with 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.integrations.vendors import SYSTEM, open_account
from tests.people import build_malls
from zhike.messaging import operations, queries
from zhike.messaging.models import ChannelAccount, DeliveryReport, InboundMessage

pytestmark = [pytest.mark.feature("C128"), pytest.mark.django_db]
REPORT = {
    "phone_number": "13800138000",
    "report_time": "2026-03-02 10:00:00",
    "success": True,
    "biz_id": "1^2",
}
REPLY = {"phone_number": "13800138000", "send_time": "2026-03-02 10:00:00", "content": "R", "sequence_id": 1}
STATUS = {"user_receive_time": "2026-03-02 10:00:00", "nationcode": "86", "mobile": "13800138000",
          "report_status": "SUCCESS", "errmsg": "DELIVRD", "sid": "1:2"}  # fmt: skip
ANSWER = {"nationcode": "86", "mobile": "13800138000", "text": "R", "time": 1_760_000_000}
BAD: dict[str, Any] = {
    "NUL": "a\0b", "half a character": "\ud800", "nothing": None, "a list": [], "far": "0001-01-01 00:00:00", "huge": 10**400,
}  # fmt: skip


def _url(vendor: str, what: str, **values: str) -> str:
    build_malls()
    account_id = open_account("http://127.0.0.1:9", vendor, values=values)
    token = queries.account(SYSTEM, account_id).callback_token
    return f"/hooks/{vendor}/{account_id}/{token}/{what}/"


@pytest.mark.parametrize(
    ("vendor", "what", "entry", "field"),
    [
        *(
            ("aliyun_sms", "reports", REPORT, name)
            for name in ("biz_id", "report_time", "err_code", "out_id")
        ),
        *(("aliyun_sms", "replies", REPLY, name) for name in ("content", "send_time", "phone_number")),
        *(("tencent_sms", "reports", STATUS, name) for name in ("sid", "user_receive_time", "errmsg")),
        *(("tencent_sms", "replies", ANSWER, name) for name in ("text", "time", "mobile")),
    ],
)
def test_entry_that_cannot_be_kept(vendor: str, what: str, entry: dict[str, Any], field: str) -> None:
    url, client = _url(vendor, what), Client(raise_request_exception=False)
    for name, value in BAD.items():
        body: Any = entry | {field: value}
        body = body if (vendor, what) == ("tencent_sms", "replies") else [body]
        answer = client.post(url, json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 400), name
        if name in ("NUL", "half a character") and field not in ("phone_number", "mobile"):
            assert answer.status_code == 400, name
    for row in (*DeliveryReport.objects.all(), *InboundMessage.objects.all()):
        assert "\0" not in str(vars(row))


@pytest.mark.parametrize("vendor", ["aliyun_sms", "tencent_sms"])
@pytest.mark.parametrize("what", ["reports", "replies"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"3", b'"x"', b"[" * 100_000, b"[[]]", b"null"])
def test_body_that_says_nothing(vendor: str, what: str, body: bytes) -> None:
    answer = Client(raise_request_exception=False).post(
        _url(vendor, what), body, content_type="application/json"
    )
    assert answer.status_code == 400


def test_body_of_any_size_is_not_read() -> None:
    answer = Client(raise_request_exception=False).post(
        _url("aliyun_sms", "reports"), b"[" + b" " * 30_000_000 + b"]", content_type="application/json"
    )
    assert answer.status_code in (400, 413)


def test_networks_that_are_none_are_refused_and_let_nobody_in() -> None:
    url = _url("aliyun_sms", "reports")
    with pytest.raises(operations.AccountIncomplete):
        open_account("http://127.0.0.1:9", name="zwei", values={"callback_from": "10.0.0.0/99"})
    ChannelAccount.objects.update(settings={"callback_from": "someone"})  # as entered before this was checked
    answer = Client(raise_request_exception=False).post(url, b"[]", content_type="application/json")
    assert answer.status_code == 404
    ChannelAccount.objects.update(settings={"callback_from": "127.0.0.0/8"})
    assert Client().post(url, b"[]", content_type="application/json").status_code == 200
    behind = Client(raise_request_exception=False, REMOTE_ADDR="")
    assert behind.post(url, b"[]", content_type="application/json").status_code == 404

"""Text messages through Aliyun: the real protocol against the emulator, over real HTTP."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.integrations.vendors import CODE, SYSTEM, aliyun, approve_at_vendor, callbacks, open_account
from tests.people import NOW, build_malls, meet
from zhike.integrations.aliyun_sms import signing
from zhike.integrations.aliyun_sms.client import AliyunSms
from zhike.integrations.aliyun_sms.emulator import push, reply_entry
from zhike.kernel import clock
from zhike.messaging import operations, queries
from zhike.messaging.models import DeliveryReport, Dispatch, InboundMessage, OutboundMessage, Suppression
from zhike.messaging.ports import Account, Letter, Refused, TryLater, Unsure

PHONE = "+8613800138000"
VECTORS = json.loads((Path(__file__).parent / "fixtures" / "aliyun_signatures.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=["batch", "single"])
def test_signature_is_that_of_the_vendors_own_sdk(vector: dict[str, Any]) -> None:
    headers = vector["headers"]
    assert signing.body_hash(vector["body"].encode()) == headers["x-acs-content-sha256"]
    made = signing.authorization(
        vector["key_id"],
        vector["secret"],
        method="POST",
        path="/",
        query=vector["query"],
        headers=headers,
        hashed=headers["x-acs-content-sha256"],
    )
    assert made == vector["authorization"]


def _account(url: str, **changes: str) -> Account:
    settings = {"key_id": "demo-key", "sign_name": "星河城", "endpoint": url}
    return Account(1, settings | changes, {"key_secret": changes.get("secret", "demo-secret")})


def _letters(count: int = 1) -> list[Letter]:
    return [
        Letter(n, f"+861380013{8000 + n}", "", template=CODE, values=(("code", f"{n:06}"), ("minutes", "10")))
        for n in range(count)
    ]


WORDING = {CODE: "${code} 是您的验证码，${minutes} 分钟内有效。"}


@pytest.mark.feature("C128")
def test_sends_one_and_many() -> None:
    with aliyun(templates=WORDING) as emulator:
        client, account = AliyunSms(), _account(emulator.url)
        [one] = client.send(account, "a" * 32, _letters())
        many = client.send(account, "b" * 32, _letters(100))
    assert one.is_taken
    assert one.reference
    assert {answer.reference for answer in many} == {many[0].reference}
    assert emulator.operator.calls == ["SendSms", "SendBatchSms"]
    assert emulator.operator.sent[7].text == "【星河城】000006 是您的验证码，10 分钟内有效。"
    assert {sms.out_id for sms in emulator.operator.sent} == {"a" * 32, "b" * 32}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"key_id": "nobody"}, "InvalidAccessKeyId.NotFound"),
        ({"sign_name": "别家"}, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"endpoint": "http://192.0.2.1"}, "plain_http"),
    ],
)
def test_what_is_wrong_with_the_account_is_no_fault_of_the_message(
    changes: dict[str, str], code: str
) -> None:
    with aliyun(templates=WORDING) as emulator, pytest.raises(Refused) as refused:
        AliyunSms().send(_account(emulator.url, **changes), "a" * 32, _letters())
    assert refused.value.code == code
    assert emulator.operator.sent == []


def test_a_bad_number_fails_alone() -> None:
    letters = [*_letters(2), Letter(9, "+8612345", "", template=CODE, values=_letters()[0].values)]
    with aliyun(templates=WORDING) as emulator:
        answers = AliyunSms().send(_account(emulator.url), "a" * 32, letters)
    assert [answer.is_taken for answer in answers] == [True, True, False]
    assert answers[2].code == "isv.MOBILE_NUMBER_ILLEGAL"
    assert len(emulator.operator.sent) == 2


@pytest.mark.parametrize(
    ("fault", "problem", "taken"),
    [("throttle", TryLater, 0), ("down", Unsure, 0), ("drop_before", Unsure, 0), ("drop_after", Unsure, 1)],
)
def test_trouble_on_the_way(fault: str, problem: type[Exception], taken: int) -> None:
    with aliyun(templates=WORDING, fault=lambda action: fault) as emulator, pytest.raises(problem):
        AliyunSms().send(_account(emulator.url), "a" * 32, _letters())
    assert len(emulator.operator.sent) == taken


def test_nobody_there_means_nothing_was_taken() -> None:
    with pytest.raises(TryLater):
        AliyunSms().send(_account("http://127.0.0.1:9"), "a" * 32, _letters())


def test_finds_what_it_sent_by_our_key() -> None:
    with aliyun(templates=WORDING) as emulator:
        client, account = AliyunSms(), _account(emulator.url)
        client.send(account, "a" * 32, _letters(2))
        found = client.find(account, "a" * 32, _letters(3), clock.now())
        assert [answer.message_id for answer in found] == [0, 1]
        assert client.find(account, "c" * 32, _letters(3), clock.now()) == []


# --- the whole way -------------------------------------------------------------------------------------------------


def _ask_for_code(phone: str = PHONE) -> None:
    operations.send_one_time_code(actor=SYSTEM, phone=phone, purpose="log_in", language="", now=clock.now())


def _until(check: Any) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


@pytest.mark.feature("C128", "C136")
@pytest.mark.django_db(transaction=True)
def test_a_code_reaches_the_phone_and_its_receipt_comes_back(live_server: Any) -> None:
    build_malls()
    with aliyun(report_copies=3) as emulator:
        account_id = open_account(emulator.url)
        approve_at_vendor(emulator, account_id)
        callbacks(emulator, account_id, "aliyun_sms", live_server.url)
        _ask_for_code()
        done = operations.send_due(actor=SYSTEM, now=clock.now(), only_codes=True)
        assert done.statuses == {"sending": 1}
        [sms] = emulator.operator.sent
        assert sms.phone == "13800138000"
        code = re.search(r"\d{6}", sms.text).group()
        operations.verify_one_time_code(
            actor=SYSTEM, phone=PHONE, purpose="log_in", code=code, now=clock.now()
        )
        _until(lambda: OutboundMessage.objects.get().status == "delivered")
        _until(lambda: len(emulator.operator.calls) == 1)
    message = OutboundMessage.objects.get()
    assert message.reference == sms.biz_id
    assert DeliveryReport.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_report_that_comes_before_the_answer_is_kept_for_it() -> None:
    build_malls()
    with aliyun() as emulator:
        account_id = open_account(emulator.url)
        approve_at_vendor(emulator, account_id)
        _ask_for_code()
        operations.send_due(actor=SYSTEM, now=clock.now())
        OutboundMessage.objects.update(reference="", status="sending")
        [sms] = emulator.operator.sent
        token = queries.account(SYSTEM, account_id).callback_token
        entry = {"phone_number": sms.phone, "send_time": "2026-03-08 10:00:00", "report_time": "2026-03-08 10:00:01",
                 "success": True, "err_code": "DELIVERED", "biz_id": sms.biz_id, "out_id": sms.out_id}  # fmt: skip
        url = f"/hooks/aliyun_sms/{account_id}/{token}/reports/"
        answer = Client().post(url, json.dumps([entry]), content_type="application/json")
    assert answer.json()["code"] == 0
    assert OutboundMessage.objects.get().status == "delivered"


@pytest.mark.django_db
def test_callbacks_of_strangers_change_nothing(client: Client) -> None:
    build_malls()
    account_id = open_account("http://127.0.0.1:9", values={"callback_from": "10.1.0.0/16"})
    token = queries.account(SYSTEM, account_id).callback_token
    entry = {
        "phone_number": "13800138000",
        "report_time": "2026-03-08 10:00:01",
        "success": True,
        "biz_id": "1",
    }
    for path in (f"{account_id}/{'0' * 40}", f"{account_id}/{token}", f"{account_id + 1}/{token}"):
        answer = client.post(
            f"/hooks/aliyun_sms/{path}/reports/", json.dumps([entry]), content_type="application/json"
        )
        assert answer.status_code == 404
    good = {"REMOTE_ADDR": "10.1.2.3"}
    for body in ("", "{}", "[1]", '[{"success": true}]'):
        answer = client.post(f"/hooks/aliyun_sms/{account_id}/{token}/reports/", body, content_type="application/json", **good)  # fmt: skip
        assert answer.status_code == (200 if body == "{}" else 400)
    assert not DeliveryReport.objects.exists()


@pytest.mark.feature("B45")
@pytest.mark.django_db(transaction=True)
def test_a_reply_of_refusal_suppresses_the_number_once(live_server: Any) -> None:
    malls = build_malls()
    person = meet(malls, "张三", "13800138000")
    with aliyun() as emulator:
        account_id = open_account(emulator.url)
        callbacks(emulator, account_id, "aliyun_sms", live_server.url)
        entry = reply_entry(emulator.operator, PHONE, " td ")
        for _copy in range(2):
            assert push(emulator.operator.reply_url, [entry])["code"] == 0
        push(emulator.operator.reply_url, [reply_entry(emulator.operator, PHONE, "几点开门？")])
    assert [row.is_refusal for row in InboundMessage.objects.order_by("id")] == [True, False]
    assert InboundMessage.objects.filter(person_id=person).count() == 2
    assert Suppression.objects.get().masked == "138****8000"


# --- lost answers --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("fault", "sent_before", "expected"), [("drop_after", 1, 1), ("drop_before", 0, 1)])
def test_a_lost_answer_is_looked_up_and_nobody_gets_it_twice(
    fault: str, sent_before: int, expected: int
) -> None:
    build_malls()
    with aliyun() as emulator:
        account_id = open_account(emulator.url)
        approve_at_vendor(emulator, account_id)
        _ask_for_code()
        now = clock.now()
        emulator.operator.fault = lambda action: fault if action == "SendSms" else ""
        operations.send_due(actor=SYSTEM, now=now)
        emulator.operator.fault = lambda action: ""
        assert len(emulator.operator.sent) == sent_before
        assert OutboundMessage.objects.get().status == "sending"
        assert operations.send_due(actor=SYSTEM, now=now).total == 0
        for minutes in (3, 4, 15, 16):
            later = now + dt.timedelta(minutes=minutes)
            OutboundMessage.objects.update(expires_at=now + dt.timedelta(hours=1))
            operations.look_up_lost(actor=SYSTEM, now=later)
            operations.send_due(actor=SYSTEM, now=later)
    assert len(emulator.operator.sent) == expected
    assert OutboundMessage.objects.get().status == "sent"
    assert not Dispatch.objects.exclude(state="done").exists()


@pytest.mark.django_db(transaction=True)
def test_throttled_messages_wait_and_go_later() -> None:
    build_malls()
    with aliyun(fault=lambda action: "throttle") as emulator:
        account_id = open_account(emulator.url)
        approve_at_vendor(emulator, account_id)
        _ask_for_code()
        now = clock.now()
        operations.send_due(actor=SYSTEM, now=now)
        assert OutboundMessage.objects.get().status == "queued"
        assert operations.send_due(actor=SYSTEM, now=now).total == 0
        emulator.operator.fault = lambda action: ""
        operations.send_due(actor=SYSTEM, now=now + dt.timedelta(seconds=3))
    assert OutboundMessage.objects.get().status == "sent"


@pytest.mark.django_db(transaction=True)
def test_a_refused_account_hands_over_to_the_next() -> None:
    build_malls()
    with aliyun() as emulator:
        bad = open_account(emulator.url, name="first", values={"key_secret": "wrong"})
        good = open_account(emulator.url, name="second", position=1)
        approve_at_vendor(emulator, bad)
        approve_at_vendor(emulator, good)
        _ask_for_code()
        operations.send_due(actor=SYSTEM, now=clock.now())
        operations.send_due(actor=SYSTEM, now=clock.now())
    message = OutboundMessage.objects.get()
    assert (message.status, message.account_id, message.tried) == ("sent", good, [bad])


def test_test_send_says_what_the_vendor_says(db: None) -> None:
    build_malls()
    with aliyun() as emulator:
        account_id = open_account(emulator.url)
        with pytest.raises(operations.AccountIncomplete):
            operations.send_test(actor=SYSTEM, account_id=account_id, to=PHONE, now=NOW)
        approve_at_vendor(emulator, account_id)
        sent = operations.send_test(actor=SYSTEM, account_id=account_id, to=PHONE, now=NOW)
        assert sent.masked == "138****8000"
        emulator.operator.signs = set()
        with pytest.raises(operations.TestRefused, match="签名"):
            operations.send_test(actor=SYSTEM, account_id=account_id, to=PHONE, now=NOW)
    assert "000000" in emulator.operator.sent[0].text

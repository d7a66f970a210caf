"""Text messages through Tencent Cloud: the real protocol against the emulator, over real HTTP."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.test_aliyun_sms import _until
from tests.integrations.vendors import SYSTEM, approve_at_vendor, callbacks, open_account, tencent
from tests.people import build_malls, meet
from zhike.integrations.tencent_sms import mapping, signing
from zhike.integrations.tencent_sms.client import TencentSms
from zhike.integrations.tencent_sms.emulator import push, reply_entry
from zhike.kernel import clock
from zhike.messaging import operations
from zhike.messaging.models import Dispatch, InboundMessage, OutboundMessage, Suppression
from zhike.messaging.ports import Account, Letter, Refused, TryLater, Unsure

PHONE = "+8613800138000"
VECTOR = json.loads((Path(__file__).parent / "fixtures" / "tencent_signature.json").read_text())
WORDING = {"1110": "{1} 是您的验证码，{2} 分钟内有效。"}


def test_signature_is_that_of_the_vendors_own_sdk() -> None:
    headers = VECTOR["headers"]
    made = signing.authorization(
        VECTOR["key_id"],
        VECTOR["secret"],
        service="sms",
        host=headers["Host"],
        content_type=headers["Content-Type"],
        body=VECTOR["body"].encode(),
        timestamp=int(headers["X-TC-Timestamp"]),
    )
    assert made == headers["Authorization"]


def _account(url: str, **changes: str) -> Account:
    settings = {"key_id": "demo-key", "app_id": "1400006666", "sign_name": "星河城", "region": "ap-guangzhou"}
    settings |= {"endpoint": url}
    return Account(1, settings | changes, {"key_secret": changes.get("secret", "demo-secret")})


def _letters(count: int = 1) -> list[Letter]:
    values = (("code", "123456"), ("minutes", "10"))
    return [Letter(n, f"+861380013{8000 + n}", "", template="1110", values=values) for n in range(count)]


@pytest.mark.feature("C128")
def test_each_number_is_taken_or_refused_by_itself() -> None:
    with tencent(templates=WORDING, blocked={"+8613800138001"}) as emulator:
        answers = TencentSms().send(_account(emulator.url), "a" * 32, _letters(3))
    assert [answer.is_taken for answer in answers] == [True, False, True]
    assert answers[1].code == "FailedOperation.PhoneNumberInBlacklist"
    assert len({answer.reference for answer in answers}) == 3
    assert emulator.operator.sent[0].text == "【星河城】123456 是您的验证码，10 分钟内有效。"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"key_id": "nobody"}, "AuthFailure.SecretIdNotFound"),
        ({"app_id": "1"}, "InvalidParameterValue.SdkAppIdNotExist"),
    ],
)
def test_what_is_wrong_with_the_account(changes: dict[str, str], code: str) -> None:
    with tencent(templates=WORDING) as emulator, pytest.raises(Refused) as refused:
        TencentSms().send(_account(emulator.url, **changes), "a" * 32, _letters())
    assert refused.value.code == code


@pytest.mark.parametrize(("fault", "problem"), [("throttle", TryLater), ("drop_after", Unsure)])
def test_trouble_on_the_way(fault: str, problem: type[Exception]) -> None:
    with tencent(templates=WORDING, fault=lambda action: fault) as emulator, pytest.raises(problem):
        TencentSms().send(_account(emulator.url), "a" * 32, _letters())


def test_finds_by_our_key_only_where_tencent_gives_it_back() -> None:
    client = TencentSms()
    with tencent(templates=WORDING, returns_context=True) as emulator:
        account = _account(emulator.url, returns_context="yes")
        client.send(account, "a" * 32, _letters(2))
        found = client.find(account, "a" * 32, _letters(3), clock.now()) or []
        assert [answer.message_id for answer in found] == [0, 1]
        assert client.find(account, "b" * 32, _letters(3), clock.now()) == []
        assert client.find(_account(emulator.url), "a" * 32, _letters(1), clock.now()) is None


@pytest.mark.feature("C128")
@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("${name}您好，国庆全场五折，拒收请回复R", []),
        ("送您 20 元优惠券，拒收请回复R", ["banned_content"]),
        ("您有 ${points} 分可积分兑换", ["banned_content"]),
        ("${a}${b}", ["adjacent_variables"]),
        ("详见 https://${site}", ["variable_link"]),
    ],
)
def test_lint_knows_what_tencent_refuses(body: str, faults: list[str]) -> None:
    assert TencentSms().lint(body, "marketing") == faults


def test_reports_are_read_in_beijing_time() -> None:
    entry = {"user_receive_time": "2015-10-17 08:03:04", "nationcode": "86", "mobile": "13800138000",
             "report_status": "SUCCESS", "errmsg": "DELIVRD", "sid": "1:2"}  # fmt: skip
    report = mapping.report(entry)
    assert (report.to, report.reference, report.is_delivered) == (PHONE, "1:2", True)
    assert report.at == dt.datetime(2015, 10, 17, 0, 3, 4, tzinfo=dt.UTC)


@pytest.mark.feature("C128", "C136", "B45")
@pytest.mark.django_db(transaction=True)
def test_a_code_goes_out_its_status_and_a_refusal_come_back(live_server: Any) -> None:
    malls = build_malls()
    meet(malls, "张三", "13800138000")
    with tencent(report_copies=2) as emulator:
        account_id = open_account(emulator.url, "tencent_sms")
        approve_at_vendor(emulator, account_id)
        callbacks(emulator, account_id, "tencent_sms", live_server.url)
        for phone in (PHONE, "+8613000000000"):
            operations.send_one_time_code(
                actor=SYSTEM, phone=phone, purpose="log_in", language="", now=clock.now()
            )
        operations.send_due(actor=SYSTEM, now=clock.now())
        _until(lambda: not OutboundMessage.objects.filter(status="sent").exists())
        for _copy in range(2):
            push(emulator.operator.reply_url, reply_entry(PHONE, "退订", time.time() // 60 * 60))
    assert sorted(OutboundMessage.objects.values_list("status", flat=True)) == ["delivered", "failed"]
    assert InboundMessage.objects.get().is_refusal
    assert Suppression.objects.get().masked == "138****8000"


@pytest.mark.django_db(transaction=True)
def test_an_answer_lost_for_good_ends_as_unknown_and_is_not_sent_again() -> None:
    build_malls()
    now = clock.now()
    with tencent() as emulator:
        account_id = open_account(emulator.url, "tencent_sms")
        approve_at_vendor(emulator, account_id)
        operations.send_one_time_code(actor=SYSTEM, phone=PHONE, purpose="log_in", language="", now=now)
        emulator.operator.fault = lambda action: "drop_after" if action == "SendSms" else ""
        operations.send_due(actor=SYSTEM, now=now)
        for minutes in (3, 20, 40):
            later = now + dt.timedelta(minutes=minutes)
            operations.look_up_lost(actor=SYSTEM, now=later)
            operations.send_due(actor=SYSTEM, now=later)
    assert len(emulator.operator.sent) == 1
    assert OutboundMessage.objects.get().status == "unknown"
    assert Dispatch.objects.get().state == "lost"

"""Template messages of a WeChat official account: the real protocol against the emulator, over real HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.integrations.test_aliyun_sms import _until
from tests.integrations.vendors import SYSTEM, open_account
from tests.messaging.test_sending import agree, ask, fates, go
from tests.people import NOW, build_malls, meet, publish_policy
from zhike.customers import operations as customers
from zhike.integrations.shared import calls, envelope
from zhike.integrations.wechat_mp import client, emulator, mapping
from zhike.integrations.wechat_mp.emulator import AES_KEY, APP_ID, SECRET, TOKEN, WechatEmulator
from zhike.kernel import clock
from zhike.kernel.models import Event
from zhike.messaging import operations, queries
from zhike.messaging.models import (
    DeliveryReport,
    MessageTemplate,
    OutboundMessage,
    TemplateVersion,
    WechatFollower,
)
from zhike.messaging.ports import Account, Letter, Refused, TryLater, Unsure
from zhike.organization import queries as organization

pytestmark = pytest.mark.feature("C128", "D24")
OPENID, OTHER = "oABCDEFGHIJKLMNOPQRSTUVWXYZ1", "oABCDEFGHIJKLMNOPQRSTUVWXYZ2"
TEMPLATE = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"
TEXT = "thing1：张三您好\nnumber2: 120\nurl：https://zhike.example/m/points/"
GATEWAY = client.WechatMp()


@pytest.fixture(autouse=True)
def no_tokens() -> Iterator[None]:
    client.TOKENS.forget()
    yield
    client.TOKENS.forget()


@pytest.fixture
def wechat() -> Iterator[WechatEmulator]:
    account = emulator.Account(templates={TEMPLATE: ("thing1", "number2")}, followers={OPENID, OTHER})
    with WechatEmulator(account) as running:
        yield running


def _account(url: str, **changes: str) -> Account:
    secrets = {"app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
    return Account(1, {"app_id": APP_ID, "endpoint": url} | changes, secrets | changes)


def _letter(pk: int = 1, to: str = OPENID, text: str = TEXT, template: str = TEMPLATE) -> Letter:
    return Letter(pk, to, text, template=template)


def test_message_fills_the_template_and_is_sent_once(wechat: WechatEmulator) -> None:
    for _time in range(2):
        [answer] = GATEWAY.send(_account(wechat.url), "a" * 32, [_letter()])
        assert (answer.is_taken, answer.reference) == (True, "200000000")
    [sent] = wechat.account.sent
    assert sent.data == {"thing1": {"value": "张三您好"}, "number2": {"value": "120"}}
    assert sent.url == "https://zhike.example/m/points/"
    assert wechat.account.fetches == [False]


def test_token_is_replaced_before_its_end_and_once_when_wechat_calls_it_old(wechat: WechatEmulator) -> None:
    now = [dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)]
    wechat.account.now = lambda: now[0].timestamp()
    account = _account(wechat.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: now[0])
        GATEWAY.send(account, "a" * 32, [_letter(1)])
        now[0] += dt.timedelta(minutes=114)
        GATEWAY.send(account, "a" * 32, [_letter(2)])
        assert len(wechat.account.tokens) == 1
        now[0] += dt.timedelta(minutes=2)
        GATEWAY.send(account, "a" * 32, [_letter(3)])
        assert len(wechat.account.tokens) == 2
        wechat.account.tokens[-1] = ("another", wechat.account.tokens[-1][1])  # another system forced it
        assert GATEWAY.send(account, "a" * 32, [_letter(4)])[0].is_taken
        assert wechat.account.fetches == [False, False, False]
        wechat.account.fault = lambda path: 40001 if path.endswith("send") else 0
        with pytest.raises(Refused):
            GATEWAY.send(account, "a" * 32, [_letter(5)])
        assert wechat.account.fetches == [False, False, False, False, True]


def test_each_message_has_its_own_fate_and_those_behind_a_throttled_one_wait(wechat: WechatEmulator) -> None:
    letters = [_letter(1), _letter(2, "oNobody"), _letter(3, text="thing1：没有积分"), _letter(4, OTHER)]
    answers = GATEWAY.send(_account(wechat.url), "a" * 32, letters)
    assert [(one.is_taken, one.code) for one in answers] == [
        (True, ""), (False, "43004"), (False, "47003"), (True, ""),
    ]  # fmt: skip
    calls = iter([0, 45009])
    wechat.account.fault = lambda path: next(calls) if path.endswith("send") else 0
    answers = GATEWAY.send(_account(wechat.url), "a" * 32, [_letter(5), _letter(6), _letter(7)])
    assert [(one.is_taken, one.wait_s) for one in answers] == [(True, 0), (False, 60), (False, 60)]


@pytest.mark.parametrize(
    ("fault", "problem"), [(45009, TryLater), (-1, TryLater), (48001, Refused), (40037, Refused)]
)
def test_trouble_of_the_account(wechat: WechatEmulator, fault: int, problem: type[Exception]) -> None:
    wechat.account.fault = lambda path: fault if path.endswith("send") else 0
    with pytest.raises(problem):
        GATEWAY.send(_account(wechat.url), "a" * 32, [_letter()])


@pytest.mark.parametrize(
    "changes", [{"app_secret": "wrong"}, {"app_id": "wx0"}, {"endpoint": "http://10.0.0.7"}]
)
def test_wrong_account_sends_nothing(wechat: WechatEmulator, changes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        GATEWAY.send(_account(wechat.url, **changes), "a" * 32, [_letter()])
    assert not wechat.account.sent


def test_lost_answer_is_not_taken_for_a_refusal(
    monkeypatch: pytest.MonkeyPatch, wechat: WechatEmulator
) -> None:
    account = _account(wechat.url)
    GATEWAY.send(account, "a" * 32, [_letter()])

    def lost(*_given: Any) -> None:
        raise Unsure("timeout")

    monkeypatch.setattr(calls, "post", lost)
    with pytest.raises(Unsure):
        GATEWAY.send(account, "a" * 32, [_letter(2)])
    answers = GATEWAY.send(account, "a" * 32, [_letter(3), _letter(4)])
    assert [(one.message_id, one.wait_s) for one in answers] == [(4, 60)]


@pytest.mark.parametrize(
    ("body", "kind", "faults"),
    [
        ("thing1：${name}\nnumber2：${points}", "service", []),
        ("thing1：${name}\nurl：${link}", "service", []),
        ("thing1：${name}", "marketing", ["wechat_no_offers"]),
        ("${name}您好", "service", ["wechat_lines"]),
        ("thing1：${name}\n祝好", "service", ["wechat_lines"]),
        ("picture1：x", "service", ["wechat_lines"]),
        ("url：https://x", "service", ["wechat_lines"]),
    ],
)
def test_wordings_that_wechat_would_not_send(body: str, kind: str, faults: list[str]) -> None:
    assert GATEWAY.lint(body, kind) == faults


def test_value_longer_than_wechat_takes_is_cut() -> None:
    assert mapping.data("thing1：" + "字" * 21) == {"thing1": {"value": "字" * 19 + "…"}}


def test_envelope_opens_with_its_key_for_its_appid_only() -> None:
    """What the other side seals is opened; one bit, another key or another appid and it is not."""
    sealed = envelope.sealed("<xml>你好</xml>".encode(), AES_KEY, APP_ID)
    assert envelope.opened(sealed, AES_KEY, APP_ID).decode() == "<xml>你好</xml>"
    for text, key, app_id in (
        (sealed, AES_KEY[::-1], APP_ID), (sealed, AES_KEY, "wx0"), (sealed[:-4] + "AAAA", AES_KEY, APP_ID),
        ("", AES_KEY, APP_ID), ("AAAA", AES_KEY, APP_ID), ("é", AES_KEY, APP_ID), ("A" * 64, AES_KEY, APP_ID),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            envelope.opened(text, key, app_id)
    assert envelope.is_aes_key(AES_KEY)
    assert not envelope.is_aes_key(AES_KEY[:-1])
    assert not envelope.is_aes_key("é" * 43)


def _open(url: str) -> int:
    values = {"app_id": APP_ID, "app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "endpoint": url}
    return open_account(url, "wechat_mp", values=values, price=0)


def _callback(wechat: WechatEmulator, account_id: int, base: str) -> str:
    token = queries.account(SYSTEM, account_id).callback_token
    wechat.account.report_url = f"{base}/hooks/wechat_mp/{account_id}/{token}/reports/"
    return wechat.account.report_url


def _bind(person_id: int, openid: str) -> None:
    customers.add_identifier(
        actor=SYSTEM, person_id=person_id, identifier=customers.NewIdentifier("openid", openid), now=NOW
    )


def _approve(account_id: int, kind: str = "service") -> None:
    template_id = operations.create_template(
        actor=SYSTEM, group_id=organization.default_group().id, code="points_in", name="积分到账", kind=kind,
        fallback=("wechat", "inbox"), now=NOW,
    )  # fmt: skip
    for channel, title, body in (
        ("wechat", "", "thing1：${name}您好\nnumber2：${points}"),
        ("inbox", "积分到账", "${points} 积分"),
    ):
        version_id = operations.write_version(
            actor=SYSTEM,
            template_id=template_id,
            channel=channel,
            language="zh-hans",
            title=title,
            body=body,
            now=NOW,
        )
        operations.approve_version(actor=SYSTEM, version_id=version_id, now=NOW)
    version = TemplateVersion.objects.get(template_id=template_id, channel="wechat")
    operations.tell_vendor(
        actor=SYSTEM,
        version_id=version.pk,
        account_id=account_id,
        vendor_code=TEMPLATE,
        state="approved",
        now=NOW,
    )


@pytest.mark.feature("C136")
@pytest.mark.django_db(transaction=True)
def test_followers_get_it_and_wechat_tells_what_became_of_it(
    wechat: WechatEmulator, live_server: Any
) -> None:
    malls = build_malls()
    zhang, li = meet(malls, "张三", "13800138000"), meet(malls, "李四", "13900139000")
    account_id = _open(wechat.url)
    _callback(wechat, account_id, live_server.url)
    _approve(account_id)
    for person_id, openid in ((zhang, OPENID), (li, OTHER)):
        _bind(person_id, openid)
        assert emulator.push(wechat.account, openid, {"Event": "subscribe"}) == 200
    wechat.account.refusing = {OTHER}
    wechat.account.report_copies = 2
    now = clock.now()
    ask(zhang, li, template="points_in", values={"points": "120"}, now=now)
    go(now)
    _until(lambda: not OutboundMessage.objects.filter(channel="wechat", status="sent").exists())
    told = (
        OutboundMessage.objects.filter(channel="wechat")
        .order_by("id")
        .values_list("person_id", "status", "reason")
    )
    assert list(told) == [(zhang, "delivered", ""), (li, "failed", "failed:user block")]
    assert {one.data["thing1"]["value"] for one in wechat.account.sent} == {"张三您好", "李四您好"}
    _until(lambda: DeliveryReport.objects.count() == 2)
    assert emulator.push(wechat.account, OPENID, {"Event": "unsubscribe"}) == 200
    assert b"oABC" not in b"".join(bytes(row.openid) for row in WechatFollower.objects.all())


@pytest.fixture
def hook(db: None, wechat: WechatEmulator) -> str:
    """The callback of an account in a house where 张三 is known by openid."""
    malls = build_malls()
    publish_policy(malls)
    _bind(meet(malls, "张三", "13800138000"), OPENID)
    account_id = _open(wechat.url)
    _approve(account_id)
    return _callback(wechat, account_id, "")


def _post(wechat: WechatEmulator, event: dict[str, str], openid: str = OPENID) -> int:
    url, body = emulator.call(wechat.account, openid, event)
    client = Client(raise_request_exception=False)
    return client.post(url, body, content_type="text/xml").status_code


def test_following_ends_and_begins_in_the_order_of_wechats_clock(hook: str, wechat: WechatEmulator) -> None:
    now = int(clock.now().timestamp())
    assert _post(wechat, {"Event": "subscribe", "CreateTime": str(now - 60)}) == 200
    assert _post(wechat, {"Event": "unsubscribe", "CreateTime": str(now - 30)}) == 200
    assert _post(wechat, {"Event": "subscribe", "CreateTime": str(now - 60)}) == 200  # repeated, late
    assert not WechatFollower.objects.get().is_following
    assert Event.objects.filter(type="zhike.messaging.wechat_following_changed").count() == 2
    person_id = WechatFollower.objects.get().person_id
    ask(person_id, template="points_in", values={"points": "120"})
    go()
    go()
    assert fates() == [("refused", "address", "no_address"), ("delivered", "", "")]
    assert not wechat.account.sent


def test_openid_of_a_stranger_is_not_kept(hook: str, wechat: WechatEmulator) -> None:
    assert _post(wechat, {"Event": "subscribe"}, OTHER) == 200
    assert not WechatFollower.objects.exists()


def test_offer_never_goes_this_way(hook: str, wechat: WechatEmulator) -> None:
    MessageTemplate.objects.filter(code="points_in").update(kind="marketing")
    _post(wechat, {"Event": "subscribe"})
    person_id = WechatFollower.objects.get().person_id
    agree(person_id, "wechat")
    ask(person_id, template="points_in", values={"points": "120"})
    go()
    assert fates()[0] == ("refused", "template", "wechat_no_offers")


def test_address_is_proved_to_wechat(hook: str, wechat: WechatEmulator) -> None:
    signature = envelope.signature(TOKEN, "1", "n")
    given = {"signature": signature, "timestamp": "1", "nonce": "n", "echostr": "5837245123"}
    answer = Client().get(hook, given)
    assert (answer.status_code, answer.content) == (200, b"5837245123")
    for changes in (
        {"signature": "0" * 40},
        {"echostr": "<script>"},
        {"echostr": ""},
        {"signature": "é"},
        {"nonce": "\0"},
    ):
        assert Client(raise_request_exception=False).get(hook, given | changes).status_code == 400


def test_call_that_is_not_wechats_is_refused_and_leaves_no_trace(hook: str, wechat: WechatEmulator) -> None:
    url, body = emulator.call(wechat.account, OPENID, {"Event": "subscribe"})
    path, _mark, query = url.partition("?")
    client = Client(raise_request_exception=False)

    def answered(url: str, body: bytes) -> int:
        return client.post(url, body, content_type="text/xml").status_code

    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>'
    for bad in (
        b"", b"<", b"\0", b"<xml/>", b"\xff" * 100, bomb, b"<a>" * 50_000, body[: len(body) // 2], body + b" " * 70_000,
        body.replace(b"Encrypt", b"Other"), body.replace(b"[CDATA[g", b"[CDATA[\x00"), b"<xml><Event>subscribe</Event></xml>",
        b" " * 30_000_000,
    ):  # fmt: skip
        assert 400 <= answered(url, bad) < 500
    for wrong in (
        path, f"{path}?{query.replace('msg_signature', 'other')}", f"{path}?{query}0", f"{path}?{query.replace('stamp=1', 'stamp=2')}",
    ):  # fmt: skip
        assert answered(wrong, body) == 400
    assert answered(path.replace("/reports/", "0/reports/"), body) == 404
    wechat.account.now = lambda: clock.now().timestamp() - 700
    assert answered(*emulator.call(wechat.account, OPENID, {"Event": "subscribe"})) == 400
    assert not WechatFollower.objects.exists()


@pytest.mark.parametrize(
    "event",
    [
        {"Event": "TEMPLATESENDJOBFINISH"},
        {"Event": "TEMPLATESENDJOBFINISH", "MsgID": "x", "Status": "success"},
        {"Event": "TEMPLATESENDJOBFINISH", "MsgID": "9" * 5_000, "Status": "success"},
        {"Event": "TEMPLATESENDJOBFINISH", "MsgID": "1", "Status": "success", "CreateTime": "9" * 30},
        {"Event": "subscribe", "CreateTime": "soon"},
        {"Event": "subscribe", "FromUserName": "o" * 65},
        {"Event": "subscribe", "FromUserName": "开"},
        {"Event": "subscribe", "FromUserName": ""},
    ],
)
def test_event_that_makes_no_sense_is_refused(
    hook: str, wechat: WechatEmulator, event: dict[str, str]
) -> None:
    assert _post(wechat, event) == 400
    assert not WechatFollower.objects.exists()
    assert not DeliveryReport.objects.exists()


def test_other_events_are_heard_and_forgotten(hook: str, wechat: WechatEmulator) -> None:
    assert _post(wechat, {"Event": "LOCATION"}) == 200
    assert not WechatFollower.objects.exists()
    assert _post(wechat, {"Event": "", "MsgType": "text", "Content": "你好"}) == 200
    assert WechatFollower.objects.get().is_following

"""WeChat customer messages as conversations: sealed callbacks in, customer-service messages out, within WeChat's limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.integrations.vendors import open_account
from tests.people import NOW, Crew, Malls
from tests.service.conftest import PNG, SYSTEM
from zhike.customers import operations as customers
from zhike.integrations.wechat_mp import client, emulator
from zhike.integrations.wechat_mp.emulator import AES_KEY, APP_ID, SECRET, TOKEN, WechatEmulator
from zhike.kernel import clock
from zhike.messaging import operations as messaging
from zhike.messaging import queries as accounts
from zhike.messaging.models import WechatFollower
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Carriage, Contact, Conversation, Message, MessageFile

pytestmark = pytest.mark.feature("C176", "D24")
OPENID = "oABCDEFGHIJKLMNOPQRSTUVWXYZ1"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def wechat(settings: Any, tmp_path: Path) -> Iterator[WechatEmulator]:
    settings.UPLOAD_DIR = tmp_path
    client.TOKENS.forget()
    with WechatEmulator(emulator.Account(followers={OPENID})) as running:
        yield running
    client.TOKENS.forget()


@pytest.fixture
def line(desk: Malls, wechat: WechatEmulator) -> int:
    values = {"app_id": APP_ID, "app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
    account = open_account(wechat.url, "wechat_mp", name="公众号", values=values)
    token = next(one.callback_token for one in accounts.accounts(SYSTEM) if one.id == account)
    wechat.account.report_url = f"http://testserver/hooks/wechat_mp/{account}/{token}/reports/"
    return service.save_line(
        actor=SYSTEM,
        line_id=None,
        mall_id=desk.star,
        channel="wechat",
        name="公众号",
        values={},
        account_id=account,
        now=NOW,
    )


def comes(wechat: WechatEmulator, event: dict[str, str], openid: str = OPENID) -> int:
    """WeChat's call, in the same transaction as the test."""
    url, body = emulator.call(wechat.account, openid, event)
    path = url.removeprefix("http://testserver")
    return Client().post(path, body, content_type="text/xml").status_code


def says(wechat: WechatEmulator, text: str, number: int = 1, openid: str = OPENID) -> int:
    emulator.note_heard(wechat.account, openid)
    return comes(wechat, {"MsgType": "text", "Content": text, "MsgId": str(10_000 + number)}, openid)


def answer(crew: Crew, text: str, now: dt.datetime | None = None) -> None:
    now = now or clock.now()
    service.write_as_staff(actor=crew.sun, number=Conversation.objects.get().number, text=text, now=now)
    service.carry_answers(actor=SYSTEM, now=now)


def test_a_message_becomes_a_conversation_once_and_is_answered(
    line: int, wechat: WechatEmulator, crew: Crew, li_si: int
) -> None:
    given = customers.NewIdentifier("openid", OPENID)
    customers.add_identifier(actor=SYSTEM, person_id=li_si, identifier=given, now=NOW)
    for _time in range(2):
        assert says(wechat, "停车怎么收费？") == 200
    assert says(wechat, "在吗", 2) == 200
    row = Conversation.objects.get()
    assert (row.person_id, row.channel, row.status) == (li_si, "wechat", "queued")
    assert Message.objects.filter(author_kind="member").count() == 2
    assert service.show_typing(actor=crew.sun, number=row.number, now=clock.now())
    answer(crew, "您好，每小时 5 元")
    assert wechat.account.served == [(OPENID, "您好，每小时 5 元")] and wechat.account.typing == [OPENID]
    assert Carriage.objects.get().status == "sent"
    assert Contact.objects.get().is_proven and OPENID not in Contact.objects.get().masked


def test_whoever_is_not_bound_is_a_guest(line: int, wechat: WechatEmulator, li_si: int) -> None:
    assert says(wechat, "你好") == 200
    row = Conversation.objects.get()
    assert row.person_id != li_si and says(wechat, "还在吗", 2) == 200
    assert Conversation.objects.count() == 1


def test_pictures_are_fetched_after_the_call(line: int, wechat: WechatEmulator) -> None:
    wechat.account.media["m1"] = ("image/png", PNG)
    assert comes(wechat, {"MsgType": "image", "PicUrl": "http://x", "MediaId": "m1", "MsgId": "7"}) == 200
    assert comes(wechat, {"MsgType": "image", "PicUrl": "http://x", "MediaId": "gone", "MsgId": "8"}) == 200
    assert not MessageFile.objects.exists()
    assert service.fetch_media(actor=SYSTEM, now=clock.now()) == 1
    assert service.fetch_media(actor=SYSTEM, now=clock.now()) == 0
    assert MessageFile.objects.get().content_type == "image/png"
    assert Message.objects.filter(kind="note", audience="staff").count() == 1


def test_outside_the_window_and_beyond_the_count_we_are_told_before_we_write(
    line: int, wechat: WechatEmulator, crew: Crew
) -> None:
    says(wechat, "你好")
    now = clock.now()
    number = Conversation.objects.get().number
    for count in range(5):
        answer(crew, f"第{count}条", now)
    with pytest.raises(service.AnswersUsedUp):
        answer(crew, "第六条", now)
    assert len(wechat.account.served) == 5
    end = queries.contact_of(Conversation.objects.get(), now)
    assert end and end.answers_left == 0
    service.write_as_staff(actor=crew.sun, number=number, text="内部备注", audience="staff", now=now)
    says(wechat, "还有问题", 2)
    answer(crew, "请讲", clock.now())
    with pytest.raises(service.WindowOver):
        answer(crew, "太晚了", clock.now() + 48 * HOUR)
    with pytest.raises(service.FilesNotCarried):
        service.write_as_staff(
            actor=crew.sun,
            number=number,
            text="",
            files=[service.NewFile("a.png", PNG)],
            now=clock.now(),
        )


def test_what_wechat_refuses_is_told_and_a_lost_answer_stays_unsure(
    line: int, wechat: WechatEmulator, crew: Crew
) -> None:
    says(wechat, "你好")
    wechat.account.fault = lambda path: 45015 if "custom/send" in path else 0
    answer(crew, "甲")
    assert (Carriage.objects.get().status, Carriage.objects.get().code) == ("failed", "45015")
    wechat.account.fault = lambda path: 45009 if "custom/send" in path else 0
    answer(crew, "乙")
    assert Carriage.objects.latest("id").status == "waiting"
    row = Carriage.objects.latest("id")
    Carriage.objects.filter(pk=row.pk).update(status="sending", due_at=NOW)  # whoever sent it died
    service.carry_answers(actor=SYSTEM, now=clock.now())
    row.refresh_from_db()
    assert row.status == "unsure" and not wechat.account.served


def test_events_and_accounts_without_a_line_make_no_conversation(line: int, wechat: WechatEmulator) -> None:
    for event in ("subscribe", "CLICK", "VIEW", "unsubscribe"):
        assert comes(wechat, {"Event": event, "EventKey": "x"}) == 200
    assert not Conversation.objects.exists()
    assert comes(wechat, {"MsgType": "text", "Content": "a"}) == 400  # without its number
    assert comes(wechat, {"MsgType": "image", "MediaId": "x" * 200, "MsgId": "1"}) == 400


@pytest.mark.parametrize(
    ("heard", "follows"),
    [
        (("subscribe", "unsubscribe"), False),
        (("unsubscribe", "subscribe"), True),
        (
            ("subscribe", "unsubscribe", "subscribe"),
            False,
        ),  # the first one again: WeChat repeats what it got no answer to
        (
            ("subscribe", "unsubscribe", "text"),
            False,
        ),  # a word proves that somebody followed, not that they still do
        (("text", "unsubscribe"), False),
    ],
)
def test_in_the_same_second_the_later_event_wins(
    wechat: WechatEmulator, desk: Malls, li_si: int, heard: tuple[str, ...], follows: bool
) -> None:
    account = open_account(
        wechat.url,
        "wechat_mp",
        name="公众号",
        values={"app_id": APP_ID, "app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY},
    )
    given = customers.NewIdentifier("openid", OPENID)
    customers.add_identifier(actor=SYSTEM, person_id=li_si, identifier=given, now=NOW)
    for event in heard:
        messaging.record_following(
            actor=SYSTEM,
            account_id=account,
            openid=OPENID,
            is_following=event != "unsubscribe",
            is_sign=event == "text",
            at=NOW,
            now=NOW,
        )
    assert WechatFollower.objects.get().is_following is follows

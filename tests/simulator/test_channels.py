"""The demonstration's channels: opened once, kept at every start, and a first campaign through the gates."""

from __future__ import annotations

import datetime as dt
import json
import urllib.request

import pytest

from tests.integrations.vendors import aliyun
from tests.people import NOW, Malls, build_malls, hire, publish_policy
from zhike.config.vendors import emulated_mini, emulated_wechat, emulated_wecom
from zhike.customers import operations as customers
from zhike.customers.models import Person
from zhike.integrations.web_push.emulator import PushEmulator, subscription
from zhike.integrations.wechat_mini import client as mini_client
from zhike.integrations.wechat_mini import emulator as mini
from zhike.integrations.wechat_mp import emulator
from zhike.integrations.wecom import client as wecom_client
from zhike.integrations.wecom import emulator as wecom
from zhike.loyalty import operations as loyalty
from zhike.messaging import operations, queries
from zhike.messaging.models import ChannelAccount, OutboundMessage, PushDevice
from zhike.simulator import contacts, wechat
from zhike.simulator import mini as mini_seed
from zhike.simulator.channels import ACTOR, open_demo_channels
from zhike.simulator.demo import open_channels
from zhike.simulator.notices import open_demo_notices


def enroll_three() -> Malls:
    """One who agrees to text messages, one to notifications, one to nothing."""
    malls = build_malls()
    publish_policy(malls)
    program_id = loyalty.create_program(
        actor=ACTOR, group_id=malls.group, code="zk", name="知客会员", redeem_minimum=100, now=NOW
    )
    loyalty.save_tier(
        actor=ACTOR, program_id=program_id, code="basic", name="普卡", rank=1, threshold_fen=0,
        colour="slate", benefits="", now=NOW,
    )  # fmt: skip
    for number, consents in enumerate(
        ([("marketing", "sms", "granted")], [("marketing", "push", "granted")], [])
    ):
        loyalty.enroll_member(
            actor=ACTOR,
            name=f"客{number}",
            phone=f"1380013800{number}",
            mall_id=malls.star,
            source="counter",
            consents=consents,
            policy_version="2026-01",
            method="paper",
            now=NOW,
        )
    return malls


@pytest.mark.feature("N9", "C128")
@pytest.mark.django_db(transaction=True)
def test_demo_opens_channels_once_and_its_campaign_passes_the_gates() -> None:
    enroll_three()
    with aliyun(look_up=lambda code: queries.told_wording("aliyun_sms", code), signs=None) as emulator:
        open_demo_channels(emulator.url, NOW)
        open_demo_channels(emulator.url, NOW)
        while operations.send_due(actor=ACTOR, now=NOW).total:
            pass
    assert ChannelAccount.objects.count() == 1
    assert len(emulator.operator.sent) == 1
    fates = OutboundMessage.objects.order_by("person_id", "id").values_list("channel", "status")
    assert sorted(fates) == [
        ("inbox", "delivered"), ("inbox", "refused"), ("sms", "refused"), ("sms", "refused"), ("sms", "sent"),
    ]  # fmt: skip


@pytest.mark.feature("N9", "C128")
@pytest.mark.django_db(transaction=True)
def test_demo_shows_notifications_where_members_listen_and_the_inbox_where_they_do_not() -> None:
    enroll_three()
    with PushEmulator() as service:
        for _start in range(2):
            open_demo_notices(service.url, subscription, NOW)
        newest = PushDevice.objects.order_by("-id")[0]
        PushDevice.objects.filter(person_id=newest.person_id).delete()
        while operations.send_due(actor=ACTOR, now=NOW).total:
            pass
    assert ChannelAccount.objects.count() == 1
    assert {one.title for one in service.service.shown} >= {"停车时长已到账"}
    fates = OutboundMessage.objects.filter(template="parking_hours").values_list("channel", "status")
    assert sorted(fates) == [("inbox", "delivered"), ("push", "refused"), ("push", "sent"), ("push", "sent")]


@pytest.mark.feature("N9", "C128", "D24")
@pytest.mark.django_db(transaction=True)
def test_demo_writes_to_followers_of_the_official_account_and_to_the_inbox_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enroll_three()
    monkeypatch.setattr(wechat, "FOLLOWERS", 2)
    account = emulator.Account(
        look_up=lambda code: emulator.keywords(queries.told_wording("wechat_mp", code)),
        follows=emulator.is_emulated,
    )
    with emulator.WechatEmulator(account) as running:
        for _start in range(2):
            wechat.open_demo_wechat(emulated_wechat(running.url), NOW)
        while operations.send_due(actor=ACTOR, now=NOW).total:
            pass
        phone = json.loads(urllib.request.urlopen(running.url, timeout=5).read())["messages"]
    assert ChannelAccount.objects.count() == 1
    assert len(phone) == len(account.sent) == 2
    assert "点击查看积分明细" in phone[0]["text"]
    fates = OutboundMessage.objects.values_list("channel", "status")
    assert sorted(fates) == [
        ("inbox", "delivered"),
        ("wechat", "refused"),
        ("wechat", "sent"),
        ("wechat", "sent"),
    ]


@pytest.mark.feature("N9", "B29", "C128")
@pytest.mark.django_db(transaction=True)
def test_demo_has_a_task_that_is_confirmed_and_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    malls = enroll_three()
    guides = [
        hire(malls, code, name, ("sales_associate", "merchant", malls.fashion))
        for code, name in (("zhou", "周导购"), ("wu", "吴导购"))
    ]
    for place, person_id in enumerate(Person.objects.order_by("id").values_list("id", flat=True)):
        staff_id = guides[place > 1].id
        customers.assign_associate(actor=ACTOR, person_id=person_id, staff_id=staff_id, now=NOW)
    at = [NOW.timestamp()]
    corp = wecom.Corp(
        users={"guide-1", "guide-2"},
        knows=wecom.is_emulated,
        unionid_of=wecom.demo_unionid,
        confirms=wecom.confirms_soon,
        now=lambda: at[0],
    )
    wecom_client.TOKENS.forget()
    with wecom.WecomEmulator(corp) as running:
        for _start in range(2):
            contacts.open_demo_contacts(emulated_wecom(running.url), NOW)
        assert operations.find_contact_owners(actor=ACTOR, now=NOW) == 3
        due = NOW + contacts.OPENS_AFTER
        operations.send_due(actor=ACTOR, now=due)
        at[0] += 60
        operations.look_at_tasks(actor=ACTOR, now=due + dt.timedelta(minutes=6))
    wecom_client.TOKENS.forget()
    states = queries.staff_tasks(ACTOR).items
    assert {(one.staff_name, one.state, one.delivered) for one in states} == {
        ("周导购", "confirmed", 2), ("吴导购", "open", 0),
    }  # fmt: skip


@pytest.mark.feature("N9", "C128")
@pytest.mark.django_db(transaction=True)
def test_demo_uses_up_what_members_accepted_in_the_mini_program() -> None:
    enroll_three()
    app = mini.App(
        look_up=lambda code: emulator.keywords(queries.told_wording("wechat_mini", code)),
        is_generous=mini.is_emulated,
    )
    mini_client.TOKENS.forget()
    with mini.MiniEmulator(app) as running:
        for _start in range(2):
            mini_seed.open_demo_mini(emulated_mini(running.url), NOW)
        while operations.send_due(actor=ACTOR, now=NOW).total:
            pass
    mini_client.TOKENS.forget()
    views = {one.name: one for one in queries.credit_views(ACTOR)}
    ready = views["到店取货提醒"]
    assert (ready.accepted, ready.used, ready.left) == (6, 2, 4)
    assert views["积分到期提醒"].rejected == 2
    assert len(app.sent) == 2


@pytest.mark.feature("N9", "C128")
@pytest.mark.django_db(transaction=True)
def test_all_of_the_demos_channels_open_beside_each_other() -> None:
    """At the first start and at every later one; no vendor is asked anything yet."""
    enroll_three()
    nobody = "http://127.0.0.1:9"
    for _start in range(2):
        open_channels(
            nobody,
            nobody,
            subscription,
            emulated_wechat(nobody),
            emulated_wecom(nobody),
            emulated_mini(nobody),
        )
    assert ChannelAccount.objects.count() == 5
    templates = queries.templates(ACTOR)
    assert len({one.code for one in templates}) == len(templates) >= 5

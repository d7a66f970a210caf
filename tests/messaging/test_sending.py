"""The one way out, in the database: each gate with its people, what is counted, what follows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integrations.vendors import SYSTEM, aliyun, approve_at_vendor, open_account
from tests.kernel.threads import run_threads
from tests.people import NOW, Crew, Malls, build_malls, meet, publish_policy
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry
from zhike.messaging import operations, queries
from zhike.messaging.models import OutboundMessage, Spending, Suppression
from zhike.messaging.ports import Reply
from zhike.privacy import operations as privacy
from zhike.privacy import queries as consents

OFFER = "${name}您好，会员日全场八折，拒收请回复R"
YEAR = dt.timedelta(days=365)


def write(code: str, kind: str, *channels: str, body: str = OFFER, approve: bool = True) -> int:
    """A template with an approved Chinese wording for each channel; its id."""
    group_id = _group()
    template_id = operations.create_template(
        actor=SYSTEM, group_id=group_id, code=code, name=code, kind=kind, fallback=channels, now=NOW
    )
    for channel in channels:
        version_id = operations.write_version(
            actor=SYSTEM, template_id=template_id, channel=channel, language="zh-hans",
            title="" if channel == "sms" else "会员日", body=body, now=NOW,
        )  # fmt: skip
        if approve:
            operations.approve_version(actor=SYSTEM, version_id=version_id, now=NOW)
    return template_id


def _group() -> int:
    from zhike.organization import queries as organization

    return organization.default_group().id


def agree(person_id: int, *channels: str, decision: str = "granted") -> None:
    privacy.record_consents(
        actor=SYSTEM,
        person_id=person_id,
        decisions=[privacy.Decision("marketing", channel, decision) for channel in channels],
        policy_version="2026-01",
        method="paper",
        evidence={},
        now=NOW,
    )


def ask(*person_ids: int, template: str = "offer", now: dt.datetime = NOW, **more: Any) -> operations.Asked:
    return operations.send_messages(actor=SYSTEM, template=template, person_ids=person_ids, now=now, **more)


def go(now: dt.datetime = NOW) -> None:
    operations.send_due(actor=SYSTEM, now=now)


def fates() -> list[tuple[str, str, str]]:
    return list(OutboundMessage.objects.order_by("id").values_list("status", "gate", "reason"))


@dataclass
class Town:
    malls: Malls
    zhang: int
    li: int


@pytest.fixture
def town(db: None) -> Town:
    """Two members who agreed to offers in the app; the wording of an offer for the inbox."""
    malls = build_malls()
    publish_policy(malls)
    zhang = meet(malls, "张三", "13800138000", birthday=dt.date(1990, 5, 12))
    li = meet(malls, "李四", "13900139000", mall_id=malls.cloud, merchant_id=malls.noodles)
    agree(zhang, "push", "sms")
    agree(li, "push")
    write("offer", "marketing", "inbox")
    return Town(malls, zhang, li)


@pytest.mark.feature("C128", "C136")
def test_an_offer_lies_in_the_inbox_and_is_opened(town: Town) -> None:
    from zhike.customers.queries import viewer_of_person

    asked = ask(town.zhang, town.li, campaign="day")
    go()
    assert fates() == [("delivered", "", "")] * 2
    me = viewer_of_person(town.zhang)
    [message] = queries.inbox(me, town.zhang).items
    assert (message.title, message.body) == ("会员日", "张三您好，会员日全场八折，拒收请回复R")
    with pytest.raises(NotFound):
        queries.inbox(me, town.li)
    with pytest.raises(NotFound):
        operations.mark_read(actor=me, message_id=asked.message_ids[1], now=NOW)
    assert queries.unread_count(town.zhang) == 1
    for _time in range(2):
        operations.mark_read(actor=me, message_id=message.id, now=NOW)
    wanted = queries.Filter(NOW - YEAR, NOW + YEAR, campaign="day")
    funnel = queries.sending(SYSTEM, wanted).funnel
    assert (funnel.written, funnel.sent, funnel.delivered, funnel.opened, funnel.people) == (2, 2, 2, 1, 2)


@pytest.mark.feature("B45", "B19", "C136")
def test_each_refusal_is_recorded_counted_and_drilled_into(town: Town, crew: Crew) -> None:
    silent = meet(town.malls, "王五", "13700137000")
    child = meet(town.malls, "小明", "13600136000", birthday=dt.date(2012, 1, 1))
    agree(child, "push")
    refused = meet(town.malls, "赵六", "13500135000")
    agree(refused, "push")
    agree(refused, "push", decision="withdrawn")
    ask(town.zhang, silent, child, refused)
    go()
    assert fates() == [
        ("delivered", "", ""),
        ("refused", "consent", "no_consent"),
        ("refused", "minor", "minor"),
        ("refused", "consent", "no_consent"),
    ]
    wanted = queries.Filter(NOW - YEAR, NOW + YEAR)
    found = queries.sending(SYSTEM, wanted)
    assert [(one.gate, one.reason, one.count) for one in found.refusals] == [
        ("consent", "no_consent", 2),
        ("minor", "minor", 1),
    ]
    drilled = queries.Filter(NOW - YEAR, NOW + YEAR, gate="consent", reason="no_consent")
    assert {row.person_id for row in queries.messages(SYSTEM, drilled).items} == {silent, refused}
    assert queries.sending(crew.qian, wanted).funnel.written == 0
    assert queries.sending(crew.wang, wanted).funnel.written == 4
    with pytest.raises(NotAllowed):
        queries.sending(crew.li, wanted)


@pytest.mark.feature("C028")
def test_who_may_send_to_whom(town: Town, crew: Crew) -> None:
    for stranger in (crew.wang, crew.sun, crew.li, crew.nobody, crew.wu):
        with pytest.raises(NotAllowed):
            operations.send_messages(actor=stranger, template="offer", person_ids=[town.zhang], now=NOW)
    operations.send_messages(actor=crew.chen, template="offer", person_ids=[town.zhang], now=NOW)
    with pytest.raises(NotFound):
        operations.send_messages(actor=crew.chen, template="offer", person_ids=[10**9], now=NOW)
    for template in ("nothing", "one_time_code"):
        with pytest.raises(operations.UnknownTemplate):
            ask(town.zhang, template=template)
    assert OutboundMessage.objects.count() == 1


def test_the_same_request_again_writes_to_nobody_twice(town: Town) -> None:
    assert ask(town.zhang, once="spring").count == 1
    again = ask(town.zhang, town.li, once="spring")
    assert (again.count, again.repeated) == (1, 1)


def test_values_that_nobody_gave_are_asked_for_before_anything_is_written(town: Town) -> None:
    write("points", "service", "inbox", body="您的 ${points} 积分将于 ${day} 到期")
    with pytest.raises(operations.ValuesMissing) as missing:
        ask(town.zhang, template="points", values={"day": "3 月 31 日"})
    assert missing.value.params["names"] == "points"
    ask(
        town.zhang,
        template="points",
        values={"day": "3 月 31 日"},
        own_values={town.zhang: {"points": "120"}},
    )
    go()
    [message] = queries.inbox(SYSTEM, town.zhang).items
    assert message.body == "您的 120 积分将于 3 月 31 日 到期"


@pytest.mark.feature("B19")
def test_caps_count_what_went_and_open_again_after_a_day(town: Town) -> None:
    ask(town.zhang, once="a")
    ask(town.zhang, once="b")
    ask(town.zhang, once="c")
    go()
    assert [fate[2] for fate in fates()] == ["", "", "total_per_day"]
    tomorrow = NOW + dt.timedelta(days=1, minutes=1)
    ask(town.zhang, now=tomorrow)
    go(tomorrow)
    assert fates()[-1][0] == "delivered"


@pytest.mark.feature("B19")
def test_night_and_own_hours_postpone_and_a_service_message_passes(town: Town) -> None:
    write("service", "service", "inbox", body="您的车已满两小时")
    night = NOW.replace(hour=14)  # 22:00 in the mall
    ask(town.zhang, now=night)
    ask(town.zhang, template="service", now=night)
    go(night)
    assert fates() == [("queued", "quiet", "quiet_hours"), ("delivered", "", "")]
    waiting = OutboundMessage.objects.get(status="queued")
    assert waiting.due_at == dt.datetime(2026, 3, 9, 0, 0, tzinfo=dt.UTC)
    from zhike.customers.queries import viewer_of_person

    me = viewer_of_person(town.zhang)
    quiet = (dt.time(7, 30), dt.time(9, 0))
    operations.set_own_quiet_hours(actor=me, person_id=town.zhang, quiet=quiet, now=night)
    go(waiting.due_at)
    assert OutboundMessage.objects.get(status="queued").due_at == dt.datetime(2026, 3, 9, 1, 0, tzinfo=dt.UTC)
    go(dt.datetime(2026, 3, 9, 1, 0, tzinfo=dt.UTC))
    assert not OutboundMessage.objects.filter(status="queued").exists()
    with pytest.raises(NotFound):
        operations.set_own_quiet_hours(actor=me, person_id=town.li, quiet=quiet, now=night)
    with pytest.raises(operations.QuietHoursUnusable):
        operations.set_own_quiet_hours(
            actor=me, person_id=town.zhang, quiet=(dt.time(8), dt.time(8)), now=night
        )


@pytest.mark.feature("B19")
def test_holidays_are_kept_when_the_policy_says_so(town: Town) -> None:
    operations.save_policy(
        actor=SYSTEM,
        group_id=town.malls.group,
        changes={"skips_holidays": True, "when_quiet": "drop"},
        now=NOW,
    )
    national_day = dt.datetime(2026, 10, 1, 3, 0, tzinfo=dt.UTC)
    ask(town.zhang, now=national_day)
    go(national_day)
    assert fates() == [("refused", "quiet", "holiday")]


@pytest.mark.feature("C128")
def test_what_cannot_go_on_one_channel_goes_on_the_next(town: Town) -> None:
    write("both", "marketing", "sms", "inbox")
    ask(town.li, template="both")
    go()
    go()
    assert fates() == [("refused", "consent", "no_consent"), ("delivered", "", "")]
    first, second = OutboundMessage.objects.order_by("id")
    assert second.first == first.pk
    found = queries.sending(SYSTEM, queries.Filter(NOW - YEAR, NOW + YEAR))
    assert (found.funnel.written, found.funnel.refused, found.funnel.delivered) == (1, 0, 1)
    assert [one.reason for one in found.refusals] == ["no_consent"]


@pytest.mark.feature("C128")
@pytest.mark.django_db(transaction=True)
def test_wording_account_and_budget_gates_with_a_real_vendor() -> None:
    malls = build_malls()
    publish_policy(malls)
    people = [meet(malls, f"客{n}", f"1380013800{n}") for n in range(4)]
    for person in people:
        agree(person, "sms")
    write("offer", "marketing", "sms", approve=False)
    ask(people[0])
    go()
    [draft] = queries.versions(SYSTEM, next(t.id for t in queries.templates(SYSTEM) if t.code == "offer"))
    operations.approve_version(actor=SYSTEM, version_id=draft.id, now=NOW)
    ask(people[1])
    go()
    with aliyun() as emulator:
        account_id = open_account(emulator.url)
        ask(people[2])
        go()
        approve_at_vendor(emulator, account_id, "offer", "SMS_9")
        operations.save_policy(actor=SYSTEM, group_id=malls.group, changes={"budget_fen": 10}, now=NOW)
        ask(*people)
        go()
    assert [fate[2] for fate in fates()][:3] == ["no_wording", "no_account", "not_approved_by_vendor"]
    assert [fate[:2] for fate in fates()][3:] == [("sent", "")] * 2 + [("refused", "budget")] * 2
    assert Spending.objects.get().cost == 9_000
    assert "拒收请回复R" in emulator.operator.sent[0].text


@pytest.mark.feature("B45")
@pytest.mark.django_db(transaction=True)
def test_a_refusal_holds_at_once_for_everything_but_codes() -> None:
    malls = build_malls()
    publish_policy(malls)
    person = meet(malls, "张三", "13800138000")
    agree(person, "sms", "push")
    write("offer", "marketing", "sms")
    with aliyun() as emulator:
        account_id = open_account(emulator.url)
        approve_at_vendor(emulator, account_id, "offer", "SMS_9")
        approve_at_vendor(emulator, account_id)
        asked = ask(person, once="waiting")
        replies = [Reply("1", "+8613800138000", "TD", NOW)]
        operations.record_replies(actor=SYSTEM, account_id=account_id, replies=replies, now=NOW)
        assert operations.record_replies(actor=SYSTEM, account_id=account_id, replies=replies, now=NOW) == 0
        go()
        agree(person, "sms")
        ask(person)
        go()
        operations.send_one_time_code(
            actor=SYSTEM, phone="13800138000", purpose="log_in", language="", now=NOW
        )
        go()
    assert asked.count == 1
    assert [fate[1:] for fate in fates()] == [
        ("consent", "no_consent"), ("suppressed", "refused_by_reply"), ("", ""),
    ]  # fmt: skip
    assert len(emulator.operator.sent) == 1
    assert Suppression.objects.count() == 1


@pytest.mark.feature("B45")
def test_the_link_in_a_message_ends_offers_without_a_log_in(town: Town) -> None:
    [message_id] = ask(town.zhang).message_ids
    token = queries.refusal_url(message_id).split("/")[-2]
    with pytest.raises(NotFound):
        operations.refuse_by_link(actor=SYSTEM, token=f"{message_id}-{'0' * 24}", now=NOW)
    with pytest.raises(NotFound):
        operations.refuse_by_link(actor=SYSTEM, token=token.replace(str(message_id), "999"), now=NOW)
    for _time in range(2):
        operations.refuse_by_link(actor=SYSTEM, token=token, now=NOW)
    assert not consents.may_contact(town.zhang, "marketing", "push")
    assert consents.may_contact(town.zhang, "marketing", "sms")


@pytest.mark.feature("B19")
@pytest.mark.django_db(transaction=True)
def test_caps_hold_when_many_send_at_once() -> None:
    malls = build_malls()
    publish_policy(malls)
    person = meet(malls, "张三", "13800138000")
    agree(person, "push")
    write("offer", "marketing", "inbox")
    for number in range(32):
        ask(person, once=str(number))
    run_threads([lambda: operations.send_due(actor=SYSTEM, now=NOW, limit=2)] * 32)
    while operations.send_due(actor=SYSTEM, now=NOW).total:
        pass
    assert sorted(fate[0] for fate in fates()) == ["delivered"] * 2 + ["refused"] * 30


@pytest.mark.feature("C028")
def test_policy_is_kept_within_the_law_and_audited(town: Town, crew: Crew) -> None:
    for changes in (
        {"quiet_from": dt.time(22)},
        {"quiet_until": dt.time(6)},
        {"total_per_day": -1},
        {"channel_per_day": {"pigeon": 1}},
        {"when_quiet": "shout"},
        {"budget_fen": -1},
    ):
        with pytest.raises(operations.PolicyUnusable):
            operations.save_policy(actor=SYSTEM, group_id=town.malls.group, changes=changes, now=NOW)
    with pytest.raises(NotAllowed):
        operations.save_policy(actor=crew.chen, group_id=town.malls.group, changes={}, now=NOW)
    operations.save_policy(actor=crew.ops, group_id=town.malls.group, changes={"total_per_day": 1}, now=NOW)
    assert queries.policy(crew.chen, NOW).total_per_day == 1
    assert AuditEntry.objects.latest("id").action == "sending_policy.save"

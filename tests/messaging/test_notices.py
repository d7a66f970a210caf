"""Notifications through the one way out: who gets them where, what browsers tell, what becomes of devices."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integrations.vendors import SYSTEM
from tests.kernel.threads import run_threads
from tests.messaging.test_sending import agree, ask, fates, go, write
from tests.people import NOW, Crew, Malls, build_malls, meet, publish_policy
from zhike.integrations.web_push.emulator import PushEmulator, Service, subscription
from zhike.kernel.errors import NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.messaging import operations, queries
from zhike.messaging.models import ChannelAccount, OutboundMessage, PushDevice
from zhike.messaging.operations.devices import DEVICES_MAX
from zhike.organization import queries as organization

pytestmark = pytest.mark.feature("C128", "C136")
OFFER = "${name}您好，会员日全场八折"


@pytest.fixture
def emulator() -> Iterator[PushEmulator]:
    with PushEmulator(Service(now=lambda: dt.datetime.now(dt.UTC).timestamp())) as running:
        yield running


@pytest.fixture
def malls(db: None) -> Malls:
    found = build_malls()
    publish_policy(found)
    return found


@pytest.fixture
def zhang(malls: Malls, emulator: PushEmulator) -> int:
    """张三, who has an account of the house to get notifications from, and no browser yet."""
    open_push(emulator.url)
    return meet(malls, "张三", "13800138000")


def open_push(url: str, **values: str) -> int:
    return operations.save_account(
        actor=SYSTEM,
        account_id=None,
        group_id=organization.default_group().id,
        vendor="web_push",
        name="浏览器通知",
        values={"contact": "mailto:desk@example.com", "emulator": url} | values,
        price=0,
        position=0,
        is_active=True,
        now=NOW,
    )


def listen(person_id: int, browser: str, *, now: dt.datetime = NOW, **changes: str) -> int:
    device = subscription(browser)
    given = {
        "endpoint": device.endpoint,
        "p256dh": device.p256dh,
        "auth": device.auth,
        "name": "Chrome · Android",
    }
    return operations.add_push_device(actor=SYSTEM, person_id=person_id, now=now, **given | changes)


def types() -> list[str]:
    rows = Event.objects.filter(type__contains="push_device").order_by("position")
    return [row.type.rpartition(".")[2] + ":" + row.data.get("why", "") for row in rows]


def test_offer_needs_a_browser_and_consent_and_shows_on_every_device(
    zhang: int, emulator: PushEmulator
) -> None:
    write("offer", "marketing", "push", body=OFFER)
    agree(zhang, "push")
    ask(zhang)
    go()
    assert fates() == [("refused", "address", "no_address")]
    for browser in ("phone", "laptop"):
        listen(zhang, browser)
    ask(zhang)
    go()
    assert sorted(one.browser for one in emulator.service.shown) == ["laptop", "phone"]
    assert emulator.service.shown[0].body == "张三您好，会员日全场八折"
    agree(zhang, "push", decision="withdrawn")
    ask(zhang)
    go()
    assert fates()[1:] == [("sent", "", ""), ("refused", "consent", "no_consent")]


def test_browser_that_is_no_more_is_forgotten_and_the_next_channel_tried(
    zhang: int, emulator: PushEmulator
) -> None:
    write("notice", "service", "push", "inbox", body="${name}，您的券已到账")
    listen(zhang, "old")
    emulator.service.gone.add("old")
    ask(zhang, template="notice")
    go()
    go()
    assert fates() == [("failed", "", "no_device"), ("delivered", "", "")]
    assert not PushDevice.objects.exists()
    assert types() == ["push_device_added:", "push_device_removed:gone"]


def test_throttled_message_waits_as_long_as_the_service_says_and_no_longer_than_three_days(
    zhang: int, emulator: PushEmulator
) -> None:
    write("notice", "service", "push", body="${name}，您的券已到账")
    listen(zhang, "phone")
    busy = [(429, "600")]
    emulator.service.fault = lambda browser: busy[0] if busy else None
    ask(zhang, template="notice")
    go()
    row = OutboundMessage.objects.get()
    assert (row.status, row.due_at) == ("queued", NOW + dt.timedelta(seconds=600))
    assert ChannelAccount.objects.get().paused_until is None
    later = NOW + dt.timedelta(days=3)
    go(later)
    assert fates() == [("failed", "", "429")]
    busy.clear()
    ask(zhang, template="notice", now=later)
    go(later)
    assert OutboundMessage.objects.latest("id").status == "sent"


def test_browser_tells_that_it_showed_and_that_it_was_tapped_once_each(
    zhang: int, emulator: PushEmulator, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://zhike.example"
    write("offer", "marketing", "push", body=OFFER + " ${link}")
    agree(zhang, "push")
    listen(zhang, "phone")
    ask(zhang, values={"link": "https://zhike.example/m/go/abc-1/"})
    go()
    [notice] = emulator.service.shown
    assert notice.body == "张三您好，会员日全场八折"
    token = notice.url.removeprefix("/m/n/").strip("/")
    for is_opened in (False, True, True, False):
        path = operations.record_notice(actor=SYSTEM, token=token, is_opened=is_opened, now=NOW)
        assert path == "/m/go/abc-1/"
    row = OutboundMessage.objects.get()
    assert (row.status, row.delivered_at, row.read_at) == ("delivered", NOW, NOW)
    told = Event.objects.filter(type__startswith="zhike.messaging.message_").order_by("position")
    assert [one.type.rpartition("_")[2] for one in told] == ["queued", "sent", "delivered", "read"]
    day = dt.timedelta(days=1)
    funnel = queries.sending(SYSTEM, queries.Filter(NOW - day, NOW + day)).funnel
    assert (funnel.sent, funnel.delivered, funnel.opened, funnel.people) == (1, 1, 1, 1)
    for forged in (
        f"{row.pk}-{'0' * 24}",
        "x",
        f"{row.pk + 1}{token[len(str(row.pk)) :]}",
        queries.refusal_path(row.pk)[6:-1],
    ):
        with pytest.raises(NotFound):
            operations.record_notice(actor=SYSTEM, token=forged, is_opened=True, now=NOW)


def test_shown_before_the_answer_is_written_down_counts_as_sent_and_delivered(zhang: int) -> None:
    write("notice", "service", "push", body="${name}，您的券已到账")
    listen(zhang, "phone")
    ask(zhang, template="notice")
    OutboundMessage.objects.update(status="sending", sent_at=NOW)
    token = queries.notice_path(OutboundMessage.objects.get().pk).split("/")[3]
    operations.record_notice(actor=SYSTEM, token=token, is_opened=False, now=NOW)
    assert fates() == [("delivered", "", "")]
    told = Event.objects.filter(type__startswith="zhike.messaging.message_").order_by("position")
    assert [one.type.rpartition("_")[2] for one in told] == ["queued", "sent", "delivered"]


def test_device_is_for_colleagues_and_its_owner_and_never_kept_in_the_clear(
    zhang: int, malls: Malls, crew: Crew
) -> None:
    device_id = listen(zhang, "phone")
    row = PushDevice.objects.get()
    assert b"fcm.googleapis.com" not in bytes(row.endpoint) + bytes(row.keys)
    assert "fcm" not in str(list(AuditEntry.objects.values_list("after", flat=True)))
    assert [one.name for one in queries.push_devices(crew.sun, zhang)] == ["Chrome · Android"]
    with pytest.raises(NotFound):
        queries.push_devices(crew.qian, zhang)
    given = {"person_id": zhang, "device_id": device_id, "now": NOW}
    with pytest.raises(NotFound):
        operations.remove_push_device(actor=crew.qian, **given)
    li = meet(malls, "李四", "13900139000")
    with pytest.raises(NotFound):
        operations.remove_push_device(actor=SYSTEM, person_id=li, device_id=device_id, now=NOW)
    assert PushDevice.objects.count() == 1
    operations.remove_push_device(actor=crew.sun, **given)
    assert not PushDevice.objects.exists()
    assert types() == ["push_device_added:", "push_device_removed:member"]


def test_browser_belongs_to_whoever_asked_last(zhang: int, malls: Malls) -> None:
    li = meet(malls, "李四", "13900139000")
    first = listen(zhang, "shared")
    assert listen(zhang, "shared", name="Edge · Windows") == first
    assert listen(li, "shared") != first
    assert [row.person_id for row in PushDevice.objects.all()] == [li]
    assert types() == ["push_device_added:", "push_device_removed:moved", "push_device_added:"]


def test_oldest_device_makes_room(zhang: int) -> None:
    for number in range(DEVICES_MAX + 2):
        listen(zhang, f"phone-{number}", now=NOW + dt.timedelta(minutes=number))
    assert PushDevice.objects.count() == DEVICES_MAX
    assert types().count("push_device_removed:crowded") == 2
    assert PushDevice.objects.order_by("added_at")[0].added_at == NOW + dt.timedelta(minutes=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://10.0.0.7/push"},
        {"endpoint": "https://fcm.googleapis.com/" + "x" * 2_000},
        {"endpoint": "https://fcm.googleapis.com/\0"},
        {"p256dh": "AAAA"},
        {"p256dh": "短" * 40},
        {"auth": ""},
    ],
)
def test_unusable_device_is_refused_and_nothing_is_kept(zhang: int, changes: dict[str, str]) -> None:
    with pytest.raises(operations.DeviceUnusable):
        listen(zhang, "phone", **changes)
    assert not PushDevice.objects.exists()


def test_without_an_account_nobody_subscribes(malls: Malls) -> None:
    li = meet(malls, "李四", "13900139000")
    assert queries.push_key() == ""
    with pytest.raises(operations.NotificationsClosed):
        listen(li, "phone")
    write("notice", "service", "push", body="${name}，您的券已到账")
    ask(li, template="notice")
    go()
    assert fates() == [("refused", "account", "no_account")]


def test_key_is_made_once_and_kept_encrypted(zhang: int, emulator: PushEmulator) -> None:
    key = queries.push_key()
    account = ChannelAccount.objects.get()
    assert len(key) == 87
    operations.save_account(
        actor=SYSTEM, account_id=account.pk, group_id=account.group_id, vendor="web_push", name="改名",
        values={"contact": "mailto:x@example.com"}, price=0, position=0, is_active=True, now=NOW,
    )  # fmt: skip
    assert queries.push_key() == key
    for wrong in ({"contact": "somebody"}, {"contact": "mailto:x@example.com", "private_key": "short"}):
        with pytest.raises(operations.AccountIncomplete):
            open_push(emulator.url, **wrong)


def test_devices_of_a_merged_person_are_written_to_and_stay_with_their_side_when_it_is_undone(
    zhang: int, malls: Malls, emulator: PushEmulator
) -> None:
    li = meet(malls, "张三", "13900139000")
    listen(zhang, "phone")
    listen(li, "laptop")
    write("notice", "service", "push", body="${name}，您的券已到账")
    merged = loyalty.merge_persons(actor=SYSTEM, survivor_id=zhang, merged_id=li, reason="同一个人", now=NOW)
    ask(zhang, template="notice")
    go()
    assert sorted(one.browser for one in emulator.service.shown) == ["laptop", "phone"]
    assert len(queries.push_devices(SYSTEM, zhang)) == 2
    loyalty.unmerge_persons(actor=SYSTEM, merge_id=merged.merge_id, reason="不是", now=NOW)
    assert [one.name for one in queries.push_devices(SYSTEM, zhang)] == ["Chrome · Android"]


@pytest.mark.django_db(transaction=True)
def test_one_browser_asked_for_by_32_at_once_is_one_device(emulator: PushEmulator) -> None:
    malls = build_malls()
    zhang = meet(malls, "张三", "13800138000")
    open_push(emulator.url)
    run_threads([functools.partial(listen, zhang, f"phone-{number % 16}") for number in range(32)])
    assert PushDevice.objects.count() == DEVICES_MAX

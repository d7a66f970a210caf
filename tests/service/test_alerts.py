"""Alerts by message: the chain, quiet hours, who is passed over, once each, and what the vendor really got."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from tests.kernel.threads import run_threads
from tests.people import NOW, Crew, Malls, build_crew, build_malls
from tests.service.conftest import SYSTEM, found
from zhike.kernel import crypto
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry, Event
from zhike.messaging.models import OutboundMessage
from zhike.messaging.queries.sent import BODY_FIELD, RECIPIENT_FIELD
from zhike.organization import queries as organization
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Alert, AlertContact, AlertNotice
from zhike.service.rules import alerts as rules
from zhike.service.rules import forecast

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C181")]
MINUTE = dt.timedelta(minutes=1)
Complain = Callable[..., str]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def reach(who: Viewer, phone: str = "13800000001", **more: object) -> None:
    service.save_alert_contact(
        actor=who, staff_id=who.id or 0, channel="sms", address=phone, now=NOW, **more  # type: ignore[arg-type]
    )  # fmt: skip


def tell(now: dt.datetime) -> int:
    return service.tell_alerts(actor=SYSTEM, now=now)


def written() -> list[tuple[str, str]]:
    """(to, text) of every message to our people, in order."""
    return [
        (
            crypto.decrypt(bytes(row.recipient), field=RECIPIENT_FIELD, row=row.pk),
            crypto.decrypt(bytes(row.body), field=BODY_FIELD, row=row.pk),
        )
        for row in OutboundMessage.objects.filter(template="staff_alert").order_by("id")
    ]


# --- the rule ------------------------------------------------------------------------------------------------------


def test_the_next_is_whoever_can_be_told() -> None:
    at = dt.datetime(2026, 3, 8, 22, 30, tzinfo=SHANGHAI)
    night = (dt.time(22), dt.time(8))
    chain = [
        rules.Contact(1, has_address=False),
        rules.Contact(2, is_off=True),
        rules.Contact(3, absent_until=at + MINUTE),
        rules.Contact(4, quiet=night),
        rules.Contact(5),
    ]
    assert rules.next_step(chain, (), "breach", at) == rules.Step("tell", 5)
    assert rules.next_step(chain, (), "major", at) == rules.Step("tell", 4)
    assert rules.next_step(chain, (), "breach", at + dt.timedelta(minutes=1)).staff_id == 3
    waits = rules.next_step(chain, (5,), "breach", at)
    assert (waits.act, waits.at) == ("wait", dt.datetime(2026, 3, 9, 8, tzinfo=SHANGHAI))
    assert rules.next_step(chain, (4, 5), "breach", at) == rules.Step("end")
    assert rules.Contact(6, quiet=(dt.time(9), dt.time(9))).quiet_until(at) is None
    early = dt.datetime(2026, 3, 9, 3, tzinfo=SHANGHAI)
    assert rules.Contact(6, quiet=night).quiet_until(early) == dt.datetime(2026, 3, 9, 8, tzinfo=SHANGHAI)


# --- telling -------------------------------------------------------------------------------------------------------


def test_a_breach_goes_down_the_chain_until_somebody_takes_note(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    reach(crew.wang, "13800000001")
    reach(crew.admin, "13800000002")
    service.save_alert_chain(
        actor=SYSTEM,
        mall_id=desk.star,
        role="mall_manager",
        staff_ids=[crew.wang.id or 0],
        patience=5,
        now=NOW,
    )
    number = complain()
    service.sweep_deadlines(actor=SYSTEM, now=NOW + 31 * MINUTE)
    assert [tell(NOW + n * MINUTE) for n in (31, 32, 60)] == [1, 0, 0]
    [(to, text)] = written()
    assert to == "+8613800000001" and number in text and "已超时" in text
    service.save_alert_chain(
        actor=SYSTEM, mall_id=desk.star, role="mall_manager", staff_ids=[], patience=5, now=NOW
    )
    assert AlertNotice.objects.count() == 1
    assert Event.objects.filter(type="zhike.service.staff_told").count() == 1


def test_after_the_patience_the_next_is_told_but_not_once_somebody_took_note(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    reach(crew.sun, "13800000001")
    reach(crew.wang, "13800000002")
    ids = [crew.sun.id or 0, crew.wang.id or 0]
    service.save_alert_chain(
        actor=SYSTEM, mall_id=desk.star, role="mall_manager", staff_ids=ids, patience=5, now=NOW
    )
    complain()
    complain()
    service.sweep_deadlines(actor=SYSTEM, now=NOW + 31 * MINUTE)
    told = [tell(NOW + n * MINUTE) for n in (31, 35, 36, 50)]
    assert sum(told[1:2]) == 0 and told[2] == 1 and told[3] == 0
    texts = [text for _to, text in written() if "超时" in text]
    assert any("2条" in text for text in texts)
    numbers = AlertNotice.objects.values_list("alert_id", "staff_id")
    assert len(numbers) == len(set(numbers))
    complain()
    service.sweep_deadlines(actor=SYSTEM, now=NOW + 31 * MINUTE)
    for alert in Alert.objects.filter(seen_at=None):
        service.see_alert(actor=crew.wang, alert_id=alert.pk, now=NOW + 31 * MINUTE)
    assert tell(NOW + 32 * MINUTE) == 0


@pytest.mark.parametrize(
    "state", [{"is_off": True}, {"absent_until": NOW + dt.timedelta(days=2)}, {"quiet": True}]
)
def test_whoever_is_off_absent_or_asleep_is_passed_over(
    desk: Malls, crew: Crew, complain: Complain, state: dict[str, object]
) -> None:
    if state.pop("quiet", None):
        state = {"quiet_from": dt.time(9), "quiet_until": dt.time(12)}  # NOW is ten o'clock in Shanghai
    reach(crew.sun, "13800000001", **state)
    reach(crew.wang, "13800000002")
    service.save_alert_chain(
        actor=SYSTEM, mall_id=desk.star, role="mall_manager", staff_ids=[crew.sun.id or 0, crew.wang.id or 0],
        patience=5, now=NOW,
    )  # fmt: skip
    complain()
    service.sweep_deadlines(actor=SYSTEM, now=NOW + 31 * MINUTE)
    tell(NOW + 31 * MINUTE)
    assert {to for to, text in written() if "已超时" in text} == {"+8613800000002"}


def test_a_day_later_and_after_closing_nobody_is_told(desk: Malls, crew: Crew, complain: Complain) -> None:
    number = complain()
    service.sweep_deadlines(actor=SYSTEM, now=NOW + 31 * MINUTE)
    assert tell(NOW + 31 * MINUTE) == 0
    reach(crew.wang)
    Alert.objects.update(tell_at=NOW)
    assert tell(NOW + dt.timedelta(days=3)) == 0 and not Alert.objects.exclude(tell_at=None).exists()
    Alert.objects.update(tell_at=NOW)
    service.close_ticket(actor=crew.sun, number=number, now=NOW + 40 * MINUTE)
    assert tell(NOW + 41 * MINUTE) == 0


# --- settings ------------------------------------------------------------------------------------------------------


def test_own_contact_is_ones_own_and_kept_encrypted(desk: Malls, crew: Crew) -> None:
    reach(crew.sun, "138 0000 0001")
    row = AlertContact.objects.get()
    assert b"13800000001" not in bytes(row.address) and "0001" in row.masked
    reach(crew.sun, "", quiet_from=dt.time(22), quiet_until=dt.time(8))
    assert queries.own_contact(crew.sun, NOW).masked == row.masked
    assert AuditEntry.objects.latest("id").action == "alert_contact.save"
    for address, more in (("12", {}), ("13800000001", {"quiet_from": dt.time(9)})):
        with pytest.raises(service.AlertContactInvalid):
            reach(crew.sun, address, **more)
    with pytest.raises(NotAllowed):
        service.save_alert_contact(
            actor=crew.sun, staff_id=crew.wang.id or 0, channel="sms", address="13800000003", now=NOW
        )
    chain = {"mall_id": desk.star, "role": "mall_manager", "patience": 5, "now": NOW}
    for bad in (
        {"staff_ids": [crew.sun.id] * 2},
        {"staff_ids": [987654]},
        {"patience": 0},
        {"role": "cashier"},
    ):
        with pytest.raises(service.AlertChainInvalid):
            service.save_alert_chain(**({"actor": SYSTEM, "staff_ids": []} | chain | bad))  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        service.save_alert_chain(actor=crew.qian, staff_ids=[], **chain)  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_once(db: None) -> None:
    malls = build_malls()
    crew = build_crew(malls)
    found(malls)
    reach(crew.wang)
    for _number in range(3):
        service.open_ticket(
            actor=SYSTEM, type="complaint", text="咖啡里有异物", channel="phone", merchant_id=malls.cafe, now=NOW
        )  # fmt: skip
    service.sweep_deadlines(actor=SYSTEM, now=NOW + 31 * MINUTE)
    run_threads([lambda: tell(NOW + 31 * MINUTE)] * 4)
    rows = list(AlertNotice.objects.values_list("alert_id", "staff_id"))
    assert len(rows) == len(set(rows)) and set(rows) >= {
        (pk, crew.wang.id) for pk in Alert.objects.filter(role="mall_manager").values_list("id", flat=True)
    }


# --- the supervisor's minute ---------------------------------------------------------------------------------------


def test_what_is_left_tonight_follows_from_days_like_this() -> None:
    assert forecast.backlog(5, [1, 2, 3]) is None
    known = forecast.backlog(10, [2, -1, 0, 3, 1, 1, -2, 4])
    assert known is not None and known.expected == 11 and known.low < 11 < known.high and known.days == 8
    assert forecast.backlog(0, [-5, -6, -4, -5]) == forecast.Forecast(0, -5, 0.0, 0.0, 0.0, 4)
    steady = forecast.backlog(3, [0] * 30)
    assert steady is not None and (steady.low, steady.high) == (3, 3)


def test_tonight_is_reckoned_from_the_same_kind_of_day(desk: Malls, crew: Crew, complain: Complain) -> None:
    for back in range(1, 22):
        complain(now=NOW - dt.timedelta(days=back) + dt.timedelta(hours=1))
    complain(now=NOW - MINUTE)
    found_now = queries.backlog_tonight(crew.wang, mall_id=desk.star, zone=SHANGHAI, now=NOW)
    assert found_now is not None and found_now.open_now == 22
    assert (found_now.change, found_now.days) == (1, 6)  # NOW is a Sunday
    assert queries.backlog_tonight(crew.qian, mall_id=None, zone=SHANGHAI, now=NOW) is None
    chats = queries.chat_queue(crew.wang, desk.star, NOW)
    assert (chats.queued, chats.there, chats.waited) == (0, 0, None)
    with pytest.raises(NotAllowed):
        queries.chat_queue(crew.he, desk.star, NOW)


def test_a_merchants_alert_goes_to_its_own_manager_and_waits_for_somebody(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    crew.all()
    complain()
    Alert.objects.create(
        ticket_id=queries.tickets_page(crew.wang, queue="all", now=NOW).items[0].id, mall_id=desk.star,
        level="breach", role="merchant_manager", due_at=NOW, noticed_at=NOW, tell_at=NOW,
    )  # fmt: skip
    own = dict(organization.staff_with_role("merchant_manager", desk.star, desk.cafe))
    other = dict(organization.staff_with_role("merchant_manager", desk.star, desk.fashion))
    assert set(own) != set(other)
    for pk in {*own, *other}:
        AlertContact.objects.filter(pk=pk).delete()
    assert tell(NOW) == 0
    told_at = Alert.objects.get(role="merchant_manager").tell_at
    assert told_at == (NOW + 10 * MINUTE if own else None)

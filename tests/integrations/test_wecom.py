"""Customer contact of WeCom: the real protocol against the emulator, over real HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.integrations.vendors import SYSTEM, open_account
from tests.messaging.test_sending import agree, ask, fates, go, write
from tests.people import NOW, Crew, Malls, meet, publish_policy
from zhike.customers import operations as customers
from zhike.integrations.shared import envelope
from zhike.integrations.wecom import client, emulator, mapping
from zhike.integrations.wecom.emulator import AES_KEY, CORP_ID, SECRET, TOKEN, Corp, WecomEmulator
from zhike.kernel import clock
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.messaging import operations, queries
from zhike.messaging.models import ContactTransfer, OutboundMessage, StaffBinding, StaffContact, StaffTask
from zhike.messaging.ports import Account, Letter, Refused, TryLater

pytestmark = pytest.mark.feature("B29", "C128", "D24")
GATEWAY = client.Wecom()
ONE, TWO, THREE = (
    "wmAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1",
    "wmAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2",
    "wmAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3",
)
UNIONID = "oUNIONAAAAAAAAAAAAAAAAAAAAA1"
DAY = dt.timedelta(days=1)


@pytest.fixture
def corp(monkeypatch: pytest.MonkeyPatch) -> Iterator[WecomEmulator]:
    """Its clock is ours, and both stand: twenty seconds must not pass while a busy machine works."""
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    monkeypatch.setattr(client, "WELCOME_TIMEOUT_S", 60.0)
    client.TOKENS.forget()
    with WecomEmulator(Corp(users={"zhou", "wang"}, now=moment.timestamp)) as running:
        yield running
    client.TOKENS.forget()


def _account(url: str, **changes: str) -> Account:
    secrets = {"secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
    return Account(
        1, {"corp_id": CORP_ID, "endpoint": url, "rule": "month", "hours": "72"} | changes, secrets | changes
    )


def _letter(pk: int, to: str) -> Letter:
    return Letter(pk, to, "会员日全场八折，欢迎到店", sender="zhou")


# --- the protocol --------------------------------------------------------------------------------------------------


def test_a_task_goes_only_when_its_sender_confirms_it(corp: WecomEmulator) -> None:
    corp.corp.links = {("zhou", ONE): (), ("zhou", TWO): ()}
    answers = GATEWAY.send(
        _account(corp.url), "a" * 32, [_letter(1, ONE), _letter(2, TWO), _letter(3, THREE)]
    )
    assert [(one.is_taken, one.is_tasked, one.code) for one in answers] == [
        (True, True, ""), (True, True, ""), (False, False, "not_a_contact"),
    ]  # fmt: skip
    msgid = answers[0].reference
    corp.corp.page = 1  # every result comes on a page of its own
    is_confirmed, found = GATEWAY.task_fates(_account(corp.url), msgid, "zhou")
    assert (is_confirmed, [one.state for one in found]) == (False, ["waiting", "waiting"])
    del corp.corp.links["zhou", TWO]
    emulator.confirm(corp.corp, msgid)
    is_confirmed, found = GATEWAY.task_fates(_account(corp.url), msgid, "zhou")
    assert (is_confirmed, [(one.state, one.code) for one in found]) == (
        True, [("delivered", ""), ("failed", "not_a_contact")],
    )  # fmt: skip


def test_cap_is_the_days_of_the_month_a_week_or_a_day(corp: WecomEmulator) -> None:
    moment = dt.datetime(2026, 2, 28, 17, 0, tzinfo=dt.UTC)  # 1 March in China
    assert mapping.limit("month", moment) == (dt.datetime(2026, 3, 1, tzinfo=mapping.ZONE), 31)
    assert mapping.limit("month", moment - DAY) == (dt.datetime(2026, 2, 1, tzinfo=mapping.ZONE), 28)
    assert mapping.limit("week", moment) == (dt.datetime(2026, 2, 23, tzinfo=mapping.ZONE), 7)
    assert mapping.limit("day", moment) == (dt.datetime(2026, 3, 1, tzinfo=mapping.ZONE), 1)
    corp.corp.rule, corp.corp.links = "day", {("zhou", ONE): ()}
    for state in ("delivered", "failed"):
        [answer] = GATEWAY.send(_account(corp.url), "a" * 32, [_letter(1, ONE)])
        emulator.confirm(corp.corp, answer.reference)
        [fate] = GATEWAY.task_fates(_account(corp.url), answer.reference, "zhou")[1]
        assert fate.state == state
    assert fate.code == "vendor_cap"


@pytest.mark.parametrize(
    ("fault", "problem"), [(45009, TryLater), (-1, TryLater), (48002, Refused), (60020, Refused)]
)
def test_trouble_of_the_account(corp: WecomEmulator, fault: int, problem: type[Exception]) -> None:
    corp.corp.fault = lambda path: fault if path.endswith("add_msg_template") else 0
    with pytest.raises(problem):
        GATEWAY.send(_account(corp.url), "a" * 32, [_letter(1, ONE)])


@pytest.mark.parametrize(
    "changes", [{"secret": "wrong"}, {"corp_id": "ww0"}, {"endpoint": "http://10.0.0.7"}]
)
def test_wrong_account_sends_nothing(corp: WecomEmulator, changes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        GATEWAY.send(_account(corp.url, **changes), "a" * 32, [_letter(1, ONE)])
    assert not corp.corp.tasks


def test_token_that_is_over_is_replaced_once(corp: WecomEmulator) -> None:
    corp.corp.links = {("zhou", ONE): ()}
    GATEWAY.send(_account(corp.url), "a" * 32, [_letter(1, ONE)])
    corp.corp.tokens[-1] = (corp.corp.tokens[-1][0], 0.0)
    assert GATEWAY.send(_account(corp.url), "a" * 32, [_letter(2, ONE)])[0].is_taken
    assert len(corp.corp.tokens) == 2
    corp.corp.fault = lambda path: 42001 if path.endswith("add_msg_template") else 0
    with pytest.raises(Refused):
        GATEWAY.send(_account(corp.url), "a" * 32, [_letter(3, ONE)])


def test_welcome_code_works_once_and_for_twenty_seconds(corp: WecomEmulator) -> None:
    code = emulator.added(corp.corp, "zhou", ONE)["WelcomeCode"]
    GATEWAY.welcome(_account(corp.url), code, "您好")
    with pytest.raises(Refused, match="41051"):
        GATEWAY.welcome(_account(corp.url), code, "您好")
    late = emulator.added(corp.corp, "zhou", TWO)["WelcomeCode"]
    corp.corp.now = lambda: clock.now().timestamp() + 21
    with pytest.raises(Refused, match="41050"):
        GATEWAY.welcome(_account(corp.url), late, "您好")


def test_customer_is_handed_over_twice_in_ninety_days(corp: WecomEmulator) -> None:
    now = [1_800_000_000.0]
    corp.corp.now, corp.corp.links = lambda: now[0], {("zhou", ONE): (), ("zhou", TWO): ()}
    account = _account(corp.url)
    assert GATEWAY.hand_over(account, "zhou", "wang", [ONE, THREE], "您好") == {ONE: "", THREE: "40096"}
    assert GATEWAY.hand_over(account, "zhou", "wang", [ONE], "您好") == {ONE: "40129"}
    assert GATEWAY.handed_over(account, "zhou", "wang") == {ONE: "waiting"}
    now[0] += 86_400
    client.TOKENS.forget()
    assert GATEWAY.handed_over(account, "zhou", "wang") == {ONE: "done"}
    assert GATEWAY.hand_over(account, "wang", "zhou", [ONE], "您好") == {ONE: ""}
    now[0] += 86_400
    client.TOKENS.forget()
    assert GATEWAY.handed_over(account, "wang", "zhou") == {ONE: "done"}
    assert GATEWAY.hand_over(account, "zhou", "wang", [ONE], "您好") == {ONE: "40128"}
    assert GATEWAY.transfer_fault("40128") == "guarded"


def test_wording_of_a_task_is_the_same_for_all() -> None:
    assert GATEWAY.lint("会员日全场八折", "marketing") == []
    assert GATEWAY.lint("${name}您好", "marketing") == ["wecom_same_for_all"]
    assert GATEWAY.lint("长" * 1_334, "service") == ["too_long"]


# --- the callbacks -------------------------------------------------------------------------------------------------


@pytest.fixture
def house(db: None, corp: WecomEmulator, malls: Malls, crew: Crew) -> int:
    """周导购 and 王店总 are bound; the account's id."""
    publish_policy(malls)
    values = {"corp_id": CORP_ID, "secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "endpoint": corp.url}
    account_id = open_account(corp.url, "wecom", values=values, price=0)
    token = queries.account(SYSTEM, account_id).callback_token
    corp.corp.report_url = f"/hooks/wecom/{account_id}/{token}/reports/"
    for staff, userid in ((crew.zhou, "zhou"), (crew.wang, "wang")):
        operations.bind_staff(
            actor=SYSTEM, account_id=account_id, staff_id=staff.id, userid=userid,
            welcome="您好，我是${house}的导购", now=NOW,
        )  # fmt: skip
    return account_id


def _post(corp: WecomEmulator, event: dict[str, str], **more: Any) -> int:
    url, body = emulator.call(corp.corp, event, **more)
    return Client(raise_request_exception=False).post(url, body, content_type="text/xml").status_code


def _way(userid: str = "zhou") -> str:
    return StaffBinding.objects.get(userid=userid, ended_at=None).way_key


def _bind(person_id: int) -> None:
    identifier = customers.NewIdentifier("unionid", UNIONID)
    customers.add_identifier(actor=SYSTEM, person_id=person_id, identifier=identifier, now=NOW)


def test_scan_of_the_code_links_welcomes_and_finds_the_member(
    house: int, corp: WecomEmulator, malls: Malls
) -> None:
    zhang = meet(malls, "张三", "13800138000")
    _bind(zhang)
    event = emulator.added(corp.corp, "zhou", ONE, way=_way(), unionid=UNIONID)
    for _copy in range(3):  # WeCom repeats what was not answered in time
        assert _post(corp, event) == 200
    assert list(corp.corp.welcomed.values()) == ["您好，我是知客商业集团的导购"]
    contact = StaffContact.objects.get()
    assert (contact.state, contact.by_code, contact.welcome_state) == ("linked", True, "sent")
    assert ONE.encode() not in bytes(contact.outside)
    assert operations.find_contact_owners(actor=SYSTEM, now=clock.now()) == 1
    assert operations.find_contact_owners(actor=SYSTEM, now=clock.now()) == 0
    assert StaffContact.objects.get().person_id == zhang
    told = Event.objects.filter(type="zhike.messaging.staff_contact_changed").order_by("id")
    assert [one.data["person_id"] for one in told] == [None, zhang]


def test_phone_noted_at_the_vendor_is_enough_only_with_consent(
    house: int, corp: WecomEmulator, malls: Malls
) -> None:
    zhang = meet(malls, "张三", "13800138000")
    _post(corp, emulator.added(corp.corp, "zhou", ONE))
    corp.corp.links["zhou", ONE] = ("13800138000",)
    assert operations.find_contact_owners(actor=SYSTEM, now=clock.now()) == 0
    agree(zhang, "wechat")
    assert operations.find_contact_owners(actor=SYSTEM, now=clock.now()) == 1
    assert StaffContact.objects.values_list("person_id", "matched_by").get() == (zhang, "phone")


@pytest.mark.parametrize(
    ("change", "state"), [("del_follow_user", "left"), ("del_external_contact", "removed")]
)
def test_contact_ends_in_the_order_of_the_vendors_clock(
    house: int, corp: WecomEmulator, change: str, state: str
) -> None:
    now = int(clock.now().timestamp())
    added = emulator.added(corp.corp, "zhou", ONE) | {"CreateTime": str(now - 60)}
    ended = {"ChangeType": change, "UserID": "zhou", "ExternalUserID": ONE, "CreateTime": str(now - 30)}
    for event in (ended, added):  # the end is told first
        assert _post(corp, event) == 200
    assert StaffContact.objects.get().state == state
    assert _post(corp, added | {"CreateTime": str(now - 25)}) == 200
    assert StaffContact.objects.get().state == "linked"
    assert _post(corp, ended) == 200
    assert StaffContact.objects.get().state == "linked"
    assert not corp.corp.welcomed  # it would have come after twenty seconds


def test_who_is_bound_by_nobody_is_not_kept(house: int, corp: WecomEmulator) -> None:
    corp.corp.users.add("li")
    assert _post(corp, emulator.added(corp.corp, "li", ONE)) == 200
    assert not StaffContact.objects.exists()


def test_address_is_proved_to_wecom(house: int, corp: WecomEmulator) -> None:
    echo = envelope.sealed(b"5837245123", AES_KEY, CORP_ID)
    signed = envelope.signature(TOKEN, "1", "n", echo)
    given = {"msg_signature": signed, "timestamp": "1", "nonce": "n", "echostr": echo}
    answer = Client().get(corp.corp.report_url, given)
    assert (answer.status_code, answer.content) == (200, b"5837245123")
    for changes in ({"msg_signature": "0" * 40}, {"echostr": "AAAA"}, {"nonce": "\0"}):
        assert (
            Client(raise_request_exception=False).get(corp.corp.report_url, given | changes).status_code
            == 400
        )


def test_call_that_is_not_wecoms_is_refused_and_leaves_no_trace(house: int, corp: WecomEmulator) -> None:
    event = emulator.added(corp.corp, "zhou", ONE)
    url, body = emulator.call(corp.corp, event)
    http = Client(raise_request_exception=False)
    for bad in (b"", b"<", body[: len(body) // 2], body.replace(b"Encrypt", b"Other"), b"<a>" * 50_000):
        assert http.post(url, bad, content_type="text/xml").status_code == 400
    assert http.post(f"{url}0", body, content_type="text/xml").status_code == 400
    assert http.post(url.replace("/reports/", "0/reports/"), body, content_type="text/xml").status_code == 404
    assert _post(corp, event, corp_id="ww0") == 400  # sealed for another corp
    assert _post(corp, event | {"ExternalUserID": "坏"}) == 400
    assert _post(corp, event | {"CreateTime": "9" * 30}) == 400
    corp.corp.now = lambda: clock.now().timestamp() - 700
    assert _post(corp, event) == 400
    assert not StaffContact.objects.exists()


def test_binding_is_of_one_person_and_one_userid(house: int, crew: Crew, corp: WecomEmulator) -> None:
    bind = {"account_id": house, "now": NOW}
    with pytest.raises(operations.BindingTaken):
        operations.bind_staff(actor=crew.admin, staff_id=crew.li.id, userid="zhou", **bind)
    for userid in ("", "周", "x" * 65):
        with pytest.raises(operations.BindingUnusable):
            operations.bind_staff(actor=crew.admin, staff_id=crew.li.id, userid=userid, **bind)
    with pytest.raises(NotAllowed):
        operations.bind_staff(actor=crew.zhou, staff_id=crew.zhou.id, userid="zhou", **bind)
    with pytest.raises(NotFound):
        operations.bind_staff(
            actor=crew.admin, staff_id=crew.zhou.id, userid="zhou", account_id=house + 1, now=NOW
        )
    own = queries.own_binding(crew.zhou.id)
    assert own is not None
    assert own.has_code
    assert operations.make_contact_code(actor=crew.zhou, binding_id=own.id, now=NOW).startswith(b"\x89PNG")
    with pytest.raises(NotAllowed):
        operations.make_contact_code(actor=crew.li, binding_id=own.id, now=NOW)
    operations.unbind_staff(actor=crew.admin, binding_id=own.id, now=NOW)
    assert queries.own_binding(crew.zhou.id) is None


# --- messages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def zhang(house: int, corp: WecomEmulator, malls: Malls) -> int:
    """张三 has 周导购 as a contact and agreed to be written to."""
    person_id = meet(malls, "张三", "13800138000")
    _bind(person_id)
    agree(person_id, "wechat", "push")
    _post(corp, emulator.added(corp.corp, "zhou", ONE, unionid=UNIONID))
    operations.find_contact_owners(actor=SYSTEM, now=clock.now())
    write("day_offer", "marketing", "wecom", "inbox", body="会员日全场八折，欢迎到店")
    return person_id


def _look(now: dt.datetime) -> None:
    operations.look_at_tasks(actor=SYSTEM, now=now)


@pytest.mark.feature("C136")
def test_it_is_sent_only_when_confirmed_and_delivered(house: int, corp: WecomEmulator, zhang: int) -> None:
    corp.corp.now = lambda: (NOW + dt.timedelta(hours=1)).timestamp()
    ask(zhang, template="day_offer")
    go()
    assert fates() == [("tasked", "", "")]
    whole = queries.Filter(NOW - DAY, NOW + 9 * DAY)
    funnel = queries.sending(SYSTEM, whole).funnel
    assert (funnel.waiting, funnel.sent) == (1, 0)
    assert not Event.objects.filter(type="zhike.messaging.message_sent").exists()
    [task] = queries.own_tasks(StaffTask.objects.get().binding.staff_id)
    assert (task.count, task.expires_at) == (1, NOW + 3 * DAY)
    _look(NOW + dt.timedelta(minutes=10))
    assert fates() == [("tasked", "", "")]
    emulator.confirm(corp.corp, StaffTask.objects.get().reference)
    _look(NOW + dt.timedelta(minutes=70))
    _look(NOW + dt.timedelta(minutes=80))
    row = OutboundMessage.objects.get()
    assert (row.status, row.sent_at) == ("delivered", NOW + dt.timedelta(hours=1))
    assert Event.objects.filter(type="zhike.messaging.message_sent").count() == 1
    assert StaffTask.objects.values_list("state", "delivered").get() == ("confirmed", 1)
    assert queries.sending(SYSTEM, whole).funnel.delivered == 1


def test_task_that_nobody_confirms_expires_says_so_and_the_next_channel_is_tried(
    house: int, corp: WecomEmulator, zhang: int
) -> None:
    ask(zhang, template="day_offer")
    go()
    later = NOW + 3 * DAY
    _look(later)
    go(later)
    assert fates() == [("expired", "expired", "unconfirmed"), ("delivered", "", "")]
    assert StaffTask.objects.get().state == "expired"
    assert next(iter(corp.corp.tasks.values())).is_withdrawn


def test_task_that_cannot_be_withdrawn_is_not_said_again_elsewhere_while_it_can_be_confirmed(
    house: int, corp: WecomEmulator, zhang: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(*_given: object) -> None:
        raise Refused("41099", "cannot be withdrawn")

    monkeypatch.setattr(client.Wecom, "withdraw", keep)
    corp.corp.now = lambda: (NOW + 3 * DAY).timestamp()
    ask(zhang, template="day_offer")
    go()
    _look(NOW + 3 * DAY)
    assert fates() == [("tasked", "", "")]
    emulator.confirm(corp.corp, StaffTask.objects.get().reference)
    _look(NOW + 3 * DAY + dt.timedelta(minutes=10))
    assert fates() == [("delivered", "", "")]


def test_task_that_can_never_be_withdrawn_ends_two_days_later(
    house: int, corp: WecomEmulator, zhang: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(*_given: object) -> None:
        raise Refused("41042", "invalid msgid")

    monkeypatch.setattr(client.Wecom, "withdraw", keep)
    ask(zhang, template="day_offer")
    go()
    _look(NOW + 5 * DAY)
    go(NOW + 5 * DAY)
    assert fates() == [("expired", "expired", "unconfirmed"), ("delivered", "", "")]


@pytest.mark.parametrize(("rule", "count"), [("day", 1), ("week", 7)])
def test_vendors_cap_stands_beside_our_own(house: int, zhang: int, rule: str, count: int) -> None:
    account = queries.account(SYSTEM, house)
    operations.save_account(
        actor=SYSTEM, account_id=house, group_id=_group(), vendor="wecom", name=account.name,
        values=dict(account.settings) | {"rule": rule}, price=0, position=0, is_active=True, now=NOW,
    )  # fmt: skip
    write("note", "service", "wecom", body="您预订的商品到店了")
    for _time in range(count + 1):
        ask(zhang, template="note")
    go()
    assert fates() == [("tasked", "", "")] * count + [("refused", "frequency", "vendor_cap")]


def _group() -> int:
    from zhike.organization import queries as organization

    return organization.default_group().id


def test_gates_hold_for_tasks_as_for_everything(
    house: int, zhang: int, corp: WecomEmulator, malls: Malls
) -> None:
    li = meet(malls, "李四", "13900139000")
    ask(zhang, li, template="day_offer")
    _post(
        corp,
        {"ChangeType": "del_follow_user", "UserID": "zhou", "ExternalUserID": ONE, "CreateTime": _soon()},
    )
    go()
    assert [row[:2] for row in fates()[:2]] == [("refused", "address")] * 2
    assert not corp.corp.tasks


def _soon() -> str:
    return str(int(clock.now().timestamp()) + 5)


def test_reminders_are_three_a_day_and_only_of_open_tasks(
    house: int, corp: WecomEmulator, zhang: int, crew: Crew
) -> None:
    ask(zhang, template="day_offer")
    go()
    task = StaffTask.objects.get()
    with pytest.raises(NotAllowed):
        operations.remind_of_task(actor=crew.zhou, task_id=task.pk, now=NOW)
    for _time in range(3):
        operations.remind_of_task(actor=crew.admin, task_id=task.pk, now=NOW)
    with pytest.raises(operations.RemindedEnough):
        operations.remind_of_task(actor=crew.admin, task_id=task.pk, now=NOW)
    assert len(corp.corp.tasks[task.reference].reminded) == 3
    with pytest.raises(operations.TaskNotOpen):
        operations.remind_of_task(actor=crew.admin, task_id=task.pk, now=NOW + 4 * DAY)


# --- hand-over -----------------------------------------------------------------------------------------------------


def test_contact_follows_the_member_to_a_colleague(
    house: int, corp: WecomEmulator, zhang: int, crew: Crew
) -> None:
    at = [clock.now()]
    corp.corp.now = lambda: at[0].timestamp()
    assert operations.follow_associate(actor=SYSTEM, person_id=zhang, staff_id=crew.wang.id, now=at[0]) == 1
    assert operations.follow_associate(actor=SYSTEM, person_id=zhang, staff_id=crew.li.id, now=at[0]) == 0
    assert operations.call_transfers(actor=SYSTEM, now=at[0]) == 1
    assert operations.call_transfers(actor=SYSTEM, now=at[0]) == 0
    assert operations.follow_associate(actor=SYSTEM, person_id=zhang, staff_id=crew.wang.id, now=at[0]) == 0
    at[0] += dt.timedelta(hours=1)
    assert operations.look_at_transfers(actor=SYSTEM, now=at[0]) == 0
    at[0] += DAY
    client.TOKENS.forget()
    assert operations.look_at_transfers(actor=SYSTEM, now=at[0]) == 1
    states = StaffContact.objects.order_by("id").values_list("binding__userid", "state", "person_id")
    assert list(states) == [("zhou", "handed", zhang), ("wang", "linked", zhang)]
    assert Event.objects.filter(type="zhike.messaging.contact_transfer_ended").count() == 1


def test_customer_refuses_and_is_not_asked_a_third_time_in_ninety_days(
    house: int, corp: WecomEmulator, zhang: int, crew: Crew
) -> None:
    now = clock.now()
    operations.follow_associate(actor=SYSTEM, person_id=zhang, staff_id=crew.wang.id, now=now)
    operations.call_transfers(actor=SYSTEM, now=now)
    failed = {
        "ChangeType": "transfer_fail",
        "UserID": "wang",
        "ExternalUserID": ONE,
        "FailReason": "customer_refused",
    }
    for _copy in range(2):
        assert _post(corp, failed) == 200
    assert ContactTransfer.objects.get().state == "refused"
    assert StaffContact.objects.get().state == "linked"
    contact = StaffContact.objects.get()
    for _time in range(2):
        ContactTransfer.objects.create(
            contact=contact, to=contact.binding, state="done", created_at=now, ended_at=now
        )
    assert operations.follow_associate(actor=SYSTEM, person_id=zhang, staff_id=crew.wang.id, now=now) == 0
    assert ContactTransfer.objects.order_by("-id")[0].state == "guarded"


def test_test_message_is_a_task_for_who_has_the_member(house: int, corp: WecomEmulator, zhang: int) -> None:
    sent = operations.send_test(actor=SYSTEM, account_id=house, to="13800138000", now=NOW)
    assert corp.corp.tasks[sent.reference].userid == "zhou"
    with pytest.raises(operations.AccountIncomplete):
        operations.send_test(actor=SYSTEM, account_id=house, to="13900139000", now=NOW)

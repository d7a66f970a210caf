"""Subscribe messages of a mini-program and their ledger of credits: the real protocol against the emulator, over real HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.integrations.vendors import SYSTEM, open_account
from tests.kernel.threads import run_threads
from tests.messaging.test_sending import agree, ask, fates, go, write
from tests.people import NOW, Crew, Malls, meet, publish_policy
from zhike.customers import operations as customers
from zhike.integrations.shared import envelope
from zhike.integrations.wechat_mini import client, emulator
from zhike.integrations.wechat_mini.emulator import AES_KEY, APP_ID, SECRET, TOKEN, App, MiniEmulator
from zhike.kernel import clock
from zhike.kernel.errors import NotFound
from zhike.kernel.models import Event
from zhike.messaging import operations, queries
from zhike.messaging.models import OutboundMessage, SubscriptionAnswer, TemplateVersion
from zhike.messaging.ports import Account, Letter, Refused, TryLater

pytestmark = pytest.mark.feature("C128", "D24")
GATEWAY = client.WechatMini()
OPENID = "oMiniAAAAAAAAAAAAAAAAAAAAAAA1"
TEMPLATE = "miniQ3pbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEY"
BODY = "thing1：取货提醒\nthing2：您预订的商品到店了\nurl：pages/orders"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def mini() -> Iterator[MiniEmulator]:
    client.TOKENS.forget()
    with MiniEmulator(App(templates={TEMPLATE: ("thing1", "thing2")})) as running:
        yield running
    client.TOKENS.forget()


def _account(url: str, **changes: str) -> Account:
    secrets = {"app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
    return Account(1, {"app_id": APP_ID, "endpoint": url} | changes, secrets | changes)


def _letter(pk: int = 1, text: str = BODY, template: str = TEMPLATE) -> Letter:
    return Letter(pk, OPENID, text, template=template)


def test_one_acceptance_is_one_message(mini: MiniEmulator) -> None:
    mini.app.credits[OPENID, TEMPLATE] = 1
    answers = GATEWAY.send(_account(mini.url), "a" * 32, [_letter(1), _letter(2)])
    assert [(one.is_taken, one.code) for one in answers] == [(True, ""), (False, "43101")]
    [sent] = mini.app.sent
    assert (sent.page, sent.data["thing1"]["value"]) == ("pages/orders", "取货提醒")
    assert GATEWAY.is_no_credit(answers[1].code)


@pytest.mark.parametrize(
    ("fault", "problem"), [(45009, TryLater), (-1, TryLater), (40037, Refused), (41030, Refused)]
)
def test_trouble_of_the_account(mini: MiniEmulator, fault: int, problem: type[Exception]) -> None:
    mini.app.fault = lambda path: fault if path.endswith("send") else 0
    with pytest.raises(problem):
        GATEWAY.send(_account(mini.url), "a" * 32, [_letter()])


@pytest.mark.parametrize(
    "changes", [{"app_secret": "wrong"}, {"app_id": "wx0"}, {"endpoint": "http://10.0.0.7"}]
)
def test_wrong_account_sends_nothing(mini: MiniEmulator, changes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        GATEWAY.send(_account(mini.url, **changes), "a" * 32, [_letter()])
    assert not mini.app.sent


# --- the ledger ----------------------------------------------------------------------------------------------------


def _open(mini: MiniEmulator, malls: Malls, **values: str) -> int:
    """An account and an approved wording; the member 张三 is known by openid. Her person id."""
    publish_policy(malls)
    given = {"app_id": APP_ID, "app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "endpoint": mini.url}
    account_id = open_account(mini.url, "wechat_mini", values=given | values, price=0)
    token = queries.account(SYSTEM, account_id).callback_token
    mini.app.report_url = f"/hooks/wechat_mini/{account_id}/{token}/reports/"
    person_id = meet(malls, "张三", "13800138000")
    identifier = customers.NewIdentifier("openid", OPENID)
    customers.add_identifier(actor=SYSTEM, person_id=person_id, identifier=identifier, now=NOW)
    template_id = write("picked_up", "service", "mini", "inbox", body=BODY)
    version = TemplateVersion.objects.get(template_id=template_id, channel="mini")
    operations.tell_vendor(
        actor=SYSTEM, version_id=version.pk, account_id=account_id, vendor_code=TEMPLATE, state="approved", now=NOW
    )  # fmt: skip
    agree(person_id, "wechat", "push")
    return person_id


@pytest.fixture
def zhang(db: None, mini: MiniEmulator, malls: Malls) -> int:
    return _open(mini, malls)


def _report(person_id: int, key: str, answer: str = "accept", at: dt.datetime = NOW) -> int:
    return operations.report_subscription(
        actor=SYSTEM, person_id=person_id, openid=OPENID, answers=[(TEMPLATE, answer)], key=key, at=at, now=NOW
    )  # fmt: skip


def _post(call: tuple[str, bytes]) -> int:
    url, body = call
    return Client(raise_request_exception=False).post(url, body, content_type="text/xml").status_code


def _states() -> list[str]:
    return list(SubscriptionAnswer.objects.order_by("id").values_list("state", flat=True))


def test_credit_is_used_up_and_without_one_the_next_channel_goes(mini: MiniEmulator, zhang: int) -> None:
    mini.app.credits[OPENID, TEMPLATE] = 1
    assert _report(zhang, "tap-1") == 1
    assert _report(zhang, "tap-1") == 0
    assert queries.credits_left(SYSTEM, zhang) == {TEMPLATE: 1}
    plan = operations.rehearse_messages(actor=SYSTEM, template="picked_up", person_ids=[zhang], at=NOW)
    assert [(one.decision, one.channel) for one in plan] == [("go", "mini")]
    assert _states() == ["open"]  # a plan holds nothing
    ask(zhang, template="picked_up")
    ask(zhang, template="picked_up")
    go()
    go()
    assert fates() == [("sent", "", ""), ("refused", "address", "no_credit"), ("delivered", "", "")]
    assert _states() == ["used"]
    assert len(mini.app.sent) == 1
    plan = operations.rehearse_messages(actor=SYSTEM, template="picked_up", person_ids=[zhang], at=NOW)
    assert [(one.decision, one.channel) for one in plan] == [("go", "inbox")]


def test_app_and_wechat_tell_of_one_tap_and_it_counts_once(mini: MiniEmulator, zhang: int) -> None:
    at = clock.now() - 5 * MINUTE
    for key, moment in (("tap-1", at), ("tap-2", at + MINUTE / 2)):
        operations.report_subscription(
            actor=SYSTEM, person_id=zhang, openid=OPENID, answers=[(TEMPLATE, "accept")], key=key, at=moment, now=clock.now()
        )  # fmt: skip
    for seconds in (2, 32, 32):  # the second is repeated
        stamp = at.timestamp() + seconds
        assert _post(emulator.tapped(mini.app, OPENID, {TEMPLATE: "accept"}, at=stamp)) == 200
    assert _states() == ["open", "open"]
    assert {row.evidence for row in queries.subscription_answers(SYSTEM).items} == {"both"}
    assert _post(emulator.tapped(mini.app, OPENID, {TEMPLATE: "accept"}, at=at.timestamp() + 240)) == 200
    assert len(_states()) == 3
    assert Event.objects.filter(type="zhike.messaging.subscription_answered").count() == 3


def test_refusals_and_bans_are_kept_and_give_nothing(mini: MiniEmulator, zhang: int) -> None:
    assert _report(zhang, "tap-1", "reject") == _report(zhang, "tap-2", "ban") == 0
    assert _states() == ["none", "none"]
    [view] = queries.credit_views(SYSTEM)
    assert (view.accepted, view.rejected, view.banned, view.left) == (0, 1, 1, 0)
    for answers in (
        [],
        [(TEMPLATE, "maybe")],
        [("", "accept")],
        [("x" * 61, "accept")],
        [(TEMPLATE, "accept")] * 21,
    ):
        with pytest.raises(operations.SubscriptionUnusable):
            operations.report_subscription(
                actor=SYSTEM, person_id=zhang, openid=OPENID, answers=answers, key="k", at=NOW, now=NOW
            )


def test_openid_must_be_the_members_own(mini: MiniEmulator, zhang: int, malls: Malls, crew: Crew) -> None:
    li = meet(malls, "李四", "13900139000")
    with pytest.raises(operations.SubscriptionUnusable):
        operations.report_subscription(
            actor=SYSTEM,
            person_id=li,
            openid=OPENID,
            answers=[(TEMPLATE, "accept")],
            key="k",
            at=NOW,
            now=NOW,
        )
    with pytest.raises(NotFound):
        operations.report_subscription(
            actor=crew.zhou,
            person_id=zhang,
            openid=OPENID,
            answers=[(TEMPLATE, "accept")],
            key="k",
            at=NOW,
            now=NOW,
        )
    stranger = emulator.tapped(mini.app, "oNobodyAAAAAAAAAAAAAAAAAAAAAA", {TEMPLATE: "accept"})
    assert _post(stranger) == 200
    assert not SubscriptionAnswer.objects.exists()


def test_refusal_in_the_settings_ends_what_was_accepted_before(mini: MiniEmulator, zhang: int) -> None:
    now = clock.now()
    for key in ("tap-1", "tap-2"):
        _report(zhang, key, at=NOW)
    entry = {"TemplateId": TEMPLATE, "SubscribeStatusString": "reject"}
    event = ("subscribe_msg_change_event", "SubscribeMsgChangeEvent", [entry])
    assert _post(emulator.call(mini.app, OPENID, *event, at=(NOW - MINUTE).timestamp())) == 200
    assert _states() == ["open", "open"]
    for _copy in range(2):
        assert _post(emulator.call(mini.app, OPENID, *event, at=now.timestamp())) == 200
    assert _states() == ["lost", "lost"]
    assert queries.credits_left(SYSTEM, zhang) == {}


def test_wechat_knows_of_none_and_we_write_them_off(mini: MiniEmulator, zhang: int) -> None:
    for key in ("tap-1", "tap-2"):
        _report(zhang, key)
    ask(zhang, template="picked_up")
    go()
    go()
    assert fates() == [("failed", "", "43101"), ("delivered", "", "")]
    assert _states() == ["lost", "lost"]


def test_credit_comes_back_when_nothing_was_taken(mini: MiniEmulator, zhang: int) -> None:
    mini.app.credits[OPENID, TEMPLATE] = 1
    _report(zhang, "tap-1")
    for fault in (45011, 40125):
        mini.app.fault = lambda path, fault=fault: fault if path.endswith("send") else 0  # type: ignore[misc]
        ask(zhang, template="picked_up")
        go()
        assert _states() == ["open"]
        OutboundMessage.objects.update(status="refused")
        from zhike.messaging.models import ChannelAccount

        ChannelAccount.objects.update(paused_until=None)


def test_long_term_template_is_not_used_up(mini: MiniEmulator, malls: Malls, db: None) -> None:
    zhang = _open(mini, malls, lasting=f"other, {TEMPLATE}")
    mini.app.credits[OPENID, TEMPLATE] = 9
    _report(zhang, "tap-1")
    for _time in range(3):
        ask(zhang, template="picked_up")
    go()
    assert [status for status, _gate, _reason in fates()] == ["sent"] * 3
    assert _states() == ["open"]


@pytest.mark.feature("C136")
def test_wechat_tells_what_became_of_it(mini: MiniEmulator, zhang: int) -> None:
    mini.app.credits[OPENID, TEMPLATE] = 1
    hook, mini.app.report_url = mini.app.report_url, ""
    _report(zhang, "tap-1")
    ask(zhang, template="picked_up")
    go()
    mini.app.report_url = hook
    msgid = str(mini.app.sent[0].msgid)
    entry = {"TemplateId": TEMPLATE, "MsgID": msgid, "ErrorCode": "0", "ErrorStatus": "success"}
    event = ("subscribe_msg_sent_event", "SubscribeMsgSentEvent")
    for bad in ({"MsgID": "x"}, {"MsgID": "9" * 5_000}):
        assert _post(emulator.call(mini.app, OPENID, *event, [entry | bad])) == 400
    for _copy in range(2):
        assert _post(emulator.call(mini.app, OPENID, *event, [entry])) == 200
    assert fates() == [("delivered", "", "")]


def test_call_that_is_not_wechats_is_refused(mini: MiniEmulator, zhang: int) -> None:
    url, body = emulator.tapped(mini.app, OPENID, {TEMPLATE: "accept"})
    http = Client(raise_request_exception=False)
    for bad in (b"", b"<", body[: len(body) // 2], body.replace(b"Encrypt", b"Other")):
        assert http.post(url, bad, content_type="text/xml").status_code == 400
    assert http.post(f"{url}0", body, content_type="text/xml").status_code == 400
    assert _post(emulator.tapped(mini.app, OPENID, {TEMPLATE: "perhaps"})) == 400
    assert _post(emulator.tapped(mini.app, "坏", {TEMPLATE: "accept"})) == 400
    echo = {
        "signature": envelope.signature(TOKEN, "1", "n"),
        "timestamp": "1",
        "nonce": "n",
        "echostr": "583",
    }
    assert http.get(mini.app.report_url, echo).content == b"583"
    assert http.get(mini.app.report_url, echo | {"nonce": "m"}).status_code == 400
    assert not SubscriptionAnswer.objects.exists()


def test_test_would_use_an_acceptance_up(mini: MiniEmulator, zhang: int) -> None:
    account_id = queries.accounts(SYSTEM)[0].id
    with pytest.raises(operations.AccountIncomplete):
        operations.send_test(actor=SYSTEM, account_id=account_id, to="13800138000", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_senders_use_one_credit_once(mini: MiniEmulator) -> None:
    from tests.people import build_malls

    zhang = _open(mini, build_malls())
    mini.app.credits[OPENID, TEMPLATE] = 40
    for key in ("tap-1", "tap-2", "tap-3"):
        _report(zhang, key)
    for _time in range(32):
        ask(zhang, template="picked_up")
    run_threads([lambda: operations.send_due(actor=SYSTEM, now=NOW, limit=1)] * 32)
    assert len(mini.app.sent) == 3
    assert _states() == ["used"] * 3
    assert (
        sorted(status for status, _g, _r in fates() if status in ("sent", "refused"))
        == ["refused"] * 29 + ["sent"] * 3
    )

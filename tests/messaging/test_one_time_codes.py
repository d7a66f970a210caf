"""One-time codes: sent seldom, guessed in vain, used once."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import Any

import pytest
from django.db import connection

from tests.people import NOW, Crew, Malls, hire
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Invalid, NotAllowed
from zhike.kernel.models import AuditEntry, Event
from zhike.messaging import operations, queries
from zhike.messaging.models import OneTimeCode, OutboundMessage
from zhike.messaging.rules import codes as rules

DOOR = system_viewer("member app")
PHONE = "13800138000"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def demo(settings: Any) -> None:
    settings.DEMO = True


def send(
    phone: str = PHONE, *, purpose: str = "log_in", language: str = "zh-hans", now: dt.datetime = NOW
) -> str:
    """The code that was sent, read from the outbox."""
    operations.send_one_time_code(actor=DOOR, phone=phone, purpose=purpose, language=language, now=now)
    return latest_code()


def latest_code() -> str:
    body = queries.outbox(DOOR).messages[0].body or ""
    found = re.search(r"\d{6}", body)
    assert found, body
    return found.group()


def verify(code: str, phone: str = PHONE, *, purpose: str = "log_in", now: dt.datetime = NOW) -> None:
    operations.verify_one_time_code(actor=DOOR, phone=phone, purpose=purpose, code=code, now=now)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_right_code_works_once(db: None) -> None:
    code = send()
    verify(f" {code} ", "+86 138 0013 8000")
    with pytest.raises(operations.WrongCode):
        verify(code)
    assert Event.objects.filter(type="zhike.messaging.one_time_code_verified").count() == 1
    assert AuditEntry.objects.latest("id").action == "one_time_code.verify"


def test_code_is_stored_neither_in_clear_nor_guessably(db: None) -> None:
    code = send()
    row = OneTimeCode.objects.get()
    message = OutboundMessage.objects.get()
    stored = bytes(row.digest) + bytes(row.index) + bytes(message.body) + bytes(message.recipient)
    assert code.encode() not in stored
    assert PHONE.encode() not in stored
    assert message.masked == "138****8000"
    assert code not in str(list(Event.objects.values_list("data", flat=True)))
    assert code not in str(list(AuditEntry.objects.values_list("after", flat=True)))


def test_code_expires_after_ten_minutes(db: None) -> None:
    code = send()
    with pytest.raises(operations.CodeExpired):
        verify(code, now=NOW + 10 * MINUTE)
    verify(code, now=NOW + 10 * MINUTE - dt.timedelta(seconds=1))


def test_code_is_bound_to_phone_and_purpose(db: None) -> None:
    code = send()
    with pytest.raises(operations.WrongCode):
        verify(code, "13900139000")
    with pytest.raises(operations.WrongCode):
        verify(code, purpose="enroll")
    verify(code)


def test_only_the_latest_code_works(db: None) -> None:
    first = send()
    second = send(now=NOW + MINUTE)
    if first != second:
        with pytest.raises(operations.WrongCode):
            verify(first, now=NOW + MINUTE)
    verify(second, now=NOW + MINUTE)


def test_five_wrong_tries_end_a_code(db: None) -> None:
    code = send()
    for _time in range(rules.TRIES_MAX):
        with pytest.raises(operations.WrongCode):
            verify(other_than(code))
    with pytest.raises(operations.TooManyTries):
        verify(code)
    assert OneTimeCode.objects.get().tries == rules.TRIES_MAX
    assert AuditEntry.objects.filter(action="one_time_code.fail").count() == rules.TRIES_MAX


@pytest.mark.parametrize("text", ["", "abc", "０" * 6, "1" * 1000, "\x00"])
def test_odd_texts_are_wrong_codes(db: None, text: str) -> None:
    send()
    with pytest.raises(operations.WrongCode):
        verify(text)


def test_one_a_minute_and_five_an_hour_for_a_phone(db: None) -> None:
    send()
    with pytest.raises(operations.TooManyCodes) as refused:
        send(now=NOW + dt.timedelta(seconds=50), purpose="enroll")
    assert refused.value.retry_after == 11
    send("13900139000")
    for number in range(1, 5):
        send(now=NOW + number * MINUTE)
    with pytest.raises(operations.TooManyCodes) as refused:
        send(now=NOW + 10 * MINUTE)
    assert refused.value.retry_after == 50 * 60 + 1
    send(now=NOW + 61 * MINUTE)
    assert OutboundMessage.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_asked_at_once_one_code_is_sent() -> None:
    outcomes = _at_once(32, lambda: operations.send_one_time_code(
        actor=DOOR, phone=PHONE, purpose="log_in", language="", now=NOW
    ))  # fmt: skip
    assert sorted(outcomes) == ["done"] + ["too-many-codes"] * 31
    assert OneTimeCode.objects.count() == OutboundMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_right_code_typed_at_once_works_once() -> None:
    code = send()
    outcomes = _at_once(32, lambda: verify(code))
    assert sorted(outcomes) == ["done"] + ["wrong-code"] * 31


@pytest.mark.django_db(transaction=True)
def test_guessing_at_once_is_stopped_after_five() -> None:
    code = send()
    outcomes = _at_once(32, lambda: verify(other_than(code)))
    assert sorted(outcomes) == ["too-many-tries"] * 27 + ["wrong-code"] * 5


def _at_once(count: int, act: Any) -> list[str]:
    outcomes: list[str] = []
    start = threading.Barrier(count)

    def work() -> None:
        start.wait()
        try:
            act()
            outcomes.append("done")
        except (operations.TooManyCodes, operations.WrongCode, operations.TooManyTries) as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize(("phone", "purpose"), [("12345", "log_in"), ("", "log_in"), (PHONE, "conquer")])
def test_nonsense_is_refused(db: None, phone: str, purpose: str) -> None:
    with pytest.raises(Invalid):
        operations.send_one_time_code(actor=DOOR, phone=phone, purpose=purpose, language="", now=NOW)
    assert not OutboundMessage.objects.exists()


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", "验证码"), ("zh-hant", "驗證碼"), ("en", "is your code")]
)
def test_message_speaks_the_readers_language(db: None, language: str, words: str) -> None:
    send(language=language)
    assert words in (queries.outbox(DOOR).messages[0].body or "")


def test_message_names_the_member_it_goes_to(zhang_san: int) -> None:
    send()
    send("13900139000")
    assert [message.person_id for message in queries.outbox(DOOR).messages] == [None, zhang_san]
    assert (
        Event.objects.filter(type="zhike.messaging.message_queued", subject=f"person/{zhang_san}").count()
        == 1
    )


@pytest.mark.feature("C028")
def test_outbox_is_for_few_and_read_only_in_a_demonstration(crew: Crew, malls: Malls, settings: Any) -> None:
    code = send()
    for stranger in (crew.wang, crew.li, crew.chen, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            queries.outbox(stranger)
    assert code in (queries.outbox(crew.admin).messages[0].body or "")
    settings.DEMO = False
    [message] = queries.outbox(crew.admin).messages
    assert message.body is None
    assert message.masked == "138****8000"


def test_outbox_is_paged(db: None) -> None:
    for number in range(5):
        send(f"1370013000{number}", now=NOW + number * MINUTE)
    first = queries.outbox(DOOR, limit=3)
    second = queries.outbox(DOOR, first.next_cursor, limit=3)
    ids = [message.id for message in first.messages + second.messages]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second.next_cursor) == (5, None)


def test_old_codes_are_forgotten(db: None) -> None:
    send()
    assert operations.forget_old_codes(actor=DOOR, now=NOW + dt.timedelta(hours=2)) == 0
    assert operations.forget_old_codes(actor=DOOR, now=NOW + dt.timedelta(days=2)) == 1


@pytest.mark.feature("C029")
def test_the_outbox_of_a_mall_holds_what_its_own_people_got(malls: Malls, crew: Crew, zhang_san: int) -> None:
    for phone in ("13800138000", "13900139999"):
        operations.send_one_time_code(
            actor=system_viewer("tests"), phone=phone, purpose="log_in", language="", now=NOW
        )
    elsewhere = hire(malls, "yun", "云客服", ("service_agent", "mall", malls.cloud))
    assert [message.person_id for message in queries.outbox(crew.sun).messages] == [zhang_san]
    assert queries.outbox(elsewhere).messages == []
    assert len(queries.outbox(crew.admin).messages) == 2

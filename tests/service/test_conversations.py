"""Conversations: nothing lost, nothing twice, given to the right one of us, read by those who may."""

from __future__ import annotations

import datetime as dt
import threading
from uuid import UUID, uuid4

import pytest
from django.db import connection

from tests.people import NOW, Crew, Malls, hire
from tests.service.conftest import MINUTE, PNG, SYSTEM
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Agent, Conversation, Mention, Message, Ticket

pytestmark = pytest.mark.feature("C176", "C177")
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def zhang(zhang_san: int) -> Viewer:
    return customers.viewer_of_person(zhang_san)


def write(
    member: Viewer, desk: Malls, text: str = "你好", key: UUID | None = None, now: dt.datetime = NOW
) -> str:
    return service.write_as_member(
        actor=member,
        person_id=member.id or 0,
        mall_id=desk.star,
        text=text,
        key=key or uuid4(),
        now=now,
    )


def sit(agent: Viewer, now: dt.datetime = NOW, state: str = "available") -> None:
    service.set_seat_state(actor=agent, state=state, now=now)


def texts(viewer: Viewer, number: str, after: int = 0) -> list[str]:
    row = queries.visible_conversation(viewer, number)
    return [one.text for one in queries.messages_of(viewer, row, after=after) if one.kind != "event"]


def test_words_go_to_and_fro_and_stay_secret_at_rest(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    sit(crew.sun)
    number = write(zhang, desk, "我的积分没到账，手机 13800138000")
    assert queries.conversation(crew.sun, number, NOW).row.assignee == "孙客服"
    service.write_as_staff(actor=crew.sun, number=number, text="您好，马上查", now=NOW + MINUTE)
    service.write_as_staff(
        actor=crew.sun, number=number, text="高价值会员", audience="staff", now=NOW + MINUTE
    )
    assert texts(zhang, number) == ["我的积分没到账，手机 13800138000", "您好，马上查"]
    assert texts(crew.sun, number)[-1] == "高价值会员"
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(message::text, '') FROM service_message message")
        assert "13800138000" not in cursor.fetchone()[0]
    kinds = set(Event.objects.filter(type__startswith="zhike.service.conv").values_list("type", flat=True))
    assert kinds == {f"zhike.service.conversation_{what}" for what in ("started", "queued", "assigned")}
    shown = queries.conversation(crew.sun, number, NOW)
    assert (shown.row.awaits_us, shown.row.unread, shown.last_number) == (False, 0, 5)


def test_what_is_sent_twice_is_there_once(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    key = uuid4()
    first = write(zhang, desk, "一次", key)
    assert write(zhang, desk, "一次", key, NOW + MINUTE) == first
    answer = uuid4()
    numbers = {
        service.write_as_staff(actor=crew.sun, number=first, text="答", key=answer, now=NOW) for _ in range(2)
    }
    assert len(numbers) == 1 and texts(zhang, first) == ["一次", "答"]
    seen = list(Message.objects.order_by("number").values_list("number", flat=True))
    assert seen == list(range(1, len(seen) + 1))


def test_a_reader_goes_on_from_the_last_number(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    number = write(zhang, desk, "一")
    reached = queries.conversation(zhang, number, NOW).last_number
    for text in ("二", "三"):
        service.write_as_staff(actor=crew.sun, number=number, text=text, now=NOW)
    assert texts(zhang, number, after=reached) == ["二", "三"]
    pushed = queries.messages_after([(Conversation.objects.get().pk, reached)])
    assert [one.text for one in pushed if one.kind == "text"] == ["二", "三"]


def test_strangers_learn_nothing(desk: Malls, crew: Crew, zhang: Viewer, li_si: int) -> None:
    number = write(zhang, desk)
    written = Message.objects.count()
    other = customers.viewer_of_person(li_si)
    for stranger in (crew.qian, crew.he, crew.nobody, other):
        with pytest.raises(NotFound):
            queries.conversation(stranger, number, NOW)
        with pytest.raises((NotFound, NotAllowed)):
            service.write_as_staff(actor=stranger, number=number, text="不该在这里", now=NOW)
    with pytest.raises(NotAllowed):
        service.write_as_member(
            actor=other, person_id=zhang.id or 0, mall_id=desk.star, text="冒充", key=uuid4(), now=NOW
        )
    with pytest.raises(NotAllowed):  # the auditor reads only
        service.write_as_staff(actor=crew.wu, number=number, text="审计", now=NOW)
    with pytest.raises(NotAllowed):
        service.write_as_staff(actor=zhang, number=number, text="会员装客服", now=NOW)
    assert texts(crew.wu, number) == ["你好"]
    assert Message.objects.count() == written


def test_bad_input_changes_nothing(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    with pytest.raises(service.MessageMissing):
        write(zhang, desk, "  ")
    with pytest.raises(service.MessageMissing):
        write(zhang, desk, "长" * 2_001)
    assert not Conversation.objects.exists()
    number = write(zhang, desk)
    with pytest.raises(service.FileUnusable):
        service.write_as_staff(
            actor=crew.sun, number=number, text="", files=[service.NewFile("a.exe", b"MZ" * 50)], now=NOW
        )
    with pytest.raises(service.SnoozeInvalid):
        service.snooze_conversation(actor=crew.sun, number=number, until=NOW, now=NOW)
    with pytest.raises(service.SeatInvalid):
        service.set_seat(actor=crew.lin, staff_id=crew.sun.id or 0, skills=["飞行"], places=3, now=NOW)


def test_files_come_along(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    number = service.write_as_member(
        actor=zhang,
        person_id=zhang.id or 0,
        mall_id=desk.star,
        text="",
        key=uuid4(),
        files=[service.NewFile("小票.png", PNG)],
        now=NOW,
    )
    row = queries.visible_conversation(crew.sun, number)
    file = queries.messages_of(crew.sun, row)[0].files[0]
    assert queries.message_file(crew.sun, number, file.id) == (file, PNG)
    with pytest.raises(NotFound):
        queries.message_file(crew.qian, number, file.id)


# --- who answers ---------------------------------------------------------------------------------------------------


def people(desk: Malls, many: int) -> list[Viewer]:
    from tests.people import meet

    return [customers.viewer_of_person(meet(desk, f"会员{at}", f"1390000{at:04d}")) for at in range(many)]


def test_work_goes_round_by_load_and_skill(desk: Malls, crew: Crew) -> None:
    ding = hire(desk, "ding", "丁客服", ("service_agent", "mall", desk.star))
    service.set_seat(actor=crew.lin, staff_id=ding.id or 0, skills=["points"], places=2, now=NOW)
    sit(crew.sun)
    sit(ding)
    given = []
    for at, member in enumerate(people(desk, 6)):
        number = write(member, desk, now=NOW + at * SECOND)
        given.append(queries.conversation(crew.sun, number, NOW).row.assignee)
    assert sorted(given[:2]) == ["丁客服", "孙客服"]
    assert given.count("丁客服") == 2  # two places
    row = Conversation.objects.filter(assignee_id=crew.sun.id).first()
    assert row is not None
    service.transfer_conversation(
        actor=crew.sun, number=row.number, skill="coupons", note="问券", now=NOW + MINUTE
    )
    row.refresh_from_db()
    assert row.assignee_id == crew.sun.id  # 丁客服 is full and knows points only
    with pytest.raises(NotFound):
        service.transfer_conversation(actor=crew.sun, number=row.number, staff_id=crew.qian.id, now=NOW)
    service.transfer_conversation(
        actor=crew.sun, number=row.number, staff_id=ding.id, note="@丁客服 请看", now=NOW
    )
    row.refresh_from_db()
    assert row.assignee_id == ding.id
    assert AuditEntry.objects.latest("id").action == "conversation.transfer"


def test_the_queue_knows_its_order_and_tells_it(desk: Malls, crew: Crew) -> None:
    members = people(desk, 3)
    numbers = [write(member, desk, now=NOW + at * SECOND) for at, member in enumerate(members)]
    Conversation.objects.filter(number=numbers[2]).update(rank=2)  # a higher tier
    places = [
        queries.conversation(one, number, NOW).queue_place
        for one, number in zip(members, numbers, strict=True)
    ]
    assert places == [2, 3, 1]
    service.set_seat(actor=crew.lin, staff_id=crew.sun.id or 0, skills=[], places=1, now=NOW)
    sit(crew.sun)
    assert Conversation.objects.get(status="open").number == numbers[2]
    waiting = queries.conversation(members[0], numbers[0], NOW)
    assert (waiting.queue_place, waiting.wait_s, waiting.agents_there) == (1, 300, 1)
    service.close_conversation(actor=crew.sun, number=numbers[2], now=NOW + MINUTE)
    assert queries.conversation(members[0], numbers[0], NOW).row.status == "open"


def test_time_wakes_gives_back_and_ends(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    sit(crew.sun)
    number = write(zhang, desk)
    service.snooze_conversation(actor=crew.sun, number=number, until=NOW + 10 * MINUTE, now=NOW)
    assert service.sweep_inbox(actor=SYSTEM, now=NOW + MINUTE) == 0
    service.keep_seat(actor=crew.sun, now=NOW + 10 * MINUTE)
    service.sweep_inbox(actor=SYSTEM, now=NOW + 10 * MINUTE)
    assert queries.conversation(crew.sun, number, NOW).row.status == "open"
    service.sweep_inbox(actor=SYSTEM, now=NOW + 14 * MINUTE)  # 孙客服 has left the desk
    shown = queries.conversation(crew.sun, number, NOW + 14 * MINUTE)
    assert (shown.row.status, shown.queue_place, shown.agents_there) == ("queued", 1, 0)
    service.keep_seat(actor=crew.sun, now=NOW + 15 * MINUTE)
    assert queries.conversation(crew.sun, number, NOW).row.status == "open"
    service.write_as_staff(actor=crew.sun, number=number, text="好了", now=NOW + 16 * MINUTE)
    service.sweep_inbox(actor=SYSTEM, now=NOW + dt.timedelta(hours=25))
    shown = queries.conversation(crew.sun, number, NOW)
    assert (shown.row.status, shown.closed_by) == ("closed", "system")
    assert write(zhang, desk, now=NOW + dt.timedelta(hours=26)) != number


def test_outside_the_hours_it_says_when_somebody_comes(desk: Malls, zhang: Viewer) -> None:
    night = NOW + dt.timedelta(hours=14)  # midnight in the mall
    number = write(zhang, desk, now=night)
    row = queries.visible_conversation(zhang, number)
    event = next(one for one in queries.messages_of(zhang, row) if one.kind == "event")
    assert event.details["opens_at"] == (NOW + dt.timedelta(hours=24)).isoformat()


def test_colleagues_see_each_other_and_call_each_other(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    number = write(zhang, desk)
    service.keep_looking(actor=crew.sun, number=number, now=NOW)
    service.keep_looking(actor=crew.wang, number=number, now=NOW)
    assert queries.conversation(crew.sun, number, NOW).looking == ("王店总",)
    assert queries.conversation(crew.sun, number, NOW + MINUTE).looking == ()
    service.write_as_staff(actor=crew.wang, number=number, text="@孙客服 请优先", audience="staff", now=NOW)
    assert queries.unseen_mentions(crew.sun) == [(number, NOW)]
    service.keep_looking(actor=crew.sun, number=number, now=NOW + MINUTE)
    assert queries.unseen_mentions(crew.sun) == []
    assert Mention.objects.get().staff_id == crew.sun.id


def test_marks_only_go_forward(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    number = write(zhang, desk)
    service.write_as_staff(actor=crew.sun, number=number, text="您好", now=NOW)
    last = queries.conversation(crew.sun, number, NOW).last_number
    service.mark_seen(actor=zhang, number=number, received=last, now=NOW)
    service.mark_seen(actor=zhang, number=number, read=999, now=NOW)
    service.mark_seen(actor=zhang, number=number, read=1, now=NOW)
    shown = queries.conversation(crew.sun, number, NOW)
    assert (shown.member_received, shown.member_read) == (last, last)


def test_a_conversation_becomes_a_ticket_in_one_step(desk: Malls, crew: Crew, zhang: Viewer) -> None:
    number = write(zhang, desk, "咖啡里有异物")
    ticket = service.ticket_of_conversation(
        actor=crew.sun,
        number=number,
        type="complaint",
        text="咖啡里有异物",
        merchant_id=desk.cafe,
        close=True,
        now=NOW,
    )
    shown = queries.conversation(zhang, number, NOW)
    assert (shown.ticket, shown.row.status) == (ticket, "closed")
    assert Ticket.objects.get().channel == "chat"
    with pytest.raises(service.ConversationState):
        service.ticket_of_conversation(actor=crew.sun, number=number, type="complaint", text="再来", now=NOW)
    assert Ticket.objects.count() == 1


def test_phrases_have_gaps_that_are_known(desk: Malls, crew: Crew) -> None:
    save = {"actor": crew.sun, "group_id": desk.group, "code": "hi", "title": "问候", "now": NOW}
    service.save_phrase(text="{member}您好，我是{agent}", **save)  # type: ignore[arg-type]
    with pytest.raises(service.PhraseInvalid):
        service.save_phrase(text="{password}", **save)  # type: ignore[arg-type]
    phrase = queries.phrases(crew.sun, desk.group, "问")[0]
    assert queries.fill(phrase.text, {"member": "张女士"}) == "张女士您好，我是{agent}"
    service.drop_phrase(actor=crew.sun, phrase_id=phrase.id, now=NOW)
    assert queries.phrases(crew.sun, desk.group) == []


# --- at the same moment --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_fill_the_places_and_no_more(desk: Malls, crew: Crew) -> None:
    ding = hire(desk, "ding", "丁客服", ("service_agent", "mall", desk.star))
    for agent in (crew.sun, ding):
        service.set_seat(actor=crew.lin, staff_id=agent.id or 0, skills=[], places=3, now=NOW)
        sit(agent)
    members = people(desk, 30)
    members += members[:2]  # two write from two phones at once
    gate, failures = threading.Barrier(len(members)), []

    def run(member: Viewer) -> None:
        try:
            gate.wait()
            write(member, desk)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Conversation.objects.count() == 30
    loads = [
        Conversation.objects.filter(status="open", assignee=agent.id).count() for agent in (crew.sun, ding)
    ]
    assert loads == [3, 3] and Agent.objects.count() == 2
    assert Conversation.objects.filter(status="queued").count() == 24

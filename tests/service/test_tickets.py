"""A ticket from the first word to the last: who may do what, who sees what, and what its clocks say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from tests.kernel.threads import run_threads
from tests.people import NOW, Crew, Malls, build_crew, build_malls, meet
from tests.service.conftest import MINUTE, PNG, SYSTEM, found
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Alert, Entry, Task, Ticket, TicketClock

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C181")]

Complain = Callable[..., str]


def clocks(number: str) -> dict[str, TicketClock]:
    rows = TicketClock.objects.filter(ticket__number=number).order_by("id")
    return {row.kind: row for row in rows}


def shown(viewer: Viewer, number: str, now: dt.datetime = NOW) -> queries.TicketFile:
    return queries.ticket(viewer, number, now)


# --- opening -------------------------------------------------------------------------------------------------------


@pytest.mark.feature("C178", "C179", "C180")
def test_a_complaint_has_a_number_a_department_and_two_promises(complain: Complain, crew: Crew) -> None:
    number = complain()
    file = shown(crew.sun, number)
    assert number.startswith("T260308-")
    assert file.row.department == "客户服务部"
    due = {clock.kind: clock.due_at for clock in file.clocks}
    assert due == {"first_answer": NOW + 30 * MINUTE, "resolution": NOW + 120 * MINUTE}
    assert file.row.due_at == NOW + 30 * MINUTE
    assert [entry.text for entry in file.entries] == ["咖啡里有异物，店员态度冷淡。"]
    assert Event.objects.latest("position").type == "zhike.service.ticket_opened"
    assert AuditEntry.objects.latest("id").action == "ticket.open"


@pytest.mark.feature("N12")
def test_every_deadline_shows_how_it_was_reckoned(complain: Complain, crew: Crew) -> None:
    """Opened at 21:30, the desk closes at 22:00: half an hour today, the rest from ten tomorrow."""
    late = NOW + dt.timedelta(hours=11, minutes=30)
    number = complain(now=late)
    solve = next(clock for clock in shown(crew.sun, number, late).clocks if clock.kind == "resolution")
    told = [(step.kind, int(step.counted / MINUTE)) for step in solve.steps]
    assert told == [("started", 0), ("counted", 30), ("closed", 0), ("counted", 90), ("due", 0)]
    assert solve.due_at == NOW + dt.timedelta(days=1, minutes=90)
    assert (solve.calendar, solve.calendar_version) == ("服务台营业时间", 1)


@pytest.mark.feature("C179")
def test_a_major_complaint_is_told_to_management_at_once(complain: Complain, crew: Crew) -> None:
    number = complain(severity="major")
    [alert] = shown(crew.wang, number).alerts
    assert (alert.level, alert.role) == ("major", "mall_manager")
    assert clocks(number)["first_answer"].due_at == NOW + 10 * MINUTE


def test_without_a_policy_a_ticket_has_no_promises(malls: Malls, crew: Crew) -> None:
    number = service.open_ticket(
        actor=crew.sun, type="question", text="几点关门？", channel="phone", mall_id=malls.star, now=NOW
    )
    assert not shown(crew.sun, number).clocks


def test_members_open_their_own_and_nobody_elses(desk: Malls, zhang_san: int, li_si: int) -> None:
    member = customers.viewer_of_person(zhang_san)
    number = service.open_ticket(
        actor=member,
        type="question",
        text="几点关门？",
        channel="app",
        mall_id=desk.star,
        person_id=zhang_san,
        now=NOW,
    )
    assert shown(member, number).reader == "member"
    with pytest.raises(NotAllowed):
        service.open_ticket(
            actor=member,
            type="question",
            text="?",
            channel="app",
            mall_id=desk.star,
            person_id=li_si,
            now=NOW,
        )
    with pytest.raises(NotFound):
        queries.ticket(customers.viewer_of_person(li_si), number, NOW)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"type": "rant"}, service.TicketInvalid),
        ({"severity": "x"}, service.TicketInvalid),
        ({"text": "   "}, service.TextMissing),
        ({"text": "长" * 4001}, service.TextMissing),
        ({"merchant_id": None}, service.PlaceMissing),
        ({"cause_id": 999_999}, NotFound),
        ({"person_id": 999_999}, NotFound),
        ({"files": [service.NewFile("a.exe", b"MZ" + b"0" * 60)]}, service.FileUnusable),
        ({"files": [service.NewFile("a.png", PNG)] * 7}, service.FileUnusable),
    ],
)
def test_a_refused_ticket_leaves_nothing(
    complain: Complain, changes: dict[str, object], refusal: type
) -> None:
    before = Event.objects.count(), AuditEntry.objects.count()
    with pytest.raises(refusal):
        complain(**changes)
    assert not Ticket.objects.exists() and not Entry.objects.exists()
    assert (Event.objects.count(), AuditEntry.objects.count()) == before


def test_a_stranger_neither_opens_nor_reads_nor_answers(complain: Complain, crew: Crew, desk: Malls) -> None:
    number = complain()
    with pytest.raises(NotAllowed):
        complain(actor=crew.qian)
    for stranger in (crew.qian, crew.zhao, crew.nobody, crew.chen):
        with pytest.raises((NotFound, NotAllowed)):
            shown(stranger, number)
        with pytest.raises((NotFound, NotAllowed)):
            service.answer_ticket(actor=stranger, number=number, text="不该在这里", now=NOW)
    with pytest.raises(NotAllowed):
        service.resolve_ticket(actor=crew.he, number=number, text="好了", now=NOW)
    with pytest.raises(NotAllowed):
        service.assign_ticket(actor=crew.wu, number=number, staff_id=None, now=NOW)
    assert Entry.objects.count() == 1


# --- answering and the clocks --------------------------------------------------------------------------------------


@pytest.mark.feature("C178", "D21")
def test_only_a_real_answer_to_the_member_is_the_first_answer(
    complain: Complain, crew: Crew, zhang_san: int
) -> None:
    number = complain()
    member = customers.viewer_of_person(zhang_san)
    service.answer_ticket(
        actor=crew.sun, number=number, text="先内部核实", audience="staff", now=NOW + MINUTE
    )
    service.answer_ticket(actor=crew.he, number=number, text="店里在查", now=NOW + 2 * MINUTE)
    service.answer_ticket(actor=member, number=number, text="有人吗？", now=NOW + 3 * MINUTE)
    assert clocks(number)["first_answer"].state == "running"
    service.answer_ticket(actor=crew.sun, number=number, text="您好，马上处理。", now=NOW + 5 * MINUTE)
    first = clocks(number)["first_answer"]
    assert (first.state, first.ended_at, first.next_at) == ("met", NOW + 5 * MINUTE, None)
    file = shown(crew.sun, number)
    assert file.row.assignee == "孙客服" and file.row.status == "open"


@pytest.mark.feature("D21")
def test_d21_the_first_answer_is_not_hidden_by_the_other_promise(complain: Complain) -> None:
    """A shorter promise elsewhere overruled the first answer; here each has its own clock and the nearest one shows."""
    number = complain()
    rows = clocks(number)
    assert rows["first_answer"].due_at == NOW + 30 * MINUTE
    assert Ticket.objects.get(number=number).due_at == rows["first_answer"].due_at


@pytest.mark.feature("D21")
def test_d21_an_answer_lets_nothing_escalate_while_the_member_is_silent(
    complain: Complain, crew: Crew
) -> None:
    number = complain()
    service.answer_ticket(
        actor=crew.sun, number=number, text="请问是哪一杯？", wait=True, now=NOW + 5 * MINUTE
    )
    week = NOW + dt.timedelta(days=7)
    assert service.sweep_deadlines(actor=SYSTEM, now=week).called == 0
    assert clocks(number)["resolution"].due_at is None


def test_waiting_stands_still_and_the_members_word_sets_it_going(
    complain: Complain, crew: Crew, zhang_san: int
) -> None:
    number = complain()
    service.answer_ticket(
        actor=crew.sun, number=number, text="请问是哪一杯？", wait=True, now=NOW + 20 * MINUTE
    )
    back = NOW + dt.timedelta(days=2)
    member = customers.viewer_of_person(zhang_san)
    service.answer_ticket(actor=member, number=number, text="拿铁", now=back)
    assert clocks(number)["resolution"].due_at == back + 100 * MINUTE
    assert shown(crew.sun, number).row.status == "open"


@pytest.mark.feature("D21", "C179")
def test_a_raised_severity_keeps_what_has_passed(complain: Complain, crew: Crew, desk: Malls) -> None:
    number = complain()
    service.answer_ticket(actor=crew.sun, number=number, text="您好", now=NOW + MINUTE)
    service.classify_ticket(
        actor=crew.sun,
        number=number,
        type="complaint",
        severity="major",
        merchant_id=desk.cafe,
        cause_id=None,
        reason="疑似食品安全",
        now=NOW + 50 * MINUTE,
    )
    assert clocks(number)["resolution"].due_at == NOW + 60 * MINUTE
    assert clocks(number)["first_answer"].state == "met"
    assert [alert.level for alert in shown(crew.wang, number).alerts] == ["major"]


@pytest.mark.feature("D21")
def test_d21_reopening_starts_the_time_to_solve_anew_and_not_the_first_answer(
    complain: Complain, crew: Crew, zhang_san: int
) -> None:
    number = complain()
    service.resolve_ticket(actor=crew.sun, number=number, text="已退款", now=NOW + 10 * MINUTE)
    service.close_ticket(actor=crew.sun, number=number, now=NOW + 11 * MINUTE)
    back = NOW + dt.timedelta(days=3)
    member = customers.viewer_of_person(zhang_san)
    service.answer_ticket(actor=member, number=number, text="钱没有到账", now=back)
    rows = TicketClock.objects.filter(ticket__number=number)
    assert [row.cycle for row in rows.filter(kind="first_answer")] == [1]
    again = rows.get(kind="resolution", cycle=2)
    assert (again.state, again.due_at) == ("running", back + 120 * MINUTE)
    assert rows.get(kind="call_back").state == "dropped"
    file = shown(crew.sun, number)
    assert (file.row.status, file.reopened, file.row.closed_at) == ("open", 1, None)


def test_what_was_closed_long_ago_stays_closed(complain: Complain, crew: Crew, zhang_san: int) -> None:
    number = complain()
    service.close_ticket(actor=crew.sun, number=number, now=NOW)
    late = NOW + dt.timedelta(days=31)
    with pytest.raises(service.TooLateToReopen):
        service.answer_ticket(
            actor=customers.viewer_of_person(zhang_san), number=number, text="再说一下", now=late
        )
    with pytest.raises(service.TooLateToReopen):
        service.reopen_ticket(actor=crew.sun, number=number, text="再看看", now=late)
    assert shown(crew.sun, number).row.status == "closed"


# --- deadlines -----------------------------------------------------------------------------------------------------


@pytest.mark.feature("C182", "N12")
def test_warning_breach_and_escalation_are_called_once_each(complain: Complain, crew: Crew) -> None:
    number = complain()
    called = []
    for minute in range(0, 181, 5):
        service.sweep_deadlines(actor=SYSTEM, now=NOW + minute * MINUTE)
        again = service.sweep_deadlines(actor=SYSTEM, now=NOW + minute * MINUTE)
        assert again.called == 0
    for alert in shown(crew.sun, number).alerts:
        called.append((alert.clock, alert.level, alert.role, int((alert.due_at - NOW) / MINUTE)))
    assert called == [
        ("first_answer", "warning", "service_agent", 24),
        ("first_answer", "breach", "mall_manager", 30),
        ("first_answer", "escalation", "group_manager", 45),
        ("resolution", "warning", "service_agent", 96),
        ("resolution", "breach", "mall_manager", 120),
        ("resolution", "escalation", "group_manager", 180),
    ]
    assert Ticket.objects.get(number=number).breaches == 2
    late = Alert.objects.order_by("id").first()
    assert late is not None and late.noticed_at - late.due_at == MINUTE


def test_an_alert_is_seen_by_who_handles_tickets_there(complain: Complain, crew: Crew) -> None:
    complain(severity="major")
    [alert] = queries.open_alerts(crew.wang)
    with pytest.raises(NotFound):
        service.see_alert(actor=crew.qian, alert_id=alert.id, now=NOW)
    service.see_alert(actor=crew.wang, alert_id=alert.id, now=NOW)
    service.see_alert(actor=crew.sun, alert_id=alert.id, now=NOW)
    assert not queries.open_alerts(crew.wang)
    assert Alert.objects.get().seen_by == "王店总"


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("C182")
def test_sweeps_at_once_call_each_moment_once(transactional_db: None) -> None:
    malls = build_malls()
    found(malls)
    crew = build_crew(malls)
    person = meet(malls, "张三", "13800138000")
    for _ in range(12):
        service.open_ticket(
            actor=crew.sun,
            type="question",
            text="请问",
            channel="phone",
            mall_id=malls.star,
            person_id=person,
            now=NOW,
        )
    at = NOW + 31 * MINUTE
    run_threads([lambda: service.sweep_deadlines(actor=SYSTEM, now=at)] * 32)
    service.sweep_deadlines(actor=SYSTEM, now=at)
    assert Alert.objects.filter(level="breach").count() == 12
    assert Alert.objects.filter(level="warning").count() == 12


def test_holidays_that_become_known_move_running_deadlines(desk: Malls, crew: Crew) -> None:
    """Opened on 31 December 2026, before the holidays of 2027 were published."""
    opened = dt.datetime(2026, 12, 31, 8, 0, tzinfo=dt.UTC)
    number = service.open_ticket(
        actor=crew.sun, type="repair", text="手表停走", channel="counter", mall_id=desk.star, now=opened
    )
    before = clocks(number)["resolution"]
    assert before.due_at == dt.datetime(2027, 1, 1, 8, 0, tzinfo=dt.UTC)
    data = {"year": 2027, "days": [{"date": "2027-01-01", "name": "元旦", "isOffDay": True}]}
    service.load_holidays(actor=crew.admin, region="cn", data=data, now=opened + MINUTE)
    after = clocks(number)["resolution"]
    assert after.due_at == dt.datetime(2027, 1, 4, 8, 0, tzinfo=dt.UTC)
    shares = [row[1] for row in after.pending]
    assert shares == ["warning", "breach", "escalation"]


# --- departments, merchants, colleagues ----------------------------------------------------------------------------


@pytest.mark.feature("C233", "C180")
def test_the_merchant_sees_its_part_and_nothing_more(complain: Complain, crew: Crew, desk: Malls) -> None:
    number = complain()
    service.answer_ticket(actor=crew.sun, number=number, text="会员情绪激动", audience="staff", now=NOW)
    service.answer_ticket(actor=crew.sun, number=number, text="您好，正在处理", now=NOW)
    service.answer_ticket(actor=crew.sun, number=number, text="请查监控", audience="merchant", now=NOW)
    task_id = service.add_task(
        actor=crew.sun, number=number, title="提供进货记录", merchant_id=desk.cafe, now=NOW
    )
    service.add_task(
        actor=crew.sun,
        number=number,
        title="现场巡查",
        department_id=queries.departments(desk.group)[1].id,
        now=NOW,
    )
    file = shown(crew.he, number)
    assert file.reader == "merchant" and file.row.person_name == "张*"
    assert [entry.text for entry in file.entries] == [
        "咖啡里有异物，店员态度冷淡。",
        "请查监控",
        "提供进货记录",
    ]
    assert [task.title for task in queries.tasks_of(crew.he, file.row.id)] == ["提供进货记录"]
    service.finish_task(actor=crew.he, task_id=task_id, outcome="done", result="已上传", now=NOW)
    service.finish_task(actor=crew.he, task_id=task_id, outcome="done", result="已上传", now=NOW)
    assert Task.objects.get(pk=task_id).done_by == "何店长"
    assert Entry.objects.filter(kind="task_done").count() == 1
    with pytest.raises(NotFound):
        queries.task(crew.zhao, task_id)


def test_progress_shows_the_member_words_and_never_notes(
    complain: Complain, crew: Crew, zhang_san: int
) -> None:
    number = complain()
    service.answer_ticket(actor=crew.sun, number=number, text="内部：疑似职业打假", audience="staff", now=NOW)
    service.answer_ticket(actor=crew.sun, number=number, text="给商户：请回复", audience="merchant", now=NOW)
    service.assign_ticket(actor=crew.sun, number=number, staff_id=crew.wang.id, now=NOW)
    service.resolve_ticket(actor=crew.sun, number=number, text="已为您换新", now=NOW)
    file = shown(customers.viewer_of_person(zhang_san), number)
    assert [entry.text for entry in file.entries] == ["咖啡里有异物，店员态度冷淡。", "已为您换新"]
    assert not file.clocks and not file.alerts and not file.repeat_of


def test_a_ticket_goes_only_to_who_can_open_it(complain: Complain, crew: Crew) -> None:
    number = complain()
    with pytest.raises(NotFound):
        service.assign_ticket(actor=crew.sun, number=number, staff_id=crew.qian.id, now=NOW)
    with pytest.raises(NotFound):
        service.assign_ticket(actor=crew.sun, number=number, staff_id=None, department_id=999_999, now=NOW)


@pytest.mark.feature("C184", "C200")
def test_a_call_back_becomes_due_within_48_hours_of_closing(complain: Complain, crew: Crew) -> None:
    number = complain()
    service.resolve_ticket(actor=crew.sun, number=number, text="已退款", now=NOW)
    service.close_ticket(actor=crew.sun, number=number, now=NOW)
    [task] = queries.tasks_page(crew.sun, kind="call_back")
    assert (task.due_at, task.assignee) == (NOW + dt.timedelta(hours=48), "孙客服")
    assert "回访" not in task.title and "满意" in task.script
    service.finish_task(actor=crew.sun, task_id=task.id, outcome="unreachable", result="无人接听", now=NOW)
    assert queries.task(crew.sun, task.id).status == "open"
    done = NOW + dt.timedelta(hours=50)
    service.finish_task(actor=crew.sun, task_id=task.id, outcome="satisfied", result="会员满意", now=done)
    late = clocks(number)["call_back"]
    assert (late.state, late.breached_at) == ("late", NOW + dt.timedelta(hours=48))


@pytest.mark.feature("C191")
def test_a_second_complaint_about_the_same_merchant_is_a_repeated_one(
    complain: Complain, crew: Crew, desk: Malls
) -> None:
    first = complain()
    elsewhere = complain(merchant_id=desk.fashion)
    again = complain(now=NOW + dt.timedelta(days=20))
    later = complain(now=NOW + dt.timedelta(days=80))
    assert shown(crew.sun, elsewhere).repeat_of == "" and shown(crew.sun, later).repeat_of == ""
    assert shown(crew.sun, again).repeat_of == first
    assert shown(crew.sun, again).row.severity == "high"


@pytest.mark.feature("C187", "C191", "C226")
def test_too_many_complaints_open_one_inspection(complain: Complain, crew: Crew, desk: Malls) -> None:
    for day in range(5):
        complain(now=NOW + dt.timedelta(days=day), person_id=None)
    [task] = queries.tasks_page(crew.wang, kind="inspection")
    assert (task.merchant_name, task.evidence["complaints"], task.evidence["receipts"]) == ("半山咖啡", 3, 0)


def test_two_tickets_of_one_matter_become_one(
    complain: Complain, crew: Crew, desk: Malls, zhang_san: int
) -> None:
    one, two = complain(), complain(type="question", text="刚才的投诉有进展吗？")
    other = complain(person_id=None)
    with pytest.raises(service.CannotMerge):
        service.merge_ticket(actor=crew.sun, number=two, into=other, now=NOW)
    service.merge_ticket(actor=crew.sun, number=two, into=one, now=NOW)
    member = customers.viewer_of_person(zhang_san)
    assert shown(member, two).merged_into == one
    assert not TicketClock.objects.filter(ticket__number=two, next_at__isnull=False).exists()
    assert two not in [row.number for row in queries.tickets_page(crew.sun, now=NOW).items]
    with pytest.raises(NotFound):
        service.answer_ticket(actor=crew.sun, number=two, text="还在吗", now=NOW)


# --- files ---------------------------------------------------------------------------------------------------------


def test_a_file_is_what_its_bytes_say(complain: Complain, crew: Crew, li_si: int) -> None:
    number = complain(files=[service.NewFile("../../照片.exe", PNG)])
    [file] = shown(crew.sun, number).entries[0].files
    assert (file.name, file.content_type, file.is_image) == ("照片.exe", "image/png", True)
    assert queries.attachment(crew.sun, number, file.id, NOW)[1] == PNG
    with pytest.raises(NotFound):
        queries.attachment(crew.qian, number, file.id, NOW)
    service.answer_ticket(
        actor=crew.sun,
        number=number,
        text="内部",
        audience="staff",
        files=[service.NewFile("b.png", PNG)],
        now=NOW,
    )
    inside = shown(crew.sun, number).entries[-1].files[0]
    with pytest.raises(NotFound):
        queries.attachment(crew.he, number, inside.id, NOW)


# --- queues --------------------------------------------------------------------------------------------------------


def test_queues_hold_what_they_say(complain: Complain, crew: Crew) -> None:
    late, mine, done = complain(), complain(type="question"), complain(type="praise")
    service.assign_ticket(actor=crew.sun, number=mine, staff_id=crew.sun.id, now=NOW)
    service.resolve_ticket(actor=crew.sun, number=done, text="谢谢", now=NOW)
    at = NOW + 40 * MINUTE
    assert queries.queue_counts(crew.sun, now=at) == {
        "open": 2, "mine": 1, "unassigned": 1, "due": 0, "late": 2, "waiting": 0, "resolved": 1,
    }  # fmt: skip
    for queue, expected in {
        "open": {late, mine}, "mine": {mine}, "unassigned": {late}, "resolved": {done}, "late": {late, mine},
    }.items():  # fmt: skip
        found = queries.tickets_page(crew.sun, queue=queue, now=at).items
        assert {row.number for row in found} == expected, queue
    assert [row.number for row in queries.tickets_page(crew.sun, q=late.lower(), now=at).items] == [late]
    assert len(queries.tickets_page(crew.sun, q="异物", now=at).items) == 3
    assert not queries.tickets_page(crew.qian, now=at).items
    assert len(queries.tickets_page(crew.he, now=at).items) == 3


@pytest.mark.feature("C187", "C191")
def test_the_board_counts_what_happened(complain: Complain, crew: Crew, desk: Malls) -> None:
    import zoneinfo

    numbers = [complain(now=NOW + n * MINUTE, cause_id=queries.causes(desk.group)[1].id) for n in range(3)]
    service.resolve_ticket(actor=crew.sun, number=numbers[0], text="好了", now=NOW + 20 * MINUTE)
    service.resolve_ticket(actor=crew.sun, number=numbers[1], text="好了", now=NOW + 60 * MINUTE)
    board = queries.board(
        crew.wang, mall_id=None, days=7, zone=zoneinfo.ZoneInfo("Asia/Shanghai"), now=NOW + 90 * MINUTE
    )
    assert (board.opened, board.solved, board.repeats) == (3, 2, 2)
    assert [(kept.kind, kept.kept, kept.late) for kept in board.kept][:2] == [
        ("first_answer", 1, 1),
        ("resolution", 2, 0),
    ]
    assert [(row.name, row.tickets) for row in board.causes] == [("商品", 3)]
    assert board.hours[10] == 3
    assert queries.board(crew.qian, mall_id=None, days=7, zone=dt.UTC, now=NOW + 90 * MINUTE).opened == 0
    with pytest.raises(NotAllowed):
        queries.board(crew.he, mall_id=None, days=7, zone=dt.UTC, now=NOW)


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.feature("N12")
def test_open_tickets_keep_the_promises_they_were_opened_under(
    complain: Complain, crew: Crew, desk: Malls
) -> None:
    old = complain()
    service.publish_policy(
        actor=crew.lin,
        group_id=desk.group,
        policy=service.Policy((service.Row("*", "*", "desk", 5, 60, owner="mall_manager"),)),
        now=NOW,
    )
    service.publish_calendar(
        actor=crew.lin,
        group_id=desk.group,
        code="desk",
        name="服务台",
        time_zone="Asia/Shanghai",
        week=["09:00-21:00"] * 7,
        now=NOW,
    )
    new = complain(person_id=None, now=NOW + MINUTE)
    assert clocks(old)["first_answer"].target_s == 1800 and clocks(new)["first_answer"].target_s == 300
    versions = [shown(crew.sun, number).clocks[0].calendar_version for number in (old, new)]
    assert versions == [1, 2]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (service.Row("complaint", "normal", "nowhere", 5, 60), "calendar"),
        (service.Row("complaint", "normal", "desk", 90, 60), "order"),
        (service.Row("complaint", "grave", "desk", 5, 60), "kind"),
        (service.Row("complaint", "normal", "desk", 5, 60, warn_percent=100), "percent"),
        (service.Row("complaint", "normal", "desk", 5, 60, owner=""), "role"),
        (service.Row("complaint", "normal", "desk", -1, 60), "minutes"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    desk: Malls, crew: Crew, row: service.Row, what: str
) -> None:
    with pytest.raises(service.PolicyInvalid) as refused:
        service.publish_policy(actor=crew.lin, group_id=desk.group, policy=service.Policy((row,)), now=NOW)
    assert refused.value.params["row"] == 1
    assert queries.policy_in_force(desk.group).version == 1


def test_only_who_may_changes_settings(desk: Malls, crew: Crew) -> None:
    for actor in (crew.sun, crew.wang, crew.wu):
        with pytest.raises(NotAllowed):
            service.publish_policy(actor=actor, group_id=desk.group, policy=service.USUAL, now=NOW)
        with pytest.raises(NotAllowed):
            service.load_holidays(actor=actor, region="cn", data={}, now=NOW)
        with pytest.raises(NotAllowed):
            service.save_cause(actor=actor, group_id=desk.group, code="x", name="x", now=NOW)


def test_a_cause_cannot_stand_below_itself(desk: Malls, crew: Crew) -> None:
    goods, quality = queries.causes(desk.group)[:2]
    with pytest.raises(service.CauseLoop):
        service.save_cause(
            actor=crew.ops, group_id=desk.group, code=goods.code, name="商品", parent_id=quality.id, now=NOW
        )
    assert quality.path == "商品 / 商品质量"

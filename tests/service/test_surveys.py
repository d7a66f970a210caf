"""Surveys: asked once and in time, answered by link and by code, what low and high scores bring, and honest figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.kernel.threads import run_threads
from tests.people import NOW, Crew, Malls, build_crew, build_malls, meet, publish_policy
from tests.service.conftest import SYSTEM, found
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.messaging.models import OutboundMessage
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Invitation, Survey, SurveyAnswer, SurveyVersion, Task, Touchpoint
from zhike.service.rules import surveys as rules

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C185", "C190")]
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
Complain = Callable[..., str]


@pytest.fixture
def asked(desk: Malls, crew: Crew, zhang_san: int, complain: Complain) -> str:
    """A ticket of 张三 that was closed at NOW; its number."""
    service.found_surveys(actor=SYSTEM, group_id=desk.group, now=NOW)
    number = complain(now=NOW - dt.timedelta(hours=1))
    service.assign_ticket(actor=crew.wang, number=number, staff_id=crew.sun.id, now=NOW)
    service.close_ticket(actor=crew.sun, number=number, now=NOW)
    return number


def answer(score: int, now: dt.datetime = NOW + 2 * DAY, **more: Any) -> str:
    token = queries.survey_token(Invitation.objects.get().pk)
    values: dict[str, Any] = {"comment": "", "answers": {}} | more
    return service.answer_invitation(actor=SYSTEM, token=token, score=score, now=now, **values)


def send(now: dt.datetime) -> int:
    return service.send_invitations(actor=SYSTEM, now=now)


# --- asked once, in time -------------------------------------------------------------------------------------------


@pytest.mark.feature("B43", "D23")
def test_a_ticket_is_asked_about_once_reminded_once_and_never_after_the_window(asked: str) -> None:
    row = Invitation.objects.get()
    assert row.ask_at == NOW + 10 * MINUTE and row.remind_at is not None
    assert [send(NOW + n * MINUTE) for n in (5, 10, 11)] == [0, 1, 0]
    assert [send(row.remind_at + n * MINUTE) for n in (-1, 0, 1)] == [0, 1, 0]
    assert send(row.ends_at + DAY) == 0
    assert list(OutboundMessage.objects.values_list("template", flat=True)) == [
        "survey_ticket",
        "survey_reminder",
    ]
    assert set(OutboundMessage.objects.values_list("expires_at", flat=True)) == {row.ends_at}
    assert Event.objects.filter(type="zhike.service.survey_asked").count() == 1


@pytest.mark.feature("D23")
def test_whoever_has_answered_is_not_reminded(asked: str) -> None:
    send(NOW + 10 * MINUTE)
    answer(4, NOW + 20 * MINUTE)
    assert send(NOW + 3 * DAY) == 0


def test_a_worker_that_stood_still_past_the_window_asks_nobody(asked: str) -> None:
    assert send(NOW + 30 * DAY) == 0 and not OutboundMessage.objects.exists()


@pytest.mark.feature("D23")
def test_a_reopened_ticket_is_not_asked_about_until_it_is_closed_again(
    asked: str, crew: Crew, complain: Complain
) -> None:
    send(NOW + 10 * MINUTE)
    service.reopen_ticket(actor=crew.sun, number=asked, text="又坏了", now=NOW + DAY)
    with pytest.raises(service.SurveyOver):
        answer(5, NOW + DAY)
    assert send(NOW + 5 * DAY) == 0
    service.close_ticket(actor=crew.sun, number=asked, now=NOW + 6 * DAY)
    row = Invitation.objects.get()
    assert row.ends_at > NOW + 12 * DAY  # time to answer again, but no second invitation
    assert send(NOW + 6 * DAY + 20 * MINUTE) == 0
    assert row.remind_at is not None and send(row.remind_at) == 1
    answer(5, NOW + 9 * DAY)


def test_nobody_is_asked_at_night_or_twice_within_the_quarantine(
    asked: str, crew: Crew, complain: Complain, zhang_san: int
) -> None:
    number = complain(now=NOW + DAY, text="另一件事")
    service.close_ticket(actor=crew.sun, number=number, now=NOW + DAY)
    assert Invitation.objects.count() == 1
    late = dt.datetime(2026, 3, 20, 23, 0, tzinfo=SHANGHAI)
    number = complain(now=late - DAY, text="第三件事")
    service.close_ticket(actor=crew.sun, number=number, now=late)
    asked_at = Invitation.objects.latest("id").ask_at.astimezone(SHANGHAI)
    assert (asked_at.date(), asked_at.hour) == (dt.date(2026, 3, 21), 9)


@pytest.mark.parametrize(
    ("hour", "asked_hour", "days"), [(3, 9, 0), (9, 9, 0), (15, 15, 0), (20, 20, 0), (21, 9, 1), (23, 9, 1)]
)
def test_daytime(hour: int, asked_hour: int, days: int) -> None:
    moment = dt.datetime(2026, 3, 20, hour, 10 if hour != 9 else 0, tzinfo=SHANGHAI)
    local = rules.in_daytime(moment, "Asia/Shanghai").astimezone(SHANGHAI)
    assert (local.hour, (local.date() - moment.date()).days) == (asked_hour, days)


def test_a_reminder_never_lies_outside_its_window() -> None:
    for hour in range(24):
        since = dt.datetime(2026, 3, 20, hour, 50, tzinfo=SHANGHAI)
        for window in range(1, 5):
            for after in range(6):
                when = rules.times(since, "Asia/Shanghai", window, after)
                assert when.remind_at is None or when.ask_at < when.remind_at < when.ends_at


# --- answers -------------------------------------------------------------------------------------------------------


def test_an_answer_counts_once_and_belongs_to_agent_merchant_and_cause(
    asked: str, crew: Crew, desk: Malls
) -> None:
    send(NOW + 10 * MINUTE)
    for score in (5, 1):
        assert answer(score, comment=" 很快 ", answers={"0": ["响应速度"]}).startswith("感谢")
    row = SurveyAnswer.objects.get()
    assert (row.score, row.comment, row.agent_id, row.merchant_id) == (5, "很快", crew.sun.id, desk.cafe)
    assert Event.objects.filter(type="zhike.service.promoter_found").count() == 1
    scores = queries.ticket_scores(crew.wang, mall_id=None, since=NOW, until=NOW + 9 * DAY)
    assert [(one.name, one.score.mean) for one in scores.agents] == [("孙客服", 5.0)]
    assert [one.name for one in scores.merchants] == ["半山咖啡"] and scores.asked == 1
    assert queries.ticket_scores(crew.qian, mall_id=None, since=NOW, until=NOW + 9 * DAY).score.count == 0
    with pytest.raises(NotAllowed):
        queries.ticket_scores(crew.li, mall_id=None, since=NOW, until=NOW)


def test_a_low_score_is_the_managers_task_within_a_day(asked: str, crew: Crew) -> None:
    answer(1, comment="没人管")
    task = Task.objects.get(kind="low_score")
    assert task.due_at == NOW + 3 * DAY and task.evidence == {"score": 1, "comment": "没人管"}
    assert [alert.level for alert in queries.open_alerts(crew.wang)] == []  # the ticket is closed
    service.finish_task(
        actor=crew.wang, task_id=task.pk, outcome="satisfied", result="已致电致歉", now=NOW + 2 * DAY
    )
    assert not Event.objects.filter(type="zhike.service.promoter_found").exists()


@pytest.mark.feature("D23")
def test_late_answers_are_refused_or_counted_by_rule(asked: str) -> None:
    ends_at = Invitation.objects.get().ends_at
    with pytest.raises(service.SurveyOver):
        answer(5, ends_at + MINUTE)
    Survey.objects.filter(trigger="ticket").update(counts_late=True)
    with pytest.raises(service.SurveyOver):
        answer(5, ends_at + 31 * DAY)
    answer(5, ends_at + MINUTE)
    assert SurveyAnswer.objects.get().is_late


@pytest.mark.parametrize(
    "bad",
    [
        {"score": 0},
        {"score": 6},
        {"score": 3, "answers": {"0": ["不存在"]}},
        {"score": 3, "answers": {"0": "x"}},
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_kept(asked: str, bad: dict[str, Any]) -> None:
    with pytest.raises(service.AnswerInvalid):
        answer(**bad)
    assert not SurveyAnswer.objects.exists() and Invitation.objects.get().answered_at is None


def test_a_link_cannot_be_guessed(asked: str) -> None:
    token = queries.survey_token(Invitation.objects.get().pk)
    for wrong in (token[:-1] + ("0" if token[-1] != "0" else "1"), "1", "x-y", "99999999999999999999-0", ""):
        with pytest.raises(NotFound):
            queries.invitation_form(wrong, NOW)
    assert queries.invitation_form(token, NOW).state == "open"
    assert queries.invitation_form(token, NOW + 30 * DAY).state == "over"


# --- places --------------------------------------------------------------------------------------------------------


def place(malls: Malls, **changes: Any) -> str:
    service.found_surveys(actor=SYSTEM, group_id=malls.group, now=NOW)
    values: dict[str, Any] = {
        "survey_id": Survey.objects.get(code="places").pk, "mall_id": malls.star, "kind": "restroom",
        "name": "三层洗手间",
    } | changes  # fmt: skip
    pk = service.save_touchpoint(actor=SYSTEM, now=NOW, **values)
    return Touchpoint.objects.get(pk=pk).code


def rate(code: str, score: int, device: bytes = b"a", nonce: str = "", now: dt.datetime = NOW) -> str:
    return service.answer_touchpoint(
        actor=SYSTEM, code=code, nonce=nonce or f"n{score}{device!r}", device=device, score=score, comment="",
        answers={}, now=now,
    )  # fmt: skip


@pytest.mark.feature("C195")
def test_a_place_is_rated_once_a_device_and_day_and_a_low_score_is_its_owners_task(
    desk: Malls, crew: Crew
) -> None:
    department = next(ref.id for ref in queries.departments(desk.group) if ref.code == "engineering")
    code = place(desk, department_id=department)
    service.open_touchpoint(actor=SYSTEM, code=code, now=NOW)
    for _ in range(2):  # the same form twice
        rate(code, 1)
    with pytest.raises(service.AnsweredToday):
        rate(code, 5, nonce="another form")
    rate(code, 2, b"b")
    rate(code, 5, b"c")
    assert SurveyAnswer.objects.count() == 3
    task = Task.objects.get(kind="low_score")
    assert (task.department_id, task.title) == (department, "三层洗手间")
    [view] = queries.touchpoints(crew.wang)
    assert (view.opened, view.score.count) == (1, 3)
    assert queries.touchpoints(crew.qian) == []
    for wrong in ("nowhere", ""):
        with pytest.raises(NotFound):
            rate(wrong, 5)
    Touchpoint.objects.update(is_open=False)
    with pytest.raises(NotFound):
        rate(code, 5, b"d")


def test_a_quota_that_is_full_takes_no_more(desk: Malls) -> None:
    code = place(desk)
    Survey.objects.filter(code="places").update(quota=2)
    rate(code, 5, b"a")
    rate(code, 5, b"b")
    with pytest.raises(service.SurveyOver):
        rate(code, 5, b"c")


# --- made, versioned, sent -----------------------------------------------------------------------------------------


def save(malls: Malls, actor: Viewer = SYSTEM, **changes: Any) -> int:
    values: dict[str, Any] = {
        "code": "nps", "name": "净推荐值", "kind": "nps", "trigger": "sample", "question": "会推荐吗？",
        "thanks": "谢谢",
    } | changes  # fmt: skip
    return service.save_survey(actor=actor, group_id=malls.group, now=NOW, **values)


def test_other_words_make_a_new_version_and_the_same_do_not(desk: Malls, crew: Crew) -> None:
    pk = save(desk)
    save(desk)
    save(desk, question="您会推荐我们吗？", kind="ces")  # the scale of a known survey stays
    assert sorted(SurveyVersion.objects.filter(survey_id=pk).values_list("version", flat=True)) == [1, 2]
    assert Survey.objects.get(pk=pk).kind == "nps"
    with pytest.raises(NotAllowed):
        save(desk, actor=crew.wang)
    save(desk, code="t1", trigger="ticket", kind="csat")
    with pytest.raises(service.OneAfterTickets):
        save(desk, code="t2", trigger="ticket", kind="csat")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"code": "A b"}, service.SurveyInvalid),
        ({"kind": "stars"}, service.SurveyInvalid),
        ({"question": ""}, service.SurveyInvalid),
        ({"window_days": 0}, service.SurveyInvalid),
        ({"quota": -1}, service.SurveyInvalid),
        ({"questions": [{"type": "choice", "text": "?", "options": ["一"]}]}, service.QuestionInvalid),
        ({"questions": [{"type": "choice", "text": "?", "options": ["一", "一"]}]}, service.QuestionInvalid),
        ({"questions": [{"type": "slider", "text": "?"}]}, service.QuestionInvalid),
        ({"questions": [{"type": "text", "text": "?"}] * 13}, service.QuestionInvalid),
    ],
)
def test_a_survey_that_cannot_be_asked_is_refused(
    desk: Malls, changes: dict[str, Any], refusal: type
) -> None:
    with pytest.raises(refusal):
        save(desk, **changes)
    assert not Survey.objects.exists()


def build_members(malls: Malls, count: int) -> None:
    publish_policy(malls)
    program = loyalty.create_program(actor=SYSTEM, group_id=malls.group, code="main", name="会员", now=NOW)
    loyalty.save_tier(
        actor=SYSTEM, program_id=program, code="basic", name="普卡", rank=1, threshold_fen=0, colour="slate", now=NOW
    )  # fmt: skip
    for number in range(count):
        loyalty.enroll_member(
            actor=SYSTEM,
            name="会员",
            phone=f"1380000{number:04d}",
            mall_id=malls.star,
            source="counter",
            now=NOW,
        )


def test_a_sample_leaves_alone_whoever_was_asked_lately(desk: Malls, crew: Crew) -> None:
    build_members(desk, 12)
    pk, other = save(desk), save(desk, code="other", quarantine_days=10)
    invite = {"actor": SYSTEM, "percent": 100}
    assert service.invite_sample(survey_id=pk, wave="Q1", now=NOW, **invite) == 12
    assert service.invite_sample(survey_id=pk, wave="Q1", now=NOW, **invite) == 0
    assert service.invite_sample(survey_id=other, wave="Q1", now=NOW + 9 * DAY, **invite) == 0
    assert service.invite_sample(survey_id=other, wave="Q1", now=NOW + 11 * DAY, **invite) == 12
    with pytest.raises(service.NotForSending):
        service.invite_sample(survey_id=pk, wave="", now=NOW, **invite)
    with pytest.raises(NotAllowed):
        service.invite_sample(actor=crew.wang, survey_id=pk, wave="Q2", percent=10, now=NOW)
    token = queries.survey_token(Invitation.objects.filter(survey_id=pk).latest("id").pk)
    service.answer_invitation(actor=SYSTEM, token=token, score=9, comment="", answers={}, now=NOW + DAY)
    assert SurveyAnswer.objects.get().mall_id == desk.star  # read where the member is at home
    assert queries.survey(crew.wang, pk).score.count == 1 and queries.survey(crew.qian, pk).score.count == 0
    chosen = [rules.is_in_sample(1, "Q1", person, 25) for person in range(4_000)]
    assert 0.22 < sum(chosen) / 4_000 < 0.28
    assert chosen != [rules.is_in_sample(1, "Q2", person, 25) for person in range(4_000)]


@pytest.mark.django_db(transaction=True)
def test_one_survey_and_one_message_whatever_the_number_of_workers() -> None:
    malls = build_malls()
    crew, person = build_crew(malls), meet(malls, "张三", "13800138000")
    found(malls)
    service.found_surveys(actor=SYSTEM, group_id=malls.group, now=NOW)
    number = service.open_ticket(
        actor=crew.sun,
        type="complaint",
        text="异物",
        channel="counter",
        mall_id=malls.star,
        person_id=person,
        now=NOW,
    )
    run_threads([lambda: service.close_ticket(actor=crew.sun, number=number, now=NOW)] * 8)
    run_threads([lambda: send(NOW + 10 * MINUTE)] * 8)
    assert Invitation.objects.count() == OutboundMessage.objects.count() == 1
    run_threads([lambda: answer(5, NOW + DAY)] * 16)
    assert SurveyAnswer.objects.count() == 1


# --- figures -------------------------------------------------------------------------------------------------------


def test_nps_and_its_interval_by_hand() -> None:
    """50 promoters, 30 passives, 20 detractors: NPS 30; variance (0.5 + 0.2 − 0.09) / 100."""
    score = rules.score_of("nps", {10: 30, 9: 20, 8: 20, 7: 10, 6: 15, 0: 5})
    half = 1.959964 * ((0.7 - 0.09) / 100) ** 0.5 * 100
    assert score.value == pytest.approx(30) and score.low == pytest.approx(30 - half)
    assert score.high == pytest.approx(30 + half)
    assert rules.score_of("nps", {}).value is None
    everybody = rules.score_of("nps", {10: 5})
    assert (everybody.value, everybody.high) == (100, 100)


def test_wilson_against_its_published_example() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611."""
    assert rules.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert rules.wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    csat = rules.score_of("csat", {5: 6, 4: 2, 1: 2})
    assert csat.value == 0.8 and csat.mean == 4.0
    ces = rules.score_of("ces", {7: 5, 5: 5})
    assert ces.value == 6 and ces.low is not None and 5 < ces.low < 6


def test_results_show_how_far_people_came(asked: str, crew: Crew) -> None:
    send(NOW + 10 * MINUTE)
    token = queries.survey_token(Invitation.objects.get().pk)
    service.open_invitation(actor=SYSTEM, token=token, now=NOW + DAY)
    survey_id = Survey.objects.get(trigger="ticket").pk
    period = {"mall_id": None, "since": NOW, "until": NOW + 9 * DAY, "zone": SHANGHAI}
    before = queries.survey_results(crew.wang, survey_id, **period)  # type: ignore[arg-type]
    assert (before.asked, before.opened, before.answered) == (1, 1, 0)
    answer(2, comment="太慢", answers={"0": ["响应速度", "沟通清晰"]})
    after = queries.survey_results(crew.wang, survey_id, **period)  # type: ignore[arg-type]
    assert after.answered == 1 and dict(after.choices[0][1])["响应速度"] == 1
    [one] = queries.answers_page(crew.wang, survey_id, verdict="low", with_words=True).items
    assert (one.comment, one.number, one.verdict) == ("太慢", asked, "low")
    assert queries.answers_page(crew.wang, survey_id, verdict="high").items == []

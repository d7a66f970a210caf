"""Answers to surveys: by a signed link, by the code of a place; and what a low or a high score brings about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.statements import fetch_row
from zhike.loyalty import queries as loyalty
from zhike.service.events import PromoterFound, SurveyAnswered, TaskOpened
from zhike.service.models import Invitation, Survey, SurveyAnswer, SurveyVersion, Task, Ticket, Touchpoint
from zhike.service.operations import _followups
from zhike.service.operations._asking import newest_version
from zhike.service.queries.surveys import invitation_of
from zhike.service.rules import surveys as rules

LOW_SCORE_DUE = dt.timedelta(hours=24)
LATE_MAX = dt.timedelta(days=30)
LOW_SCORE_SCRIPT = (
    "您好，我是商场的负责人。看到您的评价，非常抱歉没有让您满意：\n"
    "1. 请问哪一点最让您失望？\n2. 您希望我们怎样弥补？\n3. 我们会在 24 小时内给您答复，可以吗？"
)


class AnswerInvalid(Invalid):
    code = "survey-answer-invalid"
    title = _("Please choose a score, and answer the questions marked with a star.")


class SurveyOver(Conflict):
    code = "survey-over"
    title = _(
        "Thank you for coming back. The time for this survey is over; we would still like to hear from you in Help."
    )


class AnsweredToday(Conflict):
    code = "survey-answered-today"
    title = _("You have answered here today already. Thank you!")


@transaction.atomic
def open_invitation(*, actor: Viewer, token: str, now: dt.datetime) -> None:
    """Somebody looks at the form; the first time is kept. Raises NotFound."""
    Invitation.objects.filter(pk=invitation_of(token), opened_at=None).update(opened_at=now)


@transaction.atomic
def open_touchpoint(*, actor: Viewer, code: str, now: dt.datetime) -> None:
    """Somebody scanned the code of a place. Raises NotFound."""
    if not Touchpoint.objects.filter(code=code, is_open=True).update(opened=F("opened") + 1):
        raise NotFound


@transaction.atomic
def answer_invitation(
    *, actor: Viewer, token: str, score: int, comment: str, answers: Mapping[str, Any], now: dt.datetime
) -> str:
    """Keep an answer given by a signed link; the words of thanks. Whoever holds the link may answer, once: a second time
    changes nothing.

    After the window the answer is refused, or kept as late for thirty days where the survey counts late ones. Raises
    SurveyOver, AnswerInvalid, NotFound.
    """
    row = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("survey", "version")
        .filter(pk=invitation_of(token))
        .first()
    )
    if row is None:
        raise NotFound
    if row.answered_at is not None:
        return row.version.thanks
    is_late = now > row.ends_at
    if (
        row.cancelled_at is not None
        or (is_late and not row.survey.counts_late)
        or now > row.ends_at + LATE_MAX
    ):
        raise SurveyOver
    ticket = Ticket.objects.filter(pk=row.ticket_id).first() if row.ticket_id else None
    answer = SurveyAnswer(
        invitation=row,
        person_id=row.person_id,
        ticket=ticket,
        mall_id=ticket.mall_id if ticket else _home_mall(row.person_id),
        merchant_id=ticket.merchant_id if ticket else None,
        agent_id=ticket.assignee_id if ticket else None,
        cause_id=ticket.cause_id if ticket else None,
        nonce=f"i{row.pk}",
        is_late=is_late,
    )
    _keep(actor, answer, row.survey, row.version, score, comment, answers, now)
    row.answered_at = now
    row.opened_at = row.opened_at or now
    row.save(update_fields=["answered_at", "opened_at"])
    if ticket is not None and rules.verdict(row.survey.kind, score) == "low":
        _talk(ticket, answer, now)
    return row.version.thanks


@transaction.atomic
def answer_touchpoint(
    *,
    actor: Viewer,
    code: str,
    nonce: str,
    device: bytes,
    score: int,
    comment: str,
    answers: Mapping[str, Any],
    person_id: int | None = None,
    now: dt.datetime,
) -> str:
    """Keep an answer given at a place; the words of thanks. The same form twice is once, one device answers once a day.

    A low score becomes a task of who sees to the place, one at a time. Raises AnsweredToday, SurveyOver, AnswerInvalid,
    NotFound.
    """
    place = Touchpoint.objects.filter(code=code, is_open=True).select_related("survey").first()
    version = newest_version(place.survey_id) if place else None
    if place is None or version is None or not place.survey.is_open:
        raise NotFound
    if SurveyAnswer.objects.filter(nonce=nonce[:40]).exists():
        return version.thanks
    quota = place.survey.quota
    if quota and SurveyAnswer.objects.filter(survey_id=place.survey_id).count() >= quota:
        raise SurveyOver
    answer = SurveyAnswer(
        touchpoint=place,
        person_id=person_id,
        mall_id=place.mall_id,
        merchant_id=place.merchant_id,
        nonce=nonce[:40],
        device=device,
    )
    try:
        with transaction.atomic():
            _keep(actor, answer, place.survey, version, score, comment, answers, now)
    except IntegrityError:
        if SurveyAnswer.objects.filter(nonce=nonce[:40]).exists():
            return version.thanks
        raise AnsweredToday from None
    if rules.verdict(place.survey.kind, score) == "low":
        _mend(place, answer, now)
    return version.thanks


def _home_mall(person_id: int) -> int | None:
    """Where a member is at home, so that the mall reads what its own members say."""
    sql = loyalty.members_sql(_followups.ACTOR).inside(
        "SELECT m.mall_id FROM (", ") m WHERE m.person_id = %s"
    )
    row = fetch_row(sql.text, [*sql.params, person_id])
    return row[0] if row else None


def _keep(
    actor: Viewer,
    answer: SurveyAnswer,
    survey: Survey,
    version: SurveyVersion,
    score: int,
    comment: str,
    answers: Mapping[str, Any],
    now: dt.datetime,
) -> None:
    lowest, highest = rules.SCALES[survey.kind]
    clean = rules.checked_answers(version.questions, answers)
    if not lowest <= score <= highest or clean is None:
        raise AnswerInvalid
    answer.survey, answer.version = survey, version
    answer.score, answer.answers, answer.answered_at = score, clean, now
    answer.comment = comment.strip()[: rules.TEXT_MAX]
    answer.save(force_insert=True)
    verdict = rules.verdict(survey.kind, score)
    facts: list[Any] = [
        SurveyAnswered(
            answer.pk, survey.pk, survey.kind, score, verdict, answer.person_id, answer.ticket_id, answer.mall_id,
            answer.merchant_id,
        )
    ]  # fmt: skip
    if verdict == "high" and answer.person_id is not None:
        facts.append(PromoterFound(answer.person_id, survey.pk, score))
    events.publish(*facts, actor=actor, now=now)
    after = {"survey": survey.code, "score": score, "late": answer.is_late}
    audit.record(actor=actor, action="survey.answer", subject=("survey", survey.pk), after=after, now=now)


def _talk(ticket: Ticket, answer: SurveyAnswer, now: dt.datetime) -> None:
    """Somebody in charge talks to a member who is not content, within a day."""
    if Task.objects.filter(ticket=ticket, kind="low_score", status="open").exists():
        return
    task = _followups.open_task(
        ticket, "low_score", ticket.title, now, due_at=now + LOW_SCORE_DUE, script=LOW_SCORE_SCRIPT
    )
    task.evidence = {"score": answer.score, "comment": answer.comment}
    task.merchant_id = ticket.merchant_id
    task.save(update_fields=["evidence", "merchant"])
    _followups.alert(ticket, "low_score", "mall_manager", now)


def _mend(place: Touchpoint, answer: SurveyAnswer, now: dt.datetime) -> None:
    """Whoever sees to the place has one open task about it at a time."""
    Touchpoint.objects.select_for_update().get(pk=place.pk)
    if Task.objects.filter(kind="low_score", status="open", evidence__touchpoint=place.pk).exists():
        return
    task = Task.objects.create(
        mall_id=place.mall_id,
        merchant_id=place.merchant_id,
        department_id=place.department_id,
        kind="low_score",
        title=place.name,
        evidence={"score": answer.score, "comment": answer.comment, "touchpoint": place.pk},
        due_at=now + LOW_SCORE_DUE,
        created_at=now,
        created_by=_followups.ACTOR.label,
    )
    fact = TaskOpened(task.pk, "low_score", None, place.mall_id, place.merchant_id)
    events.publish(fact, actor=_followups.ACTOR, now=now)

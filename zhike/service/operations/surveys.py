"""Surveys: made, published in versions, put up at places, sent to a sample; and the messages that ask and remind."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization
from zhike.service.events import SurveyAsked, SurveyPublished
from zhike.service.models import Department, Invitation, Survey, SurveyVersion, Touchpoint
from zhike.service.operations._asking import newest_version
from zhike.service.operations._wordings import ensure_wordings
from zhike.service.operations.settings import MANAGE
from zhike.service.queries.surveys import survey_url
from zhike.service.rules import surveys as rules

_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
DAYS_MAX = 365
SEND_BATCH = 500
INVITE_MAX = 20_000


class SurveyInvalid(Invalid):
    code = "survey-invalid"
    title = _("A survey needs a code, a name, a question, and days that are not negative.")


class QuestionInvalid(Invalid):
    code = "survey-question-invalid"
    title = _(
        "Question %(place)s: words of up to 120 characters, and two to twelve different options to choose from."
    )


class OneAfterTickets(Conflict):
    code = "survey-one-after-tickets"
    title = _("Another survey is asked after tickets already. Close it first.")


class NotForSending(Conflict):
    code = "survey-not-for-sending"
    title = _("This survey is not sent to a sample, or is closed.")


class TouchpointInvalid(Invalid):
    code = "touchpoint-invalid"
    title = _("A place needs a name, a kind, and an open survey that is answered by link.")


@transaction.atomic
def save_survey(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    kind: str,
    trigger: str,
    question: str,
    thanks: str,
    questions: Sequence[Mapping[str, Any]] = (),
    window_days: int = 7,
    remind_after_days: int = 0,
    quarantine_days: int = 30,
    quota: int = 0,
    counts_late: bool = False,
    is_open: bool = True,
    now: dt.datetime,
) -> int:
    """Make a survey, or change it; its id. Other words make a new version; answers stay with the one they were given to.

    Scale and trigger of a known survey stay. Raises SurveyInvalid, QuestionInvalid, OneAfterTickets, NotAllowed.
    """
    require_touch(actor, MANAGE)
    days = (window_days, remind_after_days, quarantine_days)
    words = [" ".join(text.split()) for text in (name, question, thanks)]
    if not _CODE.fullmatch(code) or kind not in rules.SCALES or trigger not in rules.TRIGGERS:
        raise SurveyInvalid
    if any(not 0 <= one <= DAYS_MAX for one in days) or not window_days or not 0 <= quota <= 1_000_000:
        raise SurveyInvalid
    if not all(words) or len(words[0]) > 80 or len(words[1]) > 120 or len(words[2]) > 200:
        raise SurveyInvalid
    try:
        clean = rules.checked_questions(questions)
    except rules.BadQuestions as fault:
        raise QuestionInvalid(place=fault.place) from fault
    row = Survey.objects.select_for_update().filter(group_id=group_id, code=code).first()
    if row is None:
        row = Survey(
            group_id=group_id, code=code, kind=kind, trigger=trigger, created_at=now, created_by=actor.label
        )
    others = Survey.objects.filter(group_id=group_id, trigger="ticket", is_open=True).exclude(code=code)
    if row.trigger == "ticket" and is_open and others.exists():
        raise OneAfterTickets
    row.name, row.window_days, row.remind_after_days = words[0], window_days, remind_after_days
    row.quarantine_days, row.quota, row.counts_late, row.is_open = (
        quarantine_days,
        quota,
        counts_late,
        is_open,
    )
    row.save()
    version = _publish(actor, row, words[1], words[2], clean, now)
    audit.record(
        actor=actor,
        action="survey.save",
        subject=("survey", row.pk),
        after={"code": code, "version": version, "is_open": is_open},
        now=now,
    )
    return row.pk


def _publish(
    actor: Viewer, row: Survey, question: str, thanks: str, questions: list[dict[str, Any]], now: dt.datetime
) -> int:
    newest = newest_version(row.pk)
    if newest and (newest.question, newest.thanks, newest.questions) == (question, thanks, questions):
        return newest.version
    version = newest.version + 1 if newest else 1
    SurveyVersion.objects.create(
        survey=row,
        version=version,
        question=question,
        questions=questions,
        thanks=thanks,
        published_at=now,
        published_by=actor.label,
    )
    events.publish(SurveyPublished(row.pk, version), actor=actor, now=now)
    return version


@transaction.atomic
def save_touchpoint(
    *,
    actor: Viewer,
    survey_id: int,
    mall_id: int,
    kind: str,
    name: str,
    merchant_id: int | None = None,
    department_id: int | None = None,
    touchpoint_id: int | None = None,
    is_open: bool = True,
    now: dt.datetime,
) -> int:
    """Put a survey up at a place, or change who sees to the place; its id. Low scores become its owner's task.

    Raises TouchpointInvalid, NotFound, NotAllowed.
    """
    require_touch(actor, MANAGE, mall=mall_id)
    survey = Survey.objects.filter(pk=survey_id, trigger="link").first()
    name = " ".join(name.split())
    merchant = organization.merchant_ref(merchant_id) if merchant_id else None
    if survey is None or kind not in rules.PLACES or not 0 < len(name) <= 80:
        raise TouchpointInvalid
    if merchant_id and (merchant is None or merchant.mall_id != mall_id):
        raise NotFound
    if department_id and not Department.objects.filter(pk=department_id, group_id=survey.group_id).exists():
        raise NotFound
    row = Touchpoint.objects.filter(pk=touchpoint_id, mall_id=mall_id).first() if touchpoint_id else None
    if touchpoint_id and row is None:
        raise NotFound
    row = row or Touchpoint(code=secrets.token_urlsafe(9), created_at=now, mall_id=mall_id)
    row.survey_id, row.kind, row.name, row.is_open = survey.pk, kind, name, is_open
    row.merchant_id, row.department_id = merchant_id, department_id
    row.save()
    after = {"name": name, "kind": kind, "survey": survey.code, "is_open": is_open}
    audit.record(actor=actor, action="touchpoint.save", subject=("touchpoint", row.pk), after=after, now=now)
    return row.pk


@transaction.atomic
def invite_sample(*, actor: Viewer, survey_id: int, percent: int, wave: str, now: dt.datetime) -> int:
    """Ask a fair sample of the active members in the actor's scope; how many were newly invited.

    Under one ``wave`` nobody is asked twice, whoever was asked anything within the survey's quarantine is left out, and
    the quota of answers is never invited past by more than the answers it lacks. Raises NotForSending, NotAllowed.
    """
    require_touch(actor, MANAGE)
    survey = Survey.objects.select_for_update().filter(pk=survey_id, trigger="sample", is_open=True).first()
    version = newest_version(survey_id)
    wave = wave.strip()[:20]
    if survey is None or version is None or not wave or not 1 <= percent <= 100:
        raise NotForSending
    zone = organization.mall(organization.first_mall_id() or 0).time_zone
    when = rules.times(now, zone, survey.window_days, survey.remind_after_days)
    since = now - dt.timedelta(days=survey.quarantine_days)
    persons = [pk for pk in _candidates(actor, since) if rules.is_in_sample(survey.pk, wave, pk, percent)]
    persons = persons[: min(INVITE_MAX, survey.quota or INVITE_MAX)]
    rows = [
        Invitation(
            survey=survey,
            version=version,
            person_id=pk,
            wave=wave,
            ask_at=when.ask_at,
            remind_at=when.remind_at,
            ends_at=when.ends_at,
        )
        for pk in persons
    ]
    known = set(Invitation.objects.filter(survey=survey, wave=wave).values_list("person_id", flat=True))
    made = Invitation.objects.bulk_create([row for row in rows if row.person_id not in known])
    events.publish_many(
        [SurveyAsked(row.person_id, survey.pk, row.pk, None) for row in made], actor=actor, now=now
    )
    after = {"wave": wave, "percent": percent, "invited": len(made)}
    audit.record(actor=actor, action="survey.send", subject=("survey", survey.pk), after=after, now=now)
    return len(made)


def _candidates(actor: Viewer, since: dt.datetime) -> list[int]:
    """Active members in scope whom no survey has asked since, by id."""
    sql = loyalty.members_sql(actor).inside("SELECT m.person_id FROM (", ") m") + Sql(
        " WHERE NOT EXISTS (SELECT 1 FROM service_invitation i WHERE i.person_id = m.person_id"
        " AND i.cancelled_at IS NULL AND i.ask_at > %s) ORDER BY m.person_id",
        (since,),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.params)
        return [row[0] for row in cursor.fetchall()]


# --- messages ------------------------------------------------------------------------------------------------------

WORDINGS: tuple[tuple[str, str, str, dict[str, tuple[str, str]]], ...] = (
    ("survey_ticket", "工单满意度邀请", "service", {
        "zh-hans": ("这次服务您满意吗？", "${name}，您反映的事项已处理完毕。点开链接，十秒完成评价：${link}"),
        "zh-hant": ("這次服務您滿意嗎？", "${name}，您反映的事項已處理完畢。點開連結，十秒完成評價：${link}"),
        "en": ("How did we do?", "${name}, your matter is closed. Ten seconds for your opinion: ${link}"),
    }),
    ("survey_sample", "会员调研邀请", "marketing", {
        "zh-hans": ("想听听您的意见", "${name}，诚邀您为我们打分，只需一分钟：${link}"),
        "zh-hant": ("想聽聽您的意見", "${name}，誠邀您為我們評分，只需一分鐘：${link}"),
        "en": ("We would like your opinion", "${name}, one minute for your opinion: ${link}"),
    }),
    ("survey_reminder", "调研提醒", "service", {
        "zh-hans": ("还差您的一个评价", "${name}，您的评价还没有提交，链接即将失效：${link}"),
        "zh-hant": ("還差您的一個評價", "${name}，您的評價還沒有提交，連結即將失效：${link}"),
        "en": ("Your opinion is still missing", "${name}, the link is about to end: ${link}"),
    }),
)  # fmt: skip


def send_invitations(*, actor: Viewer, now: dt.datetime) -> int:
    """Write what is due to be asked or reminded of, each once; how many messages. Nothing is written after a window."""
    asked = Invitation.objects.filter(sent_at=None, cancelled_at=None, ask_at__lte=now, ends_at__gt=now)
    reminded = Invitation.objects.filter(
        remind_at__lte=now, reminded_at=None, answered_at=None, cancelled_at=None, sent_at__isnull=False,
        ends_at__gt=now,
    )  # fmt: skip
    return _write(actor, asked, "sent_at", now) + _write(actor, reminded, "reminded_at", now)


@transaction.atomic
def _write(actor: Viewer, due: QuerySet[Invitation], column: str, now: dt.datetime) -> int:
    """One message each; a wave is one request, because its window is one."""
    rows = due.select_for_update(of=("self",), skip_locked=True).select_related("survey").order_by("id")
    alike: dict[tuple[Any, ...], list[Invitation]] = defaultdict(list)
    for row in rows[:SEND_BATCH]:
        alike[row.survey_id, row.wave, row.ends_at, row.ticket_id].append(row)
    written = 0
    for (survey_id, wave, ends_at, ticket_id), group in alike.items():
        template = "survey_ticket" if ticket_id else "survey_sample"
        if ticket_id and column == "reminded_at":
            template = "survey_reminder"
        written += messaging.send_messages(
            actor=actor,
            template=template,
            person_ids=[row.person_id for row in group],
            own_values={row.person_id: {"link": survey_url(row.pk)} for row in group},
            once=f"survey:{survey_id}:{ticket_id or wave}:{column}",
            expires_at=ends_at,
            now=now,
        ).count
        Invitation.objects.filter(pk__in=[row.pk for row in group]).update(**{column: now})
    return written


USUAL: tuple[dict[str, Any], ...] = (
    {
        "code": "after-ticket", "name": "工单满意度", "kind": "csat", "trigger": "ticket",
        "question": "这次问题的处理，您满意吗？", "thanks": "感谢您的评价，我们会继续努力。",
        "questions": [{"type": "many", "text": "哪些方面影响了您的评价？",
                       "options": ["响应速度", "服务态度", "解决结果", "沟通清晰", "补偿方案"]}],
        "window_days": 7, "remind_after_days": 2, "quarantine_days": 7,
    },
    {
        "code": "member-nps", "name": "会员净推荐值", "kind": "nps", "trigger": "sample",
        "question": "您有多大可能把我们推荐给朋友？", "thanks": "谢谢！您的意见会直接送到商场管理层。",
        "questions": [{"type": "many", "text": "您最看重什么？",
                       "options": ["品牌与商品", "餐饮", "环境与卫生", "停车", "会员权益", "活动"]}],
        "window_days": 14, "remind_after_days": 5, "quarantine_days": 90,
    },
    {
        "code": "places", "name": "触点评分", "kind": "csat", "trigger": "link",
        "question": "您对这里满意吗？", "thanks": "收到，谢谢您的反馈！",
        "questions": [{"type": "many", "text": "哪里需要改进？",
                       "options": ["清洁", "排队", "温度", "指引", "服务态度", "设施损坏"]}],
        "window_days": 1, "quarantine_days": 0,
    },
)  # fmt: skip


@transaction.atomic
def found_surveys(*, actor: Viewer, group_id: int, now: dt.datetime) -> None:
    """The usual three surveys and their wordings, where there are none. Raises NotAllowed."""
    ensure_wordings(actor, group_id, WORDINGS, ("inbox",), now)
    if not Survey.objects.filter(group_id=group_id).exists():
        for one in USUAL:
            save_survey(actor=actor, group_id=group_id, now=now, **one)

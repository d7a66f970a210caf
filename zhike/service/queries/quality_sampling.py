"""Which conversations can be looked at, and why; for the draw itself and for whoever repeats it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from zhike.organization import queries as organization
from zhike.service.models import (
    Conversation,
    Message,
    QualityChecklist,
    QualityChecklistVersion,
    QualityPlan,
    SurveyAnswer,
    WordAlert,
)
from zhike.service.rules import quality as rules
from zhike.service.rules.surveys import LOW

WEEK = dt.timedelta(days=7)


def week_span(mall_id: int, week: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """From Monday to Monday in the mall's zone."""
    zone = ZoneInfo(organization.mall(mall_id).time_zone)
    since, until = (dt.datetime.combine(day, dt.time(), zone) for day in (week, week + WEEK))
    return since, until


def week_of(mall_id: int, moment: dt.datetime) -> dt.date:
    """The Monday of a moment in the mall's zone."""
    day = moment.astimezone(ZoneInfo(organization.mall(mall_id).time_zone)).date()
    return day - dt.timedelta(days=day.weekday())


def plan_in_force(mall_id: int) -> QualityPlan | None:
    return QualityPlan.objects.filter(mall_id=mall_id).order_by("-version").first()


def candidates(plan: QualityPlan, week: dt.date) -> list[rules.Candidate]:
    """Every conversation of a mall that was closed in a week and that people were asked to answer, with what takes it anyway."""
    since, until = week_span(plan.mall_id, week)
    rows = Conversation.objects.filter(
        mall_id=plan.mall_id, status="closed", closed_at__gte=since, closed_at__lt=until
    ).filter(Q(first_answered_at__isnull=False) | Q(handover__has_key="reason"))
    reasons = _reasons(plan, rows)
    return [
        rules.Candidate(
            row.pk,
            row.number,
            row.assignee_id if row.first_answered_at else None,
            tuple(reason for reason in rules.REASONS if reason in reasons[row.pk]),
        )
        for row in rows.order_by("id")
    ]


def _reasons(plan: QualityPlan, rows: QuerySet[Conversation]) -> dict[int, set[str]]:
    """Which of the plan's reasons hold, by conversation."""
    found: dict[int, set[str]] = defaultdict(set)
    for reason in plan.always:
        for pk in _HOLD[reason](plan, rows):
            found[pk].add(reason)
    return found


def _low_csat(plan: QualityPlan, rows: QuerySet[Conversation]) -> list[int]:
    """The ticket of the conversation got a low score in a survey about satisfaction."""
    tickets = dict(rows.exclude(ticket=None).values_list("ticket_id", "id"))
    low = SurveyAnswer.objects.filter(ticket_id__in=tickets, survey__kind="csat", score__lte=LOW["csat"])
    return [tickets[pk] for pk in low.values_list("ticket_id", flat=True)]


def _words(plan: QualityPlan, rows: QuerySet[Conversation]) -> list[int]:
    alerts = WordAlert.objects.filter(conversation__in=rows).exclude(verdict="harmless")
    return list(alerts.values_list("conversation_id", flat=True))


def _failed(plan: QualityPlan, rows: QuerySet[Conversation]) -> list[int]:
    """Handed over by the assistant, and answered by nobody or late."""
    answered = dict(rows.filter(handover__has_key="reason").values_list("id", "first_answered_at"))
    handed = Message.objects.filter(conversation_id__in=answered, kind="event", details__what="queued")
    since = dict(handed.order_by("-number").values_list("conversation_id", "written_at"))
    return [
        pk
        for pk, moment in answered.items()
        if moment is None or (pk in since and moment - since[pk] > rules.LATE_HANDOFF)
    ]


def _vip(plan: QualityPlan, rows: QuerySet[Conversation]) -> list[int]:
    return list(rows.filter(rank__gte=plan.vip_rank).values_list("id", flat=True))


_HOLD: dict[str, Callable[[QualityPlan, QuerySet[Conversation]], list[int]]] = {
    "low_csat": _low_csat,
    "words": _words,
    "handoff": _failed,
    "vip": _vip,
}


def checklists_for(group_id: int) -> list[tuple[QualityChecklist, QualityChecklistVersion]]:
    """Open checklists with their newest version; the most particular first."""
    rows = list(QualityChecklist.objects.filter(group_id=group_id, is_open=True, version__gt=0))
    versions = {
        (one.checklist_id, one.version): one
        for one in QualityChecklistVersion.objects.filter(checklist__in=rows)
    }
    rows.sort(key=lambda row: (-bool(row.skills) - bool(row.channels), row.code))
    return [(row, versions[row.pk, row.version]) for row in rows]


def checklist_of(
    known: list[tuple[QualityChecklist, QualityChecklistVersion]], skill: str, channel: str
) -> QualityChecklistVersion | None:
    """The first that names this skill and channel, or names none."""
    for row, version in known:
        if (not row.skills or skill in row.skills) and (not row.channels or channel in row.channels):
            return version
    return None

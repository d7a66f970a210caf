"""One survey a ticket: asked after closing, called off when it is taken up again. The ticket's row is locked."""

from __future__ import annotations

import datetime as dt

from zhike.kernel import events
from zhike.kernel.access import system_viewer
from zhike.organization import queries as organization
from zhike.service.events import SurveyAsked
from zhike.service.models import Invitation, Survey, SurveyVersion, Ticket
from zhike.service.rules import surveys as rules

ACTOR = system_viewer("surveys")


def newest_version(survey_id: int) -> SurveyVersion | None:
    return SurveyVersion.objects.filter(survey_id=survey_id).order_by("-version").first()


def is_in_quarantine(person_id: int, days: int, now: dt.datetime) -> bool:
    """Whether the person was, or is to be, asked anything by any survey in the last ``days`` days."""
    since = now - dt.timedelta(days=days)
    rows = Invitation.objects.filter(person_id=person_id, cancelled_at=None, ask_at__gt=since)
    return bool(days) and rows.exists()


def after_closing(ticket: Ticket, now: dt.datetime) -> None:
    """Ask once, by day; a ticket closed for the second time goes on with the invitation it has."""
    if ticket.person_id is None or ticket.merged_into_id is not None:
        return
    mall = organization.mall(ticket.mall_id)
    known = Invitation.objects.select_for_update().filter(ticket=ticket).select_related("survey").first()
    if known is not None:
        _go_on(known, mall.time_zone, now)
        return
    survey = Survey.objects.filter(group_id=mall.group_id, trigger="ticket", is_open=True).first()
    if survey is None or (version := newest_version(survey.pk)) is None:
        return
    if is_in_quarantine(ticket.person_id, survey.quarantine_days, now):
        return
    when = rules.times(now + rules.ASK_AFTER, mall.time_zone, survey.window_days, survey.remind_after_days)
    made = Invitation.objects.create(
        survey=survey,
        version=version,
        person_id=ticket.person_id,
        ticket=ticket,
        ask_at=when.ask_at,
        remind_at=when.remind_at,
        ends_at=when.ends_at,
    )
    fact = SurveyAsked(ticket.person_id, survey.pk, made.pk, ticket.pk)
    events.publish(fact, actor=ACTOR, now=now)


def _go_on(known: Invitation, zone: str, now: dt.datetime) -> None:
    """Not sent yet: sent anew. Sent already: no second message, but time to answer and the one reminder."""
    if known.answered_at is not None:
        return
    survey = known.survey
    when = rules.times(now + rules.ASK_AFTER, zone, survey.window_days, survey.remind_after_days)
    known.cancelled_at, known.ends_at = None, when.ends_at
    if known.sent_at is None:
        known.ask_at = when.ask_at
    if known.reminded_at is None:
        known.remind_at = when.remind_at
    known.save()


def cancel_of(ticket: Ticket, now: dt.datetime) -> None:
    """It is not over: nobody is asked how it was."""
    Invitation.objects.filter(ticket=ticket, answered_at=None, cancelled_at=None).update(cancelled_at=now)

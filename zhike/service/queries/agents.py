"""Who is there to answer conversations, and the phrases they use."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q

from zhike.kernel.access import Viewer, require
from zhike.organization import queries as organization
from zhike.service.models import Agent, Conversation, Phrase
from zhike.service.queries import calendars
from zhike.service.rules import clock, conversations

HANDLE = "tickets.handle"
DESK_CALENDAR = "desk"


@dataclass(frozen=True, slots=True)
class AgentView:
    """``is_there``: takes conversations at this moment. ``load`` counts open ones."""

    staff_id: int
    name: str
    state: str
    skills: tuple[str, ...]
    places: int
    load: int
    seen_at: dt.datetime | None
    assigned_at: dt.datetime | None
    is_there: bool


@dataclass(frozen=True, slots=True)
class PhraseView:
    id: int
    code: str
    title: str
    text: str
    uses: int
    changed_at: dt.datetime
    changed_by: str


def seats(mall_id: int, now: dt.datetime) -> list[AgentView]:
    """Everybody who may handle conversations in a mall, by name; the caller has authorised."""
    staff = dict(organization.staff_at(HANDLE, mall_id))
    rows = {row.pk: row for row in Agent.objects.filter(pk__in=staff)}
    loads = dict(
        Conversation.objects.filter(assignee_id__in=staff, status="open")
        .values_list("assignee_id")
        .annotate(many=Count("id"))
    )
    found = []
    for pk, name in staff.items():
        row = rows.get(pk) or Agent(pk=pk)
        found.append(
            AgentView(
                pk,
                name,
                row.state,
                tuple(row.skills),
                row.places,
                loads.get(pk, 0),
                row.seen_at,
                row.assigned_at,
                conversations.is_there(row.state, row.seen_at, now),
            )
        )
    return found


def agents_there(mall_id: int, now: dt.datetime) -> list[AgentView]:
    """Those who take conversations now."""
    return [one for one in seats(mall_id, now) if one.is_there]


def seat(viewer: Viewer, now: dt.datetime) -> AgentView:
    """The viewer's own seat. Raises NotAllowed."""
    require(viewer, HANDLE)
    row = Agent.objects.filter(pk=viewer.id or 0).first() or Agent(pk=viewer.id or 0)
    load = Conversation.objects.filter(assignee_id=viewer.id or 0, status="open").count()
    is_there = conversations.is_there(row.state, row.seen_at, now)
    return AgentView(
        row.pk,
        viewer.label,
        row.state,
        tuple(row.skills),
        row.places,
        load,
        row.seen_at,
        row.assigned_at,
        is_there,
    )


def desk_opens_at(group_id: int, now: dt.datetime) -> dt.datetime | None:
    """When the desk opens next; None while it is open, or when nobody said when it is."""
    version_id = calendars.newest_version_ids(group_id).get(DESK_CALENDAR)
    if version_id is None:
        return None
    span = next(clock.open_spans(calendars.Calendars(now).get(version_id), now), None)
    return None if span is None or span.since <= now else span.since


def phrases(viewer: Viewer, group_id: int, q: str = "") -> list[PhraseView]:
    """Answers written beforehand, the most used first. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = Phrase.objects.filter(group_id=group_id)
    if q:
        rows = rows.filter(Q(code__istartswith=q) | Q(title__icontains=q) | Q(text__icontains=q))
    return [
        PhraseView(row.pk, row.code, row.title, row.text, row.uses, row.changed_at, row.changed_by)
        for row in rows.order_by("-uses", "code")
    ]

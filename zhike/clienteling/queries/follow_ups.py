"""Follow-ups: what to do for whom today, and the rules that find them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from zhike.clienteling.models import FollowUp, ReminderPolicy
from zhike.clienteling.queries.reaching import VIEW, zone_of
from zhike.clienteling.rules import reminders
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.clock import business_date
from zhike.loyalty import queries as loyalty

EDIT = "follow_ups.edit"
COLUMNS = {level: f"person__{column}" for level, column in customers.COLUMNS.items()}
LIST_MAX = 200


@dataclass(frozen=True, slots=True)
class FollowUpView:
    """One line of the day. ``shown_on`` is the day it stands on the list; ``is_late`` after its last day."""

    id: int
    person_id: int
    member_id: int | None
    name: str
    masked_phone: str
    kind: str
    facts: Mapping[str, Any]
    due_on: dt.date
    last_on: dt.date
    shown_on: dt.date
    state: str
    outcome: str
    is_late: bool
    created_by: str
    ended_at: dt.datetime | None
    ended_by: str

    @property
    def is_service(self) -> bool:
        """Whether the member waits for us, rather than we for them."""
        return self.kind in reminders.SERVICE_KINDS


@dataclass(frozen=True, slots=True)
class Day:
    """What an associate sees first: ``due`` today or late, ``late`` of them, ``ahead`` later, ``done`` today."""

    items: tuple[FollowUpView, ...]
    due: int
    late: int
    ahead: int
    done: int


def today_of(viewer: Viewer, now: dt.datetime) -> dt.date:
    """The day it is in the first mall that the viewer sees."""
    from zhike.organization import queries as organization

    malls = organization.malls(viewer, "members.lookup")
    return business_date(now, malls[0].time_zone if malls else zone_of(None))


def _mine(viewer: Viewer, mall_id: int | None = None) -> QuerySet[Any, Any]:
    rows = visible(FollowUp.objects.all(), viewer, VIEW, COLUMNS)
    rows = rows.annotate(shown_on=Greatest("due_on", Coalesce("snoozed_until", "due_on")))
    return rows if mall_id is None else rows.filter(mall_id=mall_id)


def day(viewer: Viewer, now: dt.datetime, *, mall_id: int | None = None, ahead: bool = False) -> Day:
    """The follow-ups to do now (or, ``ahead``, those of later days), the most urgent first, at most 200; in seven queries.

    Raises NotAllowed.
    """
    require(viewer, VIEW)
    today = today_of(viewer, now)
    rows = _mine(viewer, mall_id)
    is_open = Q(state="open")
    figures = rows.aggregate(
        due=Count("id", filter=is_open & Q(shown_on__lte=today)),
        late=Count("id", filter=is_open & Q(shown_on__lte=today, last_on__lt=today)),
        ahead=Count("id", filter=is_open & Q(shown_on__gt=today)),
        done=Count("id", filter=Q(state="done", ended_on=today)),
    )
    wanted = rows.filter(state="open")
    wanted = wanted.filter(shown_on__gt=today) if ahead else wanted.filter(shown_on__lte=today)
    first = ("shown_on", "id") if ahead else ("last_on", "id")
    return Day(items=tuple(views(wanted.order_by(*first)[:LIST_MAX], today)), **figures)


def ended(viewer: Viewer, now: dt.datetime, limit: int = 50) -> list[FollowUpView]:
    """What was done, skipped or settled last. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = _mine(viewer).exclude(state="open").order_by("-ended_at", "-id")
    return views(rows[: min(limit, LIST_MAX)], today_of(viewer, now))


def follow_ups_of(viewer: Viewer, person_id: int, now: dt.datetime, limit: int = 20) -> list[FollowUpView]:
    """Those of one human being: open ones first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = _mine(viewer).filter(person_id__in=customers.family(person_id))
    first = Q(state="open")
    rows = rows.annotate(is_open=first).order_by(F("is_open").desc(), "-due_on", "-id")
    return views(rows[:limit], today_of(viewer, now))


def follow_up(viewer: Viewer, follow_up_id: int, now: dt.datetime) -> FollowUpView:
    """Raises NotFound."""
    row = load_visible(_mine(viewer), follow_up_id, viewer, VIEW, COLUMNS)
    return views([row], today_of(viewer, now))[0]


def views(rows: Iterable[FollowUp], today: dt.date) -> list[FollowUpView]:
    """Lines of a list; the caller has authorised them."""
    found = list(rows)
    known_as = customers.sides([row.person_id for row in found])
    roots = {pk: sides[0].survivor_id for pk, sides in known_as.items()}
    people = customers.summaries(list(roots.values()))
    members = loyalty.members_by_person(list(roots.values()))
    return [
        FollowUpView(
            id=row.pk,
            person_id=row.person_id,
            member_id=members.get(roots[row.person_id]),
            name=people[roots[row.person_id]].name,
            masked_phone=people[roots[row.person_id]].masked_phone,
            kind=row.kind,
            facts=row.facts,
            due_on=row.due_on,
            last_on=row.last_on,
            shown_on=max(row.due_on, row.snoozed_until or row.due_on),
            state=row.state,
            outcome=row.outcome,
            is_late=row.state == "open" and row.last_on < today,
            created_by=row.created_by,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
        )
        for row in found
    ]


# --- the rules -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PolicyView:
    """``version`` 0: nobody has published rules yet, the usual ones hold."""

    mall_id: int
    version: int
    terms: reminders.Terms
    published_at: dt.datetime | None
    published_by: str


def reminder_policy(mall_id: int) -> PolicyView:
    """The rules of a mall as they hold."""
    row = ReminderPolicy.objects.filter(mall_id=mall_id).order_by("-version").first()
    if row is None:
        return PolicyView(mall_id, 0, reminders.Terms(), None, "")
    return PolicyView(mall_id, row.version, reminders.terms_of(row.terms), row.published_at, row.published_by)


def reminder_versions(mall_id: int) -> list[PolicyView]:
    """Every version, newest first."""
    rows = ReminderPolicy.objects.filter(mall_id=mall_id).order_by("-version")
    return [
        PolicyView(mall_id, row.version, reminders.terms_of(row.terms), row.published_at, row.published_by)
        for row in rows
    ]


def known_keys(persons: Sequence[int], keys: Sequence[str]) -> set[tuple[int, str, str]]:
    """(person, kind, key) of follow-ups there are already."""
    rows = FollowUp.objects.filter(person_id__in=persons, key__in=keys)
    return set(rows.values_list("person_id", "kind", "key"))

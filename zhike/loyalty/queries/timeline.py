"""Everything that happened to a member, over all channels, in one order, with the marks of the journey."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import BooleanField, Q, QuerySet, Value
from django.db.models.expressions import RawSQL

from zhike.collection import queries as collection
from zhike.collection.events import BehaviourObserved
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.models import Event
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.queries.members import _account
from zhike.sales.events import ReceiptRecorded

Mark = Literal["", "first_touch", "interaction", "purchase", "repurchase"]

TIMELINE = Keyset((("time", "desc"), ("position", "desc")))
SEARCH_LENGTH_MAX = 100

KINDS: Mapping[str, tuple[str, ...]] = {
    "behaviour": ("collection.",),
    "receipts": ("sales.",),
    "points": ("loyalty.points_", "loyalty.tier_"),
    "engagement": ("engagement.",),
    "coupons": ("offers.",),
    "messages": ("messaging.",),
    "service": ("service.", "community."),
    "profile": ("customers.", "privacy.", "loyalty.member_", "loyalty.card_"),
}
"""The kinds a timeline can be narrowed to, by the beginnings of their event types."""

_INTERACTIONS = (
    "collection.behaviour",
    "messaging.message_read",
    "messaging.message_clicked",
    "service.",
    "community.",
    "engagement.",
    "offers.",
)


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One event of a person: ``type`` without its prefix, e.g. loyalty.points_earned, and its data.

    ``mark``: the first touch of all; the first purchase; every later one; an interaction; or nothing.
    """

    position: int
    time: dt.datetime
    type: str
    actor: str
    data: dict[str, Any]
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: a text in what the events say, or one of these merchants or behaviours, which the text names."""

    text: str
    merchant_ids: Sequence[int] = ()
    names: Sequence[str] = ()


def timeline(
    viewer: Viewer,
    member_id: int,
    cursor: str | None = None,
    limit: int = 30,
    *,
    kind: str = "",
    search: Search | None = None,
) -> Listing[TimelineItem]:
    """Newest first, what a device did before its owner signed in included. Raises MemberNotFound when hidden, BadCursor."""
    account = _account(viewer, member_id, presented=False)
    assert account.member is not None
    events = _of_person(account.member.person_id)
    page = TIMELINE.page(_narrowed(events, kind, search), cursor, min(max(limit, 1), 200))
    first, purchase = _landmarks(events) if page.items else (None, None)
    items = [
        TimelineItem(
            row.position,
            row.time,
            row.type.removeprefix("zhike."),
            row.actor,
            dict(row.data),
            _mark(row, first, purchase),
        )
        for row in page.items
    ]
    return Listing(items, page.next_cursor, page.previous_cursor)


def behaviour_lately(
    person_id: int, names: Sequence[str], since: dt.datetime, limit: int = 50
) -> list[tuple[dt.datetime, dict[str, Any]]]:
    """When, and the properties of what a person did online, the newest first. The caller has authorised the person."""
    rows = _of_person(person_id).filter(
        type=BehaviourObserved.type, time__gte=since, data__name__in=list(names)
    )
    found = rows.order_by("-time").values_list("time", "data__properties")[:limit]
    return [(time, dict(properties or {})) for time, properties in found]


def _of_person(person_id: int) -> QuerySet[Event]:
    """The person's own events and those of the visitors that turned out to be them; each part one range of the index."""
    sides = customers.family(person_id)
    wanted = Q(subject__in=[f"person/{side}" for side in sides])
    for visitor in collection.visitors_of(person_id):
        part = Q(subject=visitor.subject)
        wanted |= part if visitor.until is None else part & Q(time__lte=visitor.until)
    return Event.objects.filter(wanted)


def _narrowed(events: QuerySet[Event], kind: str, search: Search | None) -> QuerySet[Event]:
    if beginnings := KINDS.get(kind, ()):
        any_of = Q()
        for beginning in beginnings:
            any_of |= Q(type__startswith=f"zhike.{beginning}")
        events = events.filter(any_of)
    text = search.text.replace("\x00", "").strip()[:SEARCH_LENGTH_MAX] if search else ""
    if search is None or not text:
        return events
    pattern = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    found = Q(RawSQL(_SAYS, [pattern], output_field=BooleanField()))  # noqa: S611  a constant; the text is a parameter
    for merchant_id in search.merchant_ids:
        found |= Q(data__contains={"merchant_id": merchant_id})
    if search.names:
        found |= Q(data__name__in=list(search.names))
    return events.filter(found)


# Looks at the texts an event holds, not at the names of its fields.
_SAYS = (
    'EXISTS (SELECT FROM jsonb_path_query("kernel_event"."data", \'strict $.**\') AS value'
    " WHERE jsonb_typeof(value) = 'string' AND value #>> '{}' ILIKE %s)"
)


def _landmarks(events: QuerySet[Event]) -> tuple[int | None, int | None]:
    """The positions of the first event of all and of the first sale, in one query."""
    oldest = events.order_by("time", "position")
    sales = oldest.filter(type=ReceiptRecorded.type, data__kind="sale")
    parts = [
        rows.annotate(part=Value(at)).values_list("part", "position")[:1]
        for at, rows in enumerate((oldest, sales))
    ]
    found: dict[int, int] = dict(parts[0].union(parts[1], all=True))
    return found.get(0), found.get(1)


def _mark(row: Event, first: int | None, purchase: int | None) -> Mark:
    if row.position == purchase:
        return "purchase"
    if row.type == ReceiptRecorded.type and row.data.get("kind") == "sale":
        return "repurchase"
    if row.position == first:
        return "first_touch"
    return "interaction" if row.type.removeprefix("zhike.").startswith(_INTERACTIONS) else ""

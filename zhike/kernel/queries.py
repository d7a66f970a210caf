"""The kernel's reads for pages and the command line: the audit trail, the log, its consumers, the keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count

from zhike.kernel import keyring
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.kernel.events import cursor as log_cursor
from zhike.kernel.events.base import StoredEvent
from zhike.kernel.events.feed import READ_PERMISSION, EventsPage, events_page, to_cloudevent
from zhike.kernel.models import AuditEntry, Event, ParkedEvent
from zhike.kernel.paging import Keyset, Page
from zhike.kernel.reencryption import closed_fields, encrypted_columns, rows_by_key

__all__ = [
    "EventsPage",
    "Lag",
    "audit_actions",
    "consumer_lags",
    "events_about",
    "events_page",
    "fields_under_other_keys",
    "keys_status",
    "latest_events",
    "parked_count",
    "parked_event",
    "parked_events",
    "search_audit",
    "to_cloudevent",
]

AUDIT_PERMISSION = "audit.view"
KEYS_PERMISSION = "keys.manage"
LAG_COUNTED_MAX = 10_000

_NEWEST_AUDIT = Keyset(order=(("at", "desc"), ("id", "desc")))
_NEWEST_PARKED = Keyset(order=(("id", "desc"),))
_NEWEST_EVENT = Keyset(order=(("time", "desc"), ("position", "desc")))


def search_audit(
    viewer: Viewer,
    *,
    actor: str = "",
    action: str = "",
    subject: tuple[str, object] | None = None,
    request_id: str = "",
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[AuditEntry]:
    """Audit entries, newest first; `actor` is an audit id ("staff:12"), `action` one action, or "points." for all.

    Needs `audit.view` for everything; raises NotAllowed, BadCursor.
    """
    require_touch(viewer, AUDIT_PERMISSION)
    entries = AuditEntry.objects.all()
    if actor:
        entries = entries.filter(actor=actor)
    if action:
        entries = (
            entries.filter(action__startswith=action)
            if action.endswith(".")
            else entries.filter(action=action)
        )
    if subject:
        entries = entries.filter(subject_kind=subject[0], subject_id=str(subject[1]))
    if request_id:
        entries = entries.filter(request_id=request_id)
    if since:
        entries = entries.filter(at__gte=since)
    if until:
        entries = entries.filter(at__lt=until)
    return _NEWEST_AUDIT.page(entries, cursor, limit)


def audit_actions(viewer: Viewer) -> list[str]:
    """The actions that occur, for a filter."""
    require_touch(viewer, AUDIT_PERMISSION)
    return list(AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct())


def parked_events(
    viewer: Viewer, *, status: str = "parked", consumer: str = "", cursor: str | None = None, limit: int = 50
) -> Page[ParkedEvent]:
    """Parked events, newest first; `status` "" for all. Needs `events.view` for everything."""
    require_touch(viewer, READ_PERMISSION)
    rows = ParkedEvent.objects.all()
    if status:
        rows = rows.filter(status=status)
    if consumer:
        rows = rows.filter(consumer=consumer)
    return _NEWEST_PARKED.page(rows, cursor, limit)


def parked_event(viewer: Viewer, parked_id: int) -> tuple[ParkedEvent, StoredEvent | None]:
    """One parked event with the event itself. Raises NotAllowed, NotFound."""
    require_touch(viewer, READ_PERMISSION)
    parked = ParkedEvent.objects.filter(pk=parked_id).first()
    if parked is None:
        raise NotFound
    return parked, log_cursor.read_one(parked.position)


def parked_count() -> int:
    return ParkedEvent.objects.filter(status=ParkedEvent.Status.PARKED).count()


def events_about(
    subject: str, *, types: Sequence[str] | None = None, cursor: str | None = None, limit: int = 50
) -> Page[Event]:
    """What happened to one subject ("member/12"), latest first. The caller has loaded the subject with permission."""
    events = Event.objects.filter(subject=subject)
    if types is not None:
        events = events.filter(type__in=types)
    return _NEWEST_EVENT.page(events, cursor, limit)


def events_since(
    subjects: Sequence[str], *, event_type: str, since: dt.datetime
) -> list[tuple[str, dt.datetime, dict[str, Any]]]:
    """(subject, when, data) of the events of one type about several subjects, oldest first; the caller has authorised them."""
    rows = Event.objects.filter(subject__in=subjects, type=event_type, time__gte=since)
    return list(rows.order_by("time", "position").values_list("subject", "time", "data"))


def latest_events(*, types: Sequence[str], limit: int = 20) -> list[Event]:
    """The events appended last, for a live feed. The caller decides who may see these types."""
    return list(Event.objects.filter(type__in=types).order_by("-position")[:limit])


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one consumer is behind. `events` stops counting at 10,000; `seconds` is the age of the oldest of them."""

    consumer: str
    handled: int
    parked: int
    events: int
    seconds: float


def consumer_lags() -> list[Lag]:
    """Every consumer that has ever run, by name."""
    parked = dict(
        ParkedEvent.objects.filter(status=ParkedEvent.Status.PARKED)
        .values_list("consumer")
        .annotate(count=Count("id"))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.consumer, c.handled, lag.events, coalesce(extract(epoch FROM clock_timestamp() - lag.oldest), 0)"
            " FROM kernel_event_cursor c CROSS JOIN LATERAL ("
            "  SELECT count(*) AS events, min(recorded_at) AS oldest FROM ("
            "   SELECT e.recorded_at FROM kernel_event e WHERE e.xid >= pg_snapshot_xmin(c.from_snapshot)"
            "   AND NOT pg_visible_in_snapshot(e.xid, c.from_snapshot)"
            "   AND NOT (c.to_snapshot IS NOT NULL AND pg_visible_in_snapshot(e.xid, c.to_snapshot)"
            "            AND e.position <= c.position)"
            "   LIMIT %s) AS unread) AS lag ORDER BY c.consumer",
            [LAG_COUNTED_MAX],
        )
        rows = cursor.fetchall()
    return [
        Lag(name, handled, parked.get(name, 0), events, max(0.0, float(seconds)))
        for name, handled, events, seconds in rows
    ]


def keys_status(viewer: Viewer) -> dict[str, dict[str, int]]:
    """For each key id ("k1", "index 1"), oldest first: how many values of each field lie under it."""
    require_touch(viewer, KEYS_PERMISSION)
    ring = keyring.reload()
    names = [*ring.keys, *(f"index {version}" for version in ring.index_keys)]
    counts = {column.field: rows_by_key(column) for column in encrypted_columns()}
    unknown = sorted({name for found in counts.values() for name in found} - set(names))
    return {
        name: {field: found[name] for field, found in counts.items() if name in found}
        for name in [*names, *unknown]
    }


def fields_under_other_keys(viewer: Viewer) -> list[str]:
    """Fields whose oldest or newest values none of our keys opens: the key file was lost, or is another installation's."""
    require_touch(viewer, KEYS_PERMISSION)
    return list(dict.fromkeys(closed_fields()))

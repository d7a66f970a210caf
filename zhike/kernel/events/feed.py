"""The log as others see it: CloudEvents, paged by a marker that never skips what commits late."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.kernel.events import cursor as log_cursor
from zhike.kernel.events.base import StoredEvent
from zhike.kernel.events.cursor import Place, Snapshot

READ_PERMISSION = "events.view"
PAGE_SIZE_MAX = 1000


class BadMarker(Invalid):
    code = "bad-event-cursor"
    title = _("This place in the event log is not known. Start again without a cursor.")


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Events, oldest first, and the marker to ask with next time. `has_more` when there are more already."""

    items: list[StoredEvent]
    next_cursor: str
    has_more: bool


def events_page(
    viewer: Viewer, *, after_cursor: str | None = None, limit: int = 100, types: Sequence[str] | None = None
) -> EventsPage:
    """The events after the marker, in commit order, from the beginning of the log without one.

    Needs `events.view` for everything; raises NotAllowed, BadMarker.
    """
    require_touch(viewer, READ_PERMISSION)
    limit = min(max(limit, 1), PAGE_SIZE_MAX)
    current, home = _current()
    place = Place(Snapshot.parse(log_cursor.SEES_NOTHING))
    if after_cursor:
        place, home_then = _read_marker(after_cursor)
        if home_then != home or place.seen.xmax > current.xmax:
            raise BadMarker  # of another server, or of this one before it went back in time
    until = place.until or current
    items = log_cursor.read_between(place, until, types=list(types) if types else None, limit=limit)
    if len(items) == limit:
        return EventsPage(
            items, _write_marker(Place(place.seen, until, items[-1].position), home), has_more=True
        )
    behind = place.until is not None
    return EventsPage(items, _write_marker(Place(until), home), has_more=behind)


def to_cloudevent(event: StoredEvent) -> dict[str, Any]:
    """CloudEvents 1.0, structured JSON. `actor` and `recordedtime` are extension attributes."""
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": _rfc3339(event.time),
        "recordedtime": _rfc3339(event.recorded_at),
        "datacontenttype": "application/json",
        "data": event.data,
    }
    if event.actor:
        body["actor"] = event.actor
    return body


def _rfc3339(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _current() -> tuple[Snapshot, str]:
    """What can be seen now, and a short name of the server whose transaction ids these are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_snapshot()::text, to_hex(hashint8(coalesce(max(system_identifier), 0)))"
            " FROM kernel_event_home"
        )
        snapshot, home = cursor.fetchone()
    return Snapshot.parse(snapshot), home


def _write_marker(place: Place, home: str) -> str:
    text = f"{home};{place.seen.text};{place.until.text if place.until else ''};{place.position}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read_marker(marker: str) -> tuple[Place, str]:
    try:
        padded = marker.encode("ascii") + b"=" * (-len(marker) % 4)
        home, seen, until, position = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(";")
        )
        if not (position.isascii() and position.isdigit() and int(position) < 2**63):
            raise ValueError("not a position")
        place = Place(Snapshot.parse(seen), Snapshot.parse(until) if until else None, int(position))
        return place, home
    except (ValueError, binascii.Error) as error:
        raise BadMarker from error

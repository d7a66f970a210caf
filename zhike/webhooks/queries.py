"""Endpoints, what was sent to them, and what they did not take."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.db.models import Count, Max

from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.kernel.events.base import Fact
from zhike.kernel.paging import Keyset, Listing
from zhike.kernel.reencryption import EncryptedColumn
from zhike.webhooks.models import Attempt, DeadLetter, Endpoint, EndpointSecret

MANAGE = "webhooks.manage"
SECRET_FIELD = "webhooks.endpoint_secret.value"
_NEWEST = Keyset(order=(("id", "desc"),))
WAITING_COUNTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class EndpointView:
    """``waiting`` events are behind its cursor, counted up to 1,000; ``secrets`` are valid at the moment."""

    id: int
    name: str
    url: str
    types: tuple[str, ...]
    is_active: bool
    stopped_because: str
    tries: int
    next_try_at: dt.datetime | None
    created_at: dt.datetime
    created_by: str
    secrets: int
    older_secret_ends_at: dt.datetime | None
    dead_letters: int
    last_taken_at: dt.datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class AttemptView:
    event_id: UUID
    event_type: str
    number: int
    status: int
    error: str
    took_ms: int
    sent_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DeadLetterView:
    id: int
    endpoint_id: int
    event_id: UUID
    event_type: str
    tries: int
    error: str
    status: str
    died_at: dt.datetime


def endpoints(viewer: Viewer, now: dt.datetime) -> list[EndpointView]:
    """All of them, by name. Raises NotAllowed."""
    require_touch(viewer, MANAGE)
    return _views(list(Endpoint.objects.order_by("name")), now)


def endpoint(viewer: Viewer, endpoint_id: int, now: dt.datetime) -> EndpointView:
    """One of them. Raises NotAllowed, NotFound."""
    require_touch(viewer, MANAGE)
    row = Endpoint.objects.filter(pk=endpoint_id).first()
    if row is None:
        raise NotFound
    return _views([row], now)[0]


def attempts(viewer: Viewer, endpoint_id: int, limit: int = 50) -> list[AttemptView]:
    """The latest requests, newest first. Raises NotAllowed."""
    require_touch(viewer, MANAGE)
    rows = Attempt.objects.filter(endpoint_id=endpoint_id).order_by("-id")[:limit]
    columns = ("event_id", "event_type", "number", "status", "error", "took_ms", "sent_at")
    return [AttemptView(*row) for row in rows.values_list(*columns)]


def dead_letters(
    viewer: Viewer, endpoint_id: int, *, cursor: str | None = None, limit: int = 25
) -> Listing[DeadLetterView]:
    """What is not settled, newest first. Raises NotAllowed, BadCursor."""
    require_touch(viewer, MANAGE)
    rows = DeadLetter.objects.filter(endpoint_id=endpoint_id, status__in=("open", "waiting"))
    page = _NEWEST.page(rows, cursor, limit)
    views = [
        DeadLetterView(
            row.pk,
            row.endpoint_id,
            row.event_id,
            row.event_type,
            row.tries,
            row.error,
            row.status,
            row.died_at,
        )
        for row in page.items
    ]
    return Listing(views, page.next_cursor, page.previous_cursor)


def event_types() -> list[str]:
    """Every type of event there is, for a filter."""
    _load_facts()
    return sorted({fact.type for fact in _facts(Fact) if "type" in vars(fact)})


@functools.cache
def _load_facts() -> None:
    """Have every context's facts known, also of those that this process had no reason to load."""
    for config in apps.get_app_configs():
        if config.name.startswith("zhike.") and find_spec(f"{config.name}.events"):
            import_module(f"{config.name}.events")


def _facts(parent: type[Fact]) -> Iterator[type[Fact]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("zhike."):
            yield child
        yield from _facts(child)


def consumer_of(endpoint_id: int) -> str:
    """The name of an endpoint's cursor in the event log."""
    return f"webhook:{endpoint_id}"


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [EncryptedColumn(SECRET_FIELD, "webhooks_endpointsecret", "value")]


def live_secrets(endpoint_id: int, now: dt.datetime) -> list[bytes]:
    """The secrets that sign now, newest first."""
    rows = EndpointSecret.objects.filter(endpoint_id=endpoint_id).order_by("-id")
    return [
        bytes.fromhex(crypto.decrypt(bytes(row.value), field=SECRET_FIELD, row=row.pk))
        for row in rows
        if row.expires_at is None or row.expires_at > now
    ]


def _views(rows: Sequence[Endpoint], now: dt.datetime) -> list[EndpointView]:
    ids = [row.pk for row in rows]
    secrets: dict[int, list[dt.datetime | None]] = {pk: [] for pk in ids}
    for pk, expires_at in EndpointSecret.objects.filter(endpoint_id__in=ids).values_list(
        "endpoint_id", "expires_at"
    ):
        if expires_at is None or expires_at > now:
            secrets[pk].append(expires_at)
    open_letters = DeadLetter.objects.filter(endpoint_id__in=ids, status__in=("open", "waiting"))
    dead = dict(open_letters.values_list("endpoint_id").annotate(count=Count("id")))
    taken = Attempt.objects.filter(endpoint_id__in=ids, status__gte=200, status__lt=300)
    last = dict(taken.values_list("endpoint_id").annotate(at=Max("sent_at")))
    return [
        EndpointView(
            row.pk, row.name, row.url, tuple(row.types), row.is_active, row.stopped_because, row.tries, row.next_try_at,
            row.created_at, row.created_by, len(secrets[row.pk]),
            max((at for at in secrets[row.pk] if at), default=None), dead.get(row.pk, 0), last.get(row.pk), _waiting(row),
        )
        for row in rows
    ]  # fmt: skip


def _waiting(row: Endpoint) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM kernel_event_cursor c JOIN kernel_event e"
            " ON e.xid >= pg_snapshot_xmin(c.from_snapshot) AND NOT pg_visible_in_snapshot(e.xid, c.from_snapshot)"
            " WHERE c.consumer = %s AND (%s OR e.type = ANY(%s)) AND NOT (c.to_snapshot IS NOT NULL"
            " AND pg_visible_in_snapshot(e.xid, c.to_snapshot) AND e.position <= c.position) LIMIT %s) AS unread",
            [consumer_of(row.pk), not row.types, list(row.types), WAITING_COUNTED_MAX],
        )
        return int(cursor.fetchone()[0])

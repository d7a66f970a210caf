"""Sources, their keys, and what they sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from zhike.collection.models import Delivery, Source, WriteKey
from zhike.kernel.access import Viewer, load_visible, require, visible

VIEW = "collection.view"
EDIT = "collection.edit"
COLUMNS = {"mall": "mall_id"}
KEY_LENGTH_MAX = 200
KEPT_S = 20.0
SOURCES_KEPT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class SourceRef:
    """What the hot path needs of a source."""

    id: int
    group_id: int
    mall_id: int | None
    name: str
    kind: str
    space: str
    user_id_kind: str
    is_trusted: bool
    consent_category: str
    consent_assumed: bool
    rate_per_minute: int

    @property
    def audit_label(self) -> str:
        return f"source {self.name}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages by what became of them; ``anonymised`` and the rest are not part of ``taken``."""

    requests: int = 0
    taken: int = 0
    anonymised: int = 0
    refused: int = 0
    duplicates: int = 0
    set_aside: int = 0

    @property
    def messages(self) -> int:
        return self.taken + self.anonymised + self.refused + self.duplicates + self.set_aside


@dataclass(frozen=True, slots=True)
class WriteKeyView:
    """``state``: works, ends (rotated, works until ``expires_at``), ended."""

    id: int
    prefix: str
    created_at: dt.datetime
    created_by: str
    expires_at: dt.datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class SourceView:
    """``today`` are the last 24 hours; ``open_set_aside`` waits for somebody."""

    ref: SourceRef
    is_active: bool
    created_at: dt.datetime
    created_by: str
    keys: tuple[WriteKeyView, ...]
    last_at: dt.datetime | None
    today: Counts
    open_set_aside: int


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """``sample``: messages with personal data hidden, each {"outcome", "reason", "message"}."""

    id: int
    received_at: dt.datetime
    library: str
    counts: Counts
    sample: Sequence[dict[str, Any]]


# --- the hot path --------------------------------------------------------------------------------------------------

_known: dict[bytes, tuple[float, SourceRef]] = {}


def source_of_key(raw: str, now: dt.datetime) -> SourceRef | None:
    """The active source that holds this write key. A revoked key ends here at once, elsewhere within 20 s."""
    if not raw or len(raw) > KEY_LENGTH_MAX or not raw.isascii():
        return None
    digest = hashlib.sha256(raw.encode()).digest()
    kept = _known.get(digest)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    found = _source_by_digest(digest, now)
    if found is None:
        _known.pop(digest, None)
        return None
    if len(_known) >= SOURCES_KEPT_MAX:
        _known.clear()
    _known[digest] = (time.monotonic() + KEPT_S, found)
    return found


def forget_sources() -> None:
    """Drop what this process remembers of keys; whoever changes sources or keys calls it."""
    _known.clear()


def _source_by_digest(digest: bytes, now: dt.datetime) -> SourceRef | None:
    keys = WriteKey.objects.filter(digest=digest, revoked_at=None, source__is_active=True).select_related(
        "source"
    )
    key = keys.filter(Q(expires_at=None) | Q(expires_at__gt=now)).first()
    return None if key is None else ref_of(key.source)


def ref_of(row: Source) -> SourceRef:
    return SourceRef(
        row.pk, row.group_id, row.mall_id, row.name, row.kind, row.space, row.user_id_kind, row.is_trusted,
        row.consent_category, row.consent_assumed, row.rate_per_minute,
    )  # fmt: skip


# --- pages ---------------------------------------------------------------------------------------------------------


def sources(viewer: Viewer, now: dt.datetime) -> list[SourceView]:
    """All sources in the viewer's scope, the busiest first is not promised: by name. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = list(visible_sources(viewer).order_by("-is_active", "name"))
    return _views(rows, now)


def source(viewer: Viewer, source_id: int, now: dt.datetime) -> SourceView:
    """One source. Raises NotAllowed, NotFound."""
    require(viewer, VIEW)
    row = load_visible(Source.objects.all(), source_id, viewer, VIEW, COLUMNS)
    return _views([row], now)[0]


def visible_sources(viewer: Viewer) -> QuerySet[Source]:
    return visible(Source.objects.all(), viewer, VIEW, COLUMNS)


def _views(rows: Sequence[Source], now: dt.datetime) -> list[SourceView]:
    ids = [row.pk for row in rows]
    keys: dict[int, list[WriteKeyView]] = {pk: [] for pk in ids}
    for key in WriteKey.objects.filter(source_id__in=ids).order_by("-id"):
        state = _key_state(key, now)
        keys[key.source_id].append(
            WriteKeyView(key.pk, key.prefix, key.created_at, key.created_by, key.expires_at, state)
        )
    counts = _day_counts(ids, now)
    waiting = _waiting(ids)
    last = _last_at(ids)
    return [
        SourceView(
            ref_of(row), row.is_active, row.created_at, row.created_by, tuple(keys[row.pk]), last.get(row.pk),
            counts.get(row.pk, Counts()), waiting.get(row.pk, 0),
        )
        for row in rows
    ]  # fmt: skip


def _key_state(key: WriteKey, now: dt.datetime) -> str:
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return "ended"
    return "works" if key.expires_at is None else "ends"


_SUMS = (
    "count(*)::int, sum(taken)::bigint, sum(anonymised)::bigint, sum(refused)::bigint, sum(duplicates)::bigint,"
    " sum(set_aside)::bigint"
)


def _day_counts(ids: Sequence[int], now: dt.datetime) -> dict[int, Counts]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT source_id, {_SUMS} FROM collection_delivery WHERE source_id = ANY(%s) AND received_at > %s"
            " GROUP BY source_id",
            [list(ids), now - dt.timedelta(days=1)],
        )
        return {row[0]: Counts(*row[1:]) for row in cursor.fetchall()}


def _waiting(ids: Sequence[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_id, count(*) FROM collection_setaside WHERE source_id = ANY(%s) AND status = 'open'"
            " GROUP BY source_id",
            [list(ids)],
        )
        return dict(cursor.fetchall())


def _last_at(ids: Sequence[int]) -> dict[int, dt.datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, (SELECT d.received_at FROM collection_delivery d WHERE d.source_id = s.id"
            " ORDER BY d.received_at DESC LIMIT 1) FROM unnest(%s::bigint[]) AS s(id)",
            [list(ids)],
        )
        return {pk: at for pk, at in cursor.fetchall() if at}


def counts_by_hour(
    viewer: Viewer, source_id: int, now: dt.datetime, hours: int = 48
) -> list[tuple[dt.datetime, Counts]]:
    """The last hours, oldest first, with empty ones. Raises NotAllowed, NotFound."""
    load_visible(Source.objects.all(), source_id, viewer, VIEW, COLUMNS)
    first = now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=hours - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hour, sum(requests)::int, sum(taken)::bigint, sum(anonymised)::bigint, sum(refused)::bigint,"
            " sum(duplicates)::bigint, sum(set_aside)::bigint FROM ("
            "  SELECT hour, requests, taken, anonymised, refused, duplicates, set_aside FROM collection_hourcount"
            "  WHERE source_id = %s AND hour >= %s"
            "  UNION ALL SELECT date_trunc('hour', received_at, 'UTC'), 1, taken, anonymised, refused, duplicates, set_aside"
            "  FROM collection_delivery WHERE source_id = %s AND received_at >= %s) AS parts GROUP BY hour",
            [source_id, first, source_id, first],
        )
        found = {row[0]: Counts(*row[1:]) for row in cursor.fetchall()}
    every = [first + dt.timedelta(hours=offset) for offset in range(hours)]
    return [(hour, found.get(hour, Counts())) for hour in every]


def latest_deliveries(viewer: Viewer, source_id: int, limit: int = 20) -> list[DeliveryView]:
    """The live debugger: requests that came last, newest first. Raises NotAllowed, NotFound."""
    load_visible(Source.objects.all(), source_id, viewer, VIEW, COLUMNS)
    rows = Delivery.objects.filter(source_id=source_id).order_by("-received_at", "-id")[:limit]
    return [
        DeliveryView(
            row.pk,
            row.received_at,
            row.library,
            Counts(1, row.taken, row.anonymised, row.refused, row.duplicates, row.set_aside),
            row.sample,
        )
        for row in rows
    ]

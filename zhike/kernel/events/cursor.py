"""Reading the log in commit order, without gaps, while others write.

A reader's place is a snapshot: the set of transactions it has already seen. The next events are those of transactions
which a newer snapshot sees and the old one does not, in order of position. A transaction that commits late is simply
not in the difference yet, so nothing waits for it and nothing skips it; a fact that was committed before another
was appended comes first. A difference is consumed in batches; `position` remembers how far.

The newer snapshot is always taken outside the reader's own transaction: PostgreSQL does not list a transaction's own
id as running in its own snapshots, and what the handlers append themselves would count as seen.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias, cast

import msgspec
from django.db import connection

from zhike.kernel.events.base import StoredEvent

Start = Literal["beginning", "end"]

SEES_NOTHING = "1:1:"
_SNAPSHOT = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):((?:[0-9]{1,19}(?:,[0-9]{1,19})*)?)", re.ASCII)
PlainColumns: TypeAlias = tuple[int, uuid.UUID, str, str, str, str, dt.datetime, dt.datetime]
_SELECT = (
    'SELECT e.position, e.id, e.source, e.type, e.subject, e.actor, e."time", e.recorded_at, e.data'
    " FROM kernel_event e"
)
_BETWEEN = (
    "NOT pg_visible_in_snapshot(e.xid, %s::pg_snapshot) AND pg_visible_in_snapshot(e.xid, %s::pg_snapshot)"
)
_IN_ORDER = "ORDER BY e.position LIMIT %s"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """pg_snapshot: every transaction below `xmax` that is not `running` is over."""

    text: str
    xmin: int
    xmax: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for anything PostgreSQL would not read."""
        match = _SNAPSHOT.fullmatch(text)
        if not match:
            raise ValueError("not a snapshot")
        xmin, xmax = int(match[1]), int(match[2])
        running = [int(xid) for xid in match[3].split(",") if xid]
        in_range = all(xmin <= xid < xmax for xid in running)
        if not 0 < xmin <= xmax < 2**63 or not in_range or sorted(set(running)) != running:
            raise ValueError("not a snapshot")
        return cls(text, xmin, xmax)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands: all of `seen`, and of the difference to `until` all up to `position`."""

    seen: Snapshot
    until: Snapshot | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A stored place, how long ago it was stored, and what could be seen when it was read."""

    place: Place
    current: Snapshot
    age_s: float


def current_snapshot() -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return Snapshot.parse(cursor.fetchone()[0])


def read_place(consumer: str, start: Start) -> Reading:
    """The consumer's stored place, made on the first visit, and the snapshot of now."""
    row = _place_row(consumer)
    if row is None:
        _create_place(consumer, start)
        row = _place_row(consumer)
        assert row is not None
    seen, until, position, age_s, current = row
    place = Place(Snapshot.parse(seen), Snapshot.parse(until) if until else None, position)
    return Reading(place, Snapshot.parse(current), age_s)


def read_between(place: Place, until: Snapshot, *, types: list[str] | None, limit: int) -> list[StoredEvent]:
    """The next events of the difference `place.seen` .. `until`, oldest first; `types` None means every type.

    `place.position` counts within a difference that was begun, that is, when `place.until` is set.
    """
    if place.until:
        return _walk(_BETWEEN, [place.seen.text, until.text], place.position, types, limit)
    if place.seen.text == SEES_NOTHING:
        return _walk(_BETWEEN, [place.seen.text, until.text], 0, types, limit)
    where = f"{_BETWEEN} AND e.xid >= %s::text::xid8 AND e.xid < %s::text::xid8"
    params: list[Any] = [place.seen.text, until.text, str(place.seen.xmin), str(until.xmax)]
    if types is not None:
        where += " AND e.type = ANY(%s)"
        params.append(types)
    return _fetch(f"{_SELECT} WHERE {where} {_IN_ORDER}", [*params, limit])


def read_own(place: Place, until: Snapshot, *, types: list[str] | None, limit: int) -> list[StoredEvent]:
    """As `read_between`, but what the open transaction itself has appended counts as committed.

    `place.position` always counts: nothing commits late within one transaction.
    """
    where = f"(e.xid = pg_current_xact_id_if_assigned() OR {_BETWEEN})"
    return _walk(where, [place.seen.text, until.text], place.position, types, limit)


def read_one(position: int) -> StoredEvent | None:
    """The event at one position."""
    found = _fetch(f"{_SELECT} WHERE e.position = %s", [position])
    return found[0] if found else None


def anything_between(seen: Snapshot, until: Snapshot) -> bool:
    return bool(read_between(Place(seen), until, types=None, limit=1))


def lock_place(consumer: str, expected: Place) -> bool:
    """Lock the consumer's place until the end of the transaction; False if another process holds it or has moved it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT from_snapshot::text, to_snapshot::text, position FROM kernel_event_cursor"
            " WHERE consumer = %s FOR UPDATE SKIP LOCKED",
            [consumer],
        )
        row: tuple[Any, ...] | None = cursor.fetchone()
    until = expected.until.text if expected.until else None
    return row == (expected.seen.text, until, expected.position)


def save_place(consumer: str, place: Place, *, handled: int = 0) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kernel_event_cursor SET from_snapshot = %s::pg_snapshot, to_snapshot = %s::pg_snapshot,"
            " position = %s, handled = handled + %s, updated_at = clock_timestamp() WHERE consumer = %s",
            [place.seen.text, place.until.text if place.until else None, place.position, handled, consumer],
        )


def _walk(
    where: str, bounds: list[Any], position: int, types: list[str] | None, limit: int
) -> list[StoredEvent]:
    """Walk the log by position, for when there may be very much to come.

    The bounds are in functions only, so that the planner has no index by transaction, whose rows it would have to sort
    for every batch; and each type is looked up by itself, so that its index gives them in order.
    """
    if types is None:
        return _fetch(f"{_SELECT} WHERE {where} AND e.position > %s {_IN_ORDER}", [*bounds, position, limit])
    each = f"{_SELECT} WHERE e.type = wanted.type AND {where} AND e.position > %s {_IN_ORDER}"
    return _fetch(
        f"SELECT e.* FROM unnest(%s::text[]) AS wanted(type) CROSS JOIN LATERAL ({each}) AS e {_IN_ORDER}",
        [types, *bounds, position, limit, limit],
    )


def _fetch(statement: str, params: list[Any]) -> list[StoredEvent]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [_event(*row) for row in cursor.fetchall()]


def _event(*columns: Any) -> StoredEvent:
    *plain, data = columns
    return StoredEvent(*cast("PlainColumns", tuple(plain)), data=msgspec.json.decode(data))


def _place_row(consumer: str) -> tuple[str, str | None, int, float, str] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT from_snapshot::text, to_snapshot::text, position,"
            " extract(epoch FROM clock_timestamp() - updated_at)::float8, pg_current_snapshot()::text"
            " FROM kernel_event_cursor WHERE consumer = %s",
            [consumer],
        )
        row: tuple[str, str | None, int, float, str] | None = cursor.fetchone()
        return row


def _create_place(consumer: str, start: Start) -> None:
    seen, position = f"'{SEES_NOTHING}'", "0"
    if start == "end":
        seen, position = "pg_current_snapshot()", "coalesce((SELECT max(position) FROM kernel_event), 0)"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_event_cursor (consumer, from_snapshot, position)"
            f" VALUES (%s, {seen}, {position}) ON CONFLICT DO NOTHING",
            [consumer],
        )

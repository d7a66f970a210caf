"""Appending to the log, inside the caller's transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import msgspec
from django.db import connection, transaction

from zhike.kernel.access import Viewer
from zhike.kernel.events.base import Fact, source_of
from zhike.kernel.events.wakeup import wake
from zhike.kernel.ids import uuid7

Row = tuple[Any, ...]

_COLUMNS = '(id, source, type, subject, actor, "time", data)'
_ROWS_PER_INSERT_MAX = 500


_is_silent: ContextVar[bool] = ContextVar("kernel_events_silent", default=False)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Publish nothing meanwhile: what is derived anew was told when it came about."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)


def is_silent() -> bool:
    """Whether rows are being derived anew."""
    return _is_silent.get()


class NoTransaction(RuntimeError):
    """A fact without the change it tells of: publish inside the operation's transaction."""


def publish(*facts: Fact, now: dt.datetime, actor: Viewer | None = None) -> None:
    """Append the facts in this order, in one statement, and wake the readers after the commit.

    Raises NoTransaction outside an atomic block.
    """
    _require_transaction()
    if is_silent():
        return
    rows = [_row(fact, now, actor) for fact in facts]
    for start in range(0, len(rows), _ROWS_PER_INSERT_MAX):
        _insert(rows[start : start + _ROWS_PER_INSERT_MAX])
    if rows:
        transaction.on_commit(wake, robust=True)


def publish_many(facts: Iterable[Fact], *, now: dt.datetime, actor: Viewer | None = None) -> int:
    """As `publish`, for thousands of facts at once, by COPY. Returns how many there were."""
    _require_transaction()
    if is_silent():
        return 0
    connection.ensure_connection()
    count = 0
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f"COPY kernel_event {_COLUMNS} FROM STDIN") as copy,
    ):
        for fact in facts:
            copy.write_row(_row(fact, now, actor))
            count += 1
    if count:
        transaction.on_commit(wake, robust=True)
    return count


def ensure_partitions(now: dt.datetime, *, months_ahead: int = 3) -> int:
    """Make the partitions of this month and the next ones. Returns how many were missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kernel_ensure_event_partitions(%s, %s)", [now, months_ahead + 1])
        return int(cursor.fetchone()[0])


def _row(fact: Fact, now: dt.datetime, actor: Viewer | None) -> Row:
    return (
        uuid7(),
        source_of(fact.type),
        fact.type,
        fact.subject,
        actor.audit_id if actor else "",
        fact.happened_at or now,
        msgspec.json.encode(fact).decode(),
    )


def _insert(rows: list[Row]) -> None:
    places = ",".join(["(%s,%s,%s,%s,%s,%s,%s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO kernel_event {_COLUMNS} VALUES {places}", [value for row in rows for value in row]
        )


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise NoTransaction("publish needs the transaction of the change it tells")

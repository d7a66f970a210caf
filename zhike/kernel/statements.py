"""One prepared statement, one round trip: how the hot path talks to PostgreSQL on Django's own connection.

Outside a transaction the statement commits by itself; inside one it runs in a savepoint, so that an error it raises on
purpose (a stale version, a key in flight) leaves the transaction usable. libpq is called directly: a psycopg cursor's
own work costs three times what this costs, and the hot path has nothing else to save on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import ProgrammingError, connections, transaction
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

UNKNOWN_STATEMENT = "26000"

_prepared: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes]] = WeakKeyDictionary()


def fetch_row(sql: str, args: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run one statement with server-side parameters, prepared, and return its first row. Raises Django's errors."""
    rows = fetch_rows(sql, args)
    return rows[0] if rows else None


def fetch_rows(sql: str, args: Sequence[Any]) -> list[tuple[Any, ...]]:
    """As `fetch_row`, but all rows."""
    wrapper = connections["default"]
    try:
        return _execute_alone(wrapper, sql, args)
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", None) != UNKNOWN_STATEMENT:
            raise
        # psycopg clears the server's list after some commands; what was prepared since is still there.
        _prepared.get(wrapper.connection, {}).pop(sql, None)
        return _execute_alone(wrapper, sql, args)


def _execute_alone(wrapper: Any, sql: str, args: Sequence[Any]) -> list[tuple[Any, ...]]:
    if wrapper.in_atomic_block:
        with transaction.atomic():
            return _execute(wrapper, sql, args)
    if wrapper.connection is None:
        wrapper.ensure_connection()
    return _execute(wrapper, sql, args)


def _execute(wrapper: Any, sql: str, args: Sequence[Any]) -> list[tuple[Any, ...]]:
    raw = wrapper.connection
    with wrapper.wrap_database_errors:
        known = _prepared.get(raw) or _prepared.setdefault(raw, {})
        name = known.get(sql) or _prepare(raw, sql, known)
        transformer = Transformer(raw)
        params = transformer.dump_sequence(args, [PyFormat.TEXT] * len(args))
        result = _checked(raw, raw.pgconn.exec_prepared(name, params))
        if not result.ntuples:
            return []
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)


def _prepare(raw: psycopg.Connection[Any], sql: str, known: dict[str, bytes]) -> bytes:
    """Have the server parse the statement once per connection; its types follow from where the parameters stand."""
    name = f"zhike_{hashlib.sha256(sql.encode()).hexdigest()[:16]}".encode()
    parts = sql.split("%s")
    text = "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], start=1)) + parts[-1]
    _checked(raw, raw.pgconn.prepare(name, text.encode()))
    known[sql] = name
    return name


def _checked(raw: psycopg.Connection[Any], result: pq.abc.PGresult) -> pq.abc.PGresult:
    """Raises the error of the result as psycopg does."""
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    if raw.pgconn.status == pq.ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message(raw.info.encoding))
    raise errors.error_from_result(result, encoding=raw.info.encoding)

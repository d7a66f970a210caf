"""One prepared statement, one round trip: how the hot path talks to PostgreSQL on Django's own connection.

Outside a transaction the statement commits by itself; inside one it runs in a savepoint, so that an error it raises on
purpose (a stale version, a key in flight) leaves the transaction usable. libpq is called directly: a psycopg cursor's
own work costs three times what this costs, and the hot path has nothing else to save on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from django.db import ProgrammingError, connections, transaction
from psycopg import errors, pq
from psycopg.abc import Buffer
from psycopg.abc import Transformer as AnyTransformer
from psycopg.adapt import PyFormat, Transformer

UNKNOWN_STATEMENT = "26000"
UNKNOWN_ARRAY = 12
_AS_TEXT = (PyFormat.TEXT,)

T = TypeVar("T")


class Utf8(bytes):
    """A parameter that is text already, encoded: JSON, as a rule."""


class _Known:
    """What is remembered of one connection: names of its prepared statements, and how values are read and written."""

    __slots__ = ("names", "transformer")

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self.names: dict[str, bytes] = {}
        self.transformer = Transformer(raw)


_known: WeakKeyDictionary[psycopg.Connection[Any], _Known] = WeakKeyDictionary()


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
        if (known := _known.get(wrapper.connection)) is not None:
            known.names.pop(sql, None)
        return _execute_alone(wrapper, sql, args)


def padded(ids: Sequence[T], nobody: T) -> list[T]:
    """A parameter of ids for `= ANY(…)`, so that the server keeps its plan; ``nobody`` is an id that nothing has.

    It takes an array it does not know for `UNKNOWN_ARRAY` long; of a shorter one it believes that a plan made for just this
    array is cheaper, and makes it again at every call.
    """
    return [*ids, *[ids[0] if ids else nobody] * (UNKNOWN_ARRAY - len(ids))]


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
        known = _known.get(raw) or _known.setdefault(raw, _Known(raw))
        name = known.names.get(sql) or _prepare(raw, sql, known)
        params = [_text_of(arg, known.transformer) for arg in args]
        result = _checked(raw, raw.pgconn.exec_prepared(name, params))
        if not result.ntuples:
            return []
        known.transformer.set_pgresult(result)
        return known.transformer.load_rows(0, result.ntuples, tuple)


def _text_of(arg: Any, transformer: AnyTransformer) -> Buffer | None:
    """The parameter in PostgreSQL's text form."""
    kind = type(arg)
    if arg is None or kind is Utf8:
        return arg  # type: ignore[no-any-return]
    if kind is str and "\0" not in arg:
        return arg.encode()  # type: ignore[no-any-return]
    if kind is int:
        return b"%d" % arg
    return transformer.dump_sequence((arg,), _AS_TEXT)[0]


def _prepare(raw: psycopg.Connection[Any], sql: str, known: _Known) -> bytes:
    """Have the server parse the statement once per connection; its types follow from where the parameters stand."""
    name = f"zhike_{hashlib.sha256(sql.encode()).hexdigest()[:16]}".encode()
    parts = sql.split("%s")
    text = "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], start=1)) + parts[-1]
    _checked(raw, raw.pgconn.prepare(name, text.encode()))
    known.names[sql] = name
    return name


def _checked(raw: psycopg.Connection[Any], result: pq.abc.PGresult) -> pq.abc.PGresult:
    """Raises the error of the result as psycopg does."""
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    if raw.pgconn.status == pq.ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message(raw.info.encoding))
    raise errors.error_from_result(result, encoding=raw.info.encoding)

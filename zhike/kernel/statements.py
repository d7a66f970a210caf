"""One prepared statement, one round trip: how the hot path talks to PostgreSQL on Django's own connection.

Outside a transaction the statement commits by itself; inside one it runs in a savepoint, so that an error it raises on
purpose (a stale version, a key in flight) leaves the transaction usable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection, transaction


def fetch_row(sql: str, args: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run one statement with server-side parameters, prepared, and return its first row. Raises Django's errors."""
    if connection.in_atomic_block:
        with transaction.atomic():
            return _execute(sql, args)
    connection.ensure_connection()
    return _execute(sql, args)


def _execute(sql: str, args: Sequence[Any]) -> tuple[Any, ...] | None:
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, args, prepare=True)
        return cursor.fetchone()

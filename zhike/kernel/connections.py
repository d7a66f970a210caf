"""Connections: our own beside Django's (for LISTEN, for wake-ups), and Django's kept from one request to the next."""

from __future__ import annotations

import select
import threading
import time
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg import pq


def open_connection(**options: Any) -> psycopg.Connection[Any]:
    """A new autocommit connection to the database Django uses now, outside the pool. The caller closes it."""
    return psycopg.connect(autocommit=True, **connection_options(**options))


def connection_options(**options: Any) -> dict[str, Any]:
    """What psycopg needs to reach the database Django uses now."""
    params: dict[str, Any] = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context", "prepare_threshold"):
        params.pop(name, None)
    return params | options


def close_connection() -> None:
    """Close this thread's connection to Django's database."""
    connection.close()


LOOKED_AT_AFTER_S = 1.0


def keep_connection() -> None:
    """At the end of a request: keep this thread's connection for its next one, which saves a tenth of a small request.

    One that broke or stands in a transaction is given up; when the thread ends, its connection goes back to the pool.
    """
    wrapper = connections["default"]
    raw = wrapper.connection
    if raw is None or wrapper.in_atomic_block:
        return
    if wrapper.errors_occurred or raw.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        wrapper.close()
    else:
        if getattr(_kept, "lease", None) is None:
            _kept.lease = _Lease(wrapper)
        _kept.until = time.monotonic() + LOOKED_AT_AFTER_S


def drop_broken_connection() -> None:
    """At the beginning of a request: give up a kept connection on which the server has hung up meanwhile.

    One that was in use a moment ago is not looked at: that costs a system call, and the lock of the interpreter with it.
    """
    if getattr(_kept, "until", 0.0) > time.monotonic():
        return
    wrapper = connections["default"]
    raw = wrapper.connection
    if raw is None or wrapper.in_atomic_block:
        return
    if raw.closed or select.select([raw.fileno()], [], [], 0)[0]:
        wrapper.close()


class _Lease:
    """Lives as long as its thread."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper

    def __del__(self) -> None:
        raw, self._wrapper.connection = self._wrapper.connection, None
        if raw is not None and self._wrapper.pool is not None:
            self._wrapper.pool.putconn(raw)


_kept = threading.local()

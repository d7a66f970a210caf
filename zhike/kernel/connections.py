"""Connections of our own beside Django's: for LISTEN, for wake-ups, for tools that need autocommit."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection


def open_connection(**options: Any) -> psycopg.Connection[Any]:
    """A new autocommit connection to the database Django uses now, outside the pool. The caller closes it."""
    params = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context", "prepare_threshold"):
        params.pop(name, None)
    params |= options
    return psycopg.connect(autocommit=True, **params)

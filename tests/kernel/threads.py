"""Threads with database connections of their own, for tests of real concurrency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def run_threads(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Run them all at once; returns their results in order, raises the first error."""

    def with_connection(function: Callable[[], T]) -> T:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(with_connection, functions))

"""Facts and a projection that the tests of the log use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from django.db import connection

from zhike.kernel.events import Fact

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class LampLit(Fact):
    type: ClassVar[str] = "zhike.test.lamp_lit"
    lamp: int
    number: int = 0

    @property
    def subject(self) -> str:
        return f"lamp/{self.lamp}"


@dataclass(frozen=True, slots=True)
class BellRung(Fact):
    type: ClassVar[str] = "zhike.test.bell_rung"
    bell: int
    at: dt.datetime = NOON

    @property
    def subject(self) -> str:
        return f"bell/{self.bell}"

    @property
    def happened_at(self) -> dt.datetime:
        return self.at


@contextmanager
def seen_table() -> Iterator[None]:
    """A table of what handlers have seen; it lives and dies with the test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS test_seen"
            " (seen_at bigserial PRIMARY KEY, position bigint, subject text, number int)"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS test_seen")


def note(position: int, subject: str, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO test_seen (position, subject, number) VALUES (%s, %s, %s)",
            [position, subject, number],
        )


def seen() -> list[tuple[int, str, int]]:
    """What was handled, in the order in which it was handled."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, subject, number FROM test_seen ORDER BY seen_at")
        return list(cursor.fetchall())

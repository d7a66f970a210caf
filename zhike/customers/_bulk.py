"""Thousands of persons at once, by COPY."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import connection

from zhike.customers import rules
from zhike.customers._identifiers import Prepared

PERSON_COLUMNS = (
    "id, group_id, name, name_pinyin, name_initials, name_grams, sex, birthday, birthday_calendar, birthday_key, occupation, language,"
    " status, created_at, source, source_mall_id, source_merchant_id, associate_id"
)
IDENTIFIER_COLUMNS = "id, person_id, kind, value, index, masked, verified_at, created_at, retired_reason"


def allocate_ids(table: str, count: int) -> list[int]:
    """Fresh ids of a table, in ascending order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
        )
        return sorted(row[0] for row in cursor.fetchall())


def copy_persons(rows: Iterable[Sequence[Any]]) -> None:
    _copy("customers_person", PERSON_COLUMNS, rows)


def copy_identifiers(items: Sequence[tuple[int, Prepared, dt.datetime]]) -> list[int]:
    """Insert (person, identifier, since) and return their ids. Raises UniqueViolation when one is held by now."""
    ids = allocate_ids("customers_identifier", len(items))
    _copy(
        "customers_identifier",
        IDENTIFIER_COLUMNS,
        (
            (pk, person_id, item.kind, item.sealed(pk), item.index, item.masked, item.verified_at, since, "")
            for pk, (person_id, item, since) in zip(ids, items, strict=True)
        ),
    )
    return ids


def name_columns(name: str) -> tuple[str, str, str, list[str]]:
    """name, name_pinyin, name_initials, name_grams."""
    return name, *rules.pinyin(name), rules.grams(name)


def _copy(table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    connection.ensure_connection()
    statement = f"COPY {table} ({columns}) FROM STDIN"
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection) as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(row)

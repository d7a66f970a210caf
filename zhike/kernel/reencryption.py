"""Bringing stored values under the newest keys, in small batches that can stop and go on anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from zhike.kernel import crypto, keyring

TRIED_AT_EACH_END = 3


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """One encrypted column and, if it can be searched, its blind index.

    `field` is what `encrypt` is given; `row_column` holds what the value is bound to and is unique.
    `index_of` makes the index anew from the text, as the context does when it writes.
    """

    field: str
    table: str
    column: str
    row_column: str = "id"
    index_column: str = ""
    index_of: Callable[[str], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """`after` is where the next batch begins, None at the end; `unreadable` are row ids that no key opens."""

    after: Any | None
    changed: int
    unreadable: tuple[Any, ...]


def encrypted_columns() -> list[EncryptedColumn]:
    """Every encrypted column; the settings name the function that lists them (ENCRYPTED_COLUMNS)."""
    listing: str | Callable[[], list[EncryptedColumn]] = getattr(settings, "ENCRYPTED_COLUMNS", list)
    return list(import_string(listing)() if isinstance(listing, str) else listing())


def reencrypt_batch(column: EncryptedColumn, *, after: Any | None = None, limit: int = 500) -> Batch:
    """Re-encrypt and re-index the next rows that lie under an old key, in one transaction."""
    with transaction.atomic():
        rows = _old_rows(column, after, limit)
        unreadable = []
        for row, envelope in rows:
            try:
                _renew(column, row, envelope)
            except crypto.DecryptionFailed:
                unreadable.append(row)
    last = rows[-1][0] if len(rows) == limit else None
    return Batch(last, len(rows) - len(unreadable), tuple(unreadable))


def rows_by_key(column: EncryptedColumn) -> dict[str, int]:
    """How many values lie under each key id, and how many indexes under each version ("index 1")."""
    quote = connection.ops.quote_name
    keys = (
        f"SELECT split_part(encode({quote(column.column)}, 'escape'), '.', 2), count(*)"
        f" FROM {quote(column.table)} WHERE {quote(column.column)} IS NOT NULL GROUP BY 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(keys)
        counts = {str(kid): int(count) for kid, count in cursor.fetchall()}
        if column.index_column:
            index = quote(column.index_column)
            cursor.execute(
                f"SELECT 'index ' || get_byte({index}, 0), count(*) FROM {quote(column.table)}"
                f" WHERE {index} IS NOT NULL GROUP BY 1"
            )
            counts |= {str(version): int(count) for version, count in cursor.fetchall()}
    return counts


def closed_fields() -> list[str]:
    """Fields whose oldest or whose newest values our keys do not open, or would not find: other keys than wrote them.

    Some rows at either end of each column are tried, so that one damaged value is not taken for lost keys.
    """
    return [
        column.field
        for column in encrypted_columns()
        for rows in (_end(column, "ASC"), _end(column, "DESC"))
        if rows and not any(_is_ours(column, *row) for row in rows)
    ]


def _end(column: EncryptedColumn, order: str) -> list[tuple[Any, bytes, bytes | None]]:
    quote = connection.ops.quote_name
    row, value = quote(column.row_column), quote(column.column)
    index = quote(column.index_column) if column.index_column else "NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {row}, {value}, {index} FROM {quote(column.table)} WHERE {value} IS NOT NULL"
            f" AND substring({value} FROM 1 FOR 3) = %s ORDER BY {row} {order} LIMIT {TRIED_AT_EACH_END}",
            [crypto.SCHEME + b"."],
        )
        return list(cursor.fetchall())


def _is_ours(column: EncryptedColumn, row: Any, envelope: bytes, index: bytes | None) -> bool:
    try:
        text = crypto.decrypt(envelope, field=column.field, row=row)
    except crypto.DecryptionFailed:
        return False
    if index is None or column.index_of is None:
        return True
    wanted = column.index_of(text)
    return bytes(index)[:1] != wanted[:1] or bytes(index) == wanted


def _old_rows(column: EncryptedColumn, after: Any | None, limit: int) -> list[tuple[Any, bytes]]:
    quote = connection.ops.quote_name
    row, value = quote(column.row_column), quote(column.column)
    prefix = b".".join([crypto.SCHEME, keyring.current().newest_kid.encode(), b""])
    old = f"substring({value} FROM 1 FOR %s) <> %s"
    params: list[Any] = [len(prefix), prefix]
    if column.index_column:
        old += f" OR get_byte({quote(column.index_column)}, 0) <> %s"
        params.append(keyring.current().newest_index_version)
    beyond = ""
    if after is not None:
        beyond = f" AND {row} > %s"
        params.append(after)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {row}, {value} FROM {quote(column.table)} WHERE {value} IS NOT NULL AND ({old}){beyond}"
            f" ORDER BY {row} LIMIT %s FOR UPDATE",
            [*params, limit],
        )
        return [(found, bytes(envelope)) for found, envelope in cursor.fetchall()]


def _renew(column: EncryptedColumn, row: Any, envelope: bytes) -> None:
    quote = connection.ops.quote_name
    text = crypto.decrypt(envelope, field=column.field, row=row)
    sets = f"{quote(column.column)} = %s"
    params: list[Any] = [crypto.encrypt(text, field=column.field, row=row)]
    if column.index_column and column.index_of:
        sets += f", {quote(column.index_column)} = %s"
        params.append(column.index_of(text))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(column.table)} SET {sets} WHERE {quote(column.row_column)} = %s", [*params, row]
        )

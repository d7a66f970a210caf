"""Reading, erasing and purging what contexts declare (`kernel.personal`), and searching everything for what is left.

`Subjects` are the ids of one human being: {"person": [...], "member": [...], "address": [...]}.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction

from zhike.kernel import crypto
from zhike.kernel.personal import BLANK, DELETE, Holding, Keeping

Subjects = Mapping[str, Sequence[Any]]

SWEPT_LENGTH_MIN = 6
_TEXT_TYPES = ("text", "character varying", "json", "jsonb")


def rows_of(holding: Holding, holdings: Sequence[Holding], subjects: Subjects) -> Iterator[dict[str, Any]]:
    """The exported columns of the rows that are the subjects', decrypted; values as PostgreSQL gives them.

    A value that no key opens any more is None.
    """
    where, params = _where(holding, holdings, subjects)
    if not holding.export:
        return
    columns = [*holding.export, holding.row] if holding.encrypted else list(holding.export)
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {holding.table} WHERE {where}", params)
        while rows := cursor.fetchmany(500):
            for values in rows:
                row = dict(zip(columns, values, strict=True))
                found = {name: row[name] for name in holding.export}
                for name, field in holding.encrypted.items():
                    found[name] = _opened(found[name], field, row[holding.row])
                yield found


def count_of(holding: Holding, holdings: Sequence[Holding], subjects: Subjects) -> int:
    where, params = _where(holding, holdings, subjects)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {holding.table} WHERE {where}", params)
        return int(cursor.fetchone()[0])


def erase(holdings: Sequence[Holding], subjects: Subjects) -> list[tuple[Holding, int]]:
    """Do with the subjects' rows what each holding says, in the order of the declaration; how many rows each had.

    Files go when the transaction is committed. Run again, it finds nothing more to do.
    """
    done = []
    for holding in holdings:
        where, params = _where(holding, holdings, subjects)
        paths = _paths(holding.table, holding.files, where, params)
        if holding.erasure == DELETE:
            count = _execute(f"DELETE FROM {holding.table} WHERE {where}", params)
        elif holding.erasure == BLANK:
            count = _execute(f"UPDATE {holding.table} SET {_sets(holding.blanks)} WHERE {where}", params)
        else:
            count = count_of(holding, holdings, subjects)
        _remove_files(paths)
        done.append((holding, count))
    return done


def purge(keeping: Keeping, before: dt.datetime, limit: int) -> int:
    """One batch of rows older than ``before``, in the caller's transaction; how many there were."""
    row = keeping.row
    where = f"{keeping.moment} < %(before)s" + (f" AND ({keeping.also})" if keeping.also else "")
    if keeping.blanks:
        left = " OR ".join(
            f"{name}::text IS DISTINCT FROM ({value})::text" for name, value in keeping.blanks.items()
        )
        for table, column, _files in keeping.parts:
            left += f" OR EXISTS (SELECT FROM {table} part WHERE part.{column} = {keeping.table}.{row})"
        where += f" AND ({left})"
    params: dict[str, Any] = {"before": before, "limit": limit}
    chosen = f"SELECT {row} FROM {keeping.table} WHERE {where} ORDER BY {row} LIMIT %(limit)s"
    if keeping.parts:
        chosen = _purge_parts(keeping, chosen, params)
    paths = _paths(keeping.table, keeping.files, f"{row} IN ({chosen})", params)
    if keeping.blanks:
        with _may_redact():
            count = _execute(
                f"UPDATE {keeping.table} SET {_sets(keeping.blanks)} WHERE {row} IN ({chosen})", params
            )
    else:
        count = _execute(f"DELETE FROM {keeping.table} WHERE {row} IN ({chosen})", params)
    _remove_files(paths)
    return count


def _purge_parts(keeping: Keeping, chosen: str, params: dict[str, Any]) -> str:
    """Let go what hangs on the chosen rows; SQL that still chooses the same rows without it."""
    with connection.cursor() as cursor:
        cursor.execute(chosen, params)
        params["chosen"] = [found[0] for found in cursor.fetchall()]
    for table, column, files in keeping.parts:
        paths = _paths(table, files, f"{column} = ANY(%(chosen)s)", params)
        _execute(f"DELETE FROM {table} WHERE {column} = ANY(%(chosen)s)", params)
        _remove_files(paths)
    return f"SELECT {keeping.row} FROM {keeping.table} WHERE {keeping.row} = ANY(%(chosen)s)"


# --- the log, and everything that might have been written in passing ---------------------------------------------------


def empty_events(
    subjects_of_events: Sequence[str],
    emptied: Mapping[str, Mapping[str, Any]],
    until: dt.datetime | None = None,
) -> int:
    """Set fields of the events about these subjects ("person/12") to something empty; how many changed.

    ``emptied`` maps a type of event to the fields and what they become; ``until`` leaves what happened later.
    """
    changed = 0
    with _may_redact(), connection.cursor() as cursor:
        for event_type, fields in emptied.items():
            cursor.execute(
                "UPDATE kernel_event SET data = data || %(fields)s::jsonb WHERE subject = ANY(%(of)s)"
                " AND type = %(type)s AND \"time\" <= coalesce(%(until)s::timestamptz, 'infinity') AND NOT data @> %(fields)s::jsonb",
                {"fields": _json(fields), "of": list(subjects_of_events), "type": event_type, "until": until},
            )
            changed += cursor.rowcount
    return changed


def redact_log(subjects_of_events: Sequence[str], words: Sequence[str]) -> int:
    """Take words out of the events about these subjects, and of their audit entries. How many rows changed."""
    kinds = [subject.partition("/")[::2] for subject in subjects_of_events]
    of = {"of": list(subjects_of_events)}
    with _may_redact():
        changed = _replace("kernel_event", {"data": "jsonb"}, words, "subject = ANY(%(of)s)", of)
        return changed + _replace(
            "kernel_audit",
            {"before": "jsonb", "after": "jsonb", "reason": "text", "actor_label": "text"},
            words,
            "(subject_kind, subject_id) IN (SELECT * FROM unnest(%(kinds)s::text[], %(ids)s::text[]))",
            {"kinds": [kind for kind, _ in kinds], "ids": [pk for _, pk in kinds]},
        )


def redact_answers(words: Sequence[str]) -> int:
    """Take words out of the kept answers to idempotent requests, wherever they stand."""
    return _replace("kernel_idempotency", {"body": "jsonb"}, words)


def end_sessions(persons: Sequence[int], members: Sequence[int], words: Sequence[str]) -> int:
    """End every browser session that is one of these members', or that holds one of the words; how many."""
    ids = {"person_id": set(persons), "member_id": set(members)}
    ended = 0
    for session in Session.objects.iterator(chunk_size=1_000):
        held = session.get_decoded()
        theirs = any(held.get(name) in known for name, known in ids.items())
        if theirs or any(word in str(held) for word in words):
            session.delete()
            ended += 1
    return ended


def sweep(words: Sequence[str], *, with_them: Sequence[str] = ()) -> dict[str, int]:
    """Search every text and JSON column of the database for words and take them out; rows changed by table.

    Words are whole identifiers of six characters or more, which are one person's only. Where one is found, the shorter
    words ``with_them`` (a name) are taken out of the same row. Tables sealed against change are left; `remains` tells.
    """
    found: dict[str, int] = {}
    sure = [word for word in words if len(word) >= SWEPT_LENGTH_MIN]
    if not sure:
        return found
    sealed = _sealed()
    with _may_redact():
        for table, columns in _text_columns().items():
            if table in sealed:
                continue
            if count := _replace(table, columns, sure, others=with_them):
                found[table] = count
    return found


def remains(words: Sequence[str]) -> dict[str, int]:
    """In how many rows of which tables words of six characters or more still stand."""
    sure = [f"%{_escaped(word)}%" for word in words if len(word) >= SWEPT_LENGTH_MIN]
    found: dict[str, int] = {}
    if not sure:
        return found
    with connection.cursor() as cursor:
        for table, columns in _text_columns().items():
            anywhere = " OR ".join(
                f"{connection.ops.quote_name(name)}::text LIKE ANY(%(words)s)" for name in columns
            )
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {anywhere}", {"words": sure})
            if count := int(cursor.fetchone()[0]):
                found[table] = count
    return found


# --- parts -------------------------------------------------------------------------------------------------------------


def _where(holding: Holding, holdings: Sequence[Holding], subjects: Subjects) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {}
    return _condition(holding, holdings, subjects, params), params


def _condition(
    holding: Holding, holdings: Sequence[Holding], subjects: Subjects, params: dict[str, Any]
) -> str:
    """Rows by their own column, or by the rows of another holding that they hang on."""
    if holding.of in ("person", "member", "address"):
        params[holding.of] = list(subjects.get(holding.of, ()))
        kind = "bytea[]" if holding.of == "address" else "bigint[]"
        text = f"{holding.column} = ANY(%({holding.of})s::{kind})"
    else:
        parents = [one for one in holdings if one.table == holding.of]
        text = " OR ".join(
            f"{holding.column} IN (SELECT {one.row} FROM {one.table} WHERE"
            f" {_condition(one, holdings, subjects, params)})"
            for one in parents
        )
        text = f"({text})"
    return f"{text} AND ({holding.also})" if holding.also else text


def _opened(envelope: Any, field: str, row: Any) -> str | None:
    if not envelope:
        return None
    try:
        return crypto.decrypt(bytes(envelope), field=field, row=row)
    except crypto.DecryptionFailed:
        return None


def _execute(sql: str, params: Mapping[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def _sets(blanks: Mapping[str, str]) -> str:
    return ", ".join(f"{connection.ops.quote_name(name)} = {value}" for name, value in blanks.items())


def _paths(table: str, column: str, where: str, params: Mapping[str, Any]) -> list[str]:
    if not column:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE {where}", params)
        return [row[0] for row in cursor.fetchall() if row[0]]


def _remove_files(paths: Sequence[str]) -> None:
    """After the commit, so that a transaction that is rolled back has lost nothing."""
    root = Path(settings.UPLOAD_DIR)
    for path in paths:
        place = root / path
        if root in place.parents:
            transaction.on_commit(partial(place.unlink, missing_ok=True), robust=True)


class _may_redact:  # noqa: N801  used as a with statement only
    """Within it the append-only tables let words be taken out, and nothing else (kernel_refuse_all_but_redaction)."""

    def __enter__(self) -> None:
        _execute("SELECT set_config('zhike.redacting', 'on', true)", {})

    def __exit__(self, *exc: object) -> None:
        if not connection.needs_rollback:
            _execute("SELECT set_config('zhike.redacting', '', true)", {})


def _replace(
    table: str,
    columns: Mapping[str, str],
    words: Sequence[str],
    where: str = "",
    params: Mapping[str, Any] | None = None,
    others: Sequence[str] = (),
) -> int:
    """Take words, and ``others``, out of some columns of the rows that have one of the words; in one pass. How many rows.

    Longer words go first, so that a number is not left behind with its country's code only.
    """
    values: dict[str, Any] = {"patterns": [f"%{_escaped(word)}%" for word in words], **(params or {})}
    all_words = sorted([*words, *others], key=len, reverse=True)
    values |= {f"word{number}": word for number, word in enumerate(all_words)}
    sets, has = [], []
    for name, kind in columns.items():
        quoted = connection.ops.quote_name(name)
        text = f"{quoted}::text"
        for number in range(len(all_words)):
            text = f"replace({text}, %(word{number})s, '')"
        sets.append(f"{quoted} = ({text})::{kind}")
        has.append(f"{quoted}::text LIKE ANY(%(patterns)s)")
    scope = f"({' OR '.join(has)})" + (f" AND {where}" if where else "")
    return _execute(f"UPDATE {table} SET {', '.join(sets)} WHERE {scope}", values) if words else 0


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _text_columns() -> dict[str, dict[str, str]]:
    """Every table with its columns of text and JSON; a partitioned table is named once."""
    found: dict[str, dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND a.attgenerated = '' AND format_type(a.atttypid, NULL) = ANY(%s)
            ORDER BY c.relname, a.attnum""",
            [list(_TEXT_TYPES)],
        )
        for table, column, kind in cursor.fetchall():
            found.setdefault(table, {})[column] = kind
    return found


def tables_searched() -> int:
    """How many tables `sweep` and `remains` look through."""
    return len(_text_columns())


def _sealed() -> set[str]:
    """Tables whose rows a trigger keeps from any change at all."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'kernel_refuse_change' AND t.tgtype & 16 > 0"""
        )
        return {row[0] for row in cursor.fetchall()}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def as_text(value: Any) -> Any:
    """A value as JSON can hold it: moments in ISO 8601, bytes in base64."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return str(value)

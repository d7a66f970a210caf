"""One key, one effect: the answer is stored in the transaction of the change it answers.

A key belongs to a scope (the caller and what it calls). The same key with the same request replays the stored answer;
with another request it is refused; while the first request still runs, the second is told to wait. A refused request
stores nothing, so it may be corrected and sent again under the same key.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Conflict, Invalid, Problem

KEY_LENGTH_MAX = 255
KEPT_FOR = dt.timedelta(days=7)
_LOCK_SEED = 7061  # the same as in sql/0001_idempotency.sql


class InFlight(Conflict):
    code = "idempotency-in-flight"
    title = _("The same request is still being worked on. Send it again in a moment.")


class KeyReused(Invalid):
    code = "idempotency-key-reused"
    title = _("This idempotency key was already used for a different request.")


class BadKey(Invalid):
    code = "idempotency-key-invalid"
    title = _("An idempotency key has 1 to 255 printable ASCII characters.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer: HTTP status and JSON body. `replayed` when it was given before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


def check_key(key: str) -> str:
    """The key itself. Raises BadKey."""
    if not (0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise BadKey
    return key


def run_once(
    *,
    scope: str,
    key: str | None,
    request_hash: bytes,
    now: dt.datetime,
    execute: Callable[[], Outcome],
) -> Outcome:
    """The outcome of `execute`, or the stored one of the first time. Without a key it simply runs.

    Raises BadKey, InFlight, KeyReused, and whatever `execute` raises; then nothing is stored.
    """
    if key is None:
        with transaction.atomic():
            return execute()
    check_key(key)
    with transaction.atomic():
        _lock(scope, key)
        stored = _stored(scope, key)
        if stored is not None:
            known_hash, outcome = stored
            if known_hash != request_hash:
                raise KeyReused
            return outcome
        outcome = replace(execute(), replayed=False)
        _store(scope, key, request_hash, outcome, now)
    return outcome


def problem_of(error: BaseException) -> Problem | None:
    """The refusal that a database function raised by its SQLSTATE (ZK409, ZK422), if it is one of ours.

    Takes Django's or psycopg's error.
    """
    source = error.__cause__ if isinstance(error, DatabaseError) else error
    refusals: dict[str | None, type[Problem]] = {"ZK409": InFlight, "ZK422": KeyReused}
    refusal = refusals.get(getattr(source, "sqlstate", None))
    return refusal() if refusal else None


def prune(*, now: dt.datetime) -> int:
    """Forget answers older than seven days. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_idempotency WHERE created_at < %s", [now - KEPT_FOR])
        return int(cursor.rowcount)


def _lock(scope: str, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s))", [f"{scope}\x1f{key}", _LOCK_SEED]
        )
        if not cursor.fetchone()[0]:
            raise InFlight


def _stored(scope: str, key: str) -> tuple[bytes, Outcome] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT request_hash, status, body FROM kernel_idempotency WHERE scope = %s AND key = %s",
            [scope, key],
        )
        row = cursor.fetchone()
    return None if row is None else (bytes(row[0]), Outcome(row[1], json.loads(row[2]), replayed=True))


def _store(scope: str, key: str, request_hash: bytes, outcome: Outcome, now: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_idempotency (scope, key, request_hash, status, body, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [scope, key, request_hash, outcome.status, json.dumps(outcome.body, ensure_ascii=False), now],
        )

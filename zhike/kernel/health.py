"""Whether this process may be sent work."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DatabaseError, connection

from zhike.kernel import queries
from zhike.kernel.events.restored import is_at_home
from zhike.kernel.keyring import KeyringUnusable
from zhike.kernel.reencryption import closed_fields

LAG_S_MAX = 120.0

_migrated = False
_keys_fit = False


@dataclass(frozen=True, slots=True)
class Check:
    """One check; `critical` ones decide readiness. `detail` is for operators, in English."""

    name: str
    ok: bool
    detail: str = ""
    critical: bool = True


def readiness() -> list[Check]:
    """The database is reachable, tables and keys are those of this program, and the log's readers keep up."""
    reachable = _database()
    if not reachable.ok:
        return [reachable]
    migrated = _migrations()
    return [reachable, migrated, *([_keys(), _event_log(), _event_lag()] if migrated.ok else [])]


def is_ready(checks: list[Check]) -> bool:
    return all(check.ok for check in checks if check.critical)


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        connection.close()
        return Check("database", ok=False, detail=type(error).__name__)
    return Check("database", ok=True)


def _migrations() -> Check:
    """Looked up until they are all there, then remembered: reading the migration files takes a while."""
    global _migrated
    if not _migrated:
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return Check("migrations", ok=False, detail=f"{len(missing)} not applied")
        _migrated = True
    return Check("migrations", ok=True)


def _keys() -> Check:
    """With other keys nobody would be found, and be enrolled twice. Tried until they fit, then remembered."""
    global _keys_fit
    if not _keys_fit:
        try:
            closed = closed_fields()
        except KeyringUnusable:
            return Check("keys", ok=False, detail="none that can be used")
        if closed:
            return Check("keys", ok=False, detail=f"not those that wrote {', '.join(dict.fromkeys(closed))}")
        _keys_fit = True
    return Check("keys", ok=True)


def _event_log() -> Check:
    """A log from another server must be adopted before anything is published: `zhike migrate` does it."""
    if is_at_home():
        return Check("event_log", ok=True)
    return Check("event_log", ok=False, detail="restored from another server, not adopted yet")


def _event_lag() -> Check:
    """A slow reader is no reason to stop serving."""
    late = [
        f"{lag.consumer} {lag.seconds:.0f} s" for lag in queries.consumer_lags() if lag.seconds > LAG_S_MAX
    ]
    return Check("event_lag", ok=not late, detail=", ".join(late), critical=False)

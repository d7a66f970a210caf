"""A log that was dumped from one PostgreSQL server and restored into another.

Transaction ids are a server's own: on the new one they begin anew, and cursors that remember ids of the old one would
take new events for seen. So the log remembers which server it lives on (`pg_control_system`), and when that has
changed, old ids are replaced by small ones that keep what the cursors know: which events each of them has seen.
Physical copies, replicas and point-in-time recovery keep their ids and need none of this.
"""

from __future__ import annotations

import logging

from django.db import connection, transaction

from zhike.kernel.events.cursor import SEES_NOTHING, Snapshot

FIRST_XID = 3  # the smallest that PostgreSQL gives to a transaction

logger = logging.getLogger(__name__)


def is_at_home() -> bool:
    """Whether the log's ids are of this server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT home.system_identifier = control.system_identifier"
            " FROM kernel_event_home AS home, pg_control_system() AS control"
        )
        row = cursor.fetchone()
    return row is None or bool(row[0])


def adopt_restored_log() -> bool:
    """Make a restored log this server's own, before anything is published or read; True if there was something to do.

    Rewrites the log once, so it takes a while on a large one. Safe to call from several processes.
    """
    if is_at_home():
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "LOCK TABLE kernel_event_home, kernel_event_cursor, kernel_event IN ACCESS EXCLUSIVE MODE"
        )
        if is_at_home():
            return False
        logger.warning("the event log comes from another PostgreSQL server; its transaction ids are replaced")
        snapshots = _snapshots_in_order()
        _replace_xids(snapshots)
        for age, snapshot in enumerate(snapshots):
            _replace_snapshot(snapshot, f"{FIRST_XID + age + 1}:{FIRST_XID + age + 1}:")
        cursor.execute(
            "UPDATE kernel_event_home SET system_identifier = (SELECT system_identifier FROM pg_control_system())"
        )
    return True


def _snapshots_in_order() -> list[Snapshot]:
    """What cursors remember, oldest first. Of two snapshots of one server, the younger sees all that the older sees."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT s::text FROM kernel_event_cursor, unnest(ARRAY[from_snapshot, to_snapshot]) AS s"
            " WHERE s::text <> %s",
            [SEES_NOTHING],
        )
        found = [Snapshot.parse(text) for (text,) in cursor.fetchall()]
    return sorted(found, key=lambda snapshot: (snapshot.xmax, snapshot.xmin, -snapshot.text.count(",")))


def _replace_xids(snapshots: list[Snapshot]) -> None:
    """An event's new id is the age of the oldest snapshot that sees it."""
    cases = " ".join(
        f"WHEN pg_visible_in_snapshot(xid, %s::pg_snapshot) THEN '{FIRST_XID + age}'::xid8"
        for age in range(len(snapshots))
    )
    unseen = f"'{FIRST_XID + len(snapshots)}'::xid8"
    age_of = f"CASE {cases} ELSE {unseen} END" if cases else unseen
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_event DISABLE TRIGGER kernel_event_is_append_only")
        cursor.execute(f"UPDATE kernel_event SET xid = {age_of}", [snapshot.text for snapshot in snapshots])
        cursor.execute("ALTER TABLE kernel_event ENABLE TRIGGER kernel_event_is_append_only")


def _replace_snapshot(old: Snapshot, new: str) -> None:
    with connection.cursor() as cursor:
        for column in ("from_snapshot", "to_snapshot"):
            cursor.execute(
                f"UPDATE kernel_event_cursor SET {column} = %s::pg_snapshot WHERE {column}::text = %s",
                [new, old.text],
            )

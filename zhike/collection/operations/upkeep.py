"""What is kept for a while only."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from zhike.kernel.access import Viewer, require_touch

SEEN_KEPT = dt.timedelta(days=8)
DELIVERIES_KEPT = dt.timedelta(days=2)
SETTLED_KEPT = dt.timedelta(days=30)


def prune_collection(*, actor: Viewer, now: dt.datetime) -> int:
    """Forget message ids after eight days and settled messages after thirty; add up older deliveries by the hour.

    Repeatable; how many deliveries were added up.
    """
    require_touch(actor, "collection.edit")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM collection_seenmessage WHERE received_at < %s", [now - SEEN_KEPT])
        cursor.execute(
            "DELETE FROM collection_setaside WHERE status <> 'open' AND settled_at < %s", [now - SETTLED_KEPT]
        )
        cursor.execute(_ADD_UP, [now - DELIVERIES_KEPT])
        return int(cursor.fetchone()[0])


# Whole hours only, so that an hour's row is written once or added to, never half counted twice.
_ADD_UP = """
    WITH old AS (
        DELETE FROM collection_delivery WHERE received_at < date_trunc('hour', %s::timestamptz, 'UTC') RETURNING *
    ), added AS (
        INSERT INTO collection_hourcount
            (source_id, hour, requests, taken, anonymised, refused, duplicates, set_aside)
        SELECT source_id, date_trunc('hour', received_at, 'UTC'), count(*), sum(taken), sum(anonymised), sum(refused),
            sum(duplicates), sum(set_aside)
        FROM old GROUP BY 1, 2
        ON CONFLICT (source_id, hour) DO UPDATE SET
            requests = collection_hourcount.requests + EXCLUDED.requests,
            taken = collection_hourcount.taken + EXCLUDED.taken,
            anonymised = collection_hourcount.anonymised + EXCLUDED.anonymised,
            refused = collection_hourcount.refused + EXCLUDED.refused,
            duplicates = collection_hourcount.duplicates + EXCLUDED.duplicates,
            set_aside = collection_hourcount.set_aside + EXCLUDED.set_aside
    ) SELECT count(*) FROM old
"""

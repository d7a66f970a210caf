"""Points that waited for a return window to close are let go."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer, require
from zhike.loyalty.events import PointsReleased
from zhike.loyalty.operations.crediting import credit_sql
from zhike.loyalty.queries.snapshots import PENDING, read_programme, system_account

RELEASE_BATCH = 5_000

_DUE = """
    SELECT w.account_id, w.receipt_id::text AS key, w.remaining AS points, w.lots, %(pending)s::bigint AS debit_account_id,
        'receipt:' || w.receipt_id AS reference, NULL::bigint AS reverses_id,
        jsonb_build_object('award', w.receipt_id) AS explanation
    FROM loyalty_pendingpoints w
    WHERE w.account_id = ANY(%(accounts)s) AND w.available_on <= %(today)s AND w.remaining > 0"""


def release_points(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Let every member spend the points whose return window has closed; returns how many points.

    They repay debt first. Set-based; batches commit one by one: stop it anywhere, run it again at any time.
    """
    require(actor, "programme.edit")
    today = read_programme(program_id).today(now)
    total = 0
    while True:
        with transaction.atomic():
            accounts = _accounts_due(program_id, today)
            if not accounts:
                return total
            with connection.cursor() as cursor:
                cursor.execute(
                    credit_sql(_DUE, earned=True),
                    {
                        "accounts": accounts,
                        "today": today,
                        "pending": system_account(program_id, PENDING),
                        "reason": "release",
                        "actor": actor.audit_id,
                        "now": now,
                    },
                )
                rows = cursor.fetchall()
                cursor.execute(
                    "UPDATE loyalty_pendingpoints SET remaining = 0, lots = '[]', released_at = %s"
                    " WHERE receipt_id = ANY(%s::uuid[])",
                    [now, [row[3] for row in rows]],
                )
            facts = [
                PointsReleased(member, person, receipt, points) for _, member, person, receipt, points in rows
            ]
            events.publish_many(facts, actor=actor, now=now)
            total += sum(fact.points for fact in facts)


def _accounts_due(program_id: int, today: dt.date) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id FROM loyalty_account a
            WHERE a.program_id = %s AND a.id IN (
                SELECT account_id FROM loyalty_pendingpoints WHERE available_on <= %s AND remaining > 0 LIMIT %s)
            ORDER BY a.id FOR UPDATE OF a""",
            [program_id, today, RELEASE_BATCH],
        )
        return [row[0] for row in cursor.fetchall()]

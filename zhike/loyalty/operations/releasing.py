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

_DUE_OF = """
    SELECT a.id AS account_id, w.receipt_id::text AS key, w.remaining AS points, w.lots, %(pending)s::bigint AS debit_account_id,
        'receipt:' || w.receipt_id AS reference, NULL::bigint AS reverses_id,
        jsonb_build_object('award', w.receipt_id)
            || CASE WHEN m.survivor_id IS NULL THEN '{}' ELSE jsonb_build_object('side', m.id) END
            || CASE WHEN a.id = w.account_id THEN '{}' ELSE jsonb_build_object('of', w.account_id) END AS explanation
    FROM loyalty_pendingpoints w {owner}
    WHERE a.id = ANY(%(accounts)s) AND w.available_on <= %(today)s AND w.remaining > 0"""
# Points wait for whoever bought, or for whom they were merged into.
_OWNER = """JOIN sales_receipt r ON r.id = w.receipt_id JOIN customers_person p ON p.id = r.person_id
    JOIN loyalty_account was ON was.id = w.account_id
    JOIN loyalty_member o ON o.person_id = coalesce(p.merged_into_id, p.id) AND o.program_id = was.program_id
    JOIN loyalty_account a ON a.member_id = o.id
    JOIN loyalty_member m ON m.id = coalesce(
        (SELECT s.id FROM loyalty_member s WHERE s.person_id = p.id AND s.program_id = was.program_id), o.id)"""
_DUE = _DUE_OF.replace("{owner}", _OWNER)


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
            f"""SELECT one.id FROM loyalty_account one
            WHERE one.program_id = %s AND one.id IN (
                SELECT a.id FROM (SELECT * FROM loyalty_pendingpoints
                    WHERE available_on <= %s AND remaining > 0 LIMIT %s) w {_OWNER})
            ORDER BY one.id FOR UPDATE OF one""",
            [program_id, today, RELEASE_BATCH],
        )
        return [row[0] for row in cursor.fetchall()]

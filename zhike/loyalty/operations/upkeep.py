"""Nightly work on the ledger, set-based and resumable: expiry and seals."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer, require
from zhike.loyalty.events import PointsExpired
from zhike.loyalty.models import Seal
from zhike.loyalty.queries.proof import hash_rows
from zhike.loyalty.queries.snapshots import EXPIRED, read_programme, system_account
from zhike.loyalty.rules.sealing import GENESIS

EXPIRY_BATCH = 10_000
SEAL_BATCH = 50_000

_EXPIRE = """
WITH due AS (
    SELECT l.account_id, l.expires_on, l.funding_id, l.remaining, a.balance - a.debt AS net,
        m.id AS member_id, m.person_id,
        sum(l.remaining) OVER (PARTITION BY l.account_id ORDER BY l.expires_on, l.funding_id) AS so_far
    FROM loyalty_lot l JOIN loyalty_account a ON a.id = l.account_id JOIN loyalty_member m ON m.id = a.member_id
    WHERE l.account_id = ANY(%(accounts)s) AND l.expires_on < %(today)s AND l.remaining > 0
), emptied AS (
    UPDATE loyalty_lot l SET remaining = 0 FROM due
    WHERE (l.account_id, l.expires_on, l.funding_id) = (due.account_id, due.expires_on, due.funding_id)
), lowered AS (
    UPDATE loyalty_account a SET balance = a.balance - s.points, version = a.version + 1
    FROM (SELECT account_id, sum(remaining) AS points FROM due GROUP BY account_id) s WHERE a.id = s.account_id
), written AS (
    INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots,
        debt_points, balance_after, explanation, actor, occurred_at, posted_at)
    SELECT account_id, %(expired)s, remaining, 'expire', 'expiry:' || expires_on, funding_id,
        jsonb_build_array(jsonb_build_array(expires_on, funding_id, remaining)), 0, net - so_far,
        jsonb_build_object('expired_on', expires_on), %(actor)s, %(now)s, %(now)s
    FROM due ORDER BY account_id, expires_on, funding_id
)
SELECT member_id, person_id, remaining, expires_on FROM due ORDER BY account_id, expires_on"""


def expire_points(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Let every lot past its day lapse; returns the points. Batches commit one by one: stop it anywhere."""
    require(actor, "programme.edit")
    today = read_programme(program_id).today(now)
    total = 0
    while True:
        with transaction.atomic():
            accounts = _accounts_with_overdue_lots(program_id, today)
            if not accounts:
                return total
            with connection.cursor() as cursor:
                cursor.execute(
                    _EXPIRE,
                    {
                        "accounts": accounts,
                        "today": today,
                        "expired": system_account(program_id, EXPIRED),
                        "actor": actor.audit_id,
                        "now": now,
                    },
                )
                rows = cursor.fetchall()
            facts = [PointsExpired(member, person, points, day) for member, person, points, day in rows]
            events.publish_many(facts, actor=actor, now=now)
            total += sum(fact.points for fact in facts)


def _accounts_with_overdue_lots(program_id: int, today: dt.date) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id FROM loyalty_account a
            WHERE a.program_id = %s AND a.id IN (
                SELECT account_id FROM loyalty_lot WHERE expires_on < %s AND remaining > 0 LIMIT %s)
            ORDER BY a.id FOR UPDATE OF a""",
            [program_id, today, EXPIRY_BATCH],
        )
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def seal_transfers(*, actor: Viewer, now: dt.datetime) -> int:
    """Hash the transfers that can no longer gain a neighbour, chained to the seal before; returns how many seals.

    A batch ends below the lowest id that a running transaction could still write: ids are taken from a sequence, so
    the sealer waits until every transaction that was running when it looked has ended (xid below the snapshot's xmin).
    """
    require(actor, "ledger.verify")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('loyalty_seal'))")
        last = Seal.objects.order_by("-id").first()
        cursor.execute(
            """SELECT coalesce(max(id), 0) FROM loyalty_transfer WHERE id < coalesce(
                (SELECT min(id) FROM loyalty_transfer WHERE id > %s AND xid >= pg_snapshot_xmin(pg_current_snapshot())
                 AND posted_at > now() - interval '1 day'), 9223372036854775807)
                AND posted_at < now() - interval '5 minutes'""",
            [last.last_transfer_id if last else 0],
        )
        horizon = cursor.fetchone()[0]
    sealed = 0
    first, previous = (last.last_transfer_id + 1, bytes(last.digest)) if last else (1, GENESIS)
    while first <= horizon:
        end = min(first + SEAL_BATCH - 1, horizon)
        rows = hash_rows(first, end, previous)
        Seal.objects.create(
            first_transfer_id=first,
            last_transfer_id=end,
            transfers=rows.count,
            previous=previous,
            digest=rows.digest,
            fingerprints=rows.fingerprints,
            sealed_at=now,
        )
        first, previous, sealed = end + 1, rows.digest, sealed + 1
    return sealed

"""Growth value is counted after what gives it was written, and a ladder that counts visits or growth value moves then.

The receipt's own statement does not know of it: a till of a programme on spend waits for nothing more than before. What an
account should have is worked out from receipts, awards and the terms of the tiers, compared with its entries, and the
difference posted; so whatever happened in between, and however often this runs, each occasion has given what it should.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection, transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer, require, system_viewer
from zhike.loyalty.events import GrowthMoved
from zhike.loyalty.models import GrowthAccount
from zhike.loyalty.operations.earning import ReceiptOutcome
from zhike.loyalty.operations.state import from_json, locked_holder, to_json
from zhike.loyalty.operations.tiering import settle_after_refund, settle_lent, stand
from zhike.loyalty.queries.counting import counted_since
from zhike.loyalty.queries.members import owner_id_of
from zhike.loyalty.queries.snapshots import GROWN, Programme, programme, read_programme, system_account
from zhike.loyalty.rules.awards import REASONS as DEEDS
from zhike.loyalty.rules.calendar import window_start
from zhike.loyalty.rules.growth import mark_of
from zhike.loyalty.rules.tiers import after_spend

ACTOR = system_viewer("growth")
SETTLE_BATCH = 500

_LACKING = """
WITH terms AS (
    SELECT * FROM jsonb_to_recordset(%(terms)s) AS t(version int, first date, last date, growth bigint, per_fen bigint,
        visit bigint, deeds jsonb, returns boolean)),
people AS (
    SELECT a.id AS account_id, a.member_id, p.id AS person_id FROM loyalty_account a
    JOIN loyalty_member m ON m.id = a.member_id
    JOIN customers_person p ON p.id = m.person_id OR (p.merged_into_id = m.person_id
        AND NOT EXISTS (SELECT FROM loyalty_member o WHERE o.person_id = p.id))
    WHERE a.id = ANY(%(accounts)s)),
bought AS (
    SELECT p.account_id, r.id AS receipt_id, r.business_date AS day, r.occurred_at, w.qualifying_fen AS fen, t.*
    FROM people p JOIN sales_receipt r ON r.person_id = p.person_id JOIN loyalty_award w ON w.receipt_id = r.id
    JOIN terms t ON r.business_date BETWEEN t.first AND t.last),
given AS (
    SELECT account_id, 'spend' AS source, 'receipt:' || receipt_id AS reference, day, occurred_at,
        fen * growth / per_fen AS growth, returns,
        jsonb_build_object('terms', version, 'fen', fen, 'growth', growth, 'per_fen', per_fen) AS why
    FROM bought WHERE growth > 0
    UNION ALL
    SELECT account_id, 'visit', 'visit:' || day, day, min(occurred_at),
        CASE WHEN max(fen) > 0 THEN max(visit) ELSE 0 END, bool_and(returns),
        jsonb_build_object('terms', max(version), 'visit', CASE WHEN max(fen) > 0 THEN max(visit) ELSE 0 END)
    FROM bought WHERE visit > 0 GROUP BY account_id, day
    UNION ALL
    SELECT p.account_id, 'deed', 'deed:' || t.id, d.day, t.occurred_at,
        CASE WHEN undone.id IS NULL THEN (e.deeds->>t.reason)::bigint ELSE 0 END, true,
        jsonb_build_object('terms', e.version, 'deed', t.reason,
            'each', CASE WHEN undone.id IS NULL THEN (e.deeds->>t.reason)::bigint ELSE 0 END)
    FROM (SELECT DISTINCT account_id, member_id FROM people) p
    JOIN loyalty_account a ON a.id = p.account_id
        OR a.id IN (SELECT s.id FROM loyalty_membermerge k JOIN loyalty_account s ON s.member_id = k.survivor_id
            WHERE k.merged_id = p.member_id)
    JOIN loyalty_transfer t ON t.credit_account_id = a.id AND t.credit_account_id > 0 AND t.reason = ANY(%(deeds)s)
        AND coalesce((t.explanation->>'side')::bigint, a.member_id) = p.member_id
    CROSS JOIN LATERAL (SELECT (t.occurred_at AT TIME ZONE %(zone)s)::date AS day) d
    JOIN terms e ON d.day BETWEEN e.first AND e.last AND coalesce((e.deeds->>t.reason)::bigint, 0) > 0
    LEFT JOIN loyalty_transfer undone ON undone.reference = t.reference AND undone.reverses_id = t.id
        AND undone.reason = 'take_back'),
posted AS (
    SELECT account_id, reference, min(source) AS source, min(day) AS day, sum(change) AS growth
    FROM loyalty_growthentry WHERE account_id = ANY(%(accounts)s) GROUP BY account_id, reference)
SELECT account_id, reference, coalesce(g.source, p.source), coalesce(g.day, p.day), coalesce(g.occurred_at, %(now)s),
    coalesce(p.growth, 0), coalesce(g.growth, 0), coalesce(g.why, '{"gone": true}')
FROM given g FULL JOIN posted p USING (account_id, reference)
WHERE coalesce(g.growth, 0) > coalesce(p.growth, 0)
    OR (coalesce(g.growth, 0) < coalesce(p.growth, 0) AND coalesce(g.returns, true))
ORDER BY account_id, 5, reference"""
_COLUMNS = (
    "debit_account_id", "credit_account_id", "growth", "source", "reference", "day", "explanation", "balance_after",
    "mark", "actor", "occurred_at", "posted_at",
)  # fmt: skip


def grow(known: Programme, account_ids: Sequence[int], *, actor: Viewer, now: dt.datetime) -> dict[int, int]:
    """Post what the entries of these accounts lack of growth value, or have too much; the change by account.

    The caller holds the accounts of the members that stand for them, so nobody else counts them meanwhile.
    """
    if not known.growth or not account_ids:
        return {}
    GrowthAccount.objects.bulk_create(
        [GrowthAccount(account_id=account_id) for account_id in sorted(account_ids)], ignore_conflicts=True
    )
    held = {
        row.pk: row
        for row in GrowthAccount.objects.select_for_update().filter(pk__in=account_ids).order_by("account_id")
    }
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {
            "accounts": list(held),
            "now": now,
            "zone": known.time_zone,
            "deeds": list(DEEDS),
        }
        cursor.execute(_LACKING, asked | {"terms": _terms(known)})
        lacking = cursor.fetchall()
        if not lacking:
            return {}
        system, before = (
            system_account(known.id, GROWN),
            {account_id: row.balance for account_id, row in held.items()},
        )
        with cursor.copy(f"COPY loyalty_growthtransfer ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for found in lacking:
                copy.write_row(_entry(held[found[0]], system, found, actor, now))
        moved = [row for account_id, row in held.items() if row.balance != before[account_id]]
        touched = {found[0] for found in lacking}
        cursor.execute(
            """UPDATE loyalty_growthaccount a SET balance = n.balance, head = n.head
            FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[]) AS n(id, balance, head) WHERE a.account_id = n.id""",
            [
                sorted(touched),
                [held[pk].balance for pk in sorted(touched)],
                [held[pk].head for pk in sorted(touched)],
            ],
        )
    return {row.pk: row.balance - before[row.pk] for row in moved}


def _terms(known: Programme) -> str:
    return to_json(
        [
            {
                "version": one.version, "first": one.first, "last": min(one.last, dt.date(9999, 12, 31)),
                "growth": one.rules.growth, "per_fen": one.rules.per_fen, "visit": one.rules.visit,
                "deeds": one.rules.deeds, "returns": one.rules.returns,
            }
            for one in known.growth
        ]
    )  # fmt: skip


def _entry(
    held: GrowthAccount, system: int, found: tuple[Any, ...], actor: Viewer, now: dt.datetime
) -> tuple[Any, ...]:
    """The columns of one entry; the account's balance and head move on."""
    account_id, reference, source, day, occurred_at, posted, wanted, why = found
    change = int(wanted) - int(posted)
    held.balance += change
    row: dict[str, Any] = {
        "debit_account_id": system if change > 0 else account_id,
        "credit_account_id": account_id if change > 0 else system,
        "growth": abs(change),
        "source": source,
        "reference": reference,
        "day": day,
        "explanation": from_json(why) | {"total": int(wanted)},
        "balance_after": held.balance,
        "actor": actor.audit_id,
        "occurred_at": occurred_at,
        "posted_at": now,
    }
    held.head = mark_of(bytes(held.head), row)
    values = row | {"explanation": to_json(row["explanation"]), "mark": held.head}
    return tuple(values[name] for name in _COLUMNS)


@transaction.atomic
def count_toward_tier(
    *, actor: Viewer, member_id: int, reference: str, now: dt.datetime, lowers: bool = False
) -> int:
    """Settle what a member's growth value should be and the tier that the ladder gives for it; the tier that counts.

    ``reference`` names what happened; ``lowers``: it took something back, and with it the tier where the terms say so. Does
    nothing twice. A ladder on spend is left alone: its receipts move it themselves.
    Raises MemberNotFound, NotAllowed.
    """
    require(actor, "points.adjust")
    holder = locked_holder(owner_id_of(member_id))
    settle_lent(holder, now=now)
    known, owner = holder.programme, holder.owner_id
    moved = grow(known, _family(owner), actor=actor, now=now)
    if total := sum(moved.values()):
        events.publish(GrowthMoved(owner, holder.person_id, total, reference), actor=actor, now=now)
    if not known.counts_after:
        return holder.state.tier_id
    start = window_start(known.tier_window, known.today(now))
    counted = counted_since(holder.state.account_id, start, known.tier_basis)
    earned = holder.state.earned_tier_id
    reached = after_spend(earned, counted.of(known.tier_basis), known.ladder).tier_id
    if reached != earned:
        why = counted.why(known.tier_basis)
        return stand(
            holder, reached, actor=actor, cause=known.tier_basis, reference=reference, now=now, why=why
        )
    if lowers:
        settle_after_refund(holder, actor=actor, reference=reference, now=now, counted=counted)
    return holder.state.tier_id


def _family(owner_id: int) -> list[int]:
    """The accounts of a member and of those merged into them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
            WHERE m.id = %(owner)s OR m.survivor_id = %(owner)s ORDER BY a.id""",
            {"owner": owner_id},
        )
        return [row[0] for row in cursor.fetchall()]


def counted_after(outcome: ReceiptOutcome, *, now: dt.datetime) -> ReceiptOutcome:
    """The answer to a receipt of a ladder that counts visits or growth value, with the tier that it gave."""
    assert outcome.member_id is not None
    reference = f"receipt:{outcome.receipt_id}"
    tier_id = count_toward_tier(actor=ACTOR, member_id=outcome.member_id, reference=reference, now=now)
    return replace(outcome, tier_id=tier_id, upgraded=tier_id != outcome.tier_id, counts_after=False)


_USING = """
SELECT m.id, p.id, p.stamp FROM customers_person s JOIN loyalty_member m ON m.person_id = coalesce(s.merged_into_id, s.id)
JOIN loyalty_program p ON p.id = m.program_id WHERE s.id = ANY(%s) ORDER BY m.id"""


def follow_persons(
    *, actor: Viewer, person_ids: Sequence[int], reference: str, now: dt.datetime, lowers: bool = False
) -> None:
    """Something of these persons was bought, brought back, claimed or done: settle their members, where it counts at all."""
    with connection.cursor() as cursor:
        cursor.execute(_USING, [list(person_ids)])
        found = cursor.fetchall()
    for member_id, program_id, stamp in found:
        known = programme(program_id, stamp)
        if known.growth or known.counts_after:
            count_toward_tier(actor=actor, member_id=member_id, reference=reference, now=now, lowers=lowers)


def settle_growth(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Settle the growth value of all members, for the night and after new terms have begun; how many accounts changed.

    In batches by account id, each its own transaction: stop it anywhere, run it again at any time. Raises NotAllowed.
    """
    require(actor, "programme.edit")
    known, last, changed = read_programme(program_id), 0, 0
    while known.growth:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                """SELECT a.id, m.id FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
                WHERE a.program_id = %s AND a.id > %s AND m.survivor_id IS NULL ORDER BY a.id LIMIT %s FOR UPDATE OF a""",
                [program_id, last, SETTLE_BATCH],
            )
            owners = cursor.fetchall()
            if not owners:
                break
            cursor.execute(
                """SELECT a.id FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
                WHERE m.id = ANY(%(owners)s) OR m.survivor_id = ANY(%(owners)s)""",
                {"owners": [member_id for _, member_id in owners]},
            )
            changed += len(grow(known, [row[0] for row in cursor.fetchall()], actor=actor, now=now))
        last = owners[-1][0]
    return changed


__all__ = ["count_toward_tier", "counted_after", "follow_persons", "grow", "settle_growth"]

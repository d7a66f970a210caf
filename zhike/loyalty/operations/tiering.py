"""Moving members between tiers: at once on spend and refund, and at the review when spend leaves the window."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer, require
from zhike.loyalty.events import TierChanged
from zhike.loyalty.operations.state import Holder
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.rules.calendar import window_start
from zhike.loyalty.rules.tiers import tier_for

REVIEW_BATCH = 5_000
SPEND = """
    SELECT account_id, sum(fen) AS fen FROM (
        SELECT award.account_id, award.qualifying_fen AS fen FROM loyalty_award award
        JOIN sales_receipt r ON r.id = award.receipt_id
        WHERE award.account_id = ANY(%(accounts)s) AND r.business_date >= %(start)s
            AND NOT EXISTS (SELECT FROM loyalty_account a JOIN loyalty_membermerge k
                ON a.member_id IN (k.survivor_id, k.merged_id) WHERE a.id = award.account_id)
        UNION ALL
        SELECT a.id, award.qualifying_fen FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
        JOIN customers_person p ON p.id = m.person_id OR p.merged_into_id = m.person_id
        JOIN sales_receipt r ON r.person_id = p.id JOIN loyalty_award award ON award.receipt_id = r.id
        WHERE a.id = ANY(%(accounts)s) AND r.business_date >= %(start)s AND m.survivor_id IS NULL
            AND m.id IN (SELECT survivor_id FROM loyalty_membermerge UNION SELECT merged_id FROM loyalty_membermerge)
    ) parts GROUP BY account_id"""
"""Qualifying spend by account; where two were merged, by whose receipts they are today, whatever account they once moved."""


def lower_after_refund(holder: Holder) -> int | None:
    """The lower tier that the remaining spend still reaches, where the programme reverses upgrades; else None."""
    if not holder.programme.tier_reverses_on_refund:
        return None
    reached = tier_for(holder.state.qualifying_fen, holder.programme.ladder)
    current = next(step for step in holder.programme.ladder if step.tier_id == holder.state.tier_id)
    if reached.rank >= current.rank:
        return None
    holder.state.tier_id = reached.tier_id
    return reached.tier_id


def move_tier(member_id: int, tier_id: int, cause: str, reference: str, now: dt.datetime) -> None:
    """Write the member's new tier and the change; the caller holds the account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT loyalty_change_tier(%s, %s, %s, %s, %s)", [member_id, tier_id, cause, reference, now]
        )


def review_tiers(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Count every member's qualifying spend in the window anew and move who no longer, or now, reaches another tier.

    Set-based, in batches by account id, each its own transaction; running it again the same day changes nothing.
    Returns how many members moved.
    """
    require(actor, "programme.edit")
    programme = read_programme(program_id)
    moved, last = 0, 0
    while True:
        with transaction.atomic():
            account_ids = _next_accounts(program_id, last)
            if not account_ids:
                return moved
            moved += _review_batch(programme, account_ids, actor, now)
        last = account_ids[-1]


def _next_accounts(program_id: int, after: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id FROM loyalty_account WHERE program_id = %s AND id > %s ORDER BY id LIMIT %s FOR UPDATE""",
            [program_id, after, REVIEW_BATCH],
        )
        return [row[0] for row in cursor.fetchall()]


def _review_batch(programme: Programme, account_ids: list[int], actor: Viewer, now: dt.datetime) -> int:
    start = window_start(programme.tier_window, now.date())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH spend AS ({SPEND})
            UPDATE loyalty_account a SET qualifying_fen = coalesce(spend.fen, 0), version = version + 1
            FROM unnest(%(accounts)s::bigint[]) AS one(id) LEFT JOIN spend ON spend.account_id = one.id
            WHERE a.id = one.id AND a.qualifying_fen <> coalesce(spend.fen, 0)""",
            {"accounts": account_ids, "start": start},
        )
        cursor.execute(
            """SELECT m.id, m.person_id, m.tier_id, a.qualifying_fen FROM loyalty_account a
            JOIN loyalty_member m ON m.id = a.member_id WHERE a.id = ANY(%s) ORDER BY a.id""",
            [account_ids],
        )
        rows = cursor.fetchall()
    facts = []
    for member_id, person_id, tier_id, qualifying_fen in rows:
        reached = tier_for(qualifying_fen, programme.ladder).tier_id
        if reached != tier_id:
            move_tier(member_id, reached, "review", "", now)
            facts.append(TierChanged(member_id, person_id, tier_id, reached, "review"))
    with connection.cursor() as cursor:
        changed = [fact.member_id for fact in facts]
        cursor.execute(
            "UPDATE loyalty_account SET version = version + 1 WHERE member_id = ANY(%s)", [changed]
        )
    if facts:
        events.publish(*facts, actor=actor, now=now)
    return len(facts)


def spend_of(account_id: int, start: dt.date) -> int:
    """What counts toward the tier of one account's member since the day their window began, in fen."""
    with connection.cursor() as cursor:
        cursor.execute(SPEND, {"accounts": [account_id], "start": start})
        row = cursor.fetchone()
    return int(row[1]) if row else 0

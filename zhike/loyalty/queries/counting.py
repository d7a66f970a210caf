"""What members bought, as far as it counts toward their tiers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection

from zhike.loyalty.rules.standing import Counted

COUNTED = """
    SELECT account_id, sum(fen) AS fen, count(DISTINCT day) FILTER (WHERE fen > 0) AS visits FROM (
        SELECT award.account_id, award.qualifying_fen AS fen, r.business_date AS day FROM loyalty_award award
        JOIN sales_receipt r ON r.id = award.receipt_id
        JOIN unnest(%(accounts)s::bigint[], %(starts)s::date[]) AS one(id, start) ON one.id = award.account_id
        WHERE award.account_id = ANY(%(accounts)s) AND r.business_date >= one.start
            AND NOT EXISTS (SELECT FROM loyalty_account a JOIN loyalty_membermerge k
                ON a.member_id IN (k.survivor_id, k.merged_id) WHERE a.id = award.account_id)
        UNION ALL
        SELECT a.id, award.qualifying_fen, r.business_date FROM loyalty_account a
        JOIN unnest(%(accounts)s::bigint[], %(starts)s::date[]) AS one(id, start) ON one.id = a.id
        JOIN loyalty_member m ON m.id = a.member_id
        JOIN customers_person p ON p.id = m.person_id OR p.merged_into_id = m.person_id
        JOIN sales_receipt r ON r.person_id = p.id JOIN loyalty_award award ON award.receipt_id = r.id
        WHERE a.id = ANY(%(accounts)s) AND r.business_date >= one.start AND m.survivor_id IS NULL
            AND m.id IN (SELECT survivor_id FROM loyalty_membermerge UNION SELECT merged_id FROM loyalty_membermerge)
    ) parts GROUP BY account_id"""
"""What counts toward the tier since a day of each account's own; where two were merged, by whose receipts they are today,
whatever account they once moved."""


_GROWN = """
    SELECT owner, sum(growth) FROM (
        SELECT owner, CASE source WHEN 'visit' THEN max(growth) ELSE sum(growth) END AS growth FROM (
            SELECT one.id AS owner, e.account_id, e.day, e.source, sum(e.change) AS growth
            FROM unnest(%(accounts)s::bigint[], %(starts)s::date[]) AS one(id, start)
            JOIN loyalty_account a ON a.id = one.id
            JOIN loyalty_member f ON f.id = a.member_id OR f.survivor_id = a.member_id
            JOIN loyalty_account s ON s.member_id = f.id
            JOIN loyalty_growthentry e ON e.account_id = s.id AND e.day >= one.start
            GROUP BY 1, 2, 3, 4) sides
        GROUP BY owner, day, source) days
    GROUP BY owner"""
"""Growth value since a day of each account's own, of everybody who is one member today; one visit a day of them all."""


def counted_since(account_id: int, start: dt.date, basis: str = "spend") -> Counted:
    """What one account's member did since a day, as far as it counts toward tiers; growth value where the ladder counts it."""
    return counted_for([account_id], [start], basis).get(account_id, Counted(0, 0))


def counted_for(
    account_ids: Sequence[int], starts: Sequence[dt.date], basis: str = "spend"
) -> dict[int, Counted]:
    """What the members of many accounts did since a day of each's own, as far as it counts; those with nothing are left
    out."""
    if not account_ids:
        return {}
    asked: dict[str, Any] = {"accounts": list(account_ids), "starts": list(starts)}
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, asked)
        found = {account_id: Counted(int(fen), visits) for account_id, fen, visits in cursor.fetchall()}
    if basis == "growth":
        for account_id, growth in grown_for(account_ids, starts).items():
            bought = found.get(account_id, Counted(0, 0))
            found[account_id] = Counted(bought.fen, bought.visits, growth)
    return found


def grown_for(account_ids: Sequence[int], starts: Sequence[dt.date]) -> dict[int, int]:
    """Growth value of the members of many accounts since a day of each's own; those without are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_GROWN, {"accounts": list(account_ids), "starts": list(starts)})
        return {account_id: int(growth) for account_id, growth in cursor.fetchall()}

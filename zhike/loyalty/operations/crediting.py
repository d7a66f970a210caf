"""Many accounts get points at once: one statement lets them into lots, repays debt and writes the transfers.

The statement is completed by a CTE ``due`` (account_id, key, points, lots, debit_account_id, reference, reverses_id,
explanation): ``points`` of ``lots`` (json, earliest expiry first), of which the last ones stay when debt takes the first.
Whoever runs it holds the accounts' rows.
"""

from __future__ import annotations

CREDIT = """
WITH due AS ({due}), placed AS (
    SELECT d.*, a.balance - a.debt AS net, a.debt AS debt_before,
        sum(d.points) OVER (PARTITION BY d.account_id ORDER BY d.key) AS so_far
    FROM due d JOIN loyalty_account a ON a.id = d.account_id
), settled AS (
    SELECT p.*, least(p.points, greatest(0, p.debt_before - (p.so_far - p.points))) AS repaid FROM placed p
), parts AS (
    SELECT s.account_id, s.key, (lot->>0)::date AS expires_on, (lot->>1)::bigint AS funding_id,
        (lot->>2)::bigint AS part, s.repaid,
        sum((lot->>2)::bigint) OVER (PARTITION BY s.account_id, s.key ORDER BY lot->>0, (lot->>1)::bigint) AS upto
    FROM settled s, jsonb_array_elements(s.lots) AS lot
), kept AS (
    SELECT account_id, key, expires_on, funding_id, least(part, upto - repaid) AS part FROM parts
    WHERE upto > repaid
), entered AS (
    INSERT INTO loyalty_lot AS l (account_id, expires_on, funding_id, earned, remaining)
    SELECT account_id, expires_on, funding_id, {earned}, sum(part) FROM kept GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    ON CONFLICT (account_id, expires_on, funding_id) DO UPDATE
    SET remaining = l.remaining + excluded.remaining, earned = l.earned + excluded.earned
), raised AS (
    UPDATE loyalty_account a SET balance = a.balance + s.points - s.repaid, debt = a.debt - s.repaid,
        version = a.version + 1
    FROM (SELECT account_id, sum(points) AS points, sum(repaid) AS repaid FROM settled GROUP BY account_id) s
    WHERE a.id = s.account_id
), written AS (
    INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots,
        debt_points, balance_after, reverses_id, explanation, actor, occurred_at, posted_at)
    SELECT s.debit_account_id, s.account_id, s.points, %(reason)s, s.reference, (s.lots->0->>1)::bigint,
        coalesce((SELECT jsonb_agg(jsonb_build_array(k.expires_on, k.funding_id, k.part)
            ORDER BY k.expires_on, k.funding_id) FROM kept k
            WHERE (k.account_id, k.key) = (s.account_id, s.key)), '[]'),
        s.repaid, s.net + s.so_far, s.reverses_id, s.explanation, %(actor)s, %(now)s, %(now)s
    FROM settled s ORDER BY s.account_id, s.key
)
SELECT s.account_id, m.id, m.person_id, s.key, s.points FROM settled s
JOIN loyalty_account a ON a.id = s.account_id
JOIN loyalty_member m ON m.id = coalesce((s.explanation->>'side')::bigint, a.member_id)
ORDER BY s.account_id, s.key"""


def credit_sql(due: str, *, earned: bool) -> str:
    """The statement for a ``due``; ``earned``: these points enter their lots for the first time."""
    return CREDIT.format(due=due, earned="sum(part)" if earned else "0")

"""The points of a million members lapse in one night. Against the best single statement, which does all or nothing."""

from __future__ import annotations

import os

from django.db import connection, transaction

from tests.bench.harness import Result, result, stopwatch
from tests.loyalty.conftest import SYSTEM, build_town
from zhike.kernel import clock
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries

MEMBERS = int(os.environ.get("ZHIKE_BENCH_MEMBERS", "1000000"))
FIRST = 1_000

# By hand: no batches, no facts for the log, nothing that could be stopped and taken up again.
BY_HAND = """
WITH emptied AS (
    UPDATE loyalty_lot l SET remaining = 0 FROM loyalty_lot old
    WHERE (l.account_id, l.expires_on, l.funding_id) = (old.account_id, old.expires_on, old.funding_id)
        AND l.expires_on < current_date AND l.remaining > 0
    RETURNING l.account_id, l.expires_on, l.funding_id, old.remaining AS points
), lowered AS (
    UPDATE loyalty_account a SET balance = a.balance - e.points, version = a.version + 1
    FROM (SELECT account_id, sum(points) AS points FROM emptied GROUP BY 1) e WHERE a.id = e.account_id
)
INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots,
    debt_points, balance_after, explanation, actor, occurred_at, posted_at)
SELECT account_id, %s, points, 'expire', 'expiry', funding_id,
    jsonb_build_array(jsonb_build_array(expires_on, funding_id, points)), 0, 0, '{}', 'bench', now(), now()
FROM emptied"""


def run() -> list[Result]:
    program_id = _load()
    with connection.cursor() as cursor, transaction.atomic():
        with stopwatch() as seconds:
            cursor.execute(BY_HAND, [-(program_id * 10 + 3)])
            by_hand = seconds()
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE loyalty_lot, loyalty_account, loyalty_transfer")
    with stopwatch() as seconds:
        points = loyalty.expire_points(actor=SYSTEM, program_id=program_id, now=clock.now())
        ours = seconds()
    assert points == 100 * MEMBERS
    assert queries.verify_ledger().is_clean
    return [
        result(
            f"points of {MEMBERS:,} members lapse, batches of 10,000 with their facts",
            MEMBERS / ours, "members/s", limit=MEMBERS / by_hand, target=0.2,
        )
    ]  # fmt: skip


def _load() -> int:
    """Members with 100 points that lapsed yesterday and 50 that last, and the transfers that gave them."""
    town = build_town()
    values = {
        "first": FIRST, "last": FIRST + MEMBERS - 1, "group": town.group_id, "mall": town.mall_id,
        "program": town.program_id, "tier": min(town.tiers.values()), "issued": -(town.program_id * 10 + 1),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _LOADING:
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return town.program_id


_NUMBERS = "FROM generate_series(%(first)s::bigint, %(last)s::bigint) n"
_LOTS = (
    "(VALUES (current_date - 1, 100, 100), (current_date + 300, 50, 150)) AS lot(day, points, upto),"
    " (SELECT min(id) AS id FROM loyalty_funding) AS funding"
)
_LOADING = (
    f"""INSERT INTO customers_person (id, group_id, name, name_pinyin, name_initials, name_grams, sex, occupation,
        language, status, created_at, source, source_mall_id)
    SELECT n, %(group)s, '会员', 'huiyuan', 'hy', '{{}}', 'female', '', '', 'active', now(), 'bench', %(mall)s {_NUMBERS}""",
    f"""INSERT INTO loyalty_member (id, program_id, person_id, number, status, tier_id, tier_since, mall_id, enrolled_at,
        enrolled_by, source)
    SELECT n, %(program)s, n, 'B' || n, 'active', %(tier)s, now(), %(mall)s, now(), 'bench', 'bench' {_NUMBERS}""",
    f"""INSERT INTO loyalty_account (id, program_id, member_id, code, balance, debt, qualifying_fen, version)
    SELECT n, %(program)s, n, '', 150, 0, 0, 0 {_NUMBERS}""",
    f"""INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining)
    SELECT n, lot.day, funding.id, lot.points, lot.points {_NUMBERS}, {_LOTS}""",
    f"""INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots,
        debt_points, balance_after, explanation, actor, occurred_at, posted_at)
    SELECT %(issued)s, n, lot.points, 'adjust', 'opening', funding.id,
        jsonb_build_array(jsonb_build_array(lot.day, funding.id, lot.points)), 0, lot.upto, '{{}}', 'bench', now(), now()
    {_NUMBERS}, {_LOTS} ORDER BY n, lot.day""",
)

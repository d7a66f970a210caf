"""One statement says what was known of each member at a moment, and whether they came again after it.

Every join stops at the member's own moment (``cut``), so no figure knows the future; only ``came`` looks at the time
from there until ``until``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from zhike.insight.queries._standing_sql import profiled_members
from zhike.insight.rules.churn import CODES, LOOK_BACK_DAYS
from zhike.kernel.fragments import Sql

_PEOPLE = """people AS MATERIALIZED (SELECT f.*, f.cut + make_interval(days => f.horizon) AS until FROM (
    SELECT m.id AS member_id, m.person_id, m.mall_id, m.enrolled_at, p.birthday, coalesce(t.days, %s) AS horizon,
        %s::timestamptz - make_interval(days => %s * coalesce(t.days, %s)) AS cut
    FROM """
_BOUGHT = """, bought AS (SELECT p.member_id, p.mall_id, p.horizon, p.enrolled_at, p.birthday, p.cut,
    max(r.occurred_at) FILTER (WHERE is_sale) AS last_at, min(r.occurred_at) FILTER (WHERE is_sale) AS first_at,
    count(DISTINCT r.business_date) FILTER (WHERE is_sale) AS days_ever,
    count(DISTINCT r.business_date) FILTER (WHERE is_sale AND r.occurred_at >= p.cut - interval '30 days') AS days_30,
    count(DISTINCT r.business_date) FILTER (WHERE is_sale AND r.occurred_at >= p.cut - interval '90 days') AS days_90,
    coalesce(sum(signed) FILTER (WHERE r.occurred_at >= p.cut - interval '90 days'), 0) AS spend_90,
    coalesce(sum(signed) FILTER (WHERE r.occurred_at >= p.cut - interval '365 days'), 0) AS spend_year,
    coalesce(sum(signed) FILTER (WHERE r.occurred_at >= p.cut - interval '30 days'), 0) AS spend_30,
    avg(r.net_fen) FILTER (WHERE is_sale) AS average,
    count(DISTINCT r.merchant_id) FILTER (WHERE is_sale) AS shops,
    count(DISTINCT x.trade_category_id) FILTER (WHERE is_sale) AS trades,
    coalesce(sum(r.discount_fen) FILTER (WHERE is_sale)::float8 / nullif(sum(r.gross_fen) FILTER (WHERE is_sale), 0), 0)
        AS discount_share,
    count(*) FILTER (WHERE NOT is_sale) AS returns,
    avg((extract(isodow FROM at) >= 6)::int) FILTER (WHERE is_sale) AS weekend_share,
    avg((extract(hour FROM at) >= 18)::int) FILTER (WHERE is_sale) AS evening_share
    FROM people p JOIN sales_receipt r ON r.person_id = p.person_id AND r.occurred_at < p.cut
    JOIN organization_merchant x ON x.id = r.merchant_id
    CROSS JOIN LATERAL (SELECT r.kind = 'sale' AS is_sale, r.occurred_at AT TIME ZONE %s AS at,
        CASE WHEN r.kind = 'sale' THEN r.net_fen ELSE -r.net_fen END AS signed) s
    GROUP BY p.member_id, p.mall_id, p.horizon, p.enrolled_at, p.birthday, p.cut
    HAVING max(r.occurred_at) FILTER (WHERE is_sale) >= p.cut - make_interval(days => %s))"""
_OTHERS = """, came AS (SELECT DISTINCT p.member_id FROM people p JOIN sales_receipt r ON r.person_id = p.person_id
        AND r.kind = 'sale' AND r.occurred_at >= p.cut AND r.occurred_at < p.until),
moved AS (SELECT p.member_id, sum(t.sign * t.points) AS balance,
        sum(t.points) FILTER (WHERE t.sign < 0 AND t.occurred_at >= p.cut - interval '90 days') AS spent
    FROM people p JOIN loyalty_account a ON a.member_id = p.member_id JOIN (
        SELECT credit_account_id AS account_id, 1 AS sign, points, occurred_at FROM loyalty_transfer WHERE credit_account_id > 0
        UNION ALL SELECT debit_account_id, -1, points, occurred_at FROM loyalty_transfer WHERE debit_account_id > 0
    ) t ON t.account_id = a.id AND t.occurred_at < p.cut GROUP BY p.member_id),
coupons AS (SELECT p.member_id, count(*) FILTER (WHERE u.used_at < p.cut) AS used,
        count(*) FILTER (WHERE c.valid_until > p.cut AND coalesce(u.used_at, p.cut) >= p.cut
            AND coalesce(c.ended_at, p.cut) >= p.cut) AS open
    FROM people p JOIN offers_coupon c ON c.member_id = p.member_id AND c.issued_at < p.cut
    LEFT JOIN offers_couponuse u ON u.id = c.use_id AND c.status = 'used' GROUP BY p.member_id),
messages AS (SELECT p.member_id, count(*) AS sent, count(*) FILTER (WHERE o.read_at < p.cut) AS read
    FROM people p JOIN messaging_outboundmessage o ON o.person_id = p.person_id AND o.kind = 'marketing'
        AND o.sent_at >= p.cut - interval '90 days' AND o.sent_at < p.cut GROUP BY p.member_id),
online AS (SELECT p.member_id, count(*) AS seen FROM (
        SELECT coalesce((e.data->>'person_id')::bigint, v.person_id) AS person_id, e.time
        FROM kernel_event e LEFT JOIN collection_visitor v ON e.data->>'person_id' IS NULL
            AND v.id = (e.data->>'visitor_id')::bigint AND (v.stitched_until IS NULL OR e.time <= v.stitched_until)
        WHERE e.type = 'zhike.collection.behaviour_observed' AND e.time >= %s AND e.time < %s) b
    JOIN people p ON p.person_id = b.person_id AND b.time >= p.cut - interval '30 days' AND b.time < p.cut
    GROUP BY p.member_id),
checked AS (SELECT p.member_id, count(*) AS days FROM people p JOIN engagement_checkin c ON c.member_id = p.member_id
    AND c.made_at >= p.cut - interval '30 days' AND c.made_at < p.cut AND NOT c.made_up GROUP BY p.member_id)"""
_COLUMNS: Mapping[str, str] = {
    "recency_days": "recency",
    "overdue": "recency / nullif(gap, 0)",
    "gap_days": "gap",
    "tenure_days": "extract(epoch FROM b.cut - b.first_at) / 86400",
    "known_days": "greatest(extract(epoch FROM b.cut - b.enrolled_at) / 86400, 0)",
    "lately_share": "b.spend_30::float8 / nullif(b.spend_year, 0)",
    "points_balance": "coalesce(moved.balance, 0)",
    "points_spent_90": "coalesce(moved.spent, 0)",
    "coupons_open": "coalesce(coupons.open, 0)",
    "coupons_used": "coalesce(coupons.used, 0)",
    "messages_90": "coalesce(messages.sent, 0)",
    "messages_read_90": "coalesce(messages.read, 0)",
    "online_30": "coalesce(online.seen, 0)",
    "check_ins_30": "coalesce(checked.days, 0)",
    "age": "extract(year FROM age(b.cut, b.birthday))",
}
_FROM = """ FROM bought b LEFT JOIN came USING (member_id) LEFT JOIN moved USING (member_id) LEFT JOIN coupons USING (member_id)
    LEFT JOIN messages USING (member_id) LEFT JOIN online USING (member_id) LEFT JOIN checked USING (member_id)
    CROSS JOIN LATERAL (SELECT extract(epoch FROM b.cut - b.last_at) / 86400 AS recency,
        CASE WHEN b.days_ever > 1 THEN extract(epoch FROM b.last_at - b.first_at) / 86400 / (b.days_ever - 1) END AS gap) g
    ORDER BY member_id"""


def figures(
    now: dt.datetime,
    steps: int,
    horizons: Mapping[int | None, int],
    zone: str,
    between: tuple[int, int] | None = None,
    thin: int = 1,
) -> Sql:
    """member_id, mall_id, gone, first, last, then CODES as floats or null, for each member who may be profiled and bought lately.

    The moment lies ``steps`` horizons of the member's mall (None: of malls without their own) before ``now``. ``gone``: no
    purchase from there for one horizon; with 0 steps nobody can know. ``first`` and ``last`` are purchases, in days before the
    moment. ``between``: member ids above the first, up to the second; ``thin`` keeps one of so many.
    """
    usual = horizons[None]
    malls = [mall for mall in horizons if mall is not None]
    people = Sql("WITH " + _PEOPLE, (usual, now, steps, usual)) + profiled_members(
        now,
        Sql(
            " LEFT JOIN unnest(%s::bigint[], %s::int[]) t(mall_id, days) ON t.mall_id = m.mall_id",
            (malls, [horizons[mall] for mall in malls]),
        ),
    )
    if between is not None:
        people += Sql(" AND m.id > %s AND m.id <= %s", between)
    if thin > 1:
        people += Sql(" AND m.id %% %s = 0", (thin,))
    earliest = now - dt.timedelta(days=30 + steps * max(horizons.values()))
    found = people + Sql(") f)" + _BOUGHT, (zone, LOOK_BACK_DAYS)) + Sql(_OTHERS, (earliest, now))
    columns = ", ".join(f"({_COLUMNS.get(code, f'b.{code}')})::float8" for code in CODES)
    return found + Sql(
        " SELECT member_id, b.mall_id, came.member_id IS NULL, (extract(epoch FROM b.cut - b.first_at) / 86400)::float8,"
        f" g.recency::float8, {columns}{_FROM}"
    )

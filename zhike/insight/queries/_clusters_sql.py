"""By what members are compared: one row a member who may be profiled and bought something in the last year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from zhike.insight.queries._standing_sql import profiled_members
from zhike.insight.rules.clusters import CODES, INTERESTS, WINDOW_DAYS
from zhike.kernel.fragments import Sql

_BOUGHT = """), bought AS (SELECT p.member_id, max(r.occurred_at) FILTER (WHERE is_sale) AS last_at,
    count(DISTINCT r.business_date) FILTER (WHERE is_sale) AS days_year,
    greatest(coalesce(sum(CASE WHEN is_sale THEN r.net_fen ELSE -r.net_fen END), 0), 0) AS spend_year,
    avg(r.net_fen) FILTER (WHERE is_sale) AS average,
    coalesce(sum(r.discount_fen) FILTER (WHERE is_sale)::float8 / nullif(sum(r.gross_fen) FILTER (WHERE is_sale), 0), 0)
        AS discount_share,
    count(DISTINCT r.merchant_id) FILTER (WHERE is_sale) AS shops,
    avg((extract(isodow FROM at) >= 6)::int) FILTER (WHERE is_sale) AS weekend_share,
    avg((extract(hour FROM at) BETWEEN 11 AND 13)::int) FILTER (WHERE is_sale) AS noon_share,
    avg((extract(hour FROM at) >= 18)::int) FILTER (WHERE is_sale) AS evening_share"""
_FROM = """ FROM people p JOIN sales_receipt r ON r.person_id = p.person_id AND r.occurred_at > %s AND r.occurred_at <= %s
    JOIN organization_merchant x ON x.id = r.merchant_id
    LEFT JOIN unnest(%s::bigint[], %s::text[]) i(id, interest) ON i.id = x.trade_category_id
    CROSS JOIN LATERAL (SELECT r.kind = 'sale' AS is_sale, r.occurred_at AT TIME ZONE %s AS at) s
    GROUP BY p.member_id HAVING count(*) FILTER (WHERE is_sale) > 0),
spent AS (SELECT a.member_id, sum(t.points) AS points_spent FROM loyalty_transfer t
    JOIN loyalty_account a ON a.id = t.debit_account_id AND a.member_id IS NOT NULL
    WHERE t.debit_account_id > 0 AND t.occurred_at > %s AND t.occurred_at <= %s GROUP BY a.member_id),
used AS (SELECT c.member_id, count(*) AS coupons_used FROM offers_coupon c JOIN offers_couponuse u ON u.id = c.use_id
    WHERE c.status = 'used' AND u.used_at > %s AND u.used_at <= %s GROUP BY c.member_id)
SELECT b.member_id"""
_COLUMNS: Mapping[str, str] = {
    "recency_days": "extract(epoch FROM %s - b.last_at) / 86400",
    "points_spent": "coalesce(spent.points_spent, 0)",
    "coupons_used": "coalesce(used.coupons_used, 0)",
}
_FAVOURITES = """WITH mine AS MATERIALIZED (SELECT c.cluster_id, m.person_id FROM insight_clustermember c
        JOIN loyalty_member m ON m.id = c.member_id WHERE c.run_id = %s),
    r AS MATERIALIZED (SELECT n.cluster_id, x.trade_category_id,
        width_bucket(extract(hour FROM r.occurred_at AT TIME ZONE %s)::int, %s::int[]) AS hours
        FROM mine n JOIN sales_receipt r ON r.person_id = n.person_id AND r.kind = 'sale' AND r.occurred_at > %s
            AND r.occurred_at <= %s
        JOIN organization_merchant x ON x.id = r.merchant_id)
    SELECT cluster_id, 'category', trade_category_id, count(*) FROM r GROUP BY 1, 3
    UNION ALL SELECT cluster_id, 'hours', hours, count(*) FROM r GROUP BY 1, 3"""


def figures(
    now: dt.datetime,
    zone: str,
    interests: Mapping[int, str],
    between: tuple[int, int] | None = None,
    thin: int = 1,
) -> Sql:
    """member_id, then CODES as floats, none of them null, in the order of the ids. ``interests``: by trade category.

    ``between``: member ids above the first, up to the second; ``thin`` keeps one of so many, the same each time.
    """
    since = now - dt.timedelta(days=WINDOW_DAYS)
    people = Sql("WITH people AS MATERIALIZED (SELECT m.id AS member_id, m.person_id FROM ")
    people += profiled_members(now, Sql(""))
    if between is not None:
        people += Sql(" AND m.id > %s AND m.id <= %s", between)
    if thin > 1:
        people += Sql(" AND (m.id * 2654435761 %% 4294967296) / 65536 %% %s = 0", (thin,))
    shares = "".join(
        f", avg((coalesce(i.interest, '') = '{one}')::int) FILTER (WHERE is_sale) AS {one}_share"
        for one in INTERESTS
    )
    window = (since, now)
    rest = Sql(_FROM, (*window, list(interests), list(interests.values()), zone, *window, *window))
    columns = Sql("")
    for code in CODES:
        text = _COLUMNS.get(code, f"b.{code}")
        columns += Sql(f", ({text})::float8", (now,) * text.count("%s"))
    joins = " FROM bought b LEFT JOIN spent USING (member_id) LEFT JOIN used USING (member_id) ORDER BY b.member_id"
    return people + Sql(_BOUGHT + shares) + rest + columns + Sql(joins)


def favourites(run_id: int, now: dt.datetime, zone: str, hours: tuple[int, ...]) -> Sql:
    """cluster_id, category or hours, trade category or band of the day, purchases of the last year."""
    return Sql(_FAVOURITES, (run_id, zone, list(hours), now - dt.timedelta(days=WINDOW_DAYS), now))

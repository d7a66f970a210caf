"""One statement says how everybody who may be profiled is classified: for the job, and for settings not yet in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import astuple

from zhike.insight.queries._standing_sql import profiled_members
from zhike.insight.rules.classes import NAMES, ClassPolicy, columns_of
from zhike.insight.rules.clusters import INTERESTS
from zhike.kernel.fragments import Sql

_BOUGHT = """), bought AS (SELECT p.member_id, count(DISTINCT r.business_date) FILTER (WHERE is_sale) AS days,
    count(*) FILTER (WHERE is_sale) AS purchases, sum(CASE WHEN is_sale THEN r.net_fen ELSE -r.net_fen END) AS spent,
    coalesce(sum(r.discount_fen) FILTER (WHERE is_sale) * 100.0 / nullif(sum(r.gross_fen) FILTER (WHERE is_sale), 0), 0) AS off"""
_FROM = """ FROM people p JOIN sales_receipt r ON r.person_id = p.person_id AND r.occurred_at <= %s
        AND r.occurred_at > %s - make_interval(days => p.window_days)
    JOIN organization_merchant x ON x.id = r.merchant_id
    LEFT JOIN unnest(%s::bigint[], %s::text[]) i(id, interest) ON i.id = x.trade_category_id
    CROSS JOIN LATERAL (SELECT r.kind = 'sale' AS is_sale) s
    GROUP BY p.member_id HAVING count(*) FILTER (WHERE is_sale) > 0)
SELECT p.member_id, p.person_id,
    CASE WHEN b.days IS NULL THEN 'none' WHEN b.off >= p.discount_percent THEN 'discount'
        WHEN b.days >= p.frequent_from THEN 'frequent' WHEN b.days >= p.regular_from THEN 'regular' ELSE 'occasional' END AS behaviour,
    CASE WHEN b.days IS NULL THEN 'none'"""
_VALUE = """ ELSE 'mixed' END AS preference,
    CASE WHEN b.days IS NULL THEN 'none' WHEN b.spent >= p.high_fen THEN 'high' WHEN b.spent >= p.middle_fen THEN 'middle'
        ELSE 'low' END AS value
    FROM people p LEFT JOIN bought b USING (member_id)"""


def classes(
    now: dt.datetime, policies: Mapping[int | None, ClassPolicy], interests: Mapping[int, str]
) -> Sql:
    """member_id, person_id, behaviour, preference, value. ``policies`` by mall; None is for malls without their own."""
    usual = policies[None]
    own = {mall: policy for mall, policy in policies.items() if mall is not None}
    settings = ", ".join(f"coalesce(t.{name}, %s) AS {name}" for name in NAMES)
    people = Sql(
        f"WITH people AS MATERIALIZED (SELECT m.id AS member_id, m.person_id, {settings} FROM ",
        astuple(usual),
    )
    arrays = ", ".join("%s::bigint[]" if name.endswith("fen") else "%s::int[]" for name in NAMES)
    join = (
        f" LEFT JOIN unnest(%s::bigint[], {arrays}) t(mall_id, {', '.join(NAMES)}) ON t.mall_id = m.mall_id"
    )
    people += profiled_members(now, Sql(join, (list(own), *columns_of(own))))
    counts = "".join(
        f", count(*) FILTER (WHERE is_sale AND i.interest = '{one}') AS {one}" for one in INTERESTS
    )
    best = "greatest(" + ", ".join(f"b.{one}" for one in INTERESTS) + ")"
    kinds = f" WHEN {best} * 100 < p.main_percent * b.purchases THEN 'mixed'"
    kinds += "".join(f" WHEN b.{one} = {best} THEN '{one}'" for one in INTERESTS)
    receipts = Sql(_FROM, (now, now, list(interests), list(interests.values())))
    return people + Sql(_BOUGHT + counts) + receipts + Sql(kinds + _VALUE)

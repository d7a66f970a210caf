"""What members like: where, what, how dear, when. For one of them, or for a segment."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from zhike.insight.queries import audiences
from zhike.insight.queries._audience import VIEW, Placed
from zhike.kernel.access import Viewer
from zhike.kernel.fragments import Sql
from zhike.privacy import queries as privacy
from zhike.sales import queries as sales

DAYS = 365
PRICE_BANDS_FEN = (5_000, 20_000, 50_000, 200_000)
"""Up to ¥50, ¥200, ¥500, ¥2,000, and dearer."""
HOURS = (11, 14, 17, 20)
"""Before eleven, noon, afternoon, evening, night."""
TOP = 5


@dataclass(frozen=True, slots=True)
class Share:
    """``name`` is a trade category's, brand's or merchant's; bands and weekdays are numbered from 0 and 1."""

    name: str
    purchases: int
    spent_fen: int


@dataclass(frozen=True, slots=True)
class Persona:
    """Purchases of the last year, by part, the strongest first (bands and weekdays in their own order)."""

    purchases: int
    spent_fen: int
    categories: tuple[Share, ...]
    brands: tuple[Share, ...]
    prices: tuple[Share, ...]
    hours: tuple[Share, ...]
    weekdays: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Make:
    """Who a segment is made of: sexes, ages by decade ("" unknown), tiers, stages, RFM groups, clusters (ids), by number of members."""

    sexes: dict[str, int]
    ages: dict[str, int]
    tiers: dict[str, int]
    stages: dict[str, int]
    groups: dict[str, int]
    clusters: dict[str, int]


_PARTS = """, r AS (SELECT r.* FROM bought r JOIN who USING (person_id))
SELECT 'all', '', count(*), coalesce(sum(net_fen), 0) FROM r
UNION ALL (SELECT 'category', t.name, count(*), sum(r.net_fen) FROM r JOIN organization_tradecategory t
    ON t.id = r.trade_category_id GROUP BY t.id ORDER BY 3 DESC, 4 DESC, t.id LIMIT %s)
UNION ALL (SELECT 'brand', coalesce(b.name, s.name), count(*), sum(r.net_fen) FROM r JOIN organization_merchant s
    ON s.id = r.merchant_id LEFT JOIN organization_brand b ON b.id = r.brand_id GROUP BY 2 ORDER BY 3 DESC, 4 DESC, 2 LIMIT %s)
UNION ALL (SELECT 'price', width_bucket(net_fen, %s::bigint[])::text, count(*), sum(net_fen) FROM r GROUP BY 2 ORDER BY 2)
UNION ALL (SELECT 'hour', width_bucket(extract(hour FROM occurred_at AT TIME ZONE %s)::int, %s::int[])::text, count(*),
    sum(net_fen) FROM r GROUP BY 2 ORDER BY 2)
UNION ALL (SELECT 'weekday', extract(isodow FROM occurred_at AT TIME ZONE %s)::int::text, count(*), sum(net_fen)
    FROM r GROUP BY 2 ORDER BY 2)"""


def persona(viewer: Viewer, person_id: int, now: dt.datetime) -> Persona | None:
    """What one person likes; None when they refused to be profiled. The caller has authorised the person."""
    if privacy.decisions_on([person_id], "personalisation").get(person_id) in ("refused", "withdrawn"):
        return None
    return _persona(viewer, Sql("SELECT %s::bigint AS person_id", (person_id,)), now)


def segment_persona(viewer: Viewer, segment_id: int, now: dt.datetime) -> tuple[Persona, Make]:
    """What the members of a segment in scope like, and who they are; who refused to be profiled is left out.

    Raises SegmentNotFound.
    """
    found = audiences.segment(viewer, segment_id)
    placed = Placed(found.definition, found.ref.mall_id)
    return _persona(viewer, placed_members(viewer, placed, Sql("m.person_id"), now), now), _make(
        viewer, placed, now
    )


def placed_members(viewer: Viewer, placed: Placed, columns: Sql, now: dt.datetime) -> Sql:
    """Of the members in scope that a definition fits, without who refused to be profiled."""
    audience = audiences.audience_for(viewer, now)
    where = audience.condition(placed)
    alias = audience.join(privacy.decisions_sql("personalisation"))
    where += Sql(f" AND coalesce({alias}.decision, '') NOT IN ('refused', 'withdrawn')")
    return audience.select(columns, where)


def _persona(viewer: Viewer, who: Sql, now: dt.datetime) -> Persona:
    zone = audiences.zone()
    statement = who.inside("WITH who AS MATERIALIZED (", "), bought AS (SELECT * FROM (")
    statement += sales.receipts_sql(viewer, VIEW)
    statement += Sql(") x WHERE kind = 'sale' AND occurred_at >= %s)", (now - dt.timedelta(days=DAYS),))
    statement += Sql(_PARTS, (TOP, TOP, list(PRICE_BANDS_FEN), zone, list(HOURS), zone))
    parts: dict[str, list[Share]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        for part, name, purchases, spent in cursor.fetchall():
            parts.setdefault(part, []).append(Share(name, purchases, int(spent)))
    whole = parts["all"][0]
    named = [tuple(parts.get(part, ())) for part in ("category", "brand", "price", "hour", "weekday")]
    return Persona(whole.purchases, whole.spent_fen, *named)


def _make(viewer: Viewer, placed: Placed, now: dt.datetime) -> Make:
    decade = "coalesce((floor(date_part('year', age(%s::date, m.birthday)) / 10) * 10)::int::text, '')"
    columns = Sql(f"m.id, m.sex, {decade} AS age, m.tier_id", (now.date(),))
    statement = placed_members(viewer, placed, columns, now).inside("WITH who AS MATERIALIZED (", ")")
    statement += Sql("""
        SELECT 'sex', sex, count(*) FROM who GROUP BY 2 UNION ALL
        SELECT 'age', age, count(*) FROM who GROUP BY 2 UNION ALL
        SELECT 'tier', t.name, count(*) FROM who JOIN loyalty_tier t ON t.id = who.tier_id GROUP BY t.id UNION ALL
        SELECT 'stage', s.stage, count(*) FROM who JOIN insight_standing s ON s.member_id = who.id GROUP BY 2 UNION ALL
        SELECT 'rfm', s.rfm, count(*) FROM who JOIN insight_standing s ON s.member_id = who.id GROUP BY 2 UNION ALL
        SELECT 'cluster', c.cluster_id::text, count(*) FROM who JOIN insight_clustermember c ON c.member_id = who.id
            WHERE c.run_id = (SELECT max(id) FROM insight_modelrun WHERE kind = 'clusters' AND state = 'done') GROUP BY 2""")
    found: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        for part, name, members in cursor.fetchall():
            found.setdefault(part, {})[name] = members
    return Make(*(found.get(part, {}) for part in ("sex", "age", "tier", "stage", "rfm", "cluster")))

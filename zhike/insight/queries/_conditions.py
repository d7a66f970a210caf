"""What each field of a definition asks the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from zhike.insight.queries.tagging import _held_sql
from zhike.insight.rules.definition import Leaf, Property, Window
from zhike.kernel.fragments import Sql, joined
from zhike.privacy import queries as privacy

if TYPE_CHECKING:
    from zhike.insight.queries._audience import Audience

DAY = dt.timedelta(days=1)
EXPIRING_DAYS = 30

_METRICS: Mapping[str, str] = {
    "purchases": "count(*) FILTER (WHERE r.kind = 'sale')",
    "spend": "sum(CASE WHEN r.kind = 'sale' THEN r.net_fen ELSE -r.net_fen END)",
    "average": "(sum(r.net_fen) FILTER (WHERE r.kind = 'sale')) / nullif(count(*) FILTER (WHERE r.kind = 'sale'), 0)",
    "shops": "count(DISTINCT r.merchant_id) FILTER (WHERE r.kind = 'sale')",
    "last_purchase": "max(r.occurred_at) FILTER (WHERE r.kind = 'sale')",
    "first_purchase": "min(r.occurred_at) FILTER (WHERE r.kind = 'sale')",
}
_TRADES = """ AND r.trade_category_id IN (WITH RECURSIVE t AS (
    SELECT id FROM organization_tradecategory WHERE id = ANY(%s)
    UNION SELECT c.id FROM organization_tradecategory c JOIN t ON c.parent_id = t.id) SELECT id FROM t)"""
_BEHAVIOUR = """SELECT b.person_id, count(*) AS value FROM (
    SELECT coalesce((e.data->>'person_id')::bigint, v.person_id) AS person_id
    FROM kernel_event e LEFT JOIN collection_visitor v ON e.data->>'person_id' IS NULL
        AND v.id = (e.data->>'visitor_id')::bigint AND (v.stitched_until IS NULL OR e.time <= v.stitched_until)
    WHERE e.type = 'zhike.collection.behaviour_observed'"""
_EXPIRING = """SELECT a.member_id, sum(l.remaining) AS value FROM loyalty_lot l JOIN loyalty_account a ON a.id = l.account_id
    WHERE l.remaining > 0 AND l.expires_on >= %s AND l.expires_on <= %s GROUP BY a.member_id"""
_PROPERTIES: Mapping[str, str] = {
    "equals": " AND e.data->'properties'->>%s = %s",
    "differs": " AND e.data->'properties'->>%s IS DISTINCT FROM %s",
    "contains": " AND position(lower(%s) IN lower(e.data->'properties'->>%s)) > 0",
    "at_least": " AND CASE WHEN jsonb_typeof(e.data->'properties'->%s) = 'number'"
    " THEN (e.data->'properties'->>%s)::numeric >= %s::numeric ELSE false END",
    "at_most": " AND CASE WHEN jsonb_typeof(e.data->'properties'->%s) = 'number'"
    " THEN (e.data->'properties'->>%s)::numeric <= %s::numeric ELSE false END",
}


def between(value: str, leaf: Leaf) -> Sql:
    """Whether a value that is never null lies within the condition's bounds."""
    bounds = [
        Sql(f"{value} {sign} %s", (bound,))
        for sign, bound in ((">=", leaf.low), ("<=", leaf.high))
        if bound is not None
    ]
    return joined(" AND ", bounds).inside("(", ")")


def one_of(column: str) -> Callable[[Audience, Leaf], Sql]:
    return lambda audience, leaf: Sql(f"coalesce({column} = ANY(%s), false)", (list(leaf.values),))


def _age(audience: Audience, leaf: Leaf) -> Sql:
    value = "coalesce(date_part('year', age(%s::date, m.birthday)), -1)"
    bounds = [
        Sql(f"{value} {sign} %s", (audience.today, bound))
        for sign, bound in ((">=", max(leaf.low or 0, 0)), ("<=", leaf.high))
        if bound is not None
    ]
    return joined(" AND ", bounds).inside("(", ")")


def _birthday_month(audience: Audience, leaf: Leaf) -> Sql:
    month = audience.today.month
    named = {"this": month, "next": month % 12 + 1}
    months = sorted({named.get(str(value)) or int(value) for value in leaf.values})
    return Sql("coalesce(date_part('month', m.birthday) = ANY(%s), false)", (months,))


def _identifier(audience: Audience, leaf: Leaf) -> Sql:
    rows = Sql(
        "SELECT DISTINCT person_id FROM customers_identifier WHERE retired_at IS NULL AND kind = ANY(%s)",
        (list(leaf.values),),
    )
    return Sql(f"{audience.join(rows)}.person_id IS NOT NULL")


def _enrolled(audience: Audience, leaf: Leaf) -> Sql:
    return _ago(audience, leaf, "m.enrolled_at")


def _ago(audience: Audience, leaf: Leaf, column: str) -> Sql:
    sign, days = (">=", leaf.high) if leaf.low is None else ("<", leaf.low)
    return Sql(f"coalesce({column} {sign} %s, false)", (audience.now - (days or 0) * DAY,))


def _account(column: str) -> Callable[[Audience, Leaf], Sql]:
    def condition(audience: Audience, leaf: Leaf) -> Sql:
        rows = Sql(
            "SELECT member_id, balance, qualifying_fen FROM loyalty_account WHERE member_id IS NOT NULL"
        )
        return between(f"coalesce({audience.join(rows, 'member_id')}.{column}, 0)", leaf)

    return condition


def _expiring(audience: Audience, leaf: Leaf) -> Sql:
    window = leaf.window
    if window.is_open or window.days is not None:
        days = (audience.today, audience.today + (window.days or EXPIRING_DAYS) * DAY)
    else:
        days = (max(window.first or audience.today, audience.today), window.last or dt.date(9000, 1, 1))
    return between(f"coalesce({audience.join(Sql(_EXPIRING, days), 'member_id')}.value, 0)", leaf)


def _receipts(audience: Audience, leaf: Leaf) -> Sql:
    """One row a person with the figure asked for."""
    where = leaf.where
    rows = Sql(f"SELECT r.person_id, {_METRICS[leaf.field.code]} AS value FROM ") + audience.receipts()
    rows += _within("r.occurred_at", audience, leaf.window)
    if where.malls:
        rows += Sql(" AND r.mall_id = ANY(%s)", (list(where.malls),))
    if where.merchants:
        rows += Sql(" AND r.merchant_id = ANY(%s)", (list(where.merchants),))
    if where.trade_categories:
        rows += Sql(_TRADES, (list(where.trade_categories),))
    if where.weekdays:
        local = " AND extract(isodow FROM r.occurred_at AT TIME ZONE %s)::int = ANY(%s)"
        rows += Sql(local, (audience.zone, list(where.weekdays)))
    if where.minimum_fen:
        rows += Sql(" AND r.net_fen >= %s", (where.minimum_fen,))
    return rows + Sql(" GROUP BY r.person_id")


def _counted(audience: Audience, leaf: Leaf) -> Sql:
    """Who bought nothing has bought 0 times, for 0 yuan."""
    return between(f"coalesce({audience.join(_receipts(audience, leaf))}.value, 0)", leaf)


def _average(audience: Audience, leaf: Leaf) -> Sql:
    """Who bought nothing has no average."""
    return between(f"coalesce({audience.join(_receipts(audience, leaf))}.value, -1)", leaf) + Sql(
        f" AND {audience.join(_receipts(audience, leaf))}.value IS NOT NULL"
    )


def _bought(audience: Audience, leaf: Leaf) -> Sql:
    return _ago(audience, leaf, f"{audience.join(_receipts(audience, leaf))}.value")


def _within(column: str, audience: Audience, window: Window) -> Sql:
    found = Sql("")
    since = until = None
    if window.days is not None:
        since = audience.now - window.days * DAY
    if window.first is not None:
        since = audience.day_bounds(window.first)[0]
    if window.last is not None:
        until = audience.day_bounds(window.last)[1]
    if since is not None:
        found += Sql(f" AND {column} >= %s", (since,))
    return found + Sql(f" AND {column} < %s", (until,)) if until is not None else found


def _behaviour(audience: Audience, leaf: Leaf) -> Sql:
    rows = Sql(_BEHAVIOUR) + _within("e.time", audience, leaf.window)
    if leaf.where.names:
        rows += Sql(" AND e.data->>'name' = ANY(%s)", (list(leaf.where.names),))
    for one in leaf.where.properties:
        rows += _property(one)
    rows += Sql(") b WHERE b.person_id IS NOT NULL GROUP BY b.person_id")
    return between(f"coalesce({audience.join(rows)}.value, 0)", leaf)


def _property(one: Property) -> Sql:
    text = _PROPERTIES[one.op]
    if one.op == "contains":
        return Sql(text, (one.value, one.key))
    return Sql(text, (one.key,) * (text.count("%s") - 1) + (one.value,))


_STANDING = "SELECT member_id, stage, rfm FROM insight_standing"
_CLASSES = "SELECT member_id, behaviour, preference, value FROM insight_memberclass"


def _standing(column: str, rows: str = _STANDING) -> Callable[[Audience, Leaf], Sql]:
    def condition(audience: Audience, leaf: Leaf) -> Sql:
        alias = audience.join(Sql(rows), "member_id")
        return Sql(f"coalesce({alias}.{column} = ANY(%s), false)", (list(leaf.values),))

    return condition


def _forecast(column: str) -> Callable[[Audience, Leaf], Sql]:
    def condition(audience: Audience, leaf: Leaf) -> Sql:
        """Of whom nothing is expected fits no bounds."""
        alias = audience.join(
            Sql("SELECT member_id, value_fen, risk_percent FROM insight_forecast"), "member_id"
        )
        known = Sql(f" AND {alias}.{column} IS NOT NULL")
        return (between(f"coalesce({alias}.{column}, 0)", leaf) + known).inside("(", ")")

    return condition


def _churn_risk(audience: Audience, leaf: Leaf) -> Sql:
    """Whole per cent, rounded down. Who has no score fits no bounds."""
    alias = audience.join(Sql("SELECT member_id, risk_bp / 100 AS risk FROM insight_churnscore"), "member_id")
    known = Sql(f" AND {alias}.risk IS NOT NULL")
    return (between(f"coalesce({alias}.risk, 0)", leaf) + known).inside("(", ")")


_LINE = """SELECT x.member_id FROM insight_clustermember x JOIN insight_cluster c ON c.id = x.cluster_id
    WHERE c.kin = ANY(%s) AND x.run_id = (SELECT max(id) FROM insight_modelrun WHERE kind = 'clusters' AND state = 'done')"""
_OF_RUN = "SELECT DISTINCT member_id FROM insight_clustermember WHERE cluster_id = ANY(%s)"


def _cluster(text: str) -> Callable[[Audience, Leaf], Sql]:
    """In the run in use, wherever the line of a cluster has got to; or in a run of the past, as it was."""

    def condition(audience: Audience, leaf: Leaf) -> Sql:
        rows = Sql(text, ([int(value) for value in leaf.values],))
        return Sql(f"{audience.join(rows, 'member_id')}.member_id IS NOT NULL")

    return condition


def _tag(audience: Audience, leaf: Leaf) -> Sql:
    """Whether somebody has one of the tags, or got one within the window and has it still."""
    tags = _held_sql.everybody([int(value) for value in leaf.values])
    rows = tags.inside("SELECT DISTINCT t.person_id FROM (", ") t WHERE true") + _within(
        "t.since", audience, leaf.window
    )
    return Sql(f"{audience.join(rows)}.person_id IS NOT NULL")


def _consent(audience: Audience, leaf: Leaf) -> Sql:
    parts = []
    for value in leaf.values:
        purpose, channel = str(value).split(".")
        alias = audience.join(privacy.decisions_sql(purpose, channel))
        parts.append(Sql(f"coalesce({alias}.decision = 'granted', false)"))
    return joined(" OR ", parts).inside("(", ")")


CONDITIONS: Mapping[str, Callable[[Audience, Leaf], Sql]] = {
    "sex": one_of("m.sex"),
    "age": _age,
    "birthday_month": _birthday_month,
    "identifier": _identifier,
    "tier": one_of("m.tier_id"),
    "mall": one_of("m.mall_id"),
    "merchant": one_of("m.merchant_id"),
    "enrolled": _enrolled,
    "points": _account("balance"),
    "expiring_points": _expiring,
    "qualifying": _account("qualifying_fen"),
    "purchases": _counted,
    "spend": _counted,
    "average": _average,
    "shops": _counted,
    "last_purchase": _bought,
    "first_purchase": _bought,
    "behaviour": _behaviour,
    "lifecycle": _standing("stage"),
    "rfm": _standing("rfm"),
    "future_value": _forecast("value_fen"),
    "risk": _forecast("risk_percent"),
    "churn_risk": _churn_risk,
    "behaviour_class": _standing("behaviour", _CLASSES),
    "preference_class": _standing("preference", _CLASSES),
    "value_class": _standing("value", _CLASSES),
    "cluster": _cluster(_LINE),
    "cluster_of_run": _cluster(_OF_RUN),
    "tag": _tag,
    "consent": _consent,
}

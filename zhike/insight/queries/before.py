"""What was known of people at a moment, from what had happened until then: the same figures for everybody, for models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from zhike.insight.queries._standing_sql import profiled
from zhike.kernel.fragments import Sql

FEATURES = (
    "days_since_purchase",
    "purchases_28",
    "purchases_90",
    "purchases_365",
    "spent_90",
    "spent_365",
    "merchants_365",
    "days_a_member",
    "age",
    "is_woman",
    "is_man",
)
NEVER = 999
"""Days since the last purchase of somebody without one."""
_YOUNGEST = dt.timedelta(microseconds=1)
_FEATURES = """SELECT m.person_id,
    coalesce(extract(epoch FROM %s - max(r.occurred_at) FILTER (WHERE r.kind = 'sale')) / 86400, %s)::float8,
    count(r.id) FILTER (WHERE r.kind = 'sale' AND r.occurred_at >= %s)::float8,
    count(r.id) FILTER (WHERE r.kind = 'sale' AND r.occurred_at >= %s)::float8,
    count(r.id) FILTER (WHERE r.kind = 'sale' AND r.occurred_at >= %s)::float8,
    coalesce(sum(CASE WHEN r.kind = 'sale' THEN r.net_fen ELSE -r.net_fen END) FILTER (WHERE r.occurred_at >= %s), 0)::float8 / 100,
    coalesce(sum(CASE WHEN r.kind = 'sale' THEN r.net_fen ELSE -r.net_fen END) FILTER (WHERE r.occurred_at >= %s), 0)::float8 / 100,
    count(DISTINCT r.merchant_id) FILTER (WHERE r.kind = 'sale' AND r.occurred_at >= %s)::float8,
    greatest(extract(epoch FROM %s - min(m.enrolled_at)) / 86400, 0)::float8,
    coalesce(extract(year FROM age(%s::date, min(p.birthday))), -1)::float8,
    bool_or(p.sex = 'female')::int::float8,
    bool_or(p.sex = 'male')::int::float8
FROM """


def features_before(person_ids: Sequence[int], at: dt.datetime) -> dict[int, tuple[float, ...]]:
    """``FEATURES`` of those persons who may be profiled, from receipts before ``at``; the caller has authorised them.

    Amounts in yuan; age -1 where nobody knows it. One statement. Refusals count as they stand now: whoever refused since is
    in no answer about the time before either.
    """
    since = {days: at - dt.timedelta(days=days) for days in (28, 90, 365)}
    moments = (at, NEVER, since[28], since[90], since[365], since[90], since[365], since[365], at, at)
    statement = Sql(_FEATURES, moments) + profiled(at - _YOUNGEST)
    statement += Sql(" AND m.person_id = ANY(%s) GROUP BY m.person_id", (list(person_ids),))
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}

"""One statement says where everybody stands: for the job, for one person after a purchase, and for a rule not yet in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from zhike.insight.rules.standing import QUINTILES, RfmPolicy, Thresholds
from zhike.kernel.fragments import Sql
from zhike.privacy import queries as privacy

# Who refused personalisation, or is not to be profiled for another reason, is in no answer.
_PROFILED = (
    "loyalty_member m JOIN customers_person p ON p.id = m.person_id LEFT JOIN (",
    ") d ON d.person_id = m.person_id",
    """ WHERE m.status = 'active' AND p.status = 'active' AND (p.birthday IS NULL OR p.birthday <= %s)
    AND coalesce(d.decision, '') NOT IN ('refused', 'withdrawn')""",
)
_FACTS = """SELECT m.id AS member_id, m.person_id, m.mall_id,
    min(r.occurred_at) FILTER (WHERE r.kind = 'sale') AS first_at,
    max(r.occurred_at) FILTER (WHERE r.kind = 'sale') AS last_at,
    count(r.id) FILTER (WHERE r.kind = 'sale' AND r.occurred_at >= %s) AS frequency,
    coalesce(sum(CASE WHEN r.kind = 'sale' THEN r.net_fen ELSE -r.net_fen END) FILTER (WHERE r.occurred_at >= %s), 0) AS monetary
FROM """


def profiled(now: dt.datetime) -> Sql:
    """Members ``m`` who may be profiled, with their receipts ``r`` (or none) until now; conditions may follow."""
    receipts = " LEFT JOIN sales_receipt r ON r.person_id = m.person_id AND r.occurred_at <= %s"
    return profiled_members(now, Sql(receipts, (now,)))


def profiled_members(now: dt.datetime, more: Sql) -> Sql:
    """Members ``m`` who may be profiled, with what else is joined to them, and persons ``p``; conditions may follow."""
    born_until = now.date().replace(year=now.year - 14, day=min(now.day, 28))
    refusals = privacy.decisions_sql("personalisation").inside(_PROFILED[0], _PROFILED[1])
    return refusals + more + Sql(_PROFILED[2], (born_until,))


def facts(now: dt.datetime, window_days: int, person_ids: Sequence[int] | None = None) -> Sql:
    """First and last purchase ever, purchases and net fen within the window, for each member who may be profiled."""
    since = now - dt.timedelta(days=window_days)
    found = Sql(_FACTS, (since, since)) + profiled(now)
    if person_ids is not None:
        found += Sql(" AND m.person_id = ANY(%s)", (list(person_ids),))
    return found + Sql(" GROUP BY m.id")


def standings(
    now: dt.datetime,
    rfm: RfmPolicy,
    breaks: Mapping[str, Sequence[int]],
    stages: Mapping[int | None, Thresholds],
    person_ids: Sequence[int] | None = None,
) -> Sql:
    """member_id, person_id, mall_id, stage, since, last_at, frequency, monetary, r, f, m, rfm ("" without a purchase).

    ``stages`` has thresholds by mall; None is for all others.
    """
    malls = [mall for mall in stages if mall is not None]
    columns = [
        [getattr(stages[mall], name) for mall in malls] for name in ("new_days", "dormant_days", "churn_days")
    ]
    usual = stages[None]
    limits = Sql(
        """ LEFT JOIN unnest(%s::bigint[], %s::int[], %s::int[], %s::int[]) t(mall_id, n, d, c) ON t.mall_id = f.mall_id
        CROSS JOIN LATERAL (SELECT make_interval(days => coalesce(t.n, %s)) AS n,
            make_interval(days => coalesce(t.d, %s)) AS d, make_interval(days => coalesce(t.c, %s)) AS c) AS days""",
        (malls, *columns, usual.new_days, usual.dormant_days, usual.churn_days),
    )
    scored = Sql("SELECT f.*, days.n, days.d, days.c, s.* FROM (") + facts(now, rfm.window_days, person_ids)
    scored += Sql(") f") + limits + _scores(now, breaks)
    stage = Sql(
        """CASE WHEN first_at IS NULL THEN 'prospect' WHEN last_at < %s - c THEN 'churned' WHEN last_at < %s - d THEN 'dormant'
        WHEN first_at >= %s - n THEN 'new' ELSE 'active' END AS stage""",
        (now, now, now),
    )
    since = Sql(
        """CASE WHEN first_at IS NULL THEN NULL WHEN last_at < %s - c THEN last_at + c WHEN last_at < %s - d THEN last_at + d
        WHEN first_at >= %s - n THEN first_at ELSE greatest(first_at + n, first_at) END AS since""",
        (now, now, now),
    )
    group = Sql(
        """CASE WHEN frequency = 0 THEN '' ELSE concat((r >= %s)::int, (f >= %s)::int, (m >= %s)::int) END AS rfm""",
        (rfm.high_from,) * 3,
    )
    columns_ = Sql("SELECT member_id, person_id, mall_id, ") + stage + Sql(", ") + since
    return (
        columns_
        + Sql(", last_at, frequency, monetary, r, f, m, ")
        + group
        + scored.inside(" FROM (", ") scored")
    )


def _scores(now: dt.datetime, breaks: Mapping[str, Sequence[int]]) -> Sql:
    """Break by break, so that equal values score alike."""
    return Sql(
        """ CROSS JOIN LATERAL (SELECT
        CASE WHEN f.frequency > 0 THEN 5 - (SELECT count(*) FROM unnest(%s::bigint[]) b
            WHERE floor(extract(epoch FROM %s - f.last_at) / 86400) > b) END AS r,
        CASE WHEN f.frequency > 0 THEN 1 + (SELECT count(*) FROM unnest(%s::bigint[]) b WHERE f.frequency >= b) END AS f,
        CASE WHEN f.frequency > 0 THEN 1 + (SELECT count(*) FROM unnest(%s::bigint[]) b WHERE f.monetary >= b) END AS m) s""",
        (list(breaks["recency"]), now, list(breaks["frequency"]), list(breaks["monetary"])),
    )


def quintiles(now: dt.datetime, window_days: int) -> Sql:
    """The values at 20, 40, 60 and 80 per cent of who bought in the window: recency in days, frequency, fen."""
    shares = [one / 100 for one in QUINTILES]
    columns = Sql(
        """SELECT percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY floor(extract(epoch FROM %s - last_at) / 86400)::bigint),
        percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY frequency),
        percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY monetary), count(*) FROM (""",
        (shares, now, shares, shares),
    )
    return columns + facts(now, window_days) + Sql(") f WHERE frequency > 0")

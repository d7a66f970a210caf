"""Descriptive reports: members by one or two of what is known of them, how many, and what they spend."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from zhike.insight.queries import audiences
from zhike.insight.queries._audience import VIEW, Placed
from zhike.insight.queries.classing import by_joins
from zhike.insight.queries.persona import placed_members
from zhike.insight.queries.tagging import _held_sql
from zhike.insight.rules.definition import parse
from zhike.insight.rules.reports import DIMENSIONS, WINDOW_DAYS, withheld
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid
from zhike.kernel.fragments import Sql
from zhike.sales import queries as sales

EVERYBODY = {"match": "all", "of": [{"field": "points", "op": "at_least", "value": 0}]}
_DECADE = "coalesce((floor(date_part('year', age(%s::date, m.birthday)) / 10) * 10)::int::text, '')"
_COLUMNS: Mapping[str, str] = {
    "sex": "w.sex",
    "age": "w.age",
    "tier": "w.tier_id::text",
    "mall": "w.mall_id::text",
    "joined": "to_char(w.enrolled_at AT TIME ZONE %s, 'YYYY')",
    "lifecycle": "st.stage",
    "rfm": "nullif(st.rfm, '')",
    "behaviour": "mc.behaviour",
    "preference": "mc.preference",
    "value": "mc.value",
    "cluster": "cm.cluster_id::text",
    "tag": "tg.tag_id::text",
}
_STANDING = " LEFT JOIN insight_standing st ON st.member_id = w.id"
_CLASSES = " LEFT JOIN insight_memberclass mc ON mc.member_id = w.id"
_CLUSTER = """ LEFT JOIN insight_clustermember cm ON cm.member_id = w.id AND cm.run_id = (
    SELECT max(id) FROM insight_modelrun WHERE kind = 'clusters' AND state = 'done')"""
_JOINS: Mapping[str, Sql] = {
    "lifecycle": Sql(_STANDING),
    "rfm": Sql(_STANDING),
    "behaviour": Sql(_CLASSES),
    "preference": Sql(_CLASSES),
    "value": Sql(_CLASSES),
    "cluster": Sql(_CLUSTER),
    "tag": _held_sql.everybody().inside(" LEFT JOIN (", ") tg ON tg.person_id = w.person_id"),
}
_SPENT = """), spent AS (SELECT person_id, sum(CASE WHEN kind = 'sale' THEN net_fen ELSE -net_fen END) AS fen FROM ("""


class ReportUnusable(Invalid):
    code = "report-unusable"
    title = _("A report needs one or two different things to count members by.")


@dataclass(frozen=True, slots=True)
class ReportCell:
    """One value of each dimension ("" unknown); ``members`` None: withheld, and so is everything else of it. Spend is net fen of the
    last year, of members with none too."""

    first: str
    second: str
    members: int | None
    mean_fen: int | None
    median_fen: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """``total`` counts every member once; who has two tags is in two cells. ``withheld`` cells are not shown."""

    dimensions: tuple[str, ...]
    total: int | None
    cells: tuple[ReportCell, ...]

    @property
    def withheld(self) -> int:
        return sum(cell.members is None for cell in self.cells)


def report(
    viewer: Viewer, dimensions: tuple[str, ...], now: dt.datetime, segment_id: int | None = None
) -> Report:
    """Members in the viewer's scope, of a segment if given, by one or two of DIMENSIONS. Who refused to be profiled is not in it.

    Small cells are withheld by ``rules.reports.withheld``. Raises NotAllowed, SegmentNotFound, ReportUnusable.
    """
    require(viewer, VIEW)
    known = 0 < len(dimensions) == len(set(dimensions)) <= 2 and set(dimensions) <= set(DIMENSIONS)
    if not known:
        raise ReportUnusable
    placed = Placed(parse(EVERYBODY), None)
    if segment_id is not None:
        found = audiences.segment(viewer, segment_id)
        placed = Placed(found.definition, found.ref.mall_id)
    rows = by_joins(_statement(viewer, placed, dimensions, now))
    cells = {(row[0], row[1]): row for row in rows if not row[5]}
    hidden = withheld({key: row[2] for key, row in cells.items()})
    total = next((row[2] for row in rows if row[5]), 0)
    return Report(
        dimensions,
        total if total >= 5 or not total else None,
        tuple(
            ReportCell(*key, None, None, None)
            if key in hidden
            else ReportCell(*key, row[2], int(row[3]), int(row[4]))
            for key, row in cells.items()
        ),
    )


def _statement(viewer: Viewer, placed: Placed, dimensions: tuple[str, ...], now: dt.datetime) -> Sql:
    """first, second, members, mean, median, and whether it is the line of all."""
    columns = Sql(
        f"m.id, m.person_id, m.sex, {_DECADE} AS age, m.tier_id, m.mall_id, m.enrolled_at", (now.date(),)
    )
    text = placed_members(viewer, placed, columns, now).inside("WITH who AS MATERIALIZED (", "")
    text += Sql(_SPENT) + sales.receipts_sql(viewer, VIEW)
    text += Sql(
        ") x WHERE occurred_at > %s AND occurred_at <= %s GROUP BY 1), line AS (SELECT ",
        (now - dt.timedelta(days=WINDOW_DAYS), now),
    )
    joins: dict[str, Sql] = {}
    for at in range(2):
        text += _value(dimensions[at]) if at < len(dimensions) else Sql("''")
        text += Sql(f" AS d{at}, ")
    for name in dimensions:
        if name in _JOINS:
            joins[_JOINS[name].text] = _JOINS[name]
    text += Sql("w.id, coalesce(s.fen, 0) AS fen FROM who w LEFT JOIN spent s USING (person_id)")
    for join in joins.values():
        text += join
    return text + Sql("""), every AS (SELECT DISTINCT id, fen FROM line)
    SELECT d0, d1, count(*), avg(fen)::bigint, percentile_disc(0.5) WITHIN GROUP (ORDER BY fen)::bigint, false FROM line GROUP BY 1, 2
    UNION ALL SELECT '', '', count(*), coalesce(avg(fen), 0)::bigint, 0, true FROM every ORDER BY 1, 2""")


def _value(name: str) -> Sql:
    text = _COLUMNS[name]
    return Sql(f"coalesce({text}, '')", (audiences.zone(),) if "%s" in text else ())

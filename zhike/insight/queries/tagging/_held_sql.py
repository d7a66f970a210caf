"""Who has which tag by now: rules and hands together."""

from __future__ import annotations

from zhike.kernel.fragments import Sql

_MARKS = """SELECT DISTINCT ON (coalesce(p.merged_into_id, p.id), k.tag_id)
        coalesce(p.merged_into_id, p.id) AS person_id, k.tag_id, k.is_on, k.marked_at
    FROM insight_tagmark k JOIN customers_person p ON p.id = k.person_id WHERE k.ended_at IS NULL{only}
    ORDER BY coalesce(p.merged_into_id, p.id), k.tag_id, (k.source = 'member') DESC, k.marked_at DESC, k.id DESC"""
_EVERYBODY = """WITH k AS MATERIALIZED ({marks})
    SELECT h.person_id, h.tag_id, h.since FROM insight_tagheld h
    WHERE NOT EXISTS (SELECT FROM k WHERE k.person_id = h.person_id AND k.tag_id = h.tag_id){only}
    UNION ALL SELECT k.person_id, k.tag_id, k.marked_at FROM k WHERE k.is_on"""


def everybody(tag_ids: list[int] | None = None) -> Sql:
    """Rows of person_id, tag_id, since; of some tags only, or of all. What was said by hand goes before any rule."""
    if tag_ids is None:
        return Sql(_EVERYBODY.format(marks=_MARKS.format(only=""), only=""))
    marks = _MARKS.format(only=" AND k.tag_id = ANY(%s)")
    return Sql(_EVERYBODY.format(marks=marks, only=" AND h.tag_id = ANY(%s)"), (tag_ids, tag_ids))

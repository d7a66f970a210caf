"""Everybody is classified three ways, by settings in versions; and four segments are made of the classes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count

from zhike.insight.events import ClassChanged
from zhike.insight.models import ClassRun, MemberClass, Segment
from zhike.insight.operations.segments import save_segment
from zhike.insight.operations.standing import publish_policy
from zhike.insight.queries import audiences
from zhike.insight.queries import classing as queries
from zhike.insight.rules.classes import CLASSES, PRESETS, ClassPolicy
from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.fragments import Sql

ONE_AT_A_TIME = 7_310_422
"""The advisory lock under which classes are written, so that a change is told once."""
_WRITE_BEFORE = "WITH fresh AS MATERIALIZED ("
_WRITE_AFTER = """), old AS MATERIALIZED (SELECT * FROM insight_memberclass),
gone AS (DELETE FROM insight_memberclass c WHERE NOT EXISTS (SELECT FROM fresh f WHERE f.member_id = c.member_id)),
written AS (
    INSERT INTO insight_memberclass AS c (member_id, person_id, behaviour, preference, value, behaviour_since, preference_since,
        value_since)
    SELECT f.member_id, f.person_id, f.behaviour, f.preference, f.value, n.at, n.at, n.at FROM fresh f
        CROSS JOIN (SELECT %s::timestamptz AS at) n
    ON CONFLICT (member_id) DO UPDATE SET behaviour = excluded.behaviour, preference = excluded.preference,
        value = excluded.value,
        behaviour_since = CASE WHEN c.behaviour = excluded.behaviour THEN c.behaviour_since ELSE excluded.behaviour_since END,
        preference_since = CASE WHEN c.preference = excluded.preference THEN c.preference_since
            ELSE excluded.preference_since END,
        value_since = CASE WHEN c.value = excluded.value THEN c.value_since ELSE excluded.value_since END
    WHERE (c.behaviour, c.preference, c.value) IS DISTINCT FROM (excluded.behaviour, excluded.preference, excluded.value)
    RETURNING c.member_id, c.person_id, c.behaviour, c.preference, c.value)
SELECT w.member_id, w.person_id, o.behaviour, w.behaviour, o.preference, w.preference, o.value, w.value
FROM written w JOIN old o USING (member_id) ORDER BY w.member_id"""


@transaction.atomic
def refresh_classes(*, actor: Viewer, now: dt.datetime) -> int:
    """Classify everybody anew by one statement; how many changed a class. Every change is an event; the day's counts are kept.

    Who may not be profiled any more is forgotten.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
    fresh = queries.statement(now, queries.class_policies())
    rows = queries.by_joins(fresh.inside(_WRITE_BEFORE, "") + Sql(_WRITE_AFTER, (now,)))
    facts = [
        ClassChanged(row[1], row[0], row[2 + 2 * at], row[3 + 2 * at], kind)
        for row in rows
        for at, kind in enumerate(CLASSES)
        if row[2 + 2 * at] != row[3 + 2 * at]
    ]
    events.publish_many(facts, actor=actor, now=now)
    day = now.astimezone(ZoneInfo(audiences.zone())).date()
    ClassRun.objects.update_or_create(day=day, defaults={"counts": _counts(), "ran_at": now})
    return len(rows)


def _counts() -> dict[str, dict[str, int]]:
    rows = MemberClass.objects.order_by()
    return {kind: dict(rows.values_list(kind).annotate(Count("member_id"))) for kind in CLASSES}


@transaction.atomic
def publish_classes(
    *,
    actor: Viewer,
    group_id: int,
    mall_id: int | None,
    policy: ClassPolicy,
    note: str = "",
    now: dt.datetime,
) -> int:
    """New settings of the three classifications, for one mall or (None) for those without their own; the version. Applied at once.

    Raises PolicyUnusable, NotAllowed.
    """
    version = publish_policy(actor, group_id, "classes", mall_id, policy, note, now)
    refresh_classes(actor=actor, now=now)
    return version


@transaction.atomic
def make_class_presets(
    *, actor: Viewer, group_id: int, names: Mapping[str, str], now: dt.datetime
) -> list[int]:
    """The four segments 高价值, 潜力, 一般, 流失 of the whole group, by ``names``; ids. One that is there already is left as it is.

    Raises NotAllowed.
    """
    require_touch(actor, "segments.edit")
    found = []
    for preset, definition in PRESETS.items():
        code = f"class-{preset}"
        known = Segment.objects.filter(group_id=group_id, code=code).values_list("id", flat=True).first()
        found.append(
            known
            or save_segment(
                actor=actor, group_id=group_id, code=code, name=names[preset], definition=definition, now=now
            )
        )
    return found

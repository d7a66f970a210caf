"""Where members stand is worked out, for all by the hour and for one after a purchase; settings are published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight.events import LifecycleChanged, RfmChanged, StandingPolicyPublished
from zhike.insight.models import RfmRun, StandingPolicy
from zhike.insight.queries import _standing_sql, audiences
from zhike.insight.queries import standing as queries
from zhike.insight.rules.churn import ChurnPolicy
from zhike.insight.rules.classes import ClassPolicy
from zhike.insight.rules.standing import BadPolicy, RfmPolicy, Thresholds
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.kernel.fragments import Sql

EDIT = "segments.edit"
NOTE_MAX = 200
ONE_AT_A_TIME = 7_310_421
"""The advisory lock under which standings are written, so that a change is told once."""


class PolicyUnusable(Invalid):
    code = "standing-policy-unusable"
    title = _("These settings cannot be used.")


FAULTS = {
    "days": _("Between 1 and 3,660 days."),
    "horizon": _("Between 5 and 366 days."),
    "order": _("Churned begins later than dormant."),
    "score": _("Between 2 and 5."),
    "percent": _("Between 1 and 100."),
    "rising": _("The higher class begins at the larger number."),
    "breaks": _("Four rising numbers, or none at all."),
}

_WRITE_BEFORE = "WITH fresh AS ("
_WRITE_AFTER = """), old AS (
    SELECT s.member_id, s.stage, s.stage_since, s.rfm, s.rfm_since FROM insight_standing s JOIN fresh USING (member_id)),
written AS (
    INSERT INTO insight_standing AS s (member_id, person_id, mall_id, stage, stage_since, last_at, frequency, monetary_fen,
        recency_score, frequency_score, monetary_score, rfm, rfm_since)
    SELECT f.member_id, f.person_id, f.mall_id, f.stage,
        CASE WHEN o.stage = f.stage THEN o.stage_since
            WHEN f.stage = 'active' AND o.stage IN ('dormant', 'churned') THEN f.last_at ELSE f.since END,
        f.last_at, f.frequency, f.monetary, f.r, f.f, f.m, f.rfm,
        CASE WHEN o.rfm = f.rfm THEN o.rfm_since ELSE %s END
    FROM fresh f LEFT JOIN old o USING (member_id)
    ON CONFLICT (member_id) DO UPDATE SET mall_id = excluded.mall_id, stage = excluded.stage,
        stage_since = excluded.stage_since, last_at = excluded.last_at, frequency = excluded.frequency,
        monetary_fen = excluded.monetary_fen, recency_score = excluded.recency_score,
        frequency_score = excluded.frequency_score, monetary_score = excluded.monetary_score, rfm = excluded.rfm,
        rfm_since = excluded.rfm_since
    WHERE (s.mall_id, s.stage, s.last_at, s.frequency, s.monetary_fen, s.recency_score, s.frequency_score,
        s.monetary_score, s.rfm) IS DISTINCT FROM (excluded.mall_id, excluded.stage, excluded.last_at,
        excluded.frequency, excluded.monetary_fen, excluded.recency_score, excluded.frequency_score,
        excluded.monetary_score, excluded.rfm)
    RETURNING s.member_id, s.person_id, s.stage, s.stage_since, s.rfm)
SELECT w.member_id, w.person_id, o.stage, w.stage, w.stage_since, o.rfm, w.rfm FROM written w JOIN old o USING (member_id)
WHERE o.stage <> w.stage OR o.rfm <> w.rfm ORDER BY w.member_id"""


@transaction.atomic
def refresh_standings(*, actor: Viewer, now: dt.datetime, person_ids: Sequence[int] | None = None) -> int:
    """Bring the standing of all, or of some persons, up to date in one statement; how many changed stage or group.

    The first run of a day works out the breaks of RFM anew and keeps how many stand where. Changes are events; where time
    alone decided, the event carries the moment at which it did. Who may no longer be profiled is forgotten.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
    rfm, stages = queries.rfm_policy(), queries.stage_thresholds()
    run = _todays_run(rfm, now) if person_ids is None else RfmRun.objects.order_by("-day").first()
    breaks = run.breaks if run else {"recency": [], "frequency": [], "monetary": []}
    fresh = _standing_sql.standings(now, rfm, breaks, stages, person_ids)
    changes = _rows(fresh.inside(_WRITE_BEFORE, "") + Sql(_WRITE_AFTER, (now,)))
    _forget(now, rfm, person_ids)
    facts: list[LifecycleChanged | RfmChanged] = []
    for member_id, person_id, stage_before, stage, since, rfm_before, group in changes:
        if stage_before != stage:
            facts.append(LifecycleChanged(person_id, member_id, stage_before, stage, min(since or now, now)))
        if rfm_before != group:
            facts.append(RfmChanged(person_id, member_id, rfm_before, group))
    events.publish_many(facts, actor=actor, now=now)
    if run is not None and person_ids is None:
        run.counts = queries.counts_by_group()
        run.stages = queries.counts_by_stage()
        run.save(update_fields=["counts", "stages"])
    return len(changes)


def _forget(now: dt.datetime, rfm: RfmPolicy, person_ids: Sequence[int] | None) -> None:
    known = _standing_sql.facts(now, rfm.window_days, person_ids)
    statement = known.inside(
        "DELETE FROM insight_standing s WHERE NOT EXISTS (SELECT FROM (",
        ") f WHERE f.member_id = s.member_id)",
    )
    if person_ids is not None:
        statement += Sql(" AND s.person_id = ANY(%s)", (list(person_ids),))
    with connection.cursor() as cursor:
        cursor.execute(statement.text + " RETURNING s.member_id", statement.params)
        if forgotten := [row[0] for row in cursor.fetchall()]:
            cursor.execute("DELETE FROM insight_churnscore WHERE member_id = ANY(%s)", [forgotten])
            cursor.execute("DELETE FROM insight_clustermember WHERE member_id = ANY(%s)", [forgotten])
            cursor.execute("DELETE FROM insight_memberclass WHERE member_id = ANY(%s)", [forgotten])


def _todays_run(rfm: RfmPolicy, now: dt.datetime) -> RfmRun:
    """The run of this day under the settings in force; its breaks stay for the day."""
    day = now.astimezone(ZoneInfo(audiences.zone())).date()
    version = queries.policy_version("rfm", None)
    run = RfmRun.objects.filter(day=day).first()
    if run is not None and run.policy_version == version:
        return run
    found = _rows(_standing_sql.quintiles(now, rfm.window_days))[0]
    given = {"recency": rfm.recency, "frequency": rfm.frequency, "monetary": rfm.monetary}
    breaks = {
        name: list(given[name] or [int(one) for one in values or ()])
        for name, values in zip(given, found[:3], strict=True)
    }
    values = {
        "policy_version": version,
        "population": found[3],
        "breaks": breaks,
        "counts": {},
        "stages": {},
        "ran_at": now,
    }
    return RfmRun.objects.update_or_create(day=day, defaults=values)[0]


def publish_thresholds(
    *,
    actor: Viewer,
    group_id: int,
    mall_id: int | None,
    thresholds: Thresholds,
    note: str = "",
    now: dt.datetime,
) -> int:
    """New thresholds of the stages, for one mall or (None) for those without their own; the version. Applied at once.

    Raises PolicyUnusable, NotAllowed.
    """
    return publish_policy(actor, group_id, "stages", mall_id, thresholds, note, now)


def publish_rfm(*, actor: Viewer, group_id: int, policy: RfmPolicy, note: str = "", now: dt.datetime) -> int:
    """New settings of RFM, for the whole group; the version. Applied at once. Raises PolicyUnusable, NotAllowed."""
    return publish_policy(actor, group_id, "rfm", None, policy, note, now)


def publish_churn_policy(
    *,
    actor: Viewer,
    group_id: int,
    mall_id: int | None,
    policy: ChurnPolicy,
    note: str = "",
    now: dt.datetime,
) -> int:
    """How many days without a purchase are leaving, for one mall or (None) for those without their own; the version.

    The next run asks by it. Raises PolicyUnusable, NotAllowed.
    """
    return publish_policy(actor, group_id, "churn", mall_id, policy, note, now)


@transaction.atomic
def publish_policy(
    actor: Viewer,
    group_id: int,
    kind: str,
    mall_id: int | None,
    given: Thresholds | RfmPolicy | ChurnPolicy | ClassPolicy,
    note: str,
    now: dt.datetime,
) -> int:
    """A new version of settings of a kind, unless they are the ones in force; the version. Raises PolicyUnusable, NotAllowed."""
    require_touch(actor, EDIT, mall=mall_id)
    try:
        definition: dict[str, Any] = asdict(given.checked())
    except BadPolicy as fault:
        raise PolicyUnusable(fields={fault.field: [FAULTS[fault.code]]}) from fault
    rows = queries.policies(kind, mall_id).select_for_update().filter(group_id=group_id)
    newest = rows.order_by("-version").first()
    definition = {
        name: list(value) if isinstance(value, tuple) else value for name, value in definition.items()
    }
    if newest is not None and newest.definition == definition:
        return newest.version
    version = newest.version + 1 if newest else 1
    StandingPolicy.objects.create(
        group_id=group_id, kind=kind, mall_id=mall_id, version=version, definition=definition,
        note=note.strip()[:NOTE_MAX], published_at=now, published_by=actor.label,
    )  # fmt: skip
    audit.record(
        actor=actor,
        action=f"standing.{kind}",
        subject=("group", group_id),
        before=newest.definition if newest else None,
        after=definition | {"version": version, "mall_id": mall_id},
        reason=note.strip()[:NOTE_MAX],
        now=now,
    )
    events.publish(StandingPolicyPublished(group_id, kind, mall_id, version), actor=actor, now=now)
    if kind in ("stages", "rfm"):
        refresh_standings(actor=actor, now=now)
    return version


def _rows(statement: Sql) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

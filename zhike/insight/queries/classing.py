"""The three classifications: who is in which class, their history, who would move under other settings, the four classes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from zhike.insight.models import ClassRun, MemberClass, StandingPolicy
from zhike.insight.queries import _classes_sql
from zhike.insight.queries._audience import VIEW
from zhike.insight.queries.churn import fetched, in_scope
from zhike.insight.queries.clustering import interests
from zhike.insight.queries.standing import Moves
from zhike.insight.rules.classes import CLASSES, ClassPolicy, classes_from
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty
from zhike.privacy import queries as privacy


@dataclass(frozen=True, slots=True)
class ClassesView:
    """A class of each kind, and since when."""

    behaviour: str
    behaviour_since: dt.datetime
    preference: str
    preference_since: dt.datetime
    value: str
    value_since: dt.datetime


def classes_of(member_id: int) -> ClassesView | None:
    """None for who is not profiled. The caller has authorised the member."""
    row = MemberClass.objects.filter(pk=member_id).first()
    if row is None or privacy.decisions_on([row.person_id], "personalisation").get(row.person_id) in (
        "refused",
        "withdrawn",
    ):
        return None
    return ClassesView(**{name: getattr(row, name) for name in ClassesView.__dataclass_fields__})


def class_rows(viewer: Viewer) -> dict[str, dict[str, int]]:
    """Members in the viewer's scope by kind and class, in the order of CLASSES. Raises NotAllowed."""
    require(viewer, VIEW)
    columns = Sql("SELECT s.behaviour, s.preference, s.value, count(*) FROM insight_memberclass s JOIN (")
    found: dict[str, dict[str, int]] = {kind: dict.fromkeys(codes, 0) for kind, codes in CLASSES.items()}
    for *codes, members in fetched(columns + in_scope(viewer) + Sql(" GROUP BY 1, 2, 3")):
        for kind, code in zip(CLASSES, codes, strict=True):
            found[kind][code] += members
    return found


def class_runs(viewer: Viewer, days: int = 90) -> list[tuple[dt.date, dict[str, dict[str, int]]]]:
    """Day by day how many were in which class, for the whole group, oldest first. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    rows = ClassRun.objects.order_by("-day").values_list("day", "counts")[:days]
    return sorted(rows, key=lambda row: row[0])


def class_policies() -> dict[int | None, ClassPolicy]:
    """By mall; None is for malls without their own."""
    rows = StandingPolicy.objects.filter(kind="classes").order_by("version")
    return {None: ClassPolicy()} | {row.mall_id: classes_from(row.definition) for row in rows}


def class_moves(
    viewer: Viewer, mall_id: int | None, draft: ClassPolicy, now: dt.datetime
) -> dict[str, Moves]:
    """Who in the viewer's scope would be in another class of each kind if these settings were in force. Raises NotAllowed."""
    require(viewer, VIEW)
    found = {}
    fresh = statement(now, class_policies() | {mall_id: draft})
    text = Sql(
        """SELECT s.behaviour, n.behaviour, s.preference, n.preference, s.value, n.value, count(*) FROM ("""
    )
    text += fresh + Sql(") n JOIN insight_memberclass s USING (member_id) JOIN (")
    text += loyalty.members_sql(viewer) + Sql(") m ON m.id = n.member_id GROUP BY 1, 2, 3, 4, 5, 6")
    rows = by_joins(text)
    for at, kind in enumerate(CLASSES):
        moved: dict[tuple[str, str], int] = {}
        for row in rows:
            pair = (row[2 * at], row[2 * at + 1])
            moved[pair] = moved.get(pair, 0) + row[6]
        moving = {pair: count for pair, count in moved.items() if pair[0] != pair[1]}
        lines = sorted(((*pair, count) for pair, count in moving.items()), key=lambda line: (-line[2], line))
        found[kind] = Moves(sum(moved.values()), sum(moving.values()), tuple(lines))
    return found


# --- for the job ---------------------------------------------------------------------------------------------------


def statement(now: dt.datetime, policies: Mapping[int | None, ClassPolicy]) -> Sql:
    """Everybody's classes under these settings."""
    return _classes_sql.classes(now, policies, interests())


def by_joins(text: Sql) -> list[tuple[Any, ...]]:
    """The planner takes few to be in each window and would look receipts up one by one."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        rows: list[tuple[Any, ...]] = fetched(text)
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
    return rows

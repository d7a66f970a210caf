"""Where members stand: stages, RFM groups, their history, and who would move under other settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet

from zhike.insight.models import RfmRun, Standing, StandingPolicy
from zhike.insight.queries import _standing_sql
from zhike.insight.queries._audience import VIEW
from zhike.insight.rules.standing import GROUPS, STAGES, RfmPolicy, Thresholds, rfm_from, thresholds_from
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty


@dataclass(frozen=True, slots=True)
class StandingView:
    """``rfm`` is "" without a purchase in the window, and the scores None. Money is net of returns, in fen."""

    stage: str
    stage_since: dt.datetime | None
    rfm: str
    rfm_since: dt.datetime
    scores: tuple[int, int, int] | None
    last_at: dt.datetime | None
    frequency: int
    monetary_fen: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One RFM group or stage: members, what they spent in the window, purchases."""

    code: str
    members: int
    monetary_fen: int
    frequency: int


@dataclass(frozen=True, slots=True)
class RunView:
    day: dt.date
    population: int
    breaks: dict[str, list[int]]
    counts: dict[str, int]
    stages: dict[str, int]


@dataclass(frozen=True, slots=True)
class Moves:
    """How many would move from one code to another under settings that are not in force; who stays is not listed."""

    members: int
    moving: int
    rows: tuple[tuple[str, str, int], ...]


def standing_of(member_id: int) -> StandingView | None:
    """None for who is not profiled. The caller has authorised the member."""
    row = Standing.objects.filter(pk=member_id).first()
    if row is None:
        return None
    scores = (row.recency_score, row.frequency_score, row.monetary_score)
    return StandingView(
        row.stage, row.stage_since, row.rfm, row.rfm_since,
        None if None in scores else scores,  # type: ignore[arg-type]
        row.last_at, row.frequency, row.monetary_fen,
    )  # fmt: skip


def stage_rows(viewer: Viewer) -> list[GroupRow]:
    """Members in the viewer's scope by stage, in the order of a customer's life. Raises NotAllowed."""
    return _rows_by(viewer, "stage", STAGES)


def rfm_rows(viewer: Viewer) -> list[GroupRow]:
    """The same by RFM group, the most valuable first."""
    return _rows_by(viewer, "rfm", GROUPS)


def _rows_by(viewer: Viewer, column: str, codes: Sequence[str]) -> list[GroupRow]:
    require(viewer, VIEW)
    columns = Sql(f"SELECT s.{column}, count(*), sum(s.monetary_fen), sum(s.frequency) FROM (")
    statement = columns + loyalty.members_sql(viewer)
    statement += Sql(f") m JOIN insight_standing s ON s.member_id = m.id GROUP BY s.{column}")
    found = {row[0]: row[1:] for row in _fetched(statement)}
    return [GroupRow(code, *(int(one) for one in found.get(code, (0, 0, 0)))) for code in codes]


def standing_runs(viewer: Viewer, days: int = 90) -> list[RunView]:
    """Day by day how many stood where, for the whole group, oldest first. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    rows = RfmRun.objects.order_by("-day")[:days]
    found = [RunView(row.day, row.population, row.breaks, row.counts, row.stages) for row in rows]
    return found[::-1]


def latest_breaks() -> dict[str, list[int]]:
    """The breaks that scores are made by today; empty before the first run."""
    run = RfmRun.objects.order_by("-day").first()
    return dict(run.breaks) if run else {}


# --- settings ------------------------------------------------------------------------------------------------------


def rfm_policy() -> RfmPolicy:
    """What is in force; the usual until something is published."""
    row = StandingPolicy.objects.filter(kind="rfm").order_by("-version").first()
    return rfm_from(row.definition) if row else RfmPolicy()


def stage_thresholds() -> dict[int | None, Thresholds]:
    """By mall; None is for malls without their own."""
    rows = StandingPolicy.objects.filter(kind="stages").order_by("version")
    return {None: Thresholds()} | {row.mall_id: thresholds_from(row.definition) for row in rows}


def policy_version(kind: str, mall_id: int | None) -> int:
    """0 until something is published."""
    return policies(kind, mall_id).order_by("-version").values_list("version", flat=True).first() or 0


def policies(kind: str, mall_id: int | None) -> QuerySet[StandingPolicy]:
    """The versions of one mall's, or of the usual ones."""
    rows = StandingPolicy.objects.filter(kind=kind)
    return rows.filter(mall=None) if mall_id is None else rows.filter(mall_id=mall_id)


def policy_history(kind: str) -> list[StandingPolicy]:
    """Newest first."""
    return list(StandingPolicy.objects.filter(kind=kind).order_by("-published_at", "-id")[:20])


# --- who would move ------------------------------------------------------------------------------------------------


def stage_moves(viewer: Viewer, mall_id: int | None, draft: Thresholds, now: dt.datetime) -> Moves:
    """Who in the viewer's scope would stand in another stage if these thresholds were in force. Raises NotAllowed."""
    require(viewer, VIEW)
    stages = stage_thresholds() | {mall_id: draft}
    return _moves(viewer, "stage", _standing_sql.standings(now, rfm_policy(), _breaks(), stages))


def rfm_moves(viewer: Viewer, draft: RfmPolicy, now: dt.datetime) -> Moves:
    """Who would be in another RFM group under these settings. Raises NotAllowed."""
    require(viewer, VIEW)
    given = {"recency": draft.recency, "frequency": draft.frequency, "monetary": draft.monetary}
    found = _fetched(_standing_sql.quintiles(now, draft.window_days))[0][:3]
    breaks = {
        name: list(given[name] or [int(one) for one in values or ()])
        for name, values in zip(given, found, strict=True)
    }
    return _moves(viewer, "rfm", _standing_sql.standings(now, draft, breaks, stage_thresholds()))


def _breaks() -> Mapping[str, Sequence[int]]:
    return latest_breaks() or {"recency": [], "frequency": [], "monetary": []}


def _moves(viewer: Viewer, column: str, draft: Sql) -> Moves:
    """Against where they stand now."""
    statement = Sql(f"SELECT s.{column}, n.{column}, count(*) FROM (") + draft
    statement += Sql(") n JOIN insight_standing s USING (member_id) JOIN (") + loyalty.members_sql(viewer)
    statement += Sql(") m ON m.id = n.member_id GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2")
    rows = _fetched(statement)
    moving = tuple((before, after, count) for before, after, count in rows if before != after)
    return Moves(sum(row[2] for row in rows), sum(row[2] for row in moving), moving)


# --- for whoever counts elsewhere ------------------------------------------------------------------------------------


def profiled_members(now: dt.datetime) -> Sql:
    """Active members ``m`` who may be profiled, as what follows FROM. Whoever counts people elsewhere counts these."""
    return _standing_sql.profiled_members(now, Sql(""))


def rfm_at(now: dt.datetime) -> dict[str, tuple[int, int, int]]:
    """Members, fen and purchases by RFM group as of a moment, by the breaks in force; "" without a purchase in the window."""
    statement = _standing_sql.standings(now, rfm_policy(), _breaks(), stage_thresholds())
    rows = _fetched(
        statement.inside("SELECT rfm, count(*), sum(monetary), sum(frequency) FROM (", ") s GROUP BY rfm")
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}


# --- inside --------------------------------------------------------------------------------------------------------


def counts_by_group() -> dict[str, int]:
    return _counts("rfm")


def counts_by_stage() -> dict[str, int]:
    return _counts("stage")


def _counts(column: str) -> dict[str, int]:
    return dict(Standing.objects.order_by().values_list(column).annotate(Count("member_id")))


def _fetched(statement: Sql) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

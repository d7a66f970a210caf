"""Who may be leaving, why, and how good the model is; and what its fit reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from zhike.insight.models import ChurnScore, Forecast, ModelRun, StandingPolicy
from zhike.insight.queries import audiences
from zhike.insight.queries._audience import VIEW
from zhike.insight.queries._features_sql import figures
from zhike.insight.rules.churn import (
    BANDS,
    HIGH,
    KINDS,
    MIDDLE,
    ChurnPolicy,
    band_of,
    churn_from,
    drift_of,
)
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import NotFound
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty
from zhike.privacy import queries as privacy

VALUABLE_FROM = 0.8
FIGURE_KINDS = KINDS


class ModelRunNotFound(NotFound):
    code = "model-run-not-found"


@dataclass(frozen=True, slots=True)
class Reason:
    """``value`` None: not known of this member. ``adds`` is in thousandths of log-odds; above 0 it speaks for leaving."""

    code: str
    value: float | None
    adds: int


@dataclass(frozen=True, slots=True)
class ChurnView:
    """The chance of no purchase in ``horizon_days``, in hundredths of a per cent; ``source`` is trees or baseline."""

    member_id: int
    risk_bp: int
    band: str
    source: str
    reasons: tuple[Reason, ...]
    action: str
    horizon_days: int
    run_id: int
    scored_at: dt.datetime
    value_fen: int | None


@dataclass(frozen=True, slots=True)
class BandRow:
    """Members in scope by band of risk, what they are expected to spend, and of that what may be lost."""

    band: str
    members: int
    value_fen: int
    at_risk_fen: int


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A run of a model. ``holdout`` by place ("0": all): figures of both models on days they had not seen.

    ``drift``: population stability indices against the run before.
    """

    id: int
    kind: str
    state: str
    fault: str
    ran_at: dt.datetime
    ran_by: str
    finished_at: dt.datetime | None
    members: int
    first_on: dt.date | None
    last_on: dt.date
    parameters: dict[str, Any]
    holdout: dict[str, Any]
    drift: dict[str, Any]

    @property
    def whole(self) -> dict[str, Any]:
        """The figures of all malls together."""
        found: dict[str, Any] = self.holdout.get("0", {})
        return found

    @property
    def score_drift(self) -> str:
        """stable, moving or shifted; "" for the first run."""
        return drift_of(self.drift["score"]) if "score" in self.drift else ""

    @property
    def drift_rows(self) -> list[tuple[str, float, str]]:
        """Figure, population stability index, stable, moving or shifted; the farthest first."""
        return [(code, psi, drift_of(psi)) for code, psi in self.drift.get("figures", {}).items()]


def model_runs(viewer: Viewer, kind: str, limit: int = 20) -> list[ModelCard]:
    """Newest first, for who holds segments.view everywhere. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    return [_card(row) for row in ModelRun.objects.defer("model").filter(kind=kind).order_by("-id")[:limit]]


def model_run(viewer: Viewer, run_id: int) -> ModelCard:
    """Raises NotAllowed, ModelRunNotFound."""
    require_touch(viewer, VIEW)
    row = ModelRun.objects.defer("model").filter(pk=run_id).first()
    if row is None:
        raise ModelRunNotFound
    return _card(row)


def _card(row: ModelRun) -> ModelCard:
    return ModelCard(**{name: getattr(row, name) for name in ModelCard.__dataclass_fields__})


def churn_of(member_id: int) -> ChurnView | None:
    """None for who refused to be profiled, or bought nothing lately. The caller has authorised the member."""
    rows = ChurnScore.objects.select_related("run", "member").defer("run__model")
    row = rows.filter(pk=member_id).first()
    if row is None or privacy.decisions_on([row.member.person_id], "personalisation").get(
        row.member.person_id
    ) in ("refused", "withdrawn"):
        return None
    return _view(row, _values([member_id]))


def churn_bands(viewer: Viewer) -> list[BandRow]:
    """Members in the viewer's scope by band, the highest first. Raises NotAllowed."""
    require(viewer, VIEW)
    statement = Sql(
        """SELECT CASE WHEN s.risk_bp >= %s THEN 'high' WHEN s.risk_bp >= %s THEN 'middle' ELSE 'low' END AS band, count(*),
        coalesce(sum(f.value_fen), 0)::bigint, coalesce(sum(f.value_fen * s.risk_bp / 10000), 0)::bigint
        FROM insight_churnscore s LEFT JOIN insight_forecast f USING (member_id) JOIN (""",
        (HIGH, MIDDLE),
    )
    rows = fetched(statement + in_scope(viewer) + Sql(" GROUP BY 1"))
    known = {row[0]: row[1:] for row in rows}
    return [BandRow(band, *(int(one) for one in known.get(band, (0, 0, 0)))) for band in BANDS]


def churn_list(viewer: Viewer, band: str = "", action: str = "", limit: int = 50) -> list[ChurnView]:
    """Members in the viewer's scope of whom most may be lost, the most first: expected spend times risk.

    Without a band and an action: of high and middle risk. Raises NotAllowed.
    """
    require(viewer, VIEW)
    statement = Sql(
        """SELECT s.member_id FROM insight_churnscore s LEFT JOIN insight_forecast f USING (member_id) JOIN ("""
    )
    statement += in_scope(viewer)
    bounds = {"high": (HIGH, 10_001), "middle": (MIDDLE, HIGH), "low": (-1, MIDDLE)}
    if not band and not action:
        bounds[band] = (MIDDLE, 10_001)
    if band in bounds:
        statement += Sql(" AND s.risk_bp >= %s AND s.risk_bp < %s", bounds[band])
    if action:
        statement += Sql(" AND s.action = %s", (action,))
    statement += Sql(
        " ORDER BY coalesce(f.value_fen, 0) * s.risk_bp DESC, s.risk_bp DESC, s.member_id LIMIT %s", (limit,)
    )
    ids = [row[0] for row in fetched(statement)]
    values = _values(ids)
    rows = ChurnScore.objects.select_related("run").defer("run__model").in_bulk(ids)
    return [_view(rows[one], values) for one in ids if one in rows]


def in_scope(viewer: Viewer) -> Sql:
    """The rest of a statement over scores ``s``, after "JOIN (": who is in scope and did not refuse; conditions may follow."""
    refusals = privacy.decisions_sql("personalisation").inside(
        ") m ON m.id = s.member_id LEFT JOIN (", ") d ON d.person_id = m.person_id"
    )
    agreed = Sql(" WHERE coalesce(d.decision, '') NOT IN ('refused', 'withdrawn')")
    return loyalty.members_sql(viewer) + refusals + agreed


def _view(row: ChurnScore, values: Mapping[int, int]) -> ChurnView:
    reasons = tuple(Reason(code, value, adds) for code, value, adds in row.reasons)
    return ChurnView(
        row.pk, row.risk_bp, band_of(row.risk_bp), row.source, reasons, row.action, row.horizon_days, row.run_id,
        row.run.ran_at, values.get(row.pk),
    )  # fmt: skip


def _values(member_ids: Sequence[int]) -> dict[int, int]:
    return dict(Forecast.objects.filter(pk__in=member_ids).values_list("pk", "value_fen"))


# --- settings ------------------------------------------------------------------------------------------------------


def churn_policies() -> dict[int | None, ChurnPolicy]:
    """By mall; None is for malls without their own."""
    rows = StandingPolicy.objects.filter(kind="churn").order_by("version")
    return {None: ChurnPolicy()} | {row.mall_id: churn_from(row.definition) for row in rows}


# --- for the fit ---------------------------------------------------------------------------------------------------


def history(now: dt.datetime) -> tuple[dt.datetime | None, int]:
    """When the first purchase of a member was, and how many members there may be at most."""
    first = fetched(
        Sql(
            "SELECT min(occurred_at) FROM sales_receipt WHERE kind = 'sale' AND person_id IS NOT NULL AND occurred_at <= %s",
            (now,),
        )
    )
    return first[0][0], last_member_id()


def last_member_id() -> int:
    return int(fetched(Sql("SELECT coalesce(max(id), 0) FROM loyalty_member"))[0][0])


def feature_rows(
    now: dt.datetime,
    steps: int,
    horizons: Mapping[int | None, int],
    between: tuple[int, int] | None = None,
    thin: int = 1,
) -> list[tuple[Any, ...]]:
    """What was known of members at the moment; see the statement for the columns.

    The planner takes each member's moment for a rare thing and would look everything up one by one: minutes instead of a second.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        rows = fetched(figures(now, steps, horizons, audiences.zone(), between, thin))
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
    return rows


def expected_fen(member_ids: Sequence[int]) -> dict[int, int]:
    """What members are expected to spend, of whom anything is expected."""
    rows = fetched(
        Sql(
            "SELECT member_id, value_fen FROM insight_forecast WHERE member_id = ANY(%s)", (list(member_ids),)
        )
    )
    return dict(rows)


def valuable_fen() -> int:
    """What the best fifth of members is expected to spend at least."""
    statement = (
        "SELECT coalesce(percentile_disc(%s) WITHIN GROUP (ORDER BY value_fen), 0) FROM insight_forecast"
    )
    return int(fetched(Sql(statement, (VALUABLE_FROM,)))[0][0])


def fetched(statement: Sql) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

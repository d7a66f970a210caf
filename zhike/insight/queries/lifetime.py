"""What is expected of members, and how good the model was on days it had not seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from zhike.insight.models import Forecast, LifetimeRun
from zhike.insight.queries._audience import VIEW
from zhike.insight.queries._standing_sql import profiled
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty

FORECAST_DAYS = 90
TENTHS = 10


@dataclass(frozen=True, slots=True)
class RunCard:
    """A model card. ``holdout`` has days, predicted and actual purchases, mae, mae_of_rate (each going on as before), correlation."""

    id: int
    ran_at: dt.datetime
    ran_by: str
    customers: int
    first_on: dt.date | None
    last_on: dt.date
    parameters: dict[str, float]
    holdout: dict[str, float]
    fault: str

    @property
    def bias(self) -> float | None:
        """How much too many purchases were foreseen, as a share; negative: too few."""
        actual = self.holdout.get("actual")
        return self.holdout["predicted"] / actual - 1 if actual else None


@dataclass(frozen=True, slots=True)
class ForecastView:
    risk_percent: int | None
    purchases_milli: int
    value_fen: int


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the members by what is expected of them, the best first."""

    number: int
    members: int
    value_fen: int
    risk_percent: int


def lifetime_runs(viewer: Viewer, limit: int = 12) -> list[RunCard]:
    """Newest first, for who holds segments.view everywhere. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    return [
        RunCard(
            row.pk,
            row.ran_at,
            row.ran_by,
            row.customers,
            row.first_on,
            row.last_on,
            row.parameters,
            row.holdout,
            row.fault,
        )
        for row in LifetimeRun.objects.order_by("-id")[:limit]
    ]


def forecast_of(member_id: int) -> ForecastView | None:
    """The caller has authorised the member."""
    row = Forecast.objects.filter(pk=member_id).first()
    return ForecastView(row.risk_percent, row.purchases_milli, row.value_fen) if row else None


def forecast_tenths(viewer: Viewer) -> list[Tenth]:
    """Members in the viewer's scope by expected value, in ten equal parts. Raises NotAllowed."""
    require(viewer, VIEW)
    statement = Sql(
        """SELECT tenth, count(*), sum(value_fen), coalesce(avg(risk_percent), 0)::int FROM (
        SELECT f.value_fen, f.risk_percent, ntile(%s) OVER (ORDER BY f.value_fen DESC, f.member_id) AS tenth
        FROM insight_forecast f JOIN (""",
        (TENTHS,),
    )
    statement += loyalty.members_sql(viewer) + Sql(
        ") m ON m.id = f.member_id) x GROUP BY tenth ORDER BY tenth"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [Tenth(row[0], row[1], int(row[2]), row[3]) for row in cursor.fetchall()]


_HISTORIES = """SELECT days.member_id, array_agg(days.day ORDER BY days.day), array_agg(days.fen ORDER BY days.day) FROM (
    SELECT m.id AS member_id, r.business_date AS day, sum(r.net_fen)::bigint AS fen FROM """


def histories(now: dt.datetime) -> list[tuple[int, list[dt.date], list[int]]]:
    """(member, days with a purchase, fen of each day) of everybody who may be profiled and ever bought."""
    statement = Sql(_HISTORIES) + profiled(now)
    statement += Sql(
        """ AND r.kind = 'sale' GROUP BY m.id, r.business_date) days GROUP BY days.member_id
        ORDER BY days.member_id"""
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        rows: list[Any] = cursor.fetchall()
        return rows

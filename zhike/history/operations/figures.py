"""The definitions over the lake: evaluated by a worker, kept, and some of them laid beside what the database gives."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from zhike.history import rules
from zhike.history._lake import definitions
from zhike.history.models import Figure, LakeRun
from zhike.history.rules import Check, RfmPlan
from zhike.insight import queries as insight
from zhike.kernel.access import system_viewer
from zhike.sales import queries as sales

if TYPE_CHECKING:
    import duckdb

ACTOR = system_viewer("history")
FIGURES_KEPT = 30
DAY = dt.timedelta(days=1)
_DAILY = ("receipts", "returns", "net_fen", "refund_fen", "of_members")


@dataclass(frozen=True, slots=True)
class Database:
    """What the statements behind the console's own pages give in the same snapshot."""

    rfm: dict[str, tuple[int, int, int]]
    daily: dict[str, tuple[int, ...]]
    plan: RfmPlan
    first: dt.date
    last: dt.date


def micros(moment: dt.datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def of_database(now: dt.datetime) -> Database:
    """Called within the export's snapshot."""
    policy, breaks = insight.rfm_policy(), insight.latest_breaks()
    recency, frequency, monetary = (
        tuple(breaks.get(name, ())) for name in ("recency", "frequency", "monetary")
    )
    plan = RfmPlan(micros(now), policy.window_days, recency, frequency, monetary, policy.high_from)
    first, last = (now - rules.KPI_DAYS * DAY).date(), (now + DAY).date()
    days = sales.sales_by_day(ACTOR, None, first, last)
    daily: dict[str, tuple[int, ...]] = {
        day.isoformat(): (one.receipts, one.returns, one.net_fen, one.refund_fen, one.with_person)
        for day, one in days.items()
    }
    return Database(insight.rfm_at(now), daily, plan, first, last)


def work_out(
    connection: duckdb.DuckDBPyConnection, run: LakeRun, now: dt.datetime, database: Database
) -> list[Check]:
    """Evaluate and keep every definition; the checks of those that the database gives too."""
    tables = definitions.Tables()
    since_us = micros(now - rules.FUNNEL_DAYS * DAY)
    funnel = {"steps": list(rules.FUNNEL), "hours": rules.FUNNEL_HOURS, "days": rules.FUNNEL_DAYS}
    plans: tuple[tuple[str, dict[str, Any], Any], ...] = (
        ("rfm", asdict(database.plan), definitions.rfm(tables, database.plan)),
        (
            "daily",
            {"days": rules.KPI_DAYS},
            definitions.daily(tables, database.first.isoformat(), database.last.isoformat()),
        ),
        ("cohort", {"months": rules.COHORT_MONTHS}, definitions.cohort(tables)),
        ("funnel", funnel, definitions.funnel(tables, rules.FUNNEL, since_us, rules.FUNNEL_HOURS)),
        (
            "sessions",
            {"gap_minutes": rules.SESSION_GAP_MINUTES, "days": rules.FUNNEL_DAYS},
            definitions.sessions(tables, since_us, rules.SESSION_GAP_MINUTES),
        ),
    )
    found: dict[str, list[list[Any]]] = {}
    for code, parameters, expression in plans:
        began = time.perf_counter()
        result = connection.execute(definitions.sql(expression))
        columns = [name for name, *_rest in result.description]
        rows = [[_plain(value) for value in row] for row in result.fetchall()]
        found[code] = rows
        Figure.objects.create(
            run=run, code=code, as_of=now, parameters=parameters, columns=columns, rows=rows,
            took_ms=int((time.perf_counter() - began) * 1000),
        )  # fmt: skip
        _forget_old(code)
    return _checks(found, database)


def _plain(value: Any) -> Any:
    """As JSON holds it; sums come as wide integers."""
    return (
        value.isoformat() if isinstance(value, dt.date) else value if isinstance(value, str) else int(value)
    )


def _checks(found: dict[str, list[list[Any]]], database: Database) -> list[Check]:
    checks = []
    for number, what in enumerate(("members", "fen", "purchases"), start=1):
        lake = {f"{row[0] or 'none'} {what}": row[number] for row in found["rfm"]}
        there = {f"{code or 'none'} {what}": row[number - 1] for code, row in database.rfm.items()}
        checks += rules.compared("rfm", lake, there)
    for number, what in enumerate(_DAILY):
        lake = {what: sum(row[number + 1] for row in found["daily"])}
        checks += rules.compared("daily", lake, {what: sum(row[number] for row in database.daily.values())})
    days = {row[0]: tuple(row[1:6]) for row in found["daily"]}
    differing = sum(days.get(day) != database.daily.get(day) for day in days.keys() | database.daily.keys())
    return [*checks, Check("daily", "differing-days", differing, 0)]


def _forget_old(code: str) -> None:
    kept = Figure.objects.filter(code=code).order_by("-id").values_list("id", flat=True)
    if oldest := list(kept[FIGURES_KEPT : FIGURES_KEPT + 1]):
        Figure.objects.filter(code=code, pk__lte=oldest[0]).delete()

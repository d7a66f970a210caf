"""The columnar history: its tables and runs, and the figures that come of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.history import operations, queries
from zhike.kernel.access import may_touch
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.components.stages import RFM
from zhike.ui.console import history_labels as words
from zhike.ui.console.pages import done, page
from zhike.ui.console.spreadsheet import xlsx_response

VIEW, EDIT = "segments.view", "segments.edit"
MEGABYTE = 1_000_000
DAYS_SHOWN = 60


@staff_page(VIEW)
def lake(request: StaffRequest) -> HttpResponse:
    """Tables, rows here and in the database, how far behind, the last runs."""
    found = queries.lake(request.viewer)
    filled = {one["name"]: one for one in found.latest.tables} if found.latest else {}
    tables = [
        {"name": words.TABLES[one.name], "days": one.keep_days, "row": filled.get(one.name)}
        for one in found.tables
    ]
    context = {
        "lake": found,
        "tables": [_with_size(one) for one in tables],
        "rows": sum(one["rows"] for one in filled.values()),
        "size": _megabytes(sum(one["size_bytes"] for one in filled.values())),
        "runs": [_line(one) for one in found.runs],
        "checks": _checks(found.latest) if found.latest else [],
        "may_edit": may_touch(request.viewer, EDIT),
    }
    return page(request, "console/history/lake.html", context, section="history")


@staff_page(VIEW)
def run(request: StaffRequest, run_id: int) -> HttpResponse:
    """One run: what came of each table, and every figure that was laid beside the database's."""
    found = queries.lake_run(request.viewer, run_id)
    tables = [{"name": words.TABLES.get(one["name"], one["name"]), "row": one} for one in found.tables]
    context = {
        "line": _line(found),
        "run": found,
        "tables": [_with_size(one) for one in tables],
        "checks": _checks(found),
    }
    return page(request, "console/history/run.html", context, section="history")


@staff_page(EDIT)
@require_POST
def export(request: StaffRequest) -> HttpResponse:
    """A worker does it."""
    operations.ask_export(actor=request.viewer, now=request.now)
    return done(
        request,
        _("The history is being brought up to date; look again in a minute."),
        reverse("console:history"),
    )


@staff_page(VIEW)
def figures(request: StaffRequest) -> HttpResponse:
    """Cohorts, the funnel, days and visits, from the lake; `?export=` one of them as a file."""
    if wanted := request.GET.get("export"):
        return _file(request, wanted)
    cohorts = queries.retention(request.viewer)
    found = {code: queries.figure(request.viewer, code) for code in ("funnel", "sessions", "daily", "cohort")}
    funnel = found["funnel"]
    context: dict[str, Any] = {
        "as_of": funnel.as_of if funnel else None,
        "cohorts": [
            {"month": month, "members": members, "cells": [_share(count, members) for count in counts]}
            for month, members, counts in cohorts
        ],
        "ages": range(max((len(counts) for _m, _n, counts in cohorts), default=0)),
        "heat": _heat(cohorts),
        "steps": _steps(funnel),
        "funnel": _funnel_chart(funnel),
        "hours": funnel.parameters["hours"] if funnel else 0,
        "days": funnel.parameters["days"] if funnel else 0,
        "daily": _days_chart(found["daily"]),
        "day_rows": _daily_rows(found["daily"]),
        "visits": _visits(found["sessions"]),
    }
    return page(request, "console/history/figures.html", context, section="figures")


def _file(request: StaffRequest, code: str) -> HttpResponse:
    found = queries.figure(request.viewer, code)
    rows = found.rows if found else []
    columns = found.columns if found else []
    if code == "rfm":
        rows = [[str(RFM.get(row[0], row[0])), *row[1:]] for row in rows]
    if code == "cohort":
        columns = ["first_month", "members", "months_later", "members_back"]
        rows = [
            [month, members, age, count]
            for month, members, counts in queries.retention(request.viewer)
            for age, count in enumerate(counts)
        ]
    return xlsx_response(f"history-{code}-{request.now:%Y%m%d}", columns, rows)


def _with_size(one: dict[str, Any]) -> dict[str, Any]:
    row = one["row"]
    return one | {"size": _megabytes(row["size_bytes"]) if row and "size_bytes" in row else None}


def _megabytes(size: int) -> str:
    return _("%(size)s MB") % {
        "size": f"{size / MEGABYTE:,.2f}" if size < 100 * MEGABYTE else f"{size / MEGABYTE:,.0f}"
    }


def _line(run: queries.RunView) -> dict[str, Any]:
    tables = words.TABLES | words.CODES
    names = [str(tables.get(one, one)) for one in run.fault.split(", ")] if run.state == "differs" else []
    return {
        "run": run,
        "kind": words.KINDS[run.kind],
        "state": words.STATES[run.state],
        "tone": words.TONES[run.state],
        "fault": words.FAULTS.get(run.fault, "、".join(names) if names else run.fault),
        "took": _("%(seconds)s s") % {"seconds": f"{(run.took_ms or 0) / 1000:.1f}"},
    }


def _checks(run: queries.RunView) -> list[dict[str, Any]]:
    found = []
    for one in run.checks:
        group, _space, what = one["part"].rpartition(" ")
        name = words.PARTS.get(what, what)
        if group:
            group = "" if group == "none" else group
            name = _("%(group)s: %(figure)s") % {"group": RFM.get(group, group), "figure": name}
        found.append(
            {
                "code": words.CODES.get(one["code"], one["code"]),
                "name": name,
                "is_money": what in ("fen", "net_fen", "refund_fen"),
                "lake": one["lake"],
                "database": one["database"],
                "agrees": one["lake"] == one["database"],
            }
        )
    return found


def _share(count: int, members: int) -> float | None:
    return count / members if members else None


def _heat(cohorts: list[tuple[str, int, list[int]]]) -> dict[str, Any]:
    """Months down, months later across; the month itself is left out, for it is everybody."""
    width = max((len(counts) for _m, _n, counts in cohorts), default=1)
    values = [
        [age - 1, row, round(counts[age] / members, 4)]
        for row, (_month, members, counts) in enumerate(cohorts)
        for age in range(1, len(counts))
        if members
    ]
    return {
        "kind": "heatmap",
        "unit": "percent",
        "categories": [str(age) for age in range(1, width)],
        "rows": [month for month, _members, _counts in cohorts],
        "series": [{"name": _("Bought again"), "values": values}],
    }


def _steps(found: queries.FigureView | None) -> list[dict[str, Any]]:
    if not found or not found.rows:
        return []
    counts = found.rows[0]
    before = [counts[0], *counts]
    return [
        {
            "name": words.STEPS.get(name, name),
            "count": count,
            "of_first": _share(count, counts[0]),
            "of_before": _share(count, before[number]),
        }
        for number, (name, count) in enumerate(zip(found.parameters["steps"], counts, strict=True))
    ]


def _funnel_chart(found: queries.FigureView | None) -> dict[str, Any]:
    steps = _steps(found)
    return {
        "kind": "funnel",
        "unit": "count",
        "categories": [str(one["name"]) for one in steps],
        "series": [{"name": _("Visitors"), "values": [one["count"] for one in steps]}],
    }


def _daily_rows(found: queries.FigureView | None) -> list[dict[str, Any]]:
    if not found:
        return []
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows[-DAYS_SHOWN:]]


def _days_chart(found: queries.FigureView | None) -> dict[str, Any]:
    rows = _daily_rows(found)
    return {
        "kind": "line",
        "unit": "count",
        "categories": [one["day"][5:] for one in rows],
        "series": [
            {"name": _("Receipts"), "values": [one["receipts"] for one in rows], "tone": "primary"},
            {"name": _("Members who bought"), "values": [one["buyers"] for one in rows], "tone": "accent"},
        ],
    }


def _visits(found: queries.FigureView | None) -> dict[str, Any] | None:
    if not found or not found.rows:
        return None
    visits, events = sum(row[1] for row in found.rows), sum(row[2] for row in found.rows)
    return {
        "visits": visits,
        "a_day": visits / len(found.rows),
        "events": events / visits,
        "gap": found.parameters["gap_minutes"],
    }

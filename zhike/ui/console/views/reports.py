"""Descriptive reports: members by one or two of what is known of them, as table, chart and file."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from zhike.insight import operations, queries
from zhike.ui.components import reports as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms.reports import ReportFileForm
from zhike.ui.console.pages import number_or_404, page, permissions
from zhike.ui.console.spreadsheet import xlsx_response

VIEW, EXPORT = "segments.view", "segments.export"
SECTION = "reports"
USUAL = "lifecycle"
MEASURES = ("members", "mean", "median")


@staff_page(VIEW)
def reports(request: StaffRequest) -> HttpResponseBase:
    """The report that the address asks for; sent with a reason, it is a file."""
    dimensions, segment_id = _asked(request)
    form = ReportFileForm(request.POST or None, initial={"kind": "csv"})
    if request.method == "POST" and form.is_valid():
        found = operations.export_report(
            actor=request.viewer,
            dimensions=dimensions,
            segment_id=segment_id,
            reason=form.cleaned_data["reason"],
            now=request.now,
        )
        return _file(request, found, form.cleaned_data["kind"])
    found = queries.report(request.viewer, dimensions, request.now, segment_id)
    rows = _rows(request, found)
    measure = request.GET.get("measure", "")
    measure = measure if measure in MEASURES else "members"
    context: dict[str, Any] = {
        "found": found,
        "rows": rows,
        "names": [words.DIMENSIONS[one] for one in found.dimensions],
        "is_crossed": len(dimensions) == 2,
        "chart": _chart(rows, measure),
        "dimensions": list(words.DIMENSIONS.items()),
        "asked": {
            "by": dimensions[0],
            "also": (*dimensions, "")[1],
            "segment": segment_id,
            "measure": measure,
        },
        "measures": [(code, _measure(code)) for code in MEASURES],
        "segments": queries.segments(request.viewer),
        "smallest": queries.SMALLEST,
        "form": form,
        "may": permissions(request, export=EXPORT),
    }
    return _shown(request, context, 422 if form.is_bound else 200)


def _shown(request: StaffRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return page(request, "console/reports/reports.html", context, section=SECTION, status=status)


def _asked(request: StaffRequest) -> tuple[tuple[str, ...], int | None]:
    """One dimension, another if it is not the same, a segment if there is one."""
    given = [request.GET.get(name, "") for name in ("by", "also")]
    wanted = tuple(dict.fromkeys(one for one in given if one in words.DIMENSIONS)) or (USUAL,)
    segment = request.GET.get("segment", "")
    return wanted, number_or_404(segment) if segment else None


def _measure(code: str) -> str:
    return {"members": _("Members"), "mean": _("Mean spend"), "median": _("Median spend")}[code]


def _rows(request: StaffRequest, found: queries.Report) -> list[dict[str, Any]]:
    names = words.names_by_dimension(request.viewer)
    first, second = (*found.dimensions, "")[:2]
    cells = sorted(
        found.cells,
        key=lambda cell: (
            words.order_key(first, cell.first, names),
            words.order_key(second, cell.second, names),
        ),
    )
    return [
        {
            "cell": cell,
            "first": words.value_text(first, cell.first, names),
            "second": words.value_text(second, cell.second, names) if second else "",
            "share": cell.members / found.total if cell.members is not None and found.total else None,
        }
        for cell in cells
    ]


def _chart(rows: list[dict[str, Any]], measure: str) -> dict[str, Any]:
    """Bars; with two dimensions a series for each value of the second."""
    column = {"members": "members", "mean": "mean_fen", "median": "median_fen"}[measure]
    categories = list(dict.fromkeys(row["first"] for row in rows))
    series = list(dict.fromkeys(row["second"] for row in rows))
    values = {(row["first"], row["second"]): getattr(row["cell"], column) for row in rows}
    return {
        "kind": "bar",
        "unit": "count" if measure == "members" else "fen",
        "stacked": measure == "members" and len(series) > 1,
        "categories": categories,
        "series": [
            {
                "name": name or _measure(measure),
                "values": [values.get((one, name)) or 0 for one in categories],
            }
            for name in series
        ],
    }


def _file(request: StaffRequest, found: queries.Report, kind: str) -> HttpResponseBase:
    header = [str(words.DIMENSIONS[one]) for one in found.dimensions]
    header += [_("Members"), _("Share"), _("Mean spend, yuan"), _("Median spend, yuan")]
    lines: list[list[object]] = []
    for row in _rows(request, found):
        cell = row["cell"]
        line: list[object] = [row["first"], *([row["second"]] if row["second"] else [])]
        if cell.members is None:
            lines.append([*line, _("withheld"), "", "", ""])
            continue
        share = "" if row["share"] is None else round(row["share"], 4)
        lines.append([*line, cell.members, share, cell.mean_fen / 100, cell.median_fen / 100])
    name = f"report-{'-'.join(found.dimensions)}-{request.now:%Y%m%d-%H%M%S}"
    return xlsx_response(name, header, lines) if kind == "xlsx" else csv_response(name, header, lines)

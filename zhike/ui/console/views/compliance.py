"""Compliance reports: made for a period, frozen with a digest, read, printed, taken along."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel.access import may_touch, require_touch
from zhike.rights import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import report_labels as words
from zhike.ui.console.forms.rights import ReportForm
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import carry_out, page
from zhike.ui.console.spreadsheet import xlsx_response

VIEW, HANDLE = "rights.view", "rights.handle"
SECTION = "compliance"
LISTS = {
    "collection": "sources",
    "use": "sending",
    "retention": "retention",
    "consents": "data_catalogue",
    "systems": "webhooks",
    "processors": "channels",
    "sensitive": "members",
}
"""Pages of the console that show what a section counts."""
TRAILS = {"revealed": "person.reveal"}
QUEUES = {"late_requests": "late", "blocked_erasures": "open"}


@staff_page(VIEW)
def reports(request: StaffRequest) -> HttpResponse:
    """Every report that was made, the newest first."""
    context = {"reports": queries.reports(request.viewer), "may_make": may_touch(request.viewer, HANDLE)}
    return page(request, "console/rights/reports.html", context, section=SECTION)


@staff_page(HANDLE)
def make_report(request: StaffRequest) -> HttpResponse:
    """The half year that ended last is offered."""
    require_touch(request.viewer, HANDLE)
    half = queries.last_half_year(queries.today(request.now))
    form = ReportForm(request.POST or None, initial={"first": half.first, "last": half.last})

    def act() -> None:
        period = queries.Period(form.cleaned_data["first"], form.cleaned_data["last"])
        run_once(
            request,
            "compliance",
            form,
            lambda: operations.make_report(actor=request.viewer, period=period, now=request.now),
        )

    return carry_out(
        request,
        form,
        act,
        success=_("The report is made."),
        url=reverse("console:compliance"),
        title=_("Make a compliance report"),
        label=_("Make it"),
        action=reverse("console:make_compliance_report"),
    )


@staff_page(VIEW)
def report(request: StaffRequest, report_id: int) -> HttpResponse:
    """One report; `?export=` xlsx for all sections in one sheet, json for the very text the digest is of."""
    found = queries.report(request.viewer, report_id)
    wanted = request.GET.get("export", "")
    if wanted == "json":
        answer = HttpResponse(found.document, content_type="application/json; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="compliance-{report_id}.json"'
        return answer
    sections = [_section(code, found.sections.get(code, [])) for code in queries.REPORT]
    if wanted == "xlsx":
        return _sheet(report_id, sections)
    context = {"row": found.row, "is_whole": found.is_whole, "sections": sections}
    return page(request, "console/rights/report.html", context, section=SECTION)


def _section(code: str, rows: list[list[Any]]) -> dict[str, Any]:
    columns = queries.REPORT[code]
    title, note = words.SECTIONS[code]
    return {
        "code": code,
        "title": title,
        "note": note,
        "url": reverse(f"console:{LISTS[code]}") if code in LISTS else "",
        "columns": [
            (words.COLUMNS[name], isinstance(rows[0][at], int) if rows else False)
            for at, name in enumerate(columns)
        ],
        "rows": [_line(code, columns, row) for row in rows],
    }


def _line(code: str, columns: tuple[str, ...], row: list[Any]) -> dict[str, Any]:
    cells = [
        {
            "name": words.COLUMNS[name],
            "value": words.WORDS.get(name, {}).get(value, value),
            "is_number": isinstance(value, int) and name not in words.WORDS,
        }
        for name, value in zip(columns, row, strict=True)
    ]
    return {
        "first": cells[0]["value"] or "–",
        "cells": cells[1:],
        "url": _list_of(code, row),
        "is_bad": code == "exceptions" and row[1],
    }


def _list_of(code: str, row: list[Any]) -> str:
    """The list of what a row counts, where there is one."""
    if code == "requests":
        return f"{reverse('console:rights')}?{urlencode({'queue': 'all', 'kind': row[0]})}"
    if code == "exports":
        return f"{reverse('console:audit')}?{urlencode({'action': row[0]})}"
    if row[0] in TRAILS:
        return f"{reverse('console:audit')}?{urlencode({'action': TRAILS[row[0]]})}"
    if row[0] in QUEUES:
        return f"{reverse('console:rights')}?{urlencode({'queue': QUEUES[row[0]]})}"
    return ""


def _sheet(report_id: int, sections: list[dict[str, Any]]) -> HttpResponse:
    """Section by section, with its headings above its rows."""
    rows: list[list[Any]] = []
    for one in sections:
        rows += [[one["title"]], [name for name, _is_number in one["columns"]]]
        rows += [[line["first"], *(cell["value"] for cell in line["cells"])] for line in one["rows"]]
        rows.append([])
    return xlsx_response(f"compliance-{report_id}", [_("Compliance report")], rows)

"""Whom to spend on first: the plan from value and risk, with what it takes for granted, as a page and as a table."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from zhike.insight import queries
from zhike.kernel.money import yuan_text
from zhike.ui.components import churn as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms.churn import PlanForm
from zhike.ui.console.pages import page

VIEW = "segments.view"
SECTION = "churn"


@staff_page(VIEW)
def priority(request: StaffRequest) -> HttpResponseBase:
    """With ``as=csv`` the table as a file."""
    form = PlanForm(request.GET if "budget" in request.GET else None)
    given = form.assumptions if form.is_bound and form.is_valid() else queries.Assumptions()
    rows = queries.plan(queries.priority_cells(request.viewer), given)
    if request.GET.get("as") == "csv" and not form.errors:
        return _file(request, rows)
    return _page(request, form, given, rows)


def _page(
    request: StaffRequest, form: PlanForm, given: queries.Assumptions, rows: list[queries.Planned]
) -> HttpResponse:
    spent, back = sum(row.spend_fen for row in rows), sum(row.back_fen for row in rows)
    context: dict[str, Any] = {
        "form": form if form.is_bound else PlanForm(initial=PlanForm.initial_of(given)),
        "rows": [
            {
                "row": row,
                "value": words.VALUES[row.cell.value],
                "band": words.BANDS[row.cell.band],
                "tone": words.BAND_TONES[row.cell.band],
                "share": row.spend_fen / given.budget_fen if given.budget_fen else 0,
                "each": (row.each_bp + 10_000) / 10_000,
            }
            for row in rows
        ],
        "budget_fen": given.budget_fen,
        "spent_fen": spent,
        "left_fen": given.budget_fen - spent,
        "back_fen": back,
        "contacts": sum(row.contacts for row in rows),
    }
    status = 422 if form.errors else 200
    return page(request, "console/churn/plan.html", context, section=SECTION, status=status)


def _file(request: StaffRequest, rows: list[queries.Planned]) -> HttpResponseBase:
    header = [
        _("Priority by return"), _("Class of value"), _("Risk"), _("Members"), _("Expected spend"), _("Of that at risk"),
        _("Cost of contacting all"), _("Saved margin"), _("Members to contact"), _("Suggested budget"), _("Should bring back"),
    ]  # fmt: skip
    lines: list[list[object]] = [
        [
            row.rank, str(words.VALUES[row.cell.value]), str(words.BANDS[row.cell.band]), row.cell.members,
            yuan_text(row.cell.value_fen), yuan_text(row.cell.at_risk_fen), yuan_text(row.cost_fen), yuan_text(row.worth_fen),
            row.contacts, yuan_text(row.spend_fen), yuan_text(row.back_fen),
        ]
        for row in rows
    ]  # fmt: skip
    return csv_response(f"plan-{request.now:%Y%m%d-%H%M%S}", header, iter(lines))

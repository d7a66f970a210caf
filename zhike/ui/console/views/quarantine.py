"""Rows that were set aside: read, corrected, replayed, discarded."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from zhike.intake import operations, queries
from zhike.kernel.errors import Problem
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.imports import RowForm
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused, wants_fragment

VIEW = "imports.view"
RUN = "imports.run"
STATUSES = ("open", "replayed", "discarded")


@staff_page(VIEW)
def quarantine(request: StaffRequest, run_id: UUID) -> HttpResponse:
    reason, status = request.GET.get("reason", ""), request.GET.get("status", "open")
    status = status if status in STATUSES else "open"
    run = queries.run(request.viewer, run_id)
    found = queries.quarantined(
        request.viewer, run_id, reason=reason or None, status=status, cursor=request.GET.get("cursor")
    )
    context = {
        "run": run,
        "page": found,
        "reason": reason,
        "status": status,
        "may": permissions(request, run=RUN),
    }
    if wants_fragment(request):
        return fragment(request, "console/imports/_quarantine_rows.html", context)
    context["reasons"] = [
        {"code": code, "sentence": queries.reason_sentence(code), "count": count}
        for code, count in sorted(run.open_reasons.items(), key=lambda item: -item[1])
    ]
    return page(request, "console/imports/quarantine.html", context, section="imports")


@staff_page(VIEW)
def quarantine_file(request: StaffRequest, run_id: UUID) -> StreamingHttpResponse:
    """The open rows as CSV, to be corrected at the source."""
    lines = queries.quarantine_csv(request.viewer, run_id, reason=request.GET.get("reason") or None)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="quarantine.csv"'
    return response


@staff_page(RUN)
def edit_row(request: StaffRequest, row_id: int) -> HttpResponse:
    """Correct the cells of one row, in a dialog."""
    row = queries.quarantined_row(request.viewer, row_id)
    form = RowForm(request.POST or None, columns=row.columns, cells=row.cells)
    if request.method == "POST" and form.is_valid():
        try:
            operations.correct_row(actor=request.viewer, row_id=row_id, cells=form.cells, now=request.now)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Corrected. Replay it to bring it in."), _url(row.run_id))
    context = {
        "form": form,
        "title": _("Row %(row)s") % {"row": row.row_no},
        "lead": f"{row.sentence} {row.detail}".strip(),
        "action": request.path,
        "wide": True,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


@require_POST
@staff_page(RUN)
def replay(request: StaffRequest, run_id: UUID) -> HttpResponse:
    """The ticked rows, or all open ones."""
    try:
        outcome = operations.replay_rows(
            actor=request.viewer, run_id=run_id, row_ids=_ticked(request), now=request.now
        )
    except Problem as problem:
        return refused(request, problem, _url(run_id))
    still = sum(outcome.still.values())
    sentence = _("%(accepted)s rows went in, %(still)s are still in quarantine.") % {
        "accepted": outcome.accepted + outcome.merged,
        "still": still,
    }
    return done(request, sentence, _url(run_id))


@require_POST
@staff_page(RUN)
def discard(request: StaffRequest, run_id: UUID) -> HttpResponse:
    try:
        count = operations.discard_rows(
            actor=request.viewer, run_id=run_id, row_ids=_ticked(request), now=request.now
        )
    except Problem as problem:
        return refused(request, problem, _url(run_id))
    sentence = ngettext("%(count)s row discarded.", "%(count)s rows discarded.", count) % {"count": count}
    return done(request, sentence, _url(run_id))


def _ticked(request: StaffRequest) -> list[int] | None:
    """The ids of the ticked rows; None for all, when the button says so."""
    if request.POST.get("which") == "all":
        return None
    texts: list[Any] = request.POST.getlist("ids")
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 18]


def _url(run_id: UUID) -> str:
    return reverse("console:quarantine", args=[run_id])

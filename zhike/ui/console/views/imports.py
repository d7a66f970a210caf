"""Files of receipts on their way in: upload, map, try, run, undo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from zhike.intake import operations, queries
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.imports import MappingForm, MappingNameForm, UploadForm
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    number_or_404,
    page,
    permissions,
    refused,
    wants_fragment,
)

VIEW = "imports.view"
RUN = "imports.run"
STEPS = (gettext_lazy("Upload"), gettext_lazy("Map columns"), gettext_lazy("Dry run"), gettext_lazy("Import"))
PREVIEW_ROWS = 8


def _url(run_id: UUID, name: str = "import") -> str:
    return reverse(f"console:{name}", args=[run_id])


@staff_page(VIEW)
def imports(request: StaffRequest) -> HttpResponse:
    malls = malls_of(request)
    found = queries.runs(request.viewer, mall_id=malls.chosen_id, cursor=request.GET.get("cursor"))
    context: dict[str, Any] = {"page": found, "malls_choice": malls}
    if wants_fragment(request):
        return fragment(request, "console/imports/_runs.html", context)
    context["may"] = permissions(request, run=RUN)
    context["form"] = _upload_form(request) if request.viewer.may(RUN) else None
    return page(request, "console/imports/list.html", context, section="imports")


def _upload_form(request: StaffRequest) -> UploadForm:
    malls = [(mall.id, mall.name) for mall in organization.malls(request.viewer, RUN)]
    initial = {"mall_id": malls_of(request).chosen_id}
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    return UploadForm(data, files, malls=malls, initial=initial)


@require_POST
@staff_page(RUN)
def upload(request: StaffRequest) -> HttpResponse:
    form = _upload_form(request)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            run_id = operations.start_upload(
                actor=request.viewer,
                mall_id=form.cleaned_data["mall_id"],
                file_name=file.name,
                chunks=file.chunks(),
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return HttpResponseRedirect(_url(run_id, "import_mapping"))
    context = {"form": form, "page": None, "may": {"run": True}}
    return page(request, "console/imports/list.html", context, section="imports", status=422)


# --- the mapping ------------------------------------------------------------


@staff_page(RUN)
def mapping(request: StaffRequest, run_id: UUID) -> HttpResponse:
    """What the columns mean. A saved or uploaded mapping may be put into the form before it is stored."""
    run = queries.run(request.viewer, run_id)
    preview = queries.preview(request.viewer, run_id, PREVIEW_ROWS)
    known = queries.saved_mappings(request.viewer)
    start, problem_text = _starting_mapping(request, run.mapping, known)
    form = MappingForm(
        request.POST if request.method == "POST" and "columns_sent" in request.POST else None,
        columns=preview.columns,
        sheets=preview.sheets,
        fields=queries.fields(),
        mapping=start,
    )
    if form.is_bound and form.is_valid():
        try:
            operations.set_mapping(actor=request.viewer, run_id=run_id, mapping=form.result, now=request.now)
        except Problem as problem:
            _add_mapping_faults(form, problem)
        else:
            return HttpResponseRedirect(_url(run_id))
    context = {
        "run": run,
        "preview": preview,
        "samples": _samples(preview),
        "form": form,
        "saved": known,
        "steps": [str(step) for step in STEPS],
        "problem": problem_text,
    }
    status = 422 if form.is_bound or problem_text else 200
    return page(request, "console/imports/mapping.html", context, section="imports", status=status)


def _starting_mapping(
    request: StaffRequest, stored: dict[str, Any], known: list[queries.SavedMappingView]
) -> tuple[dict[str, Any], str]:
    """The mapping the form begins with, and what was wrong with an uploaded one."""
    wanted = request.GET.get("saved", "")
    for saved in known:
        if str(saved.id) == wanted:
            return saved.definition, ""
    file = request.FILES.get("mapping_file")
    if file is not None:
        try:
            text = file.read(1_000_000).decode("utf-8-sig", errors="replace")
            return queries.mapping_of_text(text, file.name or ""), ""
        except Problem as problem:
            return stored, problem.sentence
    return stored, ""


def _samples(preview: queries.Preview) -> dict[str, str]:
    """A few values of each column, to recognise it by."""
    found: dict[str, str] = {}
    for at, column in enumerate(preview.columns):
        cells = [row[at] for row in preview.rows if at < len(row) and row[at].strip()]
        found[column] = " · ".join(dict.fromkeys(cells[:20]))[:80]
    return found


def _add_mapping_faults(form: MappingForm, problem: Problem) -> None:
    """Faults come by path (columns.number); the form has a field for each (column_number)."""
    placed = False
    for path, sentences in problem.fields.items():
        area, _dot, name = path.partition(".")
        prefix = {"columns": "column_", "defaults": "default_"}.get(area, "")
        target = f"{prefix}{name}" if f"{prefix}{name}" in form.fields else None
        for sentence in sentences:
            form.add_error(target, sentence)
            placed = True
    if not placed:
        form.add_error(None, problem.sentence)


@staff_page(VIEW)
def mapping_file(request: StaffRequest, run_id: UUID) -> HttpResponse:
    """The mapping as a TOML file, for the command line."""
    text = queries.mapping_toml(queries.run(request.viewer, run_id).mapping)
    response = HttpResponse(text, content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="mapping.toml"'
    return response


@staff_page(RUN)
def save_mapping(request: StaffRequest, run_id: UUID) -> HttpResponse:
    """Keep the run's mapping under a name."""
    run = queries.run(request.viewer, run_id)
    form = MappingNameForm(request.POST or None, initial={"name": run.mapping.get("name", "")})
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_mapping(
                actor=request.viewer,
                group_id=organization.mall(run.mall_id).group_id,
                name=form.cleaned_data["name"],
                mapping=run.mapping,
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The mapping is kept."), _url(run_id))
    context = {"form": form, "title": _("Keep this mapping"), "action": request.path}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


@require_POST
@staff_page(RUN)
def delete_mapping(request: StaffRequest, run_id: UUID) -> HttpResponse:
    mapping_id = number_or_404(request.POST.get("mapping"))
    operations.delete_mapping(actor=request.viewer, mapping_id=mapping_id, now=request.now)
    return done(request, _("The mapping is forgotten."), _url(run_id, "import_mapping"))


# --- check, run, undo ------------------------------------------------------------


@staff_page(VIEW)
def import_run(request: StaffRequest, run_id: UUID) -> HttpResponse:
    """Where the run stands, and what can be done next."""
    run = queries.run(request.viewer, run_id)
    account = run.counts or run.checked
    current = {"uploaded": 3, "checking": 3, "checked": 3}.get(run.state, 4)
    context = {
        "run": run,
        "account": account,
        "set_aside": _reasons(dict(account.quarantined)) if account else [],
        "samples": [
            {
                "row_no": sample.row_no,
                "sentence": queries.reason_sentence(sample.reason),
                "detail": sample.detail,
                "cells": sample.cells,
            }
            for sample in (account.samples if account else ())
        ],
        "steps": [str(step) for step in STEPS],
        "current": current,
        "may": permissions(request, run=RUN),
    }
    return page(request, "console/imports/run.html", context, section="imports")


def _reasons(counts: dict[str, int]) -> list[dict[str, Any]]:
    """The reasons with their sentences, the most frequent first."""
    rows = [
        {"code": code, "sentence": queries.reason_sentence(code), "count": count}
        for code, count in counts.items()
    ]
    return sorted(rows, key=lambda row: -row["count"])


@staff_page(VIEW, keeps_alive=False)
def progress(request: StaffRequest, run_id: UUID) -> HttpResponse:
    """How far the worker is; asked for every second. The whole page is shown anew when the work is done."""
    run = queries.run(request.viewer, run_id)
    if not run.is_working:
        return HttpResponseClientRefresh()
    return fragment(request, "console/imports/_progress.html", {"run": run})


@require_POST
@staff_page(RUN)
def check(request: StaffRequest, run_id: UUID) -> HttpResponse:
    try:
        operations.start_check(actor=request.viewer, run_id=run_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(run_id))
    return HttpResponseRedirect(_url(run_id))


@require_POST
@staff_page(RUN)
def start(request: StaffRequest, run_id: UUID) -> HttpResponse:
    try:
        operations.start_run(actor=request.viewer, run_id=run_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(run_id))
    return HttpResponseRedirect(_url(run_id))


@require_POST
@staff_page(RUN)
def undo(request: StaffRequest, run_id: UUID) -> HttpResponse:
    try:
        operations.start_undo(actor=request.viewer, run_id=run_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(run_id))
    return HttpResponseRedirect(_url(run_id))

"""Answers of forms: figures and charts, one sheet in full, leads to be called, files, exports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.ui.components import webforms as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms import webforms as forms
from zhike.ui.console.pages import add_problem, done, fragment, page, refused
from zhike.ui.console.spreadsheet import xlsx_response
from zhike.ui.console.views.service import zone_of
from zhike.ui.console.views.webforms import ANSWERS, EXPORT, SECTION, VIEW, head
from zhike.webforms import operations, queries


@staff_page(VIEW)
def results(request: StaffRequest, form_id: int) -> HttpResponse:
    """Figures of every field, and, for who may read them, the sheets."""
    view = queries.form(request.viewer, form_id, request.now)
    figures = queries.figures(request.viewer, form_id, str(zone_of(request)))
    lead = "open" if request.GET.get("lead") == "open" else ""
    context = {
        **head(request, view, "form_results"),
        "figures": figures,
        "trend": _trend(figures),
        "charts": [_chart(one) for one in figures.fields if one.answered],
        "lead": lead,
        "answer_tabs": [
            {"label": _("All"), "url": "?", "active": not lead},
            {
                "label": _("To be called"),
                "url": "?lead=open",
                "active": bool(lead),
                "badge": figures.open_leads or "",
            },
        ],
    }
    if request.viewer.may(ANSWERS):
        answers = queries.answers_page(
            request.viewer, form_id, lead=lead, cursor=request.GET.get("cursor"), limit=20
        )
        context |= {"answers": answers, "rows": [_row(one) for one in answers.items]}
    return page(request, "console/forms/results.html", context, section=SECTION)


def _trend(figures: queries.Figures) -> dict[str, Any]:
    return {
        "kind": "bar",
        "unit": "count",
        "categories": [f"{day:%m-%d}" for day, _count in figures.by_day],
        "series": [
            {
                "name": _("Answers given"),
                "values": [count for _day, count in figures.by_day],
                "tone": "primary",
            }
        ],
    }


def _chart(figures: queries.FieldFigures) -> dict[str, Any]:
    """One field: what was chosen how often, in the order of the form."""
    one = figures.field
    chart: dict[str, Any] = {"kind": "bar", "unit": "count"}
    if one.kind == "matrix":
        table = [
            {"label": row, "values": [figures.counts.get((row, option), 0) for option in one.options]}
            for row in one.rows
        ]
        tones = ("primary", "info", "warning", "error", "accent", "success")
        chart |= {
            "categories": list(one.rows),
            "series": [
                {
                    "name": option,
                    "values": [line["values"][place] for line in table],
                    "tone": tones[place % len(tones)],
                }
                for place, option in enumerate(one.options)
            ],
        }
        return {
            "figures": figures,
            "chart": chart,
            "columns": one.options,
            "table": table,
            "id": f"field-{one.key}",
        }
    if one.kind == "consent":
        pairs = [(_("Agreed"), figures.counts.get(True, 0))]
    elif one.kind == "number":
        pairs = [(f"{value:g}", count) for value, count in sorted(figures.counts.items())[:40]]
    else:
        known = one.scale or one.options
        others = [value for value in figures.counts if value not in known]  # of older versions
        pairs = [(str(value), figures.counts.get(value, 0)) for value in (*known, *others)]
    chart |= {
        "categories": [label for label, _count in pairs],
        "series": [
            {"name": _("Answers given"), "values": [count for _label, count in pairs], "tone": "primary"}
        ],
    }
    return {
        "figures": figures,
        "chart": chart,
        "columns": (_("Answers given"),),
        "table": [{"label": label, "values": [count]} for label, count in pairs],
        "id": f"field-{one.key}",
    }


def _row(one: queries.AnswerView) -> dict[str, Any]:
    said = [
        (field.label, words.shown_value(field, one.values[field.key]))
        for field in one.definition.asked
        if field.key in one.values and field.kind != "consent"
    ]
    return {
        "answer": one,
        "said": said[:3],
        "channel": words.CHANNELS.get(one.channel, one.channel),
        "lead": words.LEADS.get(one.lead, ""),
    }


@staff_page(ANSWERS)
def answer(request: StaffRequest, form_id: int, answer_id: UUID) -> HttpResponse:
    """One sheet, question by question, with what it set off."""
    view = queries.form(request.viewer, form_id, request.now)
    one = queries.answer(request.viewer, form_id, answer_id)
    shown = queries.shown(one.definition, one.values)
    files: dict[str, list[queries.FileRef]] = {}
    for ref in one.files:
        files.setdefault(ref.field, []).append(ref)
    context = {
        **head(request, view, "form_results"),
        "answer": one,
        "channel": words.CHANNELS.get(one.channel, one.channel),
        "lines": [
            {
                "field": field,
                "value": words.shown_value(field, one.values.get(field.key)),
                "files": files.get(field.key, []),
                "is_hidden": field.key not in shown,
            }
            for field in one.definition.asked
        ],
        "deeds": [_deed(deed) for deed in one.deeds],
        "lead": words.LEADS.get(one.lead, ""),
        "can_reveal": one.phone and request.viewer.may("members.reveal"),
        "can_settle": one.lead == "open" and request.viewer.may("members.enroll"),
        "member": _member(request, one.person_id),
    }
    return page(request, "console/forms/answer.html", context, section=SECTION)


def _deed(deed: queries.DeedView) -> dict[str, Any]:
    url = reverse("console:ticket", args=[deed.reference]) if deed.kind == "ticket" and deed.reference else ""
    detail = deed.key.partition(":")[2] if deed.kind in ("tag", "suggest") else deed.reference
    if deed.kind == "profile":
        detail = str(words.PROFILE.get(deed.reference, _("unchanged")))
    elif deed.kind == "consent" and "/" in deed.reference:
        detail = words.purpose_name(*deed.reference.split("/", 1))
    return {
        "name": words.DEEDS.get(deed.kind, deed.kind),
        "detail": detail,
        "url": url,
        "is_refused": bool(deed.refusal),
    }


def _member(request: StaffRequest, person_id: int | None) -> dict[str, Any] | None:
    """Who gave it, if the viewer may know."""
    if person_id is None or not request.viewer.may("members.view"):
        return None
    member_id = loyalty.member_id_of_person(person_id)
    if member_id is None:
        return None
    try:
        found = loyalty.member_file(request.viewer, member_id, request.now)
    except NotFound:
        return None
    return {"id": member_id, "name": found.person.name}


@require_POST
@staff_page(ANSWERS)
def settle_lead(request: StaffRequest, form_id: int, answer_id: UUID) -> HttpResponse:
    """Staff spoke to somebody who left a phone."""
    url = reverse("console:form_answer", args=[form_id, answer_id])
    try:
        outcome = operations.settle_lead(
            actor=request.viewer,
            form_id=form_id,
            answer_id=answer_id,
            is_real=request.POST.get("verdict") == "real",
            now=request.now,
        )
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, str(words.LEADS[outcome]), url)


@require_POST
@staff_page(ANSWERS)
def reveal_phone(request: StaffRequest, form_id: int, answer_id: UUID) -> HttpResponse:
    """The phone of a lead in clear, to call it."""
    phone = operations.reveal_phone(
        actor=request.viewer, form_id=form_id, answer_id=answer_id, now=request.now
    )
    return fragment(request, "components/revealed.html", {"value": phone})


@staff_page(ANSWERS)
def file(request: StaffRequest, form_id: int, answer_id: UUID, file_id: int) -> HttpResponse:
    """A file of an answer; anything but pictures is offered for saving."""
    path, _name, content_type = queries.answer_file(request.viewer, form_id, answer_id, file_id)
    try:
        content = (Path(settings.UPLOAD_DIR) / path).read_bytes()
    except OSError:
        raise NotFound from None
    response = HttpResponse(content, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    if not content_type.startswith("image/"):
        response["Content-Disposition"] = 'attachment; filename="file"'
    return response


@staff_page(EXPORT)
def export(request: StaffRequest, form_id: int) -> HttpResponseBase:
    """Ask what for; then the file. Kept in the audit before the first row."""
    view = queries.form(request.viewer, form_id, request.now)
    form = forms.ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            operations.begin_export(
                actor=request.viewer,
                form_id=form_id,
                reason=data["reason"],
                file_format=data["file_format"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            fields = _exported_fields(request, view)
            header = [
                _("Time"),
                _("Version"),
                _("Channel"),
                _("Member number"),
                *(one.label for one in fields),
            ]
            name = f"form-{view.id}-{request.now:%Y%m%d-%H%M%S}"
            respond = xlsx_response if data["file_format"] == "xlsx" else csv_response
            return respond(name, header, _exported(request, view, fields))
    context = {**head(request, view, "form_results"), "export_form": form}
    return page(
        request, "console/forms/export.html", context, section=SECTION, status=422 if form.is_bound else 200
    )


def _exported_fields(request: StaffRequest, view: queries.FormView) -> list[queries.Field]:
    """Every field that was ever asked, as it was called last."""
    found: dict[str, queries.Field] = {}
    for row in queries.versions(request.viewer, view.id):
        for one in queries.version_definition(request.viewer, view.id, row.version).asked:
            found.setdefault(one.key, one)
    return list(found.values())


def _exported(
    request: StaffRequest, view: queries.FormView, fields: list[queries.Field]
) -> Iterator[list[Any]]:
    zone = zone_of(request)
    numbers: dict[int, str] = {}
    for one in queries.exported(request.viewer, view.id):
        if one.person_id is not None and one.person_id not in numbers:
            member_id = loyalty.member_id_of_person(one.person_id)
            numbers[one.person_id] = "" if member_id is None else str(member_id)
        files = {ref.field for ref in one.files}
        yield [
            one.answered_at.astimezone(zone).isoformat(" ", "seconds")[:19],
            one.version,
            str(words.CHANNELS.get(one.channel, one.channel)),
            numbers.get(one.person_id or 0, ""),
            *(_cell(field, one.values.get(field.key), has_file=field.key in files) for field in fields),
        ]


def _cell(field: queries.Field, value: Any, *, has_file: bool) -> Any:
    if has_file:
        return _("attached")
    return value if isinstance(value, int | float) and value is not True else words.shown_value(field, value)

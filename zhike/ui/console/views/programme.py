"""The programme and its tier ladder."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.programme import ProgrammeForm, ReturnWindowsForm, TierForm
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused
from zhike.ui.console.programmes import first_programme, known_programme

VIEW = "programme.view"
EDIT = "programme.edit"


@staff_page(VIEW)
def programme(request: StaffRequest) -> HttpResponse:
    found = first_programme(request)
    context: dict[str, Any] = {"programme": found, "may": permissions(request, edit=EDIT)}
    if found:
        context["name"] = queries.program_name(found.id)
        names = dict(_categories(found))
        context["windows"] = [
            (names.get(category_id, ""), days) for category_id, days in sorted(found.return_windows.items())
        ]
    return page(request, "console/programme/programme.html", context, section="programme")


@staff_page(EDIT)
def edit_programme(request: StaffRequest) -> HttpResponse:
    found = known_programme(request)
    known = {field.name for field in fields(found)}
    initial = {name: getattr(found, name) for name in ProgrammeForm.base_fields if name in known}
    form = ProgrammeForm(request.POST or None, initial=initial | {"name": queries.program_name(found.id)})
    if request.method == "POST" and form.is_valid():
        try:
            operations.update_program(
                actor=request.viewer, program_id=found.id, changes=form.cleaned_data, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved; it holds from the next receipt on."), reverse("console:programme"))
    return page(request, "console/programme/programme_form.html", {"form": form}, section="programme")


@staff_page(EDIT)
def return_windows(request: StaffRequest) -> HttpResponse:
    """How long points of each trade category wait."""
    found = known_programme(request)
    initial = {f"window_{category_id}": days for category_id, days in found.return_windows.items()}
    form = ReturnWindowsForm(request.POST or None, initial=initial, categories=_categories(found))
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_return_windows(
                actor=request.viewer, program_id=found.id, windows=form.windows, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved; it holds from the next receipt on."), reverse("console:programme"))
    context = {"form": form, "programme": found}
    return page(request, "console/programme/return_windows.html", context, section="programme")


def _categories(programme: Any) -> list[tuple[int, str]]:
    return [(place.id, place.name) for place in organization.trade_categories(programme.group_id)]


# --- tiers ------------------------------------------------------------


@staff_page(VIEW)
def tiers(request: StaffRequest) -> HttpResponse:
    found = first_programme(request)
    rows = []
    for tier in queries.tiers(found.id) if found else []:
        count, is_capped = (0, False)
        if request.viewer.may("members.view"):
            count, is_capped = queries.members_count(request.viewer, tier_id=tier.id)
        rows.append({"tier": tier, "count": count, "is_capped": is_capped})
    context = {
        "rows": rows,
        "programme": found,
        "may": permissions(request, edit=EDIT, members="members.view"),
    }
    return page(request, "console/programme/tiers.html", context, section="tiers")


@staff_page(EDIT)
def tier(request: StaffRequest, tier_id: int | None = None) -> HttpResponse:
    """A dialog for one step of the ladder, a new one without `tier_id`."""
    found = known_programme(request)
    ladder = queries.tiers(found.id)
    known = next((step for step in ladder if step.id == tier_id), None)
    if tier_id is not None and known is None:
        raise NotFound
    form = TierForm(
        request.POST or None,
        initial=_initial(known, ladder),
        is_new=known is None,
        basis=ladder[0].basis if ladder else "spend",
    )
    if request.method == "POST" and form.is_valid():
        kept = (
            {"threshold_fen": known.threshold_fen, "keep_fen": known.keep_fen}
            if known
            else {"threshold_fen": 0}
        )
        values = {"code": known.code if known else "", **kept, **form.cleaned_data}
        try:
            operations.save_tier(actor=request.viewer, program_id=found.id, now=request.now, **values)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The ladder is saved."), reverse("console:tiers"))
    title = _("Edit the tier %(name)s") % {"name": known.name} if known else _("New tier")
    context = {"form": form, "title": title, "action": request.path, "wide": True}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _initial(known: queries.TierView | None, ladder: list[queries.TierView]) -> dict[str, Any]:
    if known:
        names = (
            "name",
            "rank",
            "threshold_fen",
            "keep_fen",
            "threshold_count",
            "keep_count",
            "keep_visits",
            "colour",
            "benefits",
        )
        return {name: getattr(known, name) for name in names}
    top = ladder[-1] if ladder else None
    return {
        "rank": top.rank + 1 if top else 0,
        "threshold_fen": top.threshold_fen * 2 if top else 0,
        "threshold_count": top.threshold_count * 2 if top else 0,
        "colour": "slate",
    }


@require_POST
@staff_page(EDIT)
def remove_tier(request: StaffRequest, tier_id: int) -> HttpResponse:
    url = reverse("console:tiers")
    try:
        operations.remove_tier(actor=request.viewer, tier_id=tier_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("The tier is removed."), url)

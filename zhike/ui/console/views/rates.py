"""What points are worth: the rates in force, their versions and notices, a draft with its cost."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.rates import RatesEditor
from zhike.ui.console.forms.rules import WEEKDAYS
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused
from zhike.ui.console.programmes import first_programme, known_programme, tier_choices

VIEW, EDIT = "programme.view", "programme.edit"
SECTION = "rates"


@staff_page(VIEW)
def rates(request: StaffRequest) -> HttpResponse:
    """The rates of today, what they were, and what points could buy over time."""
    programme = first_programme(request)
    context: dict[str, Any] = {"programme": programme, "may": permissions(request, edit=EDIT)}
    if programme:
        table, number = queries.table_at(programme, request.now)
        versions = queries.rate_versions(request.viewer, programme.id, request.now)
        power = queries.purchasing_power(request.viewer, programme.id, request.now)
        context |= {
            "table": table,
            "number": number,
            "lines": _lines(request, table),
            "versions": versions,
            "power": power,
            "chart": _power_chart(power),
        }
    return page(request, "console/rates/rates.html", context, section=SECTION)


@staff_page(VIEW)
def rate_version(request: StaffRequest, version_id: int) -> HttpResponse:
    """One version: its table, its notice and the evidence."""
    found = _version(request, version_id)
    context: dict[str, Any] = {
        "version": found,
        "lines": _lines(request, found.table),
        "may": permissions(request, edit=EDIT),
    }
    if request.viewer.may(EDIT) and found.told:
        context["notices"] = queries.rate_notices(request.viewer, version_id)
    return page(request, "console/rates/version.html", context, section=SECTION)


@staff_page(EDIT)
def edit_rates(request: StaffRequest) -> HttpResponse:
    """Draft the next version; published by its own button."""
    programme = known_programme(request)
    editor = _editor(request)
    if request.method == "POST" and editor.is_valid():
        publish = editor.publish
        try:
            operations.publish_rates(
                actor=request.viewer,
                program_id=programme.id,
                definition=editor.definition,
                effective_from=publish.moment(request.now, programme.time_zone),
                keeps=publish.cleaned_data["keeps"],
                note=publish.cleaned_data["note"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(editor.form, problem)
        else:
            return done(request, _("The version is published."), reverse("console:rates"))
    context = {"editor": editor, "programme": programme}
    status = 422 if request.method == "POST" else 200
    return page(request, "console/rates/form.html", context, section=SECTION, status=status)


@require_POST
@staff_page(EDIT)
def preview_rates(request: StaffRequest) -> HttpResponse:
    """What the draft costs: points outstanding before and after, and the last redemptions at its rates."""
    programme = known_programme(request)
    editor = _editor(request)
    refusal = "console/programme/_draft_refused.html"
    if not editor.is_valid():
        return fragment(request, refusal, {"is_invalid": True}, status=422)
    moment = editor.publish.moment(request.now, programme.time_zone)
    keeps = editor.publish.cleaned_data["keeps"]
    try:
        impact = queries.rate_impact(
            request.viewer, programme.id, editor.definition, moment, request.now, keeps=keeps
        )
    except queries.RateTableError as error:
        problem = operations.InvalidRates(path=error.path, reason=error.reason).sentence
        return fragment(request, refusal, {"problem": problem}, status=422)
    context = {"impact": impact, "keeps": keeps, "too_soon": bool(impact.cut_bp) and moment < impact.earliest}
    return fragment(request, "console/rates/_impact.html", context)


@require_POST
@staff_page(EDIT)
def withdraw_rates(request: StaffRequest, version_id: int) -> HttpResponse:
    back = reverse("console:rates")
    try:
        operations.withdraw_rates(actor=request.viewer, version_id=version_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, back)
    return done(request, _("The version is withdrawn."), back)


def _version(request: StaffRequest, version_id: int) -> queries.RateVersionView:
    found = queries.rate_versions(request.viewer, known_programme(request).id, request.now)
    version = next((one for one in found if one.version_id == version_id), None)
    if version is None:
        raise NotFound
    return version


def _editor(request: StaffRequest) -> RatesEditor:
    programme = known_programme(request)
    versions = [
        one
        for one in queries.rate_versions(request.viewer, programme.id, request.now)
        if one.state != "withdrawn"
    ]
    table = versions[0].table if versions else queries.own_table(programme)
    return RatesEditor(
        request.POST or None, table, tiers=tier_choices(request), trade_categories=_categories(programme)
    )


def _categories(programme: Any) -> list[tuple[int, str]]:
    return [(place.id, place.name) for place in organization.trade_categories(programme.group_id)]


def _lines(request: StaffRequest, table: queries.RateTable) -> list[dict[str, Any]]:
    """The lines of a table in words."""
    tiers, categories = dict(tier_choices(request)), dict(_categories(known_programme(request)))
    weekdays = dict(WEEKDAYS)
    return [
        {
            "line": line,
            "percent": None if line.premium_bp is None else f"{line.premium_bp / 100:+g}%",
            "tiers": [tiers.get(one, one) for one in line.tiers],
            "categories": [categories.get(one, one) for one in line.trade_categories],
            "weekdays": [weekdays[one] for one in line.weekdays],
        }
        for line in table.lines
    ]


def _power_chart(power: list[queries.PurchasingPower]) -> dict[str, Any]:
    return {
        "kind": "line",
        "unit": "fen",
        "categories": [f"{one.month:%Y-%m}" for one in power],
        "series": [
            {"name": _("Listed"), "values": [one.listed_fen for one in power], "tone": "primary"},
            {"name": _("Paid at tills"), "values": [one.paid_fen for one in power], "tone": "accent"},
        ],
    }

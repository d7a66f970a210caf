"""Missions: what there is, how each is going, and what it asks and gives."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.engagement import operations, queries
from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.ui.components.missions import step_text
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.engagement import batch_choices, payer_choices, shares
from zhike.ui.console.forms import missions as forms
from zhike.ui.console.pages import add_problem, done, page, permissions
from zhike.ui.console.programmes import first_programme

VIEW, EDIT = "engagement.view", "engagement.edit"
SECTION = "missions"


@staff_page(VIEW)
def missions(request: StaffRequest) -> HttpResponse:
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    rows = [
        (row, [step_text(step) for step in row.terms.steps])
        for row in queries.missions(request.viewer, programme.id)
    ]
    context = {"rows": rows, "may": permissions(request, edit=EDIT)}
    return page(request, "console/engagement/missions.html", context, section=SECTION)


@staff_page(VIEW)
def mission(request: StaffRequest, mission_id: int) -> HttpResponse:
    """Its terms, how far members are, and who is on it."""
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    found = queries.mission(request.viewer, mission_id)
    steps = [step_text(step) for step in found.row.terms.steps]
    tiers = {tier.id: tier.name for tier in loyalty.tiers(programme.id)}
    chart = {
        "kind": "bar-horizontal",
        "unit": "count",
        "categories": [_("Have begun"), *steps, _("Rewarded")],
        "series": [
            {
                "name": _("Members"),
                "values": [found.row.begun, *found.by_step, found.row.rewarded],
                "tone": "primary",
            }
        ],
    }
    context: dict[str, Any] = {
        "mission": found,
        "terms": found.row.terms,
        "steps": list(zip(steps, found.by_step, strict=True)),
        "chart": chart,
        "tiers": [tiers.get(one, f"#{one}") for one in found.row.terms.tiers],
        "shares": shares(found.row.terms.funding, programme.group_id),
        "versions": [
            (one, [step_text(step) for step in one.terms.steps], queries.reward_text(one.terms.reward))
            for one in found.versions
        ],
        "runs": queries.mission_runs(request.viewer, mission_id, request.now, request.GET.get("cursor")),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/engagement/mission.html", context, section=SECTION)


@staff_page(EDIT)
def edit_mission(request: StaffRequest, mission_id: int | None = None) -> HttpResponse:
    """A new mission, or the next version of one."""
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    known = queries.mission(request.viewer, mission_id) if mission_id is not None else None
    form = forms.MissionForm(
        sent(request),
        payers=payer_choices(request, programme.group_id),
        batches=batch_choices(request),
        tiers=[(tier.id, tier.name) for tier in loyalty.tiers(programme.id)],
        initial=forms.mission_initial(known.row.name, known.description, known.row.terms, known.row.is_open)
        if known
        else {"is_open": True, "points": 50, "share": 100},
    )
    rows = (forms.StepRows if known else forms.NewStepRows)(
        sent(request),
        prefix="steps",
        form_kwargs={"places": _places(request, programme.group_id)},
        initial=forms.steps_initial(known.row.terms.steps) if known else None,
    )
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        try:
            saved = operations.save_mission(
                actor=request.viewer,
                program_id=programme.id,
                mission_id=mission_id,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                terms=form.terms([row.step for row in rows if row.cleaned_data.get("kind")]),
                is_open=form.cleaned_data["is_open"],
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            where = reverse("console:mission", args=[saved])
            return done(request, _("Saved; it holds for those who begin from now on."), where)
    context = {"form": form, "rows": rows, "mission": known}
    status = 422 if request.method == "POST" else 200
    return page(request, "console/engagement/mission_form.html", context, section=SECTION, status=status)


def _places(request: StaffRequest, group_id: int) -> list[tuple[str, Any]]:
    """Malls, trade categories and merchants, as groups of one list."""
    viewer = request.viewer
    malls = organization.malls(viewer)
    groups = [
        (_("Malls"), [(f"mall:{one.id}", one.name) for one in malls]),
        (
            _("Trade categories"),
            [(f"category:{one.id}", one.name) for one in organization.trade_categories(group_id)],
        ),
        (_("Merchants"), [(f"merchant:{one.id}", one.name) for one in organization.merchants(viewer)]),
    ]
    return [(name, choices) for name, choices in groups if choices]

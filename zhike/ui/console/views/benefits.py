"""Benefits of tiers: the catalogue with use and cost, the editor, and every use."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.rewards import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import labels
from zhike.ui.console.forms.benefits import BenefitForm
from zhike.ui.console.forms.rewards import OrderReasonForm
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    page,
    permissions,
    refused,
    wants_fragment,
)
from zhike.ui.console.programmes import first_programme, tier_choices
from zhike.ui.console.views.rewards import dialog, places_of

VIEW, EDIT, SERVE = "rewards.view", "rewards.edit", "rewards.serve"
SECTION = "benefits"
DAYS = 30


def _tabs(current: str) -> list[dict[str, Any]]:
    names = {"benefits": _("Benefits"), "benefit_uses": _("Uses")}
    return [
        {"label": label, "url": reverse(f"console:{name}"), "active": name == current}
        for name, label in names.items()
    ]


@staff_page(VIEW)
def benefits(request: StaffRequest) -> HttpResponse:
    """What each tier has, how much of it was used in the last days, and what it cost whom."""
    found = queries.benefits(request.viewer)
    since = request.now - dt.timedelta(days=DAYS)
    figures = queries.benefit_figures(
        request.viewer, [one.id for one in found], since=since, mall_id=malls_of(request).chosen_id
    )
    tiers = tier_choices(request)
    shares: dict[str, int] = {}
    for one in figures.values():
        for party, fen in one.shares.items():
            shares[party] = shares.get(party, 0) + fen
    context = {
        "tiers": [name for _id, name in tiers],
        "rows": [
            {
                "benefit": one,
                "figures": figures[one.id],
                "quotas": [one.quotas.get(str(tier_id)) for tier_id, _name in tiers],
            }
            for one in found
        ],
        "uses": sum(one.uses for one in figures.values()),
        "cost_fen": sum(one.cost_fen for one in figures.values()),
        "shares": [(labels.FUNDERS.get(party, party), fen) for party, fen in sorted(shares.items()) if fen],
        "days": DAYS,
        "tabs": _tabs("benefits"),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/benefits/list.html", context, section=SECTION)


@staff_page(EDIT)
def edit_benefit(request: StaffRequest, benefit_id: int | None = None) -> HttpResponse:
    """A new benefit, or the next version of one."""
    known = queries.benefit(request.viewer, benefit_id) if benefit_id is not None else None
    form = BenefitForm(sent(request), tiers=tier_choices(request), places=places_of(request), known=known)
    if request.method == "POST" and form.is_valid():
        programme = first_programme(request)
        group_id = programme.group_id if programme else organization.default_group().id
        try:
            operations.save_benefit(
                actor=request.viewer,
                group_id=known.group_id if known else group_id,
                mall_id=known.mall_id if known else int(form.cleaned_data["mall"]) or None,
                benefit=form.benefit,
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The benefit is saved."), reverse("console:benefits"))
    context = {"form": form, "benefit": known}
    status = 422 if form.errors else 200
    return page(request, "console/benefits/form.html", context, section=SECTION, status=status)


@require_POST
@staff_page(EDIT)
def retire_benefit(request: StaffRequest, benefit_id: int) -> HttpResponse:
    queries.benefit(request.viewer, benefit_id)
    try:
        operations.retire_benefit(actor=request.viewer, benefit_id=benefit_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, reverse("console:benefits"))
    return done(request, _("The benefit is ended."), reverse("console:benefits"))


@staff_page(VIEW)
def uses(request: StaffRequest) -> HttpResponse:
    """Every use, newest first."""
    chosen = request.GET.get("benefit", "")
    context = {
        "page": queries.uses_page(
            request.viewer,
            mall_id=malls_of(request).chosen_id,
            benefit_id=int(chosen) if chosen.isdecimal() and len(chosen) < 10 else None,
            cursor=request.GET.get("cursor"),
        ),
        "benefits": queries.benefits(request.viewer),
        "chosen": chosen,
        "tabs": _tabs("benefit_uses"),
        "may": permissions(request, serve=SERVE),
        "may_see_member": request.viewer.may("members.view"),
    }
    if wants_fragment(request):
        return fragment(request, "console/benefits/_uses.html", context)
    return page(request, "console/benefits/uses.html", context, section=SECTION)


@staff_page(SERVE)
def cancel_use(request: StaffRequest, use_id: int) -> HttpResponse:
    queries.use_of(request.viewer, use_id)
    form = OrderReasonForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            operations.cancel_use(
                actor=request.viewer, use_id=use_id, reason=form.cleaned_data["reason"], now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Cancelled. The quota is back."), reverse("console:benefit_uses"))
    return dialog(request, form, _("Cancel this use"), _("Cancel it"))

"""What conversations are judged by: checklists, plans of the malls, and the draws that were made."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import quality as quality_forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, malls_of, page, permissions, refused
from zhike.ui.console.views.inbox import in_dialog
from zhike.ui.console.views.quality import EDIT, REVIEW, SECTION


@staff_page(REVIEW)
def setup(request: StaffRequest) -> HttpResponse:
    """Checklists, the plan of each mall, and weeks that were drawn, each repeated."""
    context = {
        "checklists": queries.quality_checklists(request.viewer, organization.default_group().id),
        "plans": queries.quality_plans(request.viewer),
        "draws": queries.quality_draws(request.viewer),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/quality/setup.html", context, section=SECTION)


@require_POST
@staff_page(EDIT)
def begin(request: StaffRequest) -> HttpResponse:
    """The usual checklists, to begin with."""
    group_id = organization.default_group().id
    operations.found_quality(actor=request.viewer, group_id=group_id, now=request.now)
    return done(request, _("The usual checklists are published."), reverse("console:quality_setup"))


@require_POST
@staff_page(REVIEW)
def draw(request: StaffRequest) -> HttpResponse:
    """The last week of each mall with a plan, where it was not drawn yet."""
    url = reverse("console:quality_setup")
    malls = malls_of(request)
    chosen = [mall for mall in malls.all if malls.chosen_id in (None, mall.id)]
    planned = {plan.mall_id for plan in queries.quality_plans(request.viewer) if plan.row is not None}
    try:
        for mall in chosen:
            if mall.id in planned:
                week = queries.week_of(mall.id, request.now) - dt.timedelta(days=7)
                operations.draw_quality(actor=request.viewer, mall_id=mall.id, week=week, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("The last week is drawn."), url)


@staff_page(EDIT)
def plan(request: StaffRequest, mall_id: int) -> HttpResponse:
    known = next((one for one in queries.quality_plans(request.viewer) if one.mall_id == mall_id), None)
    if known is None:
        raise NotFound
    row = known.row or operations.QualityPlan()
    names = ("percent", "at_least", "double_percent", "appeal_days", "answer_within_s", "vip_rank", "always")
    initial: dict[str, Any] = {name: getattr(row, name) for name in names}
    initial |= {f"quota_{pk}": many for pk, many in row.reviewers}
    people = queries.quality_reviewers(request.viewer, mall_id)
    form = quality_forms.PlanForm(request.POST or None, people=people, initial=initial)

    def act(_data: dict[str, Any]) -> None:
        operations.publish_quality_plan(
            actor=request.viewer, mall_id=mall_id, plan=form.plan(), now=request.now
        )

    return in_dialog(
        request,
        form,
        "quality-plan",
        act,
        reverse("console:quality_setup"),
        title=_("Sampling plan of %(mall)s") % {"mall": known.mall},
        label=_("Publish"),
        wide=True,
    )


@staff_page(EDIT)
def checklist(request: StaffRequest, code: str = "") -> HttpResponse:
    """A new checklist, or other items for a known one: they make a new version."""
    group_id = organization.default_group().id
    known = next(
        (one for one in queries.quality_checklists(request.viewer, group_id) if one.code == code), None
    )
    if code and known is None:
        raise NotFound
    initial = (
        {"code": known.code, "name": known.name, "skills": known.skills, "is_open": known.is_open}
        if known
        else {}
    )
    form = quality_forms.ChecklistForm(
        request.POST or None, items=known.items if known else (), initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, "checklist", form, lambda: _save(request, group_id, form, code))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The checklist is published."), reverse("console:quality_setup"))
    context = {"form": form, "known": known}
    response = page(request, "console/quality/checklist.html", context, section=SECTION)
    response.status_code = 422 if form.is_bound else 200
    return response


def _save(request: StaffRequest, group_id: int, form: quality_forms.ChecklistForm, code: str) -> None:
    data = form.cleaned_data
    operations.save_checklist(
        actor=request.viewer,
        group_id=group_id,
        code=code or data["code"],
        name=data["name"],
        items=form.item_list(),
        skills=data["skills"],
        is_open=data["is_open"],
        now=request.now,
    )

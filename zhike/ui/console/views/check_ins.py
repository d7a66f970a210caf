"""Daily check-in: how it goes at a mall, and what it gives."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.engagement import operations, queries
from zhike.kernel.errors import Problem
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.engagement import batch_choices, payer_choices, shares
from zhike.ui.console.forms import engagement as forms
from zhike.ui.console.pages import add_problem, done, known_mall, page, permissions

VIEW, EDIT = "engagement.view", "engagement.edit"
SECTION = "check_ins"


@staff_page(VIEW)
def check_ins(request: StaffRequest) -> HttpResponse:
    """The last 30 days, and the plan."""
    mall = known_mall(request)
    figures = queries.check_in_figures(request.viewer, mall.id, request.now)
    plan = queries.check_in_plans(request.viewer).get(mall.id)
    days = [f"{day:%m-%d}" for day, _count in figures.by_day]
    chart = {
        "kind": "bar",
        "unit": "count",
        "categories": days,
        "series": [
            {"name": _("Check-ins"), "values": [count for _day, count in figures.by_day], "tone": "primary"}
        ],
    }
    context: dict[str, Any] = {
        "mall": mall,
        "figures": figures,
        "chart": chart,
        "plan": plan,
        "may": permissions(request, edit=EDIT),
    }
    if plan:
        context |= {
            "shares": shares(plan.terms.funding, mall.group_id),
            "milestones": [(one.day, queries.reward_text(one.reward)) for one in plan.terms.milestones],
        }
    return page(request, "console/engagement/check_ins.html", context, section=SECTION)


@staff_page(EDIT)
def edit_check_ins(request: StaffRequest) -> HttpResponse:
    mall = known_mall(request)
    plan = queries.check_in_plans(request.viewer).get(mall.id)
    terms = plan.terms if plan else queries.parse_check_in({})
    form = forms.CheckInForm(
        request.POST or None,
        payers=payer_choices(request, mall.group_id),
        initial=forms.check_in_initial(terms, plan.is_open if plan else True),
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_check_in_plan(
                actor=request.viewer,
                mall_id=mall.id,
                terms=form.terms,
                is_open=form.cleaned_data["is_open"],
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(
                request, _("Saved; it holds from the next check-in on."), reverse("console:check_ins")
            )
    context = {"form": form, "mall": mall, "batches": batch_choices(request)}
    return page(
        request,
        "console/engagement/check_in_form.html",
        context,
        section=SECTION,
        status=422 if form.errors else 200,
    )

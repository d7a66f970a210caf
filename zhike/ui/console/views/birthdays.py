"""Birthday gifts: what they are, whose birthdays come, and who got what."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.engagement import operations, queries
from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.engagement import batch_choices, payer_choices, shares
from zhike.ui.console.forms import engagement as forms
from zhike.ui.console.pages import add_problem, done, page, permissions
from zhike.ui.console.programmes import first_programme

VIEW, EDIT = "engagement.view", "engagement.edit"
SECTION = "birthdays"


@staff_page(VIEW)
def birthdays(request: StaffRequest) -> HttpResponse:
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    plan = queries.birthday_plan(programme.id)
    found = queries.birthday_gifts(request.viewer, request.GET.get("cursor"))
    context: dict[str, Any] = {
        "plan": plan,
        "ahead": queries.birthdays_ahead(request.viewer, programme.id, request.now),
        "page": found,
        "rows": queries.birthday_gift_views(found.items),
        "may": permissions(request, edit=EDIT),
    }
    if plan:
        names = {tier.id: tier.name for tier in loyalty.tiers(programme.id)}
        context |= {
            "reward": queries.reward_text(plan.terms.reward),
            "tiers": [(names.get(key, ""), points) for key, points in plan.terms.tier_points.items()],
            "shares": shares(plan.terms.funding, programme.group_id),
        }
    return page(request, "console/engagement/birthdays.html", context, section=SECTION)


@staff_page(EDIT)
def edit_birthdays(request: StaffRequest) -> HttpResponse:
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    plan = queries.birthday_plan(programme.id)
    terms = plan.terms if plan else queries.parse_birthday({})
    form = forms.BirthdayForm(
        request.POST or None,
        payers=payer_choices(request, programme.group_id),
        batches=batch_choices(request),
        tiers=[(tier.id, tier.name) for tier in loyalty.tiers(programme.id)],
        initial=forms.birthday_initial(terms, plan.is_open if plan else True),
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_birthday_plan(
                actor=request.viewer,
                program_id=programme.id,
                terms=form.terms,
                is_open=form.cleaned_data["is_open"],
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(
                request, _("Saved; it holds from the next birthday on."), reverse("console:birthdays")
            )
    status = 422 if form.errors else 200
    return page(
        request, "console/engagement/birthday_form.html", {"form": form}, section=SECTION, status=status
    )

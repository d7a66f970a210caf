"""Invitations: how they go, who invites whom, what looks odd, and what they give."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.engagement import operations, queries
from zhike.kernel.errors import NotFound, Problem
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.engagement import batch_choices, payer_choices, shares
from zhike.ui.console.forms import engagement as forms
from zhike.ui.console.pages import add_problem, done, page, permissions
from zhike.ui.console.programmes import first_programme

VIEW, EDIT = "engagement.view", "engagement.edit"
SECTION = "referrals"


@staff_page(VIEW)
def referrals(request: StaffRequest) -> HttpResponse:
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    plan = queries.referral_plan(programme.id)
    context: dict[str, Any] = {
        "plan": plan,
        "figures": queries.referral_figures(request.viewer),
        "rows": queries.top_inviters(request.viewer),
        "may": permissions(request, edit=EDIT),
    }
    if plan:
        context |= {
            "inviter_text": queries.reward_text(plan.terms.inviter),
            "invitee_text": queries.reward_text(plan.terms.invitee),
            "shares": shares(plan.terms.funding, programme.group_id),
        }
    return page(request, "console/engagement/referrals.html", context, section=SECTION)


@staff_page(VIEW)
def referral_tree(request: StaffRequest, member_id: int) -> HttpResponse:
    context = {"root": queries.referral_tree(request.viewer, member_id, request.now)}
    return page(request, "console/engagement/referral_tree.html", context, section=SECTION)


@staff_page(EDIT)
def edit_referrals(request: StaffRequest) -> HttpResponse:
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    plan = queries.referral_plan(programme.id)
    terms = plan.terms if plan else queries.parse_referral({})
    form = forms.ReferralForm(
        request.POST or None,
        payers=payer_choices(request, programme.group_id),
        batches=batch_choices(request),
        initial=forms.referral_initial(terms, plan.is_open if plan else True),
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_referral_plan(
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
                request, _("Saved; it holds for those who join from now on."), reverse("console:referrals")
            )
    status = 422 if form.errors else 200
    return page(
        request, "console/engagement/referral_form.html", {"form": form}, section=SECTION, status=status
    )

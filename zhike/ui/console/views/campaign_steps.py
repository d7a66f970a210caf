"""What is done with a campaign: its steps, the reach planner, the rules of measuring."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.marketing import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import steps
from zhike.ui.console.forms import campaigns as forms
from zhike.ui.console.once import dialog_once
from zhike.ui.console.pages import done, refused

VIEW, EDIT, APPROVE = "campaigns.view", "campaigns.edit", "campaigns.approve"
_SHARES = ("margin", "withdrawn_max", "complained_max")
_STEPS: steps.Steps = {
    "submit": (operations.submit_campaign, gettext_lazy("Handed in. Somebody else approves it now.")),
    "approve": (operations.approve_campaign, gettext_lazy("Approved.")),
    "launch": (operations.launch_campaign, gettext_lazy("Launched.")),
    "pause": (operations.pause_campaign, gettext_lazy("Paused: nobody more gets anything.")),
    "resume": (operations.resume_campaign, gettext_lazy("It goes on.")),
    "cancel": (operations.cancel_campaign, gettext_lazy("Cancelled.")),
}


def _url(campaign_id: int) -> str:
    return reverse("console:campaign", args=[campaign_id])


@require_POST
@staff_page(VIEW)
def take_step(request: StaffRequest, campaign_id: int, name: str) -> HttpResponse:
    """One of the steps that need no words. The operation decides who may take it."""
    return steps.take(request, _STEPS, name, _url(campaign_id), campaign_id=campaign_id)


@require_POST
@staff_page(EDIT)
def take_scenario(request: StaffRequest, code: str) -> HttpResponse:
    """One click: a whole draft, to be looked over."""
    return steps.draft(request, operations.plan_scenario, code, "console:campaign", "console:campaigns")


@require_POST
@staff_page(EDIT)
def forecast(request: StaffRequest, campaign_id: int) -> HttpResponse:
    """Have the reach reckoned; the page shows it as soon as it is there."""
    operations.ask_forecast(actor=request.viewer, campaign_id=campaign_id, now=request.now)
    return done(request, _("The reach is being reckoned."), _url(campaign_id))


@require_POST
@staff_page(EDIT)
def roll_out(request: StaffRequest, campaign_id: int, arm: str) -> HttpResponse:
    try:
        operations.roll_out_winner(actor=request.viewer, campaign_id=campaign_id, arm=arm, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(campaign_id))
    return done(request, _("The rest of the audience gets this group’s content now."), _url(campaign_id))


@staff_page(EDIT)
def send_back(request: StaffRequest, campaign_id: int) -> HttpResponse:
    queries.campaign(request.viewer, campaign_id, request.now)
    form = forms.WhyForm(request.POST or None)

    def act() -> None:
        operations.send_back_campaign(
            actor=request.viewer, campaign_id=campaign_id, reason=form.cleaned_data["reason"], now=request.now
        )

    return dialog_once(request, form, act, _("Send back"), _("Sent back."), _url(campaign_id))


@staff_page(EDIT)
def lessons(request: StaffRequest, campaign_id: int) -> HttpResponse:
    known = queries.campaign(request.viewer, campaign_id, request.now)
    form = forms.LessonsForm(request.POST or None, initial={"lessons": known.lessons})

    def act() -> None:
        operations.note_lessons(
            actor=request.viewer,
            campaign_id=campaign_id,
            lessons=form.cleaned_data["lessons"],
            now=request.now,
        )

    return dialog_once(request, form, act, _("What we learnt"), _("Saved."), _url(campaign_id))


@staff_page(APPROVE)
def budget(request: StaffRequest, campaign_id: int) -> HttpResponse:
    """More money for a campaign that stopped, and on it goes."""
    known = queries.campaign(request.viewer, campaign_id, request.now)
    form = forms.BudgetForm(request.POST or None, budget=dict(known.plan.budget or {}))

    def act() -> None:
        operations.resume_campaign(
            actor=request.viewer, campaign_id=campaign_id, budget=form.budget, now=request.now
        )

    return dialog_once(request, form, act, _("More budget"), _("It goes on."), _url(campaign_id))


@staff_page(APPROVE)
def measuring(request: StaffRequest) -> HttpResponse:
    """The global holdout, the margin, and when a campaign stops by itself."""
    group_id = organization.default_group().id
    known = queries.marketing_policy(group_id)
    initial = {"global_holdout": known.global_holdout_bp / 100}
    for name in _SHARES:
        share = getattr(known, f"{name}_bp")
        initial |= {} if share is None else {name: share / 100}
    form = forms.MeasuringForm(request.POST or None, initial=initial)

    def act() -> None:
        operations.save_marketing_policy(
            actor=request.viewer,
            group_id=group_id,
            global_holdout_bp=int((form.cleaned_data["global_holdout"] or 0) * 100),
            **{
                f"{name}_bp": None if form.cleaned_data[name] is None else int(form.cleaned_data[name] * 100)
                for name in _SHARES
            },
            now=request.now,
        )

    url = reverse("console:campaign_board")
    return dialog_once(request, form, act, _("How campaigns are measured"), _("Saved."), url)

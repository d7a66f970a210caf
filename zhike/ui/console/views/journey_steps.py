"""What is done with a journey: made, handed in, approved, made live, paused, ended; and somebody let in by hand."""

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
from zhike.ui.console import journey_labels, steps
from zhike.ui.console.forms import journeys as forms
from zhike.ui.console.once import dialog_once, run_once
from zhike.ui.console.pages import carry_out, done, malls_of, refused
from zhike.ui.console.views.journey_canvas import member_of

VIEW, EDIT = "campaigns.view", "campaigns.edit"
_STEPS: steps.Steps = {
    "submit": (operations.submit_journey, gettext_lazy("Handed in. Somebody else approves it now.")),
    "approve": (operations.approve_journey, gettext_lazy("Approved.")),
    "launch": (operations.launch_journey, gettext_lazy("Live: people enter this version from now on.")),
    "pause": (operations.pause_journey, gettext_lazy("Paused: nobody enters, nobody takes a step.")),
    "resume": (operations.resume_journey, gettext_lazy("It goes on.")),
    "close": (operations.close_journey, gettext_lazy("Closed for newcomers. Whoever is inside finishes.")),
    "end": (operations.end_journey, gettext_lazy("Ended.")),
}


def _url(journey_id: int) -> str:
    return reverse("console:journey", args=[journey_id])


@require_POST
@staff_page(VIEW)
def take_step(request: StaffRequest, journey_id: int, name: str) -> HttpResponse:
    """One of the steps that need no words. The operation decides who may take it."""
    return steps.take(request, _STEPS, name, _url(journey_id), journey_id=journey_id)


@require_POST
@staff_page(EDIT)
def take_template(request: StaffRequest, code: str) -> HttpResponse:
    """One click: a whole draft, to be looked over."""
    return steps.draft(request, operations.take_journey_template, code, "console:journey", "console:journeys")


@staff_page(EDIT)
def new(request: StaffRequest) -> HttpResponse:
    """An empty one, with a name."""
    form = forms.NameForm(request.POST or None)
    made: dict[str, int] = {}

    def plan() -> None:
        made["id"] = operations.plan_journey(
            actor=request.viewer,
            group_id=organization.default_group().id,
            name=form.cleaned_data["name"],
            theme=form.cleaned_data["theme"],
            mall_id=malls_of(request).chosen_id,
            now=request.now,
        )

    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, "journey", form, plan)
        except Problem as problem:
            return refused(request, problem, reverse("console:journeys"))
        url = _url(made["id"]) if made else reverse("console:journeys")
        return done(request, _("A draft was made. Everything in it can be changed."), url)
    url = reverse("console:journeys")
    return carry_out(request, form, lambda: None, success="", url=url, title=_("New journey"))


@staff_page(EDIT)
def rename(request: StaffRequest, journey_id: int) -> HttpResponse:
    known = queries.journey(request.viewer, journey_id, request.now).row
    form = forms.NameForm(request.POST or None, initial={"name": known.name, "theme": known.theme})

    def act() -> None:
        operations.rename_journey(
            actor=request.viewer,
            journey_id=journey_id,
            name=form.cleaned_data["name"],
            theme=form.cleaned_data["theme"],
            now=request.now,
        )

    return dialog_once(request, form, act, _("Name of the journey"), _("Saved."), _url(journey_id))


@staff_page(EDIT)
def send_back(request: StaffRequest, journey_id: int) -> HttpResponse:
    queries.journey(request.viewer, journey_id, request.now)
    form = forms.JourneyWhyForm(request.POST or None)

    def act() -> None:
        operations.send_back_journey(
            actor=request.viewer, journey_id=journey_id, reason=form.cleaned_data["reason"], now=request.now
        )

    return dialog_once(request, form, act, _("Send back"), _("Sent back."), _url(journey_id))


@staff_page(EDIT)
def enter(request: StaffRequest, journey_id: int) -> HttpResponse:
    """Let one member in by hand; what became of it is said."""
    queries.journey(request.viewer, journey_id, request.now)
    form = forms.MemberForm(request.POST or None)
    url = reverse("console:journey_people", args=[journey_id])
    if request.method == "POST" and form.is_valid():
        try:
            fate = operations.enter_member(
                actor=request.viewer,
                journey_id=journey_id,
                member_id=member_of(request, form.cleaned_data["member"]),
                once=form.cleaned_data["once"],
                now=request.now,
            )
        except Problem as problem:
            return refused(request, problem, url)
        return done(request, str(journey_labels.FATES[fate]), url)
    return carry_out(request, form, lambda: None, success="", url=url, title=_("Let a member in"))

"""One person, one record: merges proposed, done and undone, with both records side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.customers import queries as customers
from zhike.customers.queries import merges as known
from zhike.customers.queries import suggestions as twins
from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import operations, queries
from zhike.ui.components import formatting
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import identity_labels as labels
from zhike.ui.console.forms import identity as forms
from zhike.ui.console.pages import (
    add_problem,
    carry_out,
    done,
    fragment,
    go,
    number_or_404,
    page,
    refused,
    wants_fragment,
)
from zhike.ui.console.views.member_actions import _file

MERGE = "members.merge"
SECTION = "identity"


@dataclass(frozen=True, slots=True)
class Side:
    """One record as it stands beside the other; the file is None for somebody who is no member."""

    person: customers.PersonSummary
    file: queries.MemberFile | None
    activity: queries.ActivityView | None


@staff_page(MERGE)
def merges(request: StaffRequest) -> HttpResponse:
    """Every merge, the ones that wait for a second person on top when nothing is chosen."""
    state = request.GET.get("state", "")
    found = known.merges(request.viewer, state=state, cursor=request.GET.get("cursor"))
    context = {
        "page": found,
        "state": state,
        "states": list(labels.MERGE_STATES.items()),
        "waiting": known.open_proposals(request.viewer),
        "tabs": _tabs(request, "merges"),
    }
    if wants_fragment(request):
        return fragment(request, "console/identity/_merges.html", context)
    return page(request, "console/identity/merges.html", context, section=SECTION)


@staff_page(MERGE)
def merge(request: StaffRequest, merge_id: int) -> HttpResponse:
    """One merge: what speaks for it and against it, who decided, and the way back."""
    found = known.merge(request.viewer, merge_id)
    context = _beside(request, found.survivor.id, found.merged.id, is_one=found.can_be_undone)
    context |= {
        "merge": found,
        "is_own": found.proposed_by == request.viewer.audit_id,
        "undo": forms.UndoForm(),
    }
    return page(request, "console/identity/merge.html", context, section=SECTION)


@staff_page(MERGE)
def agree(request: StaffRequest, merge_id: int) -> HttpResponse:
    return _decide(
        request,
        merge_id,
        lambda: operations.agree_to_merge(actor=request.viewer, merge_id=merge_id, now=request.now),
        _("The two records are one now."),
    )


@staff_page(MERGE)
def decline(request: StaffRequest, merge_id: int) -> HttpResponse:
    return _decide(
        request,
        merge_id,
        lambda: operations.decline_merge(actor=request.viewer, merge_id=merge_id, now=request.now),
        _("They stay two records."),
    )


@staff_page(MERGE)
def undo(request: StaffRequest, merge_id: int) -> HttpResponse:
    form = forms.UndoForm(request.POST or None)
    known.merge(request.viewer, merge_id)

    def act() -> None:
        reason = form.cleaned_data["reason"]
        operations.unmerge_persons(actor=request.viewer, merge_id=merge_id, reason=reason, now=request.now)

    return carry_out(
        request, form, act, success=_("Two records again, each with what came by its own identifiers."),
        url=reverse("console:merge", args=[merge_id]), title=_("Undo the merge"), label=_("Undo the merge"),
        lead=_("Each side gets back what it had and what came by its identifiers since; points spent of the other's are owed."),
    )  # fmt: skip


def _decide(request: StaffRequest, merge_id: int, act: Callable[[], Any], success: str) -> HttpResponse:
    url = reverse("console:merge", args=[merge_id])
    if request.method != "POST":
        return go(request, url)
    known.merge(request.viewer, merge_id)
    try:
        act()
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, success, url)


@staff_page(MERGE)
def find_other(request: StaffRequest, member_id: int) -> HttpResponse:
    """Which other record is meant; then both are shown side by side."""
    file = _file(request, member_id)
    form = forms.FindOtherForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        other = _person_meant(form.cleaned_data["text"])
        if other is None:
            form.add_error("text", _("Nobody is known by this."))
        elif customers.survivor_of(other) == file.person.id:
            form.add_error("text", _("This is the same record already."))
        else:
            address = reverse("console:compare")
            return go(request, f"{address}?{urlencode({'first': file.person.id, 'second': other})}")
    context = {
        "form": form,
        "action": request.path,
        "title": _("Merge with another record"),
        "lead": _("Both records are shown side by side before anything happens."),
        "label": _("Compare"),
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _person_meant(text: str) -> int | None:
    for kind in ("phone", "card", "email", "plate"):
        person_id = customers.person_id_by(kind, text)
        if person_id is not None:
            return person_id
    return None


@staff_page(MERGE)
def compare(request: StaffRequest) -> HttpResponse:
    """Two records side by side, and the form that makes them one."""
    first, second = (
        customers.survivor_of(number_or_404(request.GET.get(name))) for name in ("first", "second")
    )
    if first == second:
        raise NotFound
    context = _beside(request, first, second, is_one=False)
    sides = [(side.person.id, side.person.name or "–") for side in context["sides"]]
    form = forms.MergeForm(request.POST or None, sides=sides)
    if request.method == "POST" and form.is_valid():
        survivor = form.cleaned_data["survivor"]
        try:
            outcome = operations.merge_persons(
                actor=request.viewer,
                survivor_id=survivor,
                merged_id=second if survivor == first else first,
                reason=form.cleaned_data["reason"],
                evidence={"by": "hand"},
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            success = (
                _("The two records are one now.")
                if outcome.state == "merged"
                else _("A colleague has to agree before the two become one.")
            )
            return done(request, success, reverse("console:merge", args=[outcome.merge_id]))
    status = 422 if form.is_bound else 200
    return page(
        request, "console/identity/compare.html", {**context, "form": form}, section=SECTION, status=status
    )


def _beside(request: StaffRequest, first: int, second: int, *, is_one: bool) -> dict[str, Any]:
    """Both records; while they are one, the points are on the first alone."""
    lines = known.side_by_side(request.viewer, first, second)
    people = customers.summaries([first, second])
    sides = [_side(request, people[pk], show_file=not is_one or pk == first) for pk in (first, second)]
    return {"lines": lines, "sides": sides, "is_one": is_one}


def _side(request: StaffRequest, person: customers.PersonSummary, *, show_file: bool) -> Side:
    member_id = queries.member_id_of_person(person.id) if show_file else None
    if member_id is None:
        return Side(person, None, None)
    try:
        file = queries.member_file(request.viewer, member_id, request.now)
    except NotFound:
        return Side(person, None, None)
    return Side(person, file, queries.activity_of(member_id))


# --- possible twins --------------------------------------------------------------------------------------------------


def _tabs(request: StaffRequest, active: str) -> list[dict[str, Any]]:
    waiting = twins.open_suggestions(request.viewer)
    return [
        {
            "label": _("Possible twins"),
            "url": reverse("console:suggestions"),
            "active": active == "suggestions",
            "badge": str(waiting) if waiting else "",
        },
        {"label": _("Merges"), "url": reverse("console:merges"), "active": active == "merges", "badge": ""},
    ]


@staff_page(MERGE)
def suggestions(request: StaffRequest) -> HttpResponse:
    """Pairs that may be one person, the surest first."""
    context = {
        "page": twins.suggestions(request.viewer, cursor=request.GET.get("cursor")),
        "tabs": _tabs(request, "suggestions"),
        "waiting": known.open_proposals(request.viewer),
    }
    return page(request, "console/identity/suggestions.html", context, section=SECTION)


@staff_page(MERGE)
def suggestion(request: StaffRequest, suggestion_id: int) -> HttpResponse:
    """One pair side by side: merged, rejected or left for somebody else, by a click or a key; then the next."""
    one = twins.suggestion(request.viewer, suggestion_id)
    form = forms.VerdictForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _judged(request, one, form)
        except Problem as problem:
            add_problem(form, problem)
    context = _beside(request, one.first.id, one.second.id, is_one=False) | {
        "one": one,
        "form": form,
        "is_open": one.state in twins.OPEN,
        "likelihood": _("Likelihood %(percent)s") % {"percent": formatting.percent(one.probability)},
    }
    status = 422 if form.is_bound else 200
    return page(request, "console/identity/suggestion.html", context, section=SECTION, status=status)


def _judged(request: StaffRequest, one: twins.SuggestionView, form: forms.VerdictForm) -> HttpResponse:
    verdict = request.POST.get("verdict", "")
    following = twins.next_after(request.viewer, one.id)
    url = (
        reverse("console:suggestion", args=[following])
        if following is not None
        else reverse("console:suggestions")
    )
    if verdict != "accepted":
        operations.reject_suggestion(
            actor=request.viewer, suggestion_id=one.id, unsure=verdict != "rejected", now=request.now
        )
        return done(request, _("They stay two records."), url)
    outcome = operations.accept_suggestion(
        actor=request.viewer,
        suggestion_id=one.id,
        reason=form.cleaned_data["reason"] or _("The records fit together."),
        now=request.now,
    )
    success = (
        _("The two records are one now.")
        if outcome.state == "merged"
        else _("A colleague has to agree before the two become one.")
    )
    return done(request, success, reverse("console:merge", args=[outcome.merge_id]))

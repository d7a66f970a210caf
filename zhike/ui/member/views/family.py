"""The household: who shares points with whom, what the pool holds, and what each one may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import DisputeForm, FoundForm, InviteForm, LimitsForm, PutInForm
from zhike.ui.member.once import run_once


@require_safe
@member_page
def family(request: Any) -> HttpResponse:
    """The own household; without one, invitations and how to begin one."""
    member: SignedIn = request.member
    household = queries.household_of(member.viewer, member.id)
    context: dict[str, Any] = {"household": household, "number": member.file.number}
    if household is None:
        context |= {
            "invitations": queries.household_invitations(member.viewer, member.id, member.now),
            "found": FoundForm(),
        }
    else:
        own = next(one for one in household.people if one.member_id == household.member_id)
        context |= {
            "own": own,
            "owns": household.role == "owner",
            "balance": member.file.balance,
            "put_in": PutInForm(),
            "invite": InviteForm(),
            "limits": LimitsForm(),
            "dispute": DisputeForm(),
        }
    return page(request, "family", context, active="profile")


def _done(request: Any, form: Any, act: Callable[[SignedIn], str]) -> HttpResponse:
    """Carry it out and say so, or say why not."""
    member: SignedIn = request.member
    if form is not None and not form.is_valid():
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
    else:
        try:
            messages.success(request, act(member))
        except Problem as problem:
            messages.error(request, problem.sentence)
    return HttpResponseRedirect(reverse("member:family"))


@require_POST
@member_page
def found(request: Any) -> HttpResponse:
    form = FoundForm(request.POST)

    def act(member: SignedIn) -> str:
        operations.found_household(
            actor=member.viewer, member_id=member.id, name=form.cleaned_data["name"], now=member.now
        )
        return _("Your household is there. Now invite your family.")

    return _done(request, form, act)


@require_POST
@member_page
def invite(request: Any) -> HttpResponse:
    form = InviteForm(request.POST)

    def act(member: SignedIn) -> str:
        operations.invite_into_household(
            actor=member.viewer, member_id=member.id, now=member.now, **form.cleaned_data
        )
        return _("Invited. They find the invitation on this page of theirs, for seven days.")

    return _done(request, form, act)


@require_POST
@member_page
def answer(request: Any, household_id: int) -> HttpResponse:
    def act(member: SignedIn) -> str:
        joined = operations.answer_household_invitation(
            actor=member.viewer,
            member_id=member.id,
            household_id=household_id,
            accept=request.POST.get("answer") == "accept",
            now=member.now,
        )
        return _("Welcome to the household.") if joined else _("Declined.")

    return _done(request, None, act)


@require_POST
@member_page
def put_in(request: Any) -> HttpResponse:
    form = PutInForm(request.POST)

    def act(member: SignedIn) -> str:
        run_once(request, form, "pool", lambda: {"points": _put(member, form.cleaned_data["points"])})
        return _("Shared. They keep their last day, and what nobody spends stays yours.")

    return _done(request, form, act)


def _put(member: SignedIn, points: int) -> int:
    return operations.put_into_pool(actor=member.viewer, member_id=member.id, points=points, now=member.now)


@require_POST
@member_page
def limits(request: Any, other_id: int) -> HttpResponse:
    form = LimitsForm(request.POST)

    def act(member: SignedIn) -> str:
        operations.set_household_limits(
            actor=member.viewer, member_id=member.id, other_id=other_id, now=member.now, **form.cleaned_data
        )
        return _("The limits hold from now on.")

    return _done(request, form, act)


@require_POST
@member_page
def remove(request: Any, other_id: int) -> HttpResponse:
    def act(member: SignedIn) -> str:
        operations.remove_from_household(
            actor=member.viewer, member_id=member.id, other_id=other_id, now=member.now
        )
        return _("They are out, with what they had put in.")

    return _done(request, None, act)


@require_POST
@member_page
def leave(request: Any) -> HttpResponse:
    def act(member: SignedIn) -> str:
        points = operations.leave_household(actor=member.viewer, member_id=member.id, now=member.now)
        return _("You have left; %(points)s points came back to you.") % {"points": f"{points:,}"}

    return _done(request, None, act)


@require_POST
@member_page
def dispute(request: Any) -> HttpResponse:
    form = DisputeForm(request.POST)

    def act(member: SignedIn) -> str:
        operations.raise_dispute(
            actor=member.viewer, member_id=member.id, text=form.cleaned_data["text"], now=member.now
        )
        return _("We look into it. Until then nobody spends from the pool.")

    return _done(request, form, act)

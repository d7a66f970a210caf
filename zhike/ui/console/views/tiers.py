"""The tier of a member: where it stands and why, lending one, and exceptions that two people agree on."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.tiers import GrantForm, RevokeForm
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused
from zhike.ui.console.programmes import first_programme

GRANT, APPROVE = "tiers.grant", "tiers.approve"
SECTION = "tier_exceptions"


@staff_page("members.view")
def member_tier(request: StaffRequest, member_id: int) -> HttpResponse:
    """The card of a member's tier: until when, what keeps it, what is lent, and every decision with its reason."""
    context = {
        "standing": queries.tier_standing(request.viewer, member_id, request.now),
        "growth": queries.member_growth(request.viewer, member_id, request.now, limit=10),
        "history": queries.tier_history(request.viewer, member_id),
        "grants": queries.tier_grants(request.viewer, member_id, request.now),
        "member_id": member_id,
        "may": permissions(request, grant=GRANT),
    }
    return fragment(request, "console/members/_tier.html", context)


@staff_page(GRANT)
def grant_tier(request: StaffRequest, member_id: int) -> HttpResponse:
    """A dialog: lend a tier at once, or ask for an exception that a colleague approves."""
    file = queries.member_file(request.viewer, member_id, request.now)
    ladder = queries.tiers(file.programme.id)
    form = GrantForm(request.POST or None, ladder=ladder)
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, f"tier-{member_id}", form, lambda: _give(request, member_id, form))
        except Problem as problem:
            add_problem(form, problem)
        else:
            asked = form.cleaned_data["kind"] == "exception"
            words = _("It waits for somebody else's decision now.") if asked else _("The tier is lent.")
            return done(request, words, reverse("console:member", args=[member_id]))
    context = {
        "form": form,
        "title": _("A tier for %(name)s") % {"name": file.person.name},
        "label": _("Give"),
        "lead": _("What the member earns meanwhile goes on being counted, and is what remains at the end."),
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _give(request: StaffRequest, member_id: int, form: GrantForm) -> None:
    asked: dict[str, Any] = {
        "actor": request.viewer,
        "member_id": member_id,
        "tier_id": int(form.cleaned_data["tier"]),
        "until": form.cleaned_data["until"],
        "reason": form.cleaned_data["reason"],
        "now": request.now,
    }
    if form.cleaned_data["kind"] == "exception":
        operations.ask_tier_exception(**asked)
    else:
        operations.grant_tier(**asked)


@staff_page(GRANT)
def revoke_tier(request: StaffRequest, grant_id: int, member_id: int) -> HttpResponse:
    form = RevokeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.revoke_tier_grant(
                actor=request.viewer, grant_id=grant_id, reason=form.cleaned_data["reason"], now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The tier is taken back."), reverse("console:member", args=[member_id]))
    context = {
        "form": form,
        "title": _("Take the lent tier back"),
        "label": _("Take back"),
        "lead": "",
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


@staff_page(GRANT)
def exceptions(request: StaffRequest) -> HttpResponse:
    """What waits for a second person, what was decided, and members of high tiers who have long bought nothing."""
    programme = first_programme(request)
    context = {
        "rows": queries.tier_exceptions(request.viewer, request.now),
        "dormant": queries.dormant_members(request.viewer, programme.id, request.now) if programme else [],
        "own_id": request.viewer.audit_id,
        "may": permissions(request, approve=APPROVE),
    }
    return page(request, "console/programme/tier_exceptions.html", context, section=SECTION)


@require_POST
@staff_page(APPROVE)
def approve_exception(request: StaffRequest, grant_id: int) -> HttpResponse:
    return _decide(request, grant_id, True, "")


@require_POST
@staff_page(APPROVE)
def refuse_exception(request: StaffRequest, grant_id: int) -> HttpResponse:
    return _decide(request, grant_id, False, request.POST.get("note", "") or _("refused"))


def _decide(request: StaffRequest, grant_id: int, approve: bool, note: str) -> HttpResponse:
    back = reverse("console:tier_exceptions")
    try:
        operations.decide_tier_exception(
            actor=request.viewer, grant_id=grant_id, approve=approve, note=note, now=request.now
        )
    except Problem as problem:
        return refused(request, problem, back)
    return done(request, _("The exception is approved.") if approve else _("The exception is refused."), back)

"""What we wrote to a member, and what they say about it: the inbox, quiet hours, no more offers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.marketing import operations as marketing
from zhike.messaging import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import request_id_of
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import QuietHoursForm


@require_safe
@member_page
def inbox(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    found = queries.inbox(member.viewer, member.person_id, request.GET.get("cursor"))
    if getattr(request, "htmx", False):
        return render(request, "member/_inbox.html", {"found": found})
    return page(request, "inbox", {"found": found}, active="profile")


@require_safe
@member_page
def message(request: Any, message_id: int) -> HttpResponse:
    """Opening it is reading it; the first time is kept."""
    member: SignedIn = request.member
    found = queries.inbox_message(member.viewer, member.person_id, message_id)
    operations.mark_read(actor=member.viewer, message_id=found.id, now=member.now)
    refusal_url = queries.refusal_path(found.id) if found.kind == "marketing" else ""
    return page(request, "message", {"message": found, "refusal_url": refusal_url}, active="profile")


@require_http_methods(["GET", "POST"])
@member_page
def quiet_hours(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    known = queries.own_quiet_hours(member.person_id)
    initial: dict[str, Any] = {"is_on": known is not None}
    if known:
        initial |= {"quiet_from": known[0], "quiet_until": known[1]}
    form = QuietHoursForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_own_quiet_hours(
                actor=member.viewer, person_id=member.person_id, quiet=form.quiet, now=member.now
            )
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("Your quiet hours are saved."))
            return HttpResponseRedirect(reverse("member:quiet_hours"))
    return page(request, "quiet_hours", {"form": form}, active="profile", status=422 if form.errors else 200)


@never_cache
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a campaign: it is counted, and the offers are shown. It needs no log-in to be counted."""
    viewer = system_viewer("campaign_link", request_id=request_id_of(request))
    marketing.record_click(actor=viewer, token=token, now=clock.now())
    return HttpResponseRedirect(reverse("member:offers"))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def refuse(request: HttpRequest, token: str) -> HttpResponse:
    """The link in every offer. Opening it shows a button; a POST ends offers, from a mail program too (RFC 8058).

    It needs no log-in and no cookie: whoever holds the link may refuse, and nobody can do more with it.
    """
    queries.message_of_refusal(token)
    is_done = False
    if request.method == "POST":
        actor = system_viewer("refusal-link", request_id=request_id_of(request))
        operations.refuse_by_link(actor=actor, token=token, now=clock.now())
        is_done = True
    context = {"is_done": is_done, "house": organization.default_group().name}
    return render(request, "member/refuse.html", context)

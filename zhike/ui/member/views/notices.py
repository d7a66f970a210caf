"""Notifications: the browsers in which a member wants them, and what a browser tells of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.messaging import operations, queries
from zhike.privacy import queries as privacy
from zhike.ui.components.staff import request_id_of
from zhike.ui.member import session as sessions
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.device import name_of
from zhike.ui.member.dock import page


@require_safe
@member_page
def devices(request: Any) -> HttpResponse:
    """What may be shown where; the browser itself says whether it can and may."""
    member: SignedIn = request.member
    found = queries.push_devices(member.viewer, member.person_id)
    here = sessions.push_device(request.member_session)
    context = {
        "key": queries.push_key(),
        "devices": found,
        "here": next((one.id for one in found if one.id == here), None),
        "wants_offers": privacy.has_grant(member.person_id, "marketing", "push"),
    }
    return page(request, "notifications", context, active="profile")


@require_POST
@member_page
def add(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    given = {name: request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    name = name_of(request.headers.get("User-Agent", ""))
    try:
        device_id = operations.add_push_device(
            actor=member.viewer, person_id=member.person_id, name=name, now=member.now, **given
        )
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        sessions.keep_push_device(request.member_session, device_id)
        messages.success(request, _("This device shows notifications from now on."))
    return HttpResponseRedirect(reverse("member:notifications"))


@require_POST
@member_page
def remove(request: Any, device_id: int) -> HttpResponse:
    member: SignedIn = request.member
    operations.remove_push_device(
        actor=member.viewer, person_id=member.person_id, device_id=device_id, now=member.now
    )
    messages.success(request, _("That device shows no more notifications."))
    return HttpResponseRedirect(reverse("member:notifications"))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def notice(request: HttpRequest, token: str) -> HttpResponse:
    """A browser says that it showed a notification (POST), or the member tapped it (GET): it leads on into the app.

    The token names one message and does nothing else, so neither needs a log-in.
    """
    actor = system_viewer("notification", request_id=request_id_of(request))
    is_opened = request.method == "GET"
    path = operations.record_notice(actor=actor, token=token, is_opened=is_opened, now=clock.now())
    return HttpResponseRedirect(path or reverse("member:home")) if is_opened else HttpResponse(status=204)

"""Webhooks: endpoints that are told what happens, what was sent, and what they did not take."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.webhooks import EndpointForm, EndpointSettingsForm, RotateSecretForm
from zhike.ui.console.pages import add_problem, done, fragment, page, refused, wants_fragment
from zhike.webhooks import operations, queries

MANAGE = "webhooks.manage"


@staff_page(MANAGE)
def webhooks(request: StaffRequest) -> HttpResponse:
    context = {"endpoints": queries.endpoints(request.viewer, request.now)}
    return page(request, "console/webhooks/list.html", context, section="webhooks")


@staff_page(MANAGE)
def new_webhook(request: StaffRequest) -> HttpResponse:
    form = EndpointForm(request.POST or None, types=queries.event_types())
    if request.method == "POST" and form.is_valid():
        try:
            endpoint_id, secret = operations.create_endpoint(
                actor=request.viewer, now=request.now, **form.cleaned_data
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return _secret_shown(request, endpoint_id, secret)
    title, lead = _("New endpoint"), ""
    context = {"form": form, "title": title, "lead": lead, "back": reverse("console:webhooks")}
    return page(request, "console/webhooks/form.html", context, section="webhooks")


def _secret_shown(request: StaffRequest, endpoint_id: int, secret: str) -> HttpResponse:
    found = queries.endpoint(request.viewer, endpoint_id, request.now)
    context = {"endpoint": found, "secret": secret}
    return page(request, "console/webhooks/secret.html", context, section="webhooks")


@staff_page(MANAGE)
def webhook(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    letters = queries.dead_letters(request.viewer, endpoint_id, cursor=request.GET.get("cursor"))
    context: dict[str, Any] = {
        "endpoint": queries.endpoint(request.viewer, endpoint_id, request.now),
        "letters": letters,
    }
    if wants_fragment(request):
        return fragment(request, "console/webhooks/_letters.html", context)
    context["attempts"] = queries.attempts(request.viewer, endpoint_id)
    return page(request, "console/webhooks/endpoint.html", context, section="webhooks")


@staff_page(MANAGE)
def edit_webhook(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    found = queries.endpoint(request.viewer, endpoint_id, request.now)
    initial = {"name": found.name, "url": found.url, "types": found.types, "is_active": found.is_active}
    form = EndpointSettingsForm(request.POST or None, types=queries.event_types(), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            operations.update_endpoint(
                actor=request.viewer, endpoint_id=endpoint_id, changes=form.cleaned_data, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), _url(endpoint_id))
    context = {"form": form, "title": _("Settings"), "back": _url(endpoint_id)}
    return page(request, "console/webhooks/form.html", context, section="webhooks")


@staff_page(MANAGE)
def rotate_secret(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    form = RotateSecretForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        overlap = dt.timedelta(hours=form.cleaned_data["overlap_hours"])
        secret = operations.rotate_secret(
            actor=request.viewer, endpoint_id=endpoint_id, overlap=overlap, now=request.now
        )
        return _secret_shown(request, endpoint_id, secret)
    context = {"form": form, "title": _("New secret"), "back": _url(endpoint_id)}
    return page(request, "console/webhooks/form.html", context, section="webhooks")


@require_POST
@staff_page(MANAGE)
def try_now(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    operations.try_now(actor=request.viewer, endpoint_id=endpoint_id, now=request.now)
    return done(request, _("It is tried within seconds."), _url(endpoint_id))


@require_POST
@staff_page(MANAGE)
def replay_letters(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    return _settle(request, endpoint_id, operations.replay_dead_letters)


@require_POST
@staff_page(MANAGE)
def discard_letters(request: StaffRequest, endpoint_id: int) -> HttpResponse:
    return _settle(request, endpoint_id, operations.discard_dead_letters)


def _settle(request: StaffRequest, endpoint_id: int, settle: Any) -> HttpResponse:
    """The ticked dead letters, or all open ones when the button says so."""
    ids = [
        int(text)
        for text in request.POST.getlist("ids")
        if text.isascii() and text.isdecimal() and len(text) < 18
    ]
    which = None if request.POST.get("which") == "all" else ids
    try:
        count = settle(actor=request.viewer, endpoint_id=endpoint_id, letter_ids=which, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(endpoint_id))
    sentence = ngettext("%(count)s event.", "%(count)s events.", count) % {"count": count}
    return done(request, sentence, _url(endpoint_id))


def _url(endpoint_id: int) -> str:
    return reverse("console:webhook", args=[endpoint_id])

"""Events that a handler could not take: look at the error, then replay or discard."""

from __future__ import annotations

import json

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel import operations, queries
from zhike.kernel.errors import Problem
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.staff import ReasonForm
from zhike.ui.console.pages import add_problem, done, fragment, page, refused, wants_fragment

REPAIR = "events.replay"


@staff_page(REPAIR)
def parked_events(request: StaffRequest) -> HttpResponse:
    status = request.GET.get("status", "parked")
    found = queries.parked_events(
        request.viewer,
        status="" if status == "any" else status,
        consumer=request.GET.get("consumer", ""),
        cursor=request.GET.get("cursor"),
    )
    context = {"page": found, "status": status}
    if wants_fragment(request):
        return fragment(request, "console/events/_rows.html", context)
    context["lags"] = queries.consumer_lags()
    return page(request, "console/events/list.html", context, section="parked_events")


@staff_page(REPAIR)
def parked_event(request: StaffRequest, parked_id: int) -> HttpResponse:
    parked, event = queries.parked_event(request.viewer, parked_id)
    data = json.dumps(dict(event.data), ensure_ascii=False, indent=2) if event else ""
    context = {"parked": parked, "event": event, "data": data}
    return page(request, "console/events/event.html", context, section="parked_events")


@require_POST
@staff_page(REPAIR)
def replay(request: StaffRequest, parked_id: int) -> HttpResponse:
    url = reverse("console:parked_event", args=[parked_id])
    try:
        operations.replay_parked(actor=request.viewer, parked_id=parked_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("Handled. The event is settled."), url)


@staff_page(REPAIR)
def discard(request: StaffRequest, parked_id: int) -> HttpResponse:
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.discard_parked(
                actor=request.viewer, parked_id=parked_id, reason=form.cleaned_data["reason"], now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Discarded."), reverse("console:parked_event", args=[parked_id]))
    context = {
        "form": form,
        "title": _("Discard this event"),
        "lead": _("It will never be handled. What it should have caused will be missing."),
        "label": _("Discard"),
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)

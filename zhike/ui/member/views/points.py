"""Where the points came from, where they went, and when they end."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.risk import operations as risk
from zhike.risk import queries as risk_queries
from zhike.ui.member.access import member_page
from zhike.ui.member.dock import page

ENTRIES = 20


@require_safe
@member_page
def statement(request: Any) -> HttpResponse:
    """Newest first; htmx asks for the next piece."""
    member = request.member
    cursor = request.GET.get("cursor") or None
    entries = loyalty.statement(member.viewer, member.id, cursor, ENTRIES)
    context: dict[str, Any] = {"entries": entries, "file": member.file, **_worth(request)}
    if member.file.restraint:
        context["freezes"] = risk_queries.freezes_of_person(member.person_id)
    if request.htmx:
        return render(request, "member/_entries.html", context)
    return page(request, "points", context, active="points")


def _worth(request: Any) -> dict[str, Any]:
    """What the points are worth today, where no merchant has a rate of its own."""
    worth = loyalty.points_worth(request.member.id, None, request.member.now)
    return {"worth": worth, "why": loyalty.rate_sentence(worth.terms) if worth else ""}


@require_safe
@member_page
def lots(request: Any) -> HttpResponse:
    return page(request, "lots", {"file": request.member.file}, active="points")


@require_POST
@member_page
def object_to(request: Any, measure_id: int) -> HttpResponse:
    """The member says that their points were frozen by mistake."""
    member = request.member
    try:
        risk.raise_objection(
            actor=member.viewer, measure_id=measure_id, text=request.POST.get("text", ""), now=member.now
        )
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, _("Thank you. Somebody who did not decide before looks at it."))
    return HttpResponseRedirect(reverse("member:points"))

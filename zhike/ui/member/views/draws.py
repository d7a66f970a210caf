"""Lucky draws on a phone: what can be won with which odds, one press, what it gave, and the proof."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel.errors import Problem
from zhike.rewards import operations, queries
from zhike.ui.components.files import json_file
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import DrawForm
from zhike.ui.member.once import run_once


@require_http_methods(["GET", "POST"])
@member_page
def draw(request: Any, draw_id: int) -> HttpResponse:
    """The prizes with their odds, how often one may draw today, the winners, and how to check it."""
    member: SignedIn = request.member
    found, left = queries.member_draw(member.viewer, member.id, draw_id, member.now)
    form = DrawForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            ticket_id = run_once(request, form, "draw", lambda: _draw(member, draw_id, form))["ticket_id"]
        except Problem as problem:
            messages.error(request, problem.sentence)
            return HttpResponseRedirect(reverse("member:draw", args=[draw_id]))
        return HttpResponseRedirect(reverse("member:draw_ticket", args=[ticket_id]))
    context = {
        "draw": found,
        "left": max(0, left),
        "form": DrawForm(),
        "file": member.file,
        "can_pay": member.file.balance >= found.points,
        "tickets": queries.member_tickets(member.viewer, member.id, draw_id, member.now),
        "winners": queries.winners(draw_id),
    }
    return page(request, "draw", context, active="points")


def _draw(member: SignedIn, draw_id: int, form: DrawForm) -> dict[str, int]:
    drawn = operations.draw_ticket(
        actor=member.viewer,
        member_id=member.id,
        draw_id=draw_id,
        nonce=form.cleaned_data["nonce"] or str(form.cleaned_data["token"]),
        now=member.now,
    )
    return {"ticket_id": drawn.ticket_id}


@require_safe
@member_page
def ticket(request: Any, ticket_id: int) -> HttpResponse:
    """What one draw gave; goods with their code."""
    member: SignedIn = request.member
    found = queries.member_ticket(member.viewer, member.id, ticket_id, member.now)
    return page(request, "draw_ticket", {"ticket": found, "file": member.file}, active="points")


@require_safe
@member_page
def record(request: Any, draw_id: int) -> HttpResponse:
    """Everything one needs to compute the draw again."""
    member: SignedIn = request.member
    queries.member_draw(member.viewer, member.id, draw_id, member.now)
    return json_file(queries.draw_record(draw_id), f"draw-{draw_id}")

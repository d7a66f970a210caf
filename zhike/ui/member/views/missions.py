"""Missions: what there is to do, how far one is, and what it gives."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from zhike.engagement import operations, queries
from zhike.kernel.errors import Problem
from zhike.ui.components.missions import step_text
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

STATES = {
    "waiting": (gettext_lazy("Done; the reward is on its way"), "accent"),
    "rewarded": (gettext_lazy("Rewarded"), "success"),
    "taken_back": (gettext_lazy("Goods returned"), "warning"),
    "missed": (gettext_lazy("All rewards were gone"), "warning"),
    "sold_out": (gettext_lazy("All rewards are gone"), ""),
    "over": (gettext_lazy("Time is over"), ""),
}


@require_safe
@member_page
def missions(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    rows = [
        (one, *STATES.get(one.state, ("", "")), [(view, step_text(view.step)) for view in one.steps])
        for one in queries.own_missions(member.viewer, member.id, member.now)
    ]
    return page(request, "missions", {"rows": rows}, active="home")


@require_POST
@member_page
def accept(request: Any, mission_id: int) -> HttpResponse:
    member: SignedIn = request.member
    try:
        operations.accept_mission(
            actor=member.viewer, member_id=member.id, mission_id=mission_id, now=member.now
        )
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, _("Off you go: everything you do from now on counts."))
    return HttpResponseRedirect(reverse("member:missions"))

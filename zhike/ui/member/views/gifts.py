"""Gifts for what was spent on a phone: how far one is, what one can have, and the code that fetches it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zhike.kernel.errors import Problem
from zhike.rewards import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import GiftForm
from zhike.ui.member.once import run_once


@require_safe
@member_page
def gifts(request: Any) -> HttpResponse:
    """The campaigns that run, with every receipt and what of it counts; and one's own gifts."""
    member: SignedIn = request.member
    own = queries.member_gifts(member.viewer, member.id, member.now)
    context = {
        "progress": own.progress,
        "open": [one for one in own.rights if one.state in ("reserved", "owed")],
        "past": [one for one in own.rights if one.state not in ("reserved", "owed")],
        "owes": own.owes,
        "form": GiftForm(),
    }
    return page(request, "gifts", context, active="home")


@require_POST
@member_page
def reserve(request: Any) -> HttpResponse:
    """The gift is theirs until the day it is kept for."""
    member: SignedIn = request.member
    form = GiftForm(sent(request))
    if not form.is_valid():
        return HttpResponseRedirect(reverse("member:gifts"))
    try:
        made = run_once(request, form, "gift", lambda: _reserve(member, form))
    except Problem as problem:
        messages.error(request, problem.sentence)
        return HttpResponseRedirect(reverse("member:gifts"))
    return HttpResponseRedirect(reverse("member:gift", args=[made["right_id"]]))


def _reserve(member: SignedIn, form: GiftForm) -> dict[str, int]:
    done = operations.reserve_gift(
        actor=member.viewer,
        member_id=member.id,
        campaign_id=form.cleaned_data["campaign"],
        step=form.cleaned_data["step"],
        basket=form.cleaned_data["basket"],
        source="app",
        now=member.now,
    )
    return {"right_id": done.right_id}


@require_safe
@member_page
def gift(request: Any, right_id: int) -> HttpResponse:
    """One gift: its code while it waits, and the receipts behind it."""
    member: SignedIn = request.member
    found = queries.member_gift(member.viewer, member.id, right_id, member.now)
    return page(request, "gift", {"gift": found}, active="home")


@require_POST
@member_page
def cancel(request: Any, right_id: int) -> HttpResponse:
    """Given up, to save for a better one."""
    member: SignedIn = request.member
    queries.member_gift(member.viewer, member.id, right_id, member.now)
    try:
        operations.cancel_gift(actor=member.viewer, right_id=right_id, now=member.now)
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, _("Given up. Your receipts count for another gift again."))
    return HttpResponseRedirect(reverse("member:gifts"))

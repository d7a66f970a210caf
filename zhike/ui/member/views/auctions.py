"""Auctions on a phone: what is for sale, where one stands, one's bid, and the proof of the result."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zhike.kernel.errors import Problem
from zhike.rewards import operations, queries
from zhike.ui.components.files import json_file
from zhike.ui.components.formatting import points_text
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import BidForm
from zhike.ui.member.once import run_once


def time_left(until: dt.datetime, now: dt.datetime) -> str:
    """How long it still is, in the two largest units that say something."""
    seconds = max(0, int((until - now).total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds % 60}


@require_safe
@member_page
def auctions(request: Any) -> HttpResponse:
    """What is on, what comes, and what ended lately."""
    member: SignedIn = request.member
    found = queries.member_auctions(member.viewer, member.id, member.now)
    rows = [{"auction": one, "left": time_left(one.ends_at, member.now)} for one in found]
    return page(request, "auctions", {"rows": rows, "file": member.file}, active="points")


@require_safe
@member_page
def auction(request: Any, auction_id: int) -> HttpResponse:
    """One auction; the part that changes is asked for again every few seconds."""
    context = _floor(request, auction_id)
    if request.htmx:
        return render(request, "member/_auction_floor.html", context)
    member: SignedIn = request.member
    context["bids"] = queries.member_bids(member.viewer, member.id, auction_id, member.now)
    context["result"] = queries.result(auction_id)
    return page(request, "auction", context, active="points")


def _floor(request: Any, auction_id: int) -> dict[str, Any]:
    member: SignedIn = request.member
    floor = queries.floor(member.viewer, member.id, auction_id, member.now)
    found = floor.auction
    until = found.opens_at if found.state == "early" else found.ends_at
    return {
        "floor": floor,
        "auction": found,
        "left": time_left(until, member.now),
        "form": BidForm(initial={"points": floor.least}),
        "quick": BidForm(initial={"points": floor.least}, auto_id="quick_%s"),
        "is_live": found.state in ("early", "open", "over"),
    }


@require_POST
@member_page
def bid(request: Any, auction_id: int) -> HttpResponse:
    """A bid, or one's own raised. Sent twice it is one."""
    member: SignedIn = request.member
    where = reverse("member:auction", args=[auction_id])
    form = BidForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Type a whole number of points."))
        return HttpResponseRedirect(where)
    try:
        made = run_once(request, form, "bid", lambda: _bid(member, auction_id, form))
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        said = _("Your bid of %(points)s stands. The points are held until it is outbid or the auction ends.")
        messages.success(request, said % {"points": points_text(made["points"])})
    return HttpResponseRedirect(where)


def _bid(member: SignedIn, auction_id: int, form: BidForm) -> dict[str, int]:
    made = operations.place_bid(
        actor=member.viewer,
        member_id=member.id,
        auction_id=auction_id,
        points=form.cleaned_data["points"],
        now=member.now,
    )
    return {"points": made.points}


@require_safe
@member_page
def record(request: Any, auction_id: int) -> HttpResponse:
    """Everything one needs to check the result."""
    member: SignedIn = request.member
    queries.floor(member.viewer, member.id, auction_id, member.now)
    return json_file(queries.auction_record(auction_id), f"auction-{auction_id}")

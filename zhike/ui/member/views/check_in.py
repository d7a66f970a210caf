"""Checking in: one tap a day, the row of days, and a calendar on which missed days can be made up for."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from zhike.engagement import operations, queries
from zhike.kernel.errors import Problem
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

REFUSALS = {
    "off": gettext_lazy("Missed days cannot be made up for here."),
    "today": gettext_lazy("Today is not over yet: just check in."),
    "ahead": gettext_lazy("That day has not come yet."),
    "too_old": gettext_lazy("That day is too long ago to be made up for."),
    "done": gettext_lazy("You had checked in on that day."),
    "none_left": gettext_lazy("No make-up cards are left this month."),
}


@require_http_methods(["GET", "POST"])
@member_page
def check_in(request: Any) -> HttpResponse:
    """The calendar of one month; a POST checks in."""
    member: SignedIn = request.member
    mall_id = queries.check_in_mall_of(member.id)
    if mall_id is None:
        return page(request, "check_in", {"board": None}, active="home")
    if request.method == "POST":
        return _check_in(request, member, mall_id)
    board = queries.check_in_board(
        member.viewer, member.id, mall_id, member.now, _month(request.GET.get("month", ""))
    )
    return page(request, "check_in", {"board": board}, active="home")


def _check_in(request: Any, member: SignedIn, mall_id: int) -> HttpResponse:
    try:
        done = operations.check_in(actor=member.viewer, member_id=member.id, mall_id=mall_id, now=member.now)
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        if not done.replayed:
            messages.success(request, _told(done))
    return HttpResponseRedirect(reverse("member:check_in"))


def _told(done: operations.CheckInOutcome) -> str:
    """“+5 points. 3 days in a row.” and what else there is to say."""
    parts = []
    if done.points:
        text = ngettext("+%(count)s point.", "+%(count)s points.", done.points)
        parts.append(text % {"count": f"{done.points:,}"})
    parts.append(
        ngettext("%(count)s day in a row.", "%(count)s days in a row.", done.streak) % {"count": done.streak}
    )
    if done.coupon_id is not None:
        parts.append(_("A coupon lies in your wallet."))
    elif done.missed:
        parts.append(_("The coupon for it has run out."))
    if done.limited_by:
        parts.append(_("This month's limit of points is reached."))
    return " ".join(parts)


@require_POST
@member_page
def make_up(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    day, mall_id = _day(request.POST.get("day", "")), queries.check_in_mall_of(member.id)
    back = reverse("member:check_in")
    if day is None or mall_id is None:
        return HttpResponseRedirect(back)
    try:
        done = operations.make_up_check_in(
            actor=member.viewer, member_id=member.id, mall_id=mall_id, day=day, now=member.now
        )
    except operations.CannotMakeUp as problem:
        messages.error(request, str(REFUSALS.get(problem.params["refusal"], problem.sentence)))
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        text = ngettext(
            "Made up for. %(count)s day in a row.", "Made up for. %(count)s days in a row.", done.streak
        )
        messages.success(request, text % {"count": done.streak})
    return HttpResponseRedirect(f"{back}?month={day:%Y-%m}")


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _month(text: str) -> dt.date | None:
    return _day(f"{text}-01")

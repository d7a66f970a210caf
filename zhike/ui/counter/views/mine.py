"""An associate's day: what to do for whom, and each follow-up carried through. On a phone in the shop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.clienteling import operations, queries
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.messaging import queries as messaging
from zhike.ui.components import care as words
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import care_forms as forms
from zhike.ui.counter.once import TokenForm, run_once
from zhike.ui.counter.page import page

VIEW, WORK = "follow_ups.view", "follow_ups.work"


def nav(active: str) -> list[dict[str, Any]]:
    """The four places of the workbench."""
    places = (
        ("mine", _("Today")),
        ("mine_members", _("My members")),
        ("mine_results", _("My results")),
        ("mine_invite", _("Invite")),
    )
    return [
        {"label": label, "url": reverse(f"counter:{name}"), "active": name == active}
        for name, label in places
    ]


def shown(one: queries.FollowUpView) -> dict[str, Any]:
    """A follow-up as a card says it."""
    return {
        "one": one,
        "why": words.sentence(one.kind, one.facts),
        "kind": words.KINDS[one.kind],
        "icon": words.ICONS[one.kind],
        "state": words.STATES[one.state],
        "tone": words.STATE_TONES.get(one.state, ""),
        "outcome": {**words.OUTCOMES, **words.SKIPS}.get(one.outcome, ""),
    }


@require_safe
@staff_page(VIEW)
def day(request: Any) -> HttpResponse:
    """Today's list, or (`?show=ahead`, `?show=ended`) what comes later and what is over."""
    show = request.GET.get("show", "due")
    found = queries.day(request.viewer, request.now, ahead=show == "ahead")
    items = queries.ended(request.viewer, request.now) if show == "ended" else found.items
    lists = [
        {"label": _("Due"), "url": reverse("counter:mine"), "active": show not in ("ahead", "ended"), "badge": found.due or ""},
        {"label": _("Later"), "url": "?show=ahead", "active": show == "ahead", "badge": found.ahead or ""},
        {"label": _("Dealt with"), "url": "?show=ended", "active": show == "ended"},
    ]  # fmt: skip
    context = {
        "nav": nav("mine"),
        "lists": lists,
        "found": found,
        "rows": [shown(one) for one in items],
        "form": forms.SearchForm(),
        "show": show,
        "to_confirm": messaging.own_tasks(request.staff_id),
    }
    return page(request, "mine/day", context)


@require_safe
@staff_page(VIEW)
def follow_up(request: Any, follow_up_id: int) -> HttpResponse:
    """Why, how they may be reached, words to begin with, and what came of it."""
    return _follow_up(request, follow_up_id, {})


def _follow_up(
    request: Any, follow_up_id: int, bound: dict[str, TokenForm], status: int = 200
) -> HttpResponse:
    one = queries.follow_up(request.viewer, follow_up_id, request.now)
    ways = queries.ways(request.viewer, one.person_id, request.now, for_service=one.is_service)
    first = next((way.channel for way in ways if not way.closed and way.channel != "in_person"), "")
    context = {
        **shown(one),
        "opening": words.opening(one.kind, one.name),
        "ways": ways_shown(ways),
        "call": next(way for way in ways if way.channel == "call"),
        "finish": bound.get("finish") or forms.FinishForm(initial={"channel": first}),
        "snooze": bound.get("snooze") or forms.SnoozeForm(),
        "skip": bound.get("skip") or forms.SkipForm(),
        "call_form": forms.CallForm(),
        "days": forms.DAYS.items(),
        "skips": words.SKIPS.items(),
        "may_work": request.viewer.may(WORK),
    }
    return page(request, "mine/follow_up", context, status=status)


def ways_shown(ways: tuple[queries.Way, ...]) -> list[dict[str, Any]]:
    return [
        {
            "way": way,
            "name": words.CHANNELS[way.channel],
            "icon": words.CHANNEL_ICONS[way.channel],
            "closed": operations.WAYS_CLOSED.get(way.closed, ""),
        }
        for way in ways
    ]


@require_POST
@staff_page(WORK)
def finish(request: Any, follow_up_id: int) -> HttpResponse:
    form = forms.FinishForm(request.POST)

    def act(data: dict[str, Any]) -> None:
        operations.finish_follow_up(actor=request.viewer, follow_up_id=follow_up_id, now=request.now, **data)

    return _end(request, follow_up_id, "finish", form, act, _("Written down."))


@require_POST
@staff_page(WORK)
def snooze(request: Any, follow_up_id: int) -> HttpResponse:
    form = forms.SnoozeForm(request.POST)

    def act(data: dict[str, Any]) -> None:
        until = queries.today_of(request.viewer, request.now) + dt.timedelta(days=data["days"])
        operations.snooze_follow_up(
            actor=request.viewer, follow_up_id=follow_up_id, until=until, now=request.now
        )

    return _end(request, follow_up_id, "snooze", form, act, _("Put off."))


@require_POST
@staff_page(WORK)
def skip(request: Any, follow_up_id: int) -> HttpResponse:
    form = forms.SkipForm(request.POST)

    def act(data: dict[str, Any]) -> None:
        operations.skip_follow_up(actor=request.viewer, follow_up_id=follow_up_id, now=request.now, **data)

    return _end(request, follow_up_id, "skip", form, act, _("Left be."))


def _end(
    request: Any,
    follow_up_id: int,
    name: str,
    form: TokenForm,
    act: Callable[[dict[str, Any]], None],
    said: str,
) -> HttpResponse:
    if form.is_valid() and carried_out(request, form, f"{name}:{follow_up_id}", act):
        messages.success(request, said)
        return HttpResponseRedirect(reverse("counter:mine"))
    return _follow_up(request, follow_up_id, {name: form}, status=422)


def carried_out(request: Any, form: TokenForm, what: str, act: Callable[[dict[str, Any]], None]) -> bool:
    """Carry it out once; a refusal stands on the form."""
    data = {name: value for name, value in form.cleaned_data.items() if name != "token"}

    def execute() -> dict[str, Any]:
        act(data)
        return {}

    try:
        run_once(request, form, f"care:{what}", execute)
    except Problem as problem:
        form.add_error(None, problem.sentence)
        return False
    return True


@require_POST
@staff_page(WORK)
def call(request: Any, member_id: int) -> HttpResponse:
    """The number to dial, if they may be called now; the look is audited. Part of a page."""
    follow_up_id = request.POST.get("follow_up", "")
    number = operations.begin_call(
        actor=request.viewer,
        person_id=loyalty.person_id_of(member_id),
        follow_up_id=int(follow_up_id) if follow_up_id.isascii() and follow_up_id.isdigit() else None,
        now=request.now,
    )
    return render(request, "counter/mine/_number.html", {"number": number})


@require_http_methods(["GET", "POST"])
@staff_page(WORK)
def remind(request: Any, member_id: int) -> HttpResponse:
    """A reminder of one's own for a member."""
    file = loyalty.member_file(request.viewer, member_id, request.now)
    tomorrow = queries.today_of(request.viewer, request.now) + dt.timedelta(days=1)
    form = forms.ReminderForm(sent(request), initial={"due_on": tomorrow})

    def act(data: dict[str, Any]) -> None:
        operations.add_follow_up(actor=request.viewer, person_id=file.person.id, now=request.now, **data)

    if (
        request.method == "POST"
        and form.is_valid()
        and carried_out(request, form, f"remind:{member_id}", act)
    ):
        messages.success(request, _("You will be reminded."))
        return HttpResponseRedirect(reverse("counter:mine_member", args=[member_id]))
    context = {"form": form, "file": file, "member_id": member_id}
    return page(request, "mine/remind", context, status=422 if form.errors else 200)

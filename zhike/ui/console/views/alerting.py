"""Alerts by message: how I am told, who is told in which order, who was."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel.errors import NotFound
from zhike.service import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import alerting as forms
from zhike.ui.console.pages import malls_of, page, permissions
from zhike.ui.console.views.inbox import in_dialog
from zhike.ui.console.views.service import HANDLE

MANAGE = "tickets.manage"


@staff_page(HANDLE)
def alerts(request: StaffRequest) -> HttpResponse:
    malls = malls_of(request)
    chosen = malls.chosen or (malls.all[0] if malls.all else None)
    context = {
        "own": queries.own_contact(request.viewer, request.now),
        "chains": queries.chains(request.viewer, chosen.id, request.now) if chosen else [],
        "mall": chosen,
        "notices": queries.notices(request.viewer, malls.chosen_id),
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/service/alerts.html", context, section="service_board")


@staff_page(HANDLE)
def contact(request: StaffRequest) -> HttpResponse:
    """How I am told."""
    known = queries.own_contact(request.viewer, request.now)
    initial = {
        "channel": known.channel or "sms",
        "is_off": known.is_off,
        "quiet_from": known.quiet_from,
        "quiet_until": known.quiet_until,
    }
    form = forms.ContactForm(request.POST or None, initial=initial)

    def act(data: dict[str, Any]) -> None:
        days = data.pop("absent_days")
        absent_until = known.absent_until if days is None else request.now + dt.timedelta(days=days)
        operations.save_alert_contact(
            actor=request.viewer,
            staff_id=request.staff_id,
            absent_until=absent_until if days != 0 else None,
            now=request.now,
            **data,
        )

    url = reverse("console:alerts")
    return in_dialog(request, form, "alert-contact", act, url, title=_("How to tell me"), lead=known.masked)


@staff_page(MANAGE)
def chain(request: StaffRequest, mall_id: int, role: str) -> HttpResponse:
    """Who is told of what a role is called for."""
    if mall_id not in {one.id for one in malls_of(request).all}:
        raise NotFound
    known = next(
        (one for one in queries.chains(request.viewer, mall_id, request.now) if one.role == role), None
    )
    if known is None:
        raise NotFound
    people = [(str(pk), name) for pk, name in queries.alert_people(mall_id).items()]
    chosen = known.people[: forms.PLACES] if known.is_own else ()
    initial: dict[str, Any] = {f"person_{place}": one.staff_id for place, one in enumerate(chosen)}
    form = forms.ChainForm(
        request.POST or None, people=people, initial=initial | {"patience": known.patience}
    )

    def act(data: dict[str, Any]) -> None:
        operations.save_alert_chain(
            actor=request.viewer,
            mall_id=mall_id,
            role=role,
            staff_ids=form.staff_ids,
            patience=data["patience"],
            now=request.now,
        )

    return in_dialog(
        request,
        form,
        f"alert-chain:{mall_id}:{role}",
        act,
        reverse("console:alerts"),
        title=_("Who is told"),
        lead=_("Nobody chosen: everybody with the role, whoever sits at the desk first."),
        wide=True,
    )

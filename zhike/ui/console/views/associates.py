"""Sales associates: who looks after how many members, what these buy, hand-over; and the associate of one member."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.clienteling import operations as clienteling_operations
from zhike.clienteling import queries as clienteling
from zhike.customers import operations as customers
from zhike.customers.operations import associates as operations
from zhike.customers.queries import associates as queries
from zhike.kernel.access import may_touch
from zhike.kernel.errors import NotAllowed, Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import associates as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, malls_of, page, permissions
from zhike.ui.console.views.inbox import in_dialog

MANAGE = "members.identity"
EDIT = "follow_ups.edit"
PERIOD = dt.timedelta(days=30)


@staff_page(MANAGE)
def associates(request: StaffRequest) -> HttpResponse:
    """Everybody with members, what their members bought in thirty days, the best first."""
    mall_id = malls_of(request).chosen_id
    bought = sales.sales_by_associate(request.viewer, request.now - PERIOD, request.now, mall_id)
    nothing = sales.AssociateSales(0, 0, 0)
    worked = {
        one.staff_id: one for one in clienteling.ranking(request.viewer, PERIOD.days, request.now, mall_id)
    }
    rows = [
        (one, bought.get(one.staff_id, nothing), worked[one.staff_id])
        for one in queries.associates(request.viewer, mall_id)
    ]
    rows.sort(key=lambda row: (-row[1].net_fen, -row[0].members))
    context = {"rows": rows, "may": permissions(request, edit=EDIT)}
    return page(request, "console/associates/list.html", context, section="associates")


@staff_page(EDIT)
def reminders(request: StaffRequest) -> HttpResponse:
    """When associates of a mall are reminded of a member; every version stays."""
    malls = [
        mall
        for mall in organization.malls(request.viewer, EDIT)
        if may_touch(request.viewer, EDIT, mall=mall.id)
    ]
    if not malls:
        raise NotAllowed
    wanted = malls_of(request).chosen_id
    mall = next((one for one in malls if one.id == wanted), malls[0])
    policy = clienteling.reminder_policy(mall.id)
    form = forms.RemindersForm(request.POST or None, initial=dataclasses.asdict(policy.terms))
    if request.method == "POST" and form.is_valid():
        terms = {name: value for name, value in form.cleaned_data.items() if name != "once"}
        try:
            run_once(request, f"reminders:{mall.id}", form, lambda: _publish(request, mall.id, terms))
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The rules hold from now on."))
            return HttpResponseRedirect(reverse("console:reminders"))
    context = {
        "form": form,
        "mall": mall,
        "policy": policy,
        "versions": clienteling.reminder_versions(mall.id),
    }
    status = 422 if form.errors else 200
    return page(request, "console/associates/reminders.html", context, section="associates", status=status)


def _publish(request: StaffRequest, mall_id: int, terms: dict[str, Any]) -> None:
    clienteling_operations.publish_reminders(
        actor=request.viewer, mall_id=mall_id, terms=terms, now=request.now
    )


def _people(request: StaffRequest) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in queries.associates_to_choose(request.viewer)]


@staff_page(MANAGE)
def hand_over(request: StaffRequest, staff_id: int) -> HttpResponse:
    """All members of one associate to another."""
    known = organization.staff_member(staff_id)
    form = forms.HandOverForm(
        request.POST or None, people=[pair for pair in _people(request) if pair[0] != str(staff_id)]
    )

    def act(data: dict[str, Any]) -> None:
        operations.hand_over_members(actor=request.viewer, from_staff_id=staff_id, now=request.now, **data)

    return in_dialog(
        request,
        form,
        f"hand-over:{staff_id}",
        act,
        reverse("console:associates"),
        title=_("Hand members over"),
        lead=_("All members of %(name)s whom you may assign.") % {"name": known.name},
        label=_("Hand members over"),
    )


@staff_page(MANAGE)
def assign(request: StaffRequest, member_id: int) -> HttpResponse:
    """Who looks after one member."""
    person = loyalty.member_file(request.viewer, member_id, request.now).person
    form = forms.AssignForm(
        request.POST or None, people=_people(request), initial={"staff_id": person.associate_id}
    )

    def act(data: dict[str, Any]) -> None:
        customers.assign_associate(actor=request.viewer, person_id=person.id, now=request.now, **data)

    url = reverse("console:member_tab", args=[member_id, "profile"])
    return in_dialog(request, form, f"assign:{member_id}", act, url, title=_("Who looks after the member"))

"""Sales associates: who looks after how many members, what these buy, hand-over; and the associate of one member."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.customers import operations as customers
from zhike.customers.operations import associates as operations
from zhike.customers.queries import associates as queries
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import associates as forms
from zhike.ui.console.pages import malls_of, page
from zhike.ui.console.views.inbox import in_dialog

MANAGE = "members.identity"
PERIOD = dt.timedelta(days=30)


@staff_page(MANAGE)
def associates(request: StaffRequest) -> HttpResponse:
    """Everybody with members, what their members bought in thirty days, the best first."""
    mall_id = malls_of(request).chosen_id
    bought = sales.sales_by_associate(request.viewer, request.now - PERIOD, request.now, mall_id)
    nothing = sales.AssociateSales(0, 0, 0)
    rows = [(one, bought.get(one.staff_id, nothing)) for one in queries.associates(request.viewer, mall_id)]
    rows.sort(key=lambda pair: (-pair[1].net_fen, -pair[0].members))
    return page(request, "console/associates/list.html", {"rows": rows}, section="associates")


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

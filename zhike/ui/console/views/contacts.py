"""Customers who have one of us in their WeChat: who is bound, what waits to be confirmed, what was handed over."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zhike.customers.queries import associates
from zhike.kernel.errors import NotFound, Problem
from zhike.messaging import operations, queries
from zhike.ui.components.pictures import picture_response
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.contacts import BindForm
from zhike.ui.console.pages import fragment, page, wants_fragment
from zhike.ui.console.views.inbox import in_dialog

MANAGE = "members.identity"
SECTION = "staff_contacts"


@require_safe
@staff_page(MANAGE)
def people(request: StaffRequest) -> HttpResponse:
    """Who is bound, and how many customers have them."""
    rows = queries.bindings(request.viewer)
    context = {
        "rows": rows,
        "accounts": queries.staff_accounts(),
        "tabs": _tabs("people"),
        "contacts": sum(row.contacts for row in rows),
        "known": sum(row.known for row in rows),
        "lost": sum(row.lost for row in rows),
        "open_tasks": sum(row.open_tasks for row in rows),
    }
    return page(request, "console/contacts/people.html", context, section=SECTION)


@require_safe
@staff_page(MANAGE)
def tasks(request: StaffRequest) -> HttpResponse:
    """Messages that somebody has to confirm at WeCom."""
    context = {"page": queries.staff_tasks(request.viewer, request.GET.get("cursor")), "tabs": _tabs("tasks")}
    if wants_fragment(request):
        return fragment(request, "console/contacts/_tasks.html", context)
    return page(request, "console/contacts/tasks.html", context, section=SECTION)


@require_safe
@staff_page(MANAGE)
def transfers(request: StaffRequest) -> HttpResponse:
    """Contacts that went, or were to go, to a colleague."""
    found = queries.contact_transfers(request.viewer, request.GET.get("cursor"))
    context = {"page": found, "tabs": _tabs("transfers")}
    if wants_fragment(request):
        return fragment(request, "console/contacts/_transfers.html", context)
    return page(request, "console/contacts/transfers.html", context, section=SECTION)


def _tabs(active: str) -> list[dict[str, Any]]:
    places = (
        ("people", "staff_contacts", _("Associates")),
        ("tasks", "staff_tasks", _("To confirm")),
        ("transfers", "contact_transfers", _("Hand-overs")),
    )
    return [
        {"label": label, "url": reverse(f"console:{name}"), "active": place == active}
        for place, name, label in places
    ]


@staff_page(MANAGE)
def bind(request: StaffRequest) -> HttpResponse:
    """A dialog: somebody and their userid."""
    accounts = queries.staff_accounts()
    if not accounts:
        raise NotFound
    chosen = [(str(pk), name) for pk, name in associates.associates_to_choose(request.viewer)]
    known = next(
        (row for row in queries.bindings(request.viewer) if str(row.id) == request.GET.get("binding")), None
    )
    initial = (
        {
            "account_id": known.account_id,
            "staff_id": known.staff_id,
            "userid": known.userid,
            "welcome": known.welcome,
        }
        if known
        else {}
    )
    form = BindForm(request.POST or None, people=chosen, accounts=accounts, initial=initial)

    def act(data: dict[str, Any]) -> None:
        operations.bind_staff(actor=request.viewer, now=request.now, **data)

    title = _("Bind an associate to WeCom")
    return in_dialog(request, form, "bind-staff", act, reverse("console:staff_contacts"), title=title)


@require_POST
@staff_page(MANAGE)
def unbind(request: StaffRequest, binding_id: int) -> HttpResponse:
    operations.unbind_staff(actor=request.viewer, binding_id=binding_id, now=request.now)
    messages.success(request, _("Nobody is written to through them any more."))
    return HttpResponseRedirect(reverse("console:staff_contacts"))


@require_POST
@staff_page(MANAGE)
def remind(request: StaffRequest, task_id: int) -> HttpResponse:
    try:
        operations.remind_of_task(actor=request.viewer, task_id=task_id, now=request.now)
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, _("WeCom reminds them."))
    return HttpResponseRedirect(reverse("console:staff_tasks"))


@require_safe
@staff_page(MANAGE)
def code(request: StaffRequest, binding_id: int) -> HttpResponse:
    """The picture of the code by which customers add somebody."""
    picture = operations.make_contact_code(actor=request.viewer, binding_id=binding_id, now=request.now)
    return picture_response(picture)

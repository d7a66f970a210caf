"""A complaint, a question, a repair: written down for the customer in front of us."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.service import operations
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import TicketForm
from zhike.ui.counter.once import run_once
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done, Till

OPEN = "tickets.open"


@require_http_methods(["GET", "POST"])
@staff_page(OPEN)
def new(request: Any, member_id: int) -> HttpResponse:
    """At a merchant's till it is about that merchant; at a mall's desk about any of its merchants, or the mall."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    file = presented.member_file(request, member_id)
    form = TicketForm(sent(request), merchants=_merchants(request, till))
    if request.method == "POST" and form.is_valid():
        try:
            body = run_once(
                request, form, f"ticket:{member_id}", lambda: {"number": _open(request, form, till, file)}
            ).body
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _opened(request, form, file, body["number"])
    context = {"form": form, **presented.shown_as(file)}
    return page(request, "ticket", context, status=422 if form.errors else 200)


def _merchants(request: Any, till: Till) -> list[tuple[str, str]]:
    if till.merchant is not None:
        return []
    found = organization.merchants(request.viewer, till.mall.id, OPEN)
    return [(str(ref.id), ref.name) for ref in found if ref.is_open]


def _open(request: Any, form: TicketForm, till: Till, file: Any) -> str:
    data = form.cleaned_data
    merchant_id = till.merchant.id if till.merchant else data.get("merchant")
    return operations.open_ticket(
        actor=request.viewer,
        type=data["type"],
        severity=data["severity"],
        text=data["text"],
        channel="counter",
        mall_id=till.mall.id,
        merchant_id=merchant_id,
        person_id=file.person.id,
        now=request.now,
    )


def _opened(request: Any, form: TicketForm, file: Any, number: str) -> HttpResponse:
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="ticket",
            at=request.now.isoformat(),
            member_id=file.member_id,
            member=presented.shown_as(file)["masked_name"],
            details={"number": number},
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))

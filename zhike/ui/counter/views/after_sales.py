"""Goods that come back to the desk: found by the member's code, taken in, checked, settled, handed back; asked for here, too."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zhike.kernel.errors import NotFound, Problem
from zhike.service import operations, queries
from zhike.ui.components.after_sales import ApplyFields
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter.forms import AfterSaleStepForm, SheetCodeForm
from zhike.ui.counter.once import TokenForm, run_once
from zhike.ui.counter.page import page

HANDLE = "tickets.handle"
DESK_ACTS = (
    "approve",
    "refuse",
    "receive",
    "pass",
    "settle",
    "agree",
    "finish",
    "hand_back",
    "decline",
    "reject",
)
"""What is done over a counter; the plan of a repair is written in the console."""


class ApplyForm(ApplyFields, TokenForm):
    """What the customer in front of us asks for."""


def address_of(request: Any, text: str) -> str | None:
    """The page of the sheet whose code was scanned, if it is one in our scope."""
    number = queries.number_of_code(request.viewer, text)
    return None if number is None else reverse("counter:after_sale", args=[number])


@require_http_methods(["GET", "POST"])
@staff_page(HANDLE)
def find(request: Any) -> HttpResponse:
    """By POST, so that codes stand in no address and no access log."""
    form = SheetCodeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        address = address_of(request, form.cleaned_data["code"])
        if address is not None:
            return HttpResponseRedirect(address)
        form.add_error("code", _("There is no request with this code at this desk."))
    waiting = queries.after_sales_page(request.viewer, queue="ready", limit=10).items
    here = queries.after_sales_page(request.viewer, queue="here", limit=10).items
    context = {"form": form, "waiting": waiting, "here": here}
    return page(request, "after_sales", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@staff_page(HANDLE)
def sheet(request: Any, number: str) -> HttpResponse:
    """What it is, how far it is, and the next step."""
    form = AfterSaleStepForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, form, f"after-sale:{number}", lambda: _step(request, form, number))
        except NotFound:
            raise
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return HttpResponseRedirect(reverse("counter:after_sale", args=[number]))
    shown = queries.after_sale(request.viewer, number)
    context = {
        "sheet": shown,
        "form": form,
        "acts": [act for act in DESK_ACTS if act in shown.acts],
        "needs_plan": "send" in shown.acts,
    }
    return page(request, "after_sale", context, status=422 if form.errors else 200)


def _step(request: Any, form: AfterSaleStepForm, number: str) -> dict[str, Any]:
    operations.take_step(
        actor=request.viewer,
        number=number,
        act=form.cleaned_data["act"],
        note=form.cleaned_data["note"],
        now=request.now,
    )
    return {}


@require_http_methods(["GET", "POST"])
@staff_page(HANDLE)
def apply(request: Any, receipt_id: uuid.UUID) -> HttpResponse:
    """Asked for at the desk: the same judgement as in the member app, without photos."""
    wanted = ApplyFields.chosen(request.POST if request.method == "POST" else request.GET)
    found = queries.eligibility(request.viewer, receipt_id, now=request.now, **wanted)
    if found is None:
        raise NotFound
    form = ApplyForm(sent(request), initial=wanted | ApplyFields.counted(request.GET))
    form.add_lines(found.lines)
    context = {"form": form, "found": found, "rows": form.rows(found.lines)}
    if request.htmx and request.method == "GET":
        return render(request, "components/after_sale_lines.html", context)
    if request.method == "POST" and form.is_valid():
        try:
            body = run_once(
                request,
                form,
                f"after-sale:{receipt_id}",
                lambda: {"number": _apply(request, receipt_id, form)},
            ).body
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return HttpResponseRedirect(reverse("counter:after_sale", args=[body["number"]]))
    return page(request, "after_sale_new", context, status=422 if form.errors else 200)


def _apply(request: Any, receipt_id: uuid.UUID, form: ApplyForm) -> str:
    data = form.cleaned_data
    return operations.apply_after_sale(
        actor=request.viewer,
        receipt_id=receipt_id,
        kind=data["kind"],
        reason=data["reason"],
        condition=data["condition"],
        quantities=form.quantities,
        text=data["text"],
        channel="counter",
        now=request.now,
    )

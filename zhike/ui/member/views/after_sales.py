"""Goods go back: chosen from a receipt, judged at once, followed on the ticket, shown at the desk by a code."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.service import operations, queries
from zhike.ui.components.after_sales import ApplyFields
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.once import TokenForm, run_once


class ApplyForm(ApplyFields, TokenForm):
    """What a member asks for."""


@require_http_methods(["GET", "POST"])
@member_page
def apply(request: Any, receipt_id: uuid.UUID) -> HttpResponse:
    """Each change of the wish judges the lines anew; sent, the answer is the ticket."""
    member: SignedIn = request.member
    wanted = ApplyFields.chosen(request.POST if request.method == "POST" else request.GET)
    found = queries.eligibility(member.viewer, receipt_id, now=member.now, **wanted)
    if found is None or found.receipt.row.person_id != member.person_id:
        raise NotFound
    form = ApplyForm(sent(request), initial=wanted | ApplyFields.counted(request.GET))
    form.add_lines(found.lines)
    context = {"form": form, "found": found, "rows": form.rows(found.lines)}
    if request.htmx and request.method == "GET":
        return render(request, "components/after_sale_lines.html", context)
    if request.method == "POST" and form.is_valid():
        try:
            number = run_once(
                request,
                form,
                f"after-sale:{receipt_id}",
                lambda: {"number": _apply(request, receipt_id, form)},
            )["number"]
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("We have it. You can follow it here."))
            return HttpResponseRedirect(reverse("member:help_ticket", args=[number]))
    return page(request, "after_sale", context, active="receipts", status=422 if form.errors else 200)


def _apply(request: Any, receipt_id: uuid.UUID, form: ApplyForm) -> str:
    member: SignedIn = request.member
    data = form.cleaned_data
    files = [operations.NewFile(file.name or "", file.read()) for file in request.FILES.getlist("files")]
    return operations.apply_after_sale(
        actor=member.viewer,
        receipt_id=receipt_id,
        kind=data["kind"],
        reason=data["reason"],
        condition=data["condition"],
        quantities=form.quantities,
        text=data["text"],
        files=files,
        now=member.now,
    )


@require_POST
@member_page
def withdraw(request: Any, number: str) -> HttpResponse:
    member: SignedIn = request.member
    try:
        operations.withdraw_after_sale(actor=member.viewer, number=number, now=member.now)
    except NotFound:
        raise
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, _("The request is withdrawn."))
    return HttpResponseRedirect(reverse("member:help_ticket", args=[number]))


@require_POST
@member_page
def answer_charge(request: Any, number: str) -> HttpResponse:
    """Yes or no to what a repair costs."""
    member: SignedIn = request.member
    agrees = request.POST.get("agrees") == "yes"
    try:
        operations.answer_charge(actor=member.viewer, number=number, agrees=agrees, now=member.now)
    except NotFound:
        raise
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, _("Thank you, we have noted it."))
    return HttpResponseRedirect(reverse("member:help_ticket", args=[number]))

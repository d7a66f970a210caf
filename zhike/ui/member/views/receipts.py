"""The member's purchases: points or why none, and a receipt handed in later."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel import ratelimit
from zhike.kernel.access import system_viewer
from zhike.kernel.clock import business_date
from zhike.kernel.errors import NotFound, Problem, TooMany
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service import queries as service
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import ClaimForm

ROWS = 20
CLAIMS_PER_MINUTE = 6
"""Enough for whoever types from paper; too few to guess the amounts of receipts that others left lying about."""
_PUBLIC = system_viewer("member-app")
"""Which merchants there are is no secret."""


@require_safe
@member_page
def receipts(request: Any) -> HttpResponse:
    member = request.member
    cursor = request.GET.get("cursor") or None
    found = sales.receipts_of_person(member.person_id, cursor, ROWS)
    reasons = loyalty.explain_awards([row.id for row in found.items])
    context = {"rows": [(row, reasons[row.id]) for row in found.items], "receipts": found}
    if request.htmx:
        return render(request, "member/_receipts.html", context)
    return page(request, "receipts", context, active="receipts")


@require_safe
@member_page
def receipt(request: Any, receipt_id: uuid.UUID) -> HttpResponse:
    """One of the member's own receipts; another's is not there."""
    member: SignedIn = request.member
    found = sales.receipt(member.viewer, receipt_id)
    if found.row.person_id != member.person_id:
        raise NotFound
    group_id = organization.mall(found.row.mall_id).group_id
    context = {
        "receipt": found,
        "explained": loyalty.explain_award(receipt_id),
        "may_go_back": found.row.kind == "sale" and service.after_sales_terms(group_id) is not None,
    }
    return page(request, "receipt", context, active="receipts")


@require_http_methods(["GET", "POST"])
@member_page
def claim(request: Any) -> HttpResponse:
    """A receipt that was paid without showing the card: merchant, number, date and amount must all fit."""
    member: SignedIn = request.member
    today = business_date(member.now, settings.TIME_ZONE)
    form = ClaimForm(
        sent(request),
        merchants=[("", _("Choose the merchant")), *merchants_by_mall()],
        today=today,
        initial={"business_date": today},
    )
    if request.method == "POST" and form.is_valid():
        try:
            not_too_often(member)
            outcome = loyalty_operations.claim_receipt(
                actor=member.viewer,
                member_id=member.id,
                merchant_id=form.cleaned_data["merchant"],
                number=form.cleaned_data["number"].strip(),
                business_date=form.cleaned_data["business_date"],
                net_fen=form.cleaned_data["amount"],
                now=member.now,
            )
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("The receipt is yours now."))
            return HttpResponseRedirect(reverse("member:receipt", args=[outcome.receipt_id]))
    status = 422 if form.errors else 200
    return page(request, "claim", {"form": form}, active="receipts", status=status)


def not_too_often(member: SignedIn) -> None:
    """Raises TooMany."""
    decision = ratelimit.check(f"member-claim:{member.id}", CLAIMS_PER_MINUTE, now=member.now)
    if not decision.allowed:
        raise TooMany(retry_after=decision.retry_after)


def merchants_by_mall() -> list[tuple[str, Any]]:
    """Every open merchant, by mall."""
    groups: list[tuple[str, Any]] = []
    for mall in organization.malls(_PUBLIC):
        merchants = [
            (str(ref.id), ref.name) for ref in organization.merchants(_PUBLIC, mall.id) if ref.is_open
        ]
        groups.append((mall.name, merchants))
    return groups

"""Receipts: found, read, explained, returned."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.access import may_touch
from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.organization import queries as organization
from zhike.rewards import queries as rewards
from zhike.sales import queries as sales
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.dates import date_of
from zhike.ui.console.forms.receipts import ReturnForm
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, wants_fragment
from zhike.ui.console.payers import payer_name
from zhike.ui.console.programmes import first_programme

VIEW = "receipts.view"
REWARDS = "rewards.view"
RETURN = "receipts.return"
RETURN_TILL = "CONSOLE"


@staff_page(VIEW)
def receipts(request: StaffRequest) -> HttpResponse:
    filters = filters_of(request)
    found = sales.receipts_page(
        request.viewer, mall_id=malls_of(request).chosen_id, cursor=request.GET.get("cursor"), **filters
    )
    context: dict[str, Any] = {"page": found, "filters": filters, "member": request.GET.get("member", "")}
    if wants_fragment(request):
        return fragment(request, "console/receipts/_rows.html", context)
    context["merchants"] = organization.merchants(request.viewer, malls_of(request).chosen_id, VIEW)
    return page(request, "console/receipts/list.html", context, section="receipts")


def filters_of(request: StaffRequest) -> dict[str, Any]:
    """The list's filters out of the address; what makes no sense is left out."""
    given = request.GET
    merchant, kind, member = given.get("merchant", ""), given.get("kind", ""), given.get("member", "")
    return {
        "q": given.get("q", "").strip()[:60],
        "merchant_id": int(merchant)
        if merchant.isascii() and merchant.isdecimal() and len(merchant) < 18
        else None,
        "kind": kind if kind in ("sale", "return") else "",
        "date_from": date_of(given.get("from")),
        "date_to": date_of(given.get("to")),
        "has_person": {"yes": True, "no": False}.get(member),
    }


@staff_page(VIEW)
def receipt(request: StaffRequest, receipt_id: UUID) -> HttpResponse:
    found = sales.receipt(request.viewer, receipt_id)
    row = found.row
    member_id = queries.member_id_of_person(row.person_id) if row.person_id else None
    may_return = row.kind == "sale" and any(line.left > 0 for line in found.lines)
    context = {
        "receipt": found,
        "row": row,
        "explained": queries.explain_award(receipt_id),
        "payers": _payers(request, receipt_id),
        "gifts": rewards.gifts_of_receipt(request.viewer, receipt_id) if request.viewer.may(REWARDS) else [],
        "member_id": member_id,
        "mall": organization.mall(row.mall_id),
        "may_return": may_return
        and may_touch(request.viewer, RETURN, mall=row.mall_id, merchant=row.merchant_id),
        "may_see_member": request.viewer.may("members.view"),
    }
    return page(request, "console/receipts/receipt.html", context, section="receipts")


@staff_page(VIEW)
def explanation(request: StaffRequest, receipt_id: UUID) -> HttpResponse:
    """Why a receipt earned what it did, or nothing: a piece for lists."""
    sales.receipt(request.viewer, receipt_id)
    context = {"explained": queries.explain_award(receipt_id), "payers": _payers(request, receipt_id)}
    return fragment(request, "console/receipts/_explained.html", context)


def _payers(request: StaffRequest, receipt_id: UUID) -> list[tuple[str, int]]:
    """Who pays for the points of a receipt, in words; empty when the mall pays for all."""
    found = queries.payers_of_award(receipt_id)
    programme = first_programme(request) if found else None
    group_id = programme.group_id if programme else None
    return [(payer_name(code, group_id), points) for code, points in found.items()]


@staff_page(RETURN)
def return_lines(request: StaffRequest, receipt_id: UUID) -> HttpResponse:
    found = sales.receipt(request.viewer, receipt_id)
    initial = {"number": f"R{secrets.token_hex(5).upper()}", "till": RETURN_TILL}
    form = ReturnForm(request.POST or None, initial=initial, lines=found.lines)
    if request.method == "POST" and form.is_valid():
        try:
            outcome = _return(request, receipt_id, found, form)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _sentence_of(outcome), reverse("console:receipt", args=[outcome.return_id]))
    context = {
        "form": form,
        "title": _("Return lines of %(number)s") % {"number": found.row.number},
        "label": _("Record the return"),
        "form_template": "console/receipts/_return_form.html",
        "action": request.path,
        "wide": True,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _return(
    request: StaffRequest, receipt_id: UUID, found: sales.ReceiptView, form: ReturnForm
) -> operations.ReturnOutcome:
    zone = organization.mall(found.row.mall_id).time_zone
    return operations.return_lines(
        actor=request.viewer,
        receipt_id=receipt_id,
        lines=form.chosen,
        till=form.cleaned_data["till"],
        number=form.cleaned_data["number"],
        business_date=clock.business_date(request.now, zone),
        occurred_at=request.now,
        cashier=request.viewer.label,
        source="console",
        now=request.now,
    )


def _sentence_of(outcome: operations.ReturnOutcome) -> str:
    if outcome.restored_points:
        return _(
            "Returned; %(points)s points were taken back, %(restored)s that had paid were given back."
        ) % {
            "points": outcome.clawed_points,
            "restored": outcome.restored_points,
        }
    if outcome.clawed_points:
        return _("Returned; %(points)s points were taken back.") % {"points": outcome.clawed_points}
    return _("Returned.")

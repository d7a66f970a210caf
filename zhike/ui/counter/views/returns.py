"""Goods come back, line by line, and with them the points they earned."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from zhike.kernel.clock import business_date
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.rewards import queries as rewards
from zhike.sales import queries as sales
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import ReturnForm
from zhike.ui.counter.once import run_once
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done, Till

RETURN = "receipts.return"


@require_http_methods(["GET", "POST"])
@staff_page(RETURN)
def give_back(request: Any, receipt_id: uuid.UUID) -> HttpResponse:
    """First what the return would do to refund and points, then the return, with one token."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    found = sales.receipt(request.viewer, receipt_id)
    left = [(line.line_no, line.left) for line in found.lines]
    form = ReturnForm(sent(request), lines=[row for row in left if row[1] > 0])
    context = {
        "form": form,
        "receipt": found,
        "lines": _lines(form, found, dict(left)),
        "gifts": rewards.gifts_out(receipt_id),
    }
    if request.method == "POST" and form.is_valid():
        try:
            if form.cleaned_data["step"] == "ask":
                preview = loyalty_operations.preview_return(
                    actor=request.viewer, receipt_id=receipt_id, lines=_asked(form), now=request.now
                )
                return page(request, "return_confirm", context | {"preview": preview})
            body = run_once(
                request, form, f"return:{receipt_id}", lambda: _return(request, form, found, till)
            ).body
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _returned(request, form, found, body)
    return page(request, "return", context, status=422 if form.errors else 200)


def _lines(form: ReturnForm, found: Any, left: dict[int, Decimal]) -> list[dict[str, Any]]:
    """Each sold line with what is left of it and its field, if anything is."""
    rows = []
    for line in found.lines:
        name = f"line-{line.line_no}"
        rows.append(
            {"line": line, "left": left[line.line_no], "field": form[name] if name in form.fields else None}
        )
    return rows


def _asked(form: ReturnForm) -> list[Any]:
    return [loyalty_operations.ReturnLine(number, quantity) for number, quantity in form.quantities.items()]


def _return(request: Any, form: ReturnForm, found: Any, till: Till) -> dict[str, Any]:
    outcome = loyalty_operations.return_lines(
        actor=request.viewer,
        receipt_id=found.row.id,
        lines=_asked(form),
        till=till.name,
        number=f"R-{form.key[:13]}",
        business_date=business_date(request.now, till.mall.time_zone),
        occurred_at=request.now,
        cashier=request.viewer.label[:60],
        now=request.now,
    )
    return {
        "return_id": str(outcome.return_id),
        "refund_fen": outcome.refund_fen,
        "paid_back_fen": outcome.paid_back_fen,
        "restored_points": outcome.restored_points,
        "clawed_points": outcome.clawed_points,
        "debt_points": outcome.debt_points,
        "deduct_cash_fen": outcome.deduct_cash_fen,
        "waived_points": outcome.waived_points,
        "balance": outcome.balance,
    }


def _returned(request: Any, form: ReturnForm, found: Any, body: dict[str, Any]) -> HttpResponse:
    member_id = None if found.row.person_id is None else loyalty.member_id_of_person(found.row.person_id)
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="return",
            at=request.now.isoformat(),
            member_id=member_id,
            points=-body["clawed_points"],
            fen=body.get("paid_back_fen", body["refund_fen"]),
            balance=body["balance"] if member_id is not None else None,
            receipt_id=str(found.row.id),
            details=body,
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))

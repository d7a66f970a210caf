"""A receipt that was paid without the card finds its member, once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from zhike.kernel.clock import business_date
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty_operations
from zhike.sales import queries as sales
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import ClaimForm, GiveForm
from zhike.ui.counter.identify import find as identify
from zhike.ui.counter.once import TokenForm, run_once
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done
from zhike.ui.counter.views.receipts import merchant_choices

CLAIM = "receipts.claim"


@require_http_methods(["GET", "POST"])
@staff_page(CLAIM)
def claim(request: Any, member_id: int) -> HttpResponse:
    """From the member: what stands on their receipt."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    file = presented.member_file(request, member_id)
    today = business_date(request.now, till.mall.time_zone)
    form = ClaimForm(
        sent(request), merchants=merchant_choices(request, till), initial={"business_date": today}
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        receipt = {
            "merchant_id": data["merchant"],
            "number": data["number"].strip(),
            "business_date": data["business_date"],
            "net_fen": data["amount"],
        }
        if (answer := _carry_out(request, form, lambda: _claim(request, member_id, receipt))) is not None:
            return answer
    context = {"form": form, **presented.shown_as(file)}
    return page(request, "claim", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@staff_page(CLAIM)
def give(request: Any, receipt_id: uuid.UUID) -> HttpResponse:
    """From the receipt: which member it belongs to."""
    found = sales.receipt(request.viewer, receipt_id)
    form = GiveForm(sent(request))
    if request.method == "POST" and form.is_valid():
        receipt = {
            "merchant_id": found.row.merchant_id,
            "number": found.row.number,
            "business_date": found.row.business_date,
            "net_fen": found.row.net_fen,
            "till": found.row.till,
        }
        answer = _carry_out(request, form, lambda: _claim(request, _sure_member(request, form), receipt))
        if answer is not None:
            return answer
    return page(request, "give", {"form": form, "receipt": found}, status=422 if form.errors else 200)


class NotOneMember(Problem):
    status = 422
    code = "not-one-member"
    title = _("This does not name one member for sure. Use phone, card or code.")


def _sure_member(request: Any, form: GiveForm) -> int:
    found = identify(request.viewer, form.cleaned_data["q"], request.now)
    if found.member_id is None:
        raise NotOneMember
    presented.present(request, found.member_id)
    return found.member_id


def _claim(request: Any, member_id: int, receipt: dict[str, Any]) -> dict[str, Any]:
    outcome = loyalty_operations.claim_receipt(
        actor=request.viewer, member_id=member_id, now=request.now, **receipt
    )
    return {
        "receipt_id": str(outcome.receipt_id),
        "member_id": member_id,
        "points": outcome.points,
        "balance": outcome.balance,
        "fen": receipt["net_fen"],
    }


def _carry_out(request: Any, form: TokenForm, execute: Callable[[], dict[str, Any]]) -> HttpResponse | None:
    """The way to the result, or None when it was refused; the form says why."""
    try:
        body = run_once(request, form, "claim", execute).body
    except Problem as problem:
        form.add_error(None, problem.sentence)
        return None
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="claim",
            at=request.now.isoformat(),
            member_id=body["member_id"],
            points=body["points"],
            fen=body["fen"],
            balance=body["balance"],
            receipt_id=body["receipt_id"],
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))

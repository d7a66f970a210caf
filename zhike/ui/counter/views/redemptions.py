"""Points become money off, after a look at what they are worth; and come back when that was wrong."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel.errors import NotFound, Problem
from zhike.kernel.idempotency import KeyReused
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.ui.components.purchases import bought_in_words
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import REVERSAL_REASONS, RedeemForm, ReverseForm
from zhike.ui.counter.once import AlreadyDone, run_once, scope_of
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done, Till

REDEEM = "points.redeem"
ROWS = 50


@require_http_methods(["GET", "POST"])
@staff_page(REDEEM)
def redeem(request: Any, member_id: int) -> HttpResponse:
    """Two steps with one token: how many and what they are worth, then carry it out."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    file = presented.member_file(request, member_id)
    form = RedeemForm(sent(request))
    worth = loyalty.points_worth(member_id, till.merchant.id if till.merchant else None, request.now)
    context = {
        "form": form,
        "pool_points": loyalty.pool_points(member_id),
        "worth": worth,
        "why": loyalty.rate_sentence(worth.terms) if worth else "",
        **presented.shown_as(file),
    }
    if request.method == "POST" and form.is_valid():
        try:
            if form.cleaned_data["step"] == "ask":
                return page(request, "redeem_confirm", context | _asked(request, form, member_id, till))
            outcome = _redeem(request, form, member_id, till)
        except Problem as problem:
            form.add_error("points", problem.sentence)
        else:
            return _redeemed(request, form, file, outcome)
    return page(request, "redeem", context, status=422 if form.errors else 200)


def _asked(request: Any, form: RedeemForm, member_id: int, till: Till) -> dict[str, Any]:
    """What the points are worth: promised by a quote, or of a household's pool looked at."""
    asked: dict[str, Any] = {
        "actor": request.viewer,
        "member_id": member_id,
        "points": form.cleaned_data["points"],
        "merchant_id": till.merchant.id if till.merchant else None,
        "mall_id": till.mall.id,
        "now": request.now,
    }
    if form.cleaned_data["pool"]:
        return {"quote": loyalty_operations.preview_pool(**asked)}
    quote = loyalty_operations.quote_redemption(**asked)
    seconds = int((quote.valid_until - request.now).total_seconds())
    return {"quote": quote, "why": loyalty.rate_sentence(quote.terms), "seconds": seconds}


def _redeem_from_pool(request: Any, form: RedeemForm, member_id: int, till: Till) -> Any:
    def execute() -> dict[str, Any]:
        done = loyalty_operations.spend_from_pool(
            actor=request.viewer,
            member_id=member_id,
            points=form.cleaned_data["points"],
            merchant_id=till.merchant.id if till.merchant else None,
            mall_id=till.mall.id,
            reference=form.cleaned_data["reference"],
            now=request.now,
        )
        return {
            "redemption_id": str(done.redemption_id),
            "member_id": done.member_id,
            "points": done.points,
            "value_fen": done.value_fen,
            "balance": done.balance,
        }

    body = run_once(request, form, f"pool:{member_id}", execute).body
    return loyalty_operations.RedemptionOutcome(**{**body, "redemption_id": uuid.UUID(body["redemption_id"])})


def _redeem(request: Any, form: RedeemForm, member_id: int, till: Till) -> Any:
    if form.cleaned_data["pool"]:
        return _redeem_from_pool(request, form, member_id, till)
    try:
        return loyalty_operations.redeem_points(
            actor=request.viewer,
            member_id=member_id,
            points=form.cleaned_data["points"],
            merchant_id=till.merchant.id if till.merchant else None,
            mall_id=till.mall.id,
            reference=form.cleaned_data["reference"],
            quote_id=form.cleaned_data["quote_id"],
            once=loyalty_operations.Once(scope_of(request, f"redeem:{member_id}"), form.key, form.digest),
            now=request.now,
        )
    except KeyReused:
        raise AlreadyDone from None


def _redeemed(request: Any, form: RedeemForm, file: Any, outcome: Any) -> HttpResponse:
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="redeem",
            at=request.now.isoformat(),
            member_id=outcome.member_id,
            member=presented.shown_as(file)["masked_name"],
            points=-outcome.points,
            fen=outcome.value_fen,
            balance=outcome.balance,
            redemption_id=str(outcome.redemption_id),
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))


@require_http_methods(["GET", "POST"])
@staff_page(REDEEM)
def reverse_redemption(request: Any, member_id: int, redemption_id: uuid.UUID) -> HttpResponse:
    """Give points back to the very lots they came from."""
    found = next(
        (row for row in _redemptions(request, member_id) if row.redemption_id == redemption_id), None
    )
    if found is None or found.bought:
        raise NotFound
    form = ReverseForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            body = run_once(
                request, form, f"reverse:{redemption_id}", lambda: _reverse(request, form, redemption_id)
            ).body
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _reversed(request, form, body, redemption_id)
    context = {"form": form, "redemption": found, "member_id": member_id}
    return page(request, "reverse", context, status=422 if form.errors else 200)


@require_safe
@staff_page(REDEEM)
def redemptions(request: Any, member_id: int) -> HttpResponse:
    """What this member spent lately, to take one back."""
    shown = presented.shown_as(presented.member_file(request, member_id))
    found = _redemptions(request, member_id)
    bought = bought_in_words(found)
    rows = [(one, bought.get(one.redemption_id, "")) for one in found]
    return page(request, "redemptions", shown | {"rows": rows})


def _redemptions(request: Any, member_id: int) -> list[loyalty.RedemptionView]:
    shown = presented.is_presented(request, member_id)
    return loyalty.redemptions(request.viewer, member_id, ROWS, presented=shown)


def _reverse(request: Any, form: ReverseForm, redemption_id: uuid.UUID) -> dict[str, Any]:
    outcome = loyalty_operations.reverse_redemption(
        actor=request.viewer,
        redemption_id=redemption_id,
        points=form.cleaned_data["points"],
        reason=str(dict(REVERSAL_REASONS)[form.cleaned_data["reason"]]),
        now=request.now,
    )
    return {
        "member_id": outcome.member_id,
        "points": outcome.points,
        "value_fen": outcome.value_fen,
        "balance": outcome.balance,
    }


def _reversed(
    request: Any, form: ReverseForm, body: dict[str, Any], redemption_id: uuid.UUID
) -> HttpResponse:
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="reverse",
            at=request.now.isoformat(),
            member_id=body["member_id"],
            points=body["points"],
            fen=body["value_fen"],
            balance=body["balance"],
            redemption_id=str(redemption_id),
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))

"""A coupon on the desk: is it good here, what does it take off, and then it is used."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel.errors import NotFound, Problem
from zhike.kernel.idempotency import KeyReused
from zhike.loyalty.operations import Once
from zhike.offers import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import CouponCodeForm, CouponUseForm
from zhike.ui.counter.once import AlreadyDone, scope_of
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done, Till

USE = "coupons.use"
PRESENTED = "counter_coupons"
PRESENTED_MAX = 40


def present(request: Any, coupon_id: int) -> None:
    """Note that this coupon was shown here: its page opens for whoever had its code before them."""
    known = [one for one in request.session.get(PRESENTED, []) if one != coupon_id]
    request.session[PRESENTED] = [*known, coupon_id][-PRESENTED_MAX:]


@require_http_methods(["GET", "POST"])
@staff_page(USE)
def find(request: Any) -> HttpResponse:
    """By POST, so that codes stand in no address and no access log."""
    form = CouponCodeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        found = queries.coupon_by_code(request.viewer, form.cleaned_data["code"], request.now)
        if found is not None:
            present(request, found.id)
            return HttpResponseRedirect(reverse("counter:coupon", args=[found.id]))
        form.add_error("code", _("There is no coupon with this code."))
    return page(request, "coupons", {"form": form}, status=422 if form.errors else 200)


@require_safe
@staff_page(USE)
def of_member(request: Any, member_id: int) -> HttpResponse:
    """The coupons of the member in front of us, usable ones first."""
    shown = presented.shown_as(presented.member_file(request, member_id))
    is_shown = presented.is_presented(request, member_id)
    rows = queries.member_coupons(request.viewer, member_id, request.now, presented=is_shown)
    for row in rows:
        present(request, row.id)
    usable = [row for row in rows if row.state == "usable"]
    others = [row for row in rows if row.state != "usable"][:20]
    return page(request, "member_coupons", shown | {"usable": usable, "others": others})


@require_http_methods(["GET", "POST"])
@staff_page(USE)
def use(request: Any, coupon_id: int) -> HttpResponse:
    """Two steps with one token: what it takes off, then carry it out."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    if coupon_id not in request.session.get(PRESENTED, []):
        raise NotFound
    coupon = queries.coupon_of(coupon_id, request.now)
    form = CouponUseForm(
        sent(request),
        merchants=merchants_of(request, till),
        needs_amount=coupon.kind in ("cash", "threshold", "percent"),
    )
    context: dict[str, Any] = {"form": form, "coupon": coupon}
    if request.method == "POST" and form.is_valid():
        basket = _basket(form)
        try:
            if form.cleaned_data["step"] == "ask":
                quote = queries.quote_coupons(request.viewer, basket, [coupon.code], request.now)
                to_pay_fen = quote.basket_fen - quote.discount_fen
                context |= {"quote": quote, "quoted": quote.coupons[0], "to_pay_fen": to_pay_fen}
                return page(request, "coupon", context)
            outcome = _use(request, form, coupon, basket)
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _done(request, form, coupon, outcome)
    return page(request, "coupon", context, status=422 if form.errors else 200)


def merchants_of(request: Any, till: Till) -> list[tuple[str, str]]:
    """The till's own shop; a service desk says for which one."""
    if till.merchant is not None:
        return [(str(till.merchant.id), till.merchant.name)]
    found = organization.merchants(request.viewer, till.mall.id, USE)
    return [(str(ref.id), ref.name) for ref in found if ref.is_open]


def _basket(form: CouponUseForm) -> queries.BasketAsked:
    amount = form.cleaned_data["amount"] or 0
    return queries.BasketAsked(form.cleaned_data["merchant"], (operations.BasketLine(1, amount),))


def _use(
    request: Any, form: CouponUseForm, coupon: queries.CouponView, basket: queries.BasketAsked
) -> operations.LockOutcome:
    try:
        return operations.use_coupons(
            actor=request.viewer,
            basket=basket,
            codes=[coupon.code],
            receipt=operations.ReceiptKey(number=form.cleaned_data["number"].strip()),
            once=Once(scope_of(request, f"coupon:{coupon.id}"), form.key, form.digest),
            now=request.now,
        )
    except KeyReused:
        raise AlreadyDone from None


def _done(
    request: Any, form: CouponUseForm, coupon: queries.CouponView, outcome: operations.LockOutcome
) -> HttpResponse:
    details = {
        "name": coupon.name,
        "value": coupon.value_text,
        "to_pay_fen": outcome.basket_fen - outcome.discount_fen,
        "basket_fen": outcome.basket_fen,
    }
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="coupon",
            at=request.now.isoformat(),
            member_id=coupon.member_id if coupon.member_id and _is_here(request, coupon) else None,
            fen=outcome.discount_fen,
            details=details,
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))


def _is_here(request: Any, coupon: queries.CouponView) -> bool:
    return presented.is_presented(request, coupon.member_id or 0)

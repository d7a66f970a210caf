"""One field finds the member; the card of the one in front of us; what was just done."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from zhike.engagement import queries as engagement
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.offers import queries as offers
from zhike.service import queries as service
from zhike.ui.components.links import receipt_link
from zhike.ui.components.sealed import seal
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.components.welcome import gift_words
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import FindForm
from zhike.ui.counter.identify import Found
from zhike.ui.counter.identify import find as identify
from zhike.ui.counter.page import page
from zhike.ui.counter.views import after_sales, coupons, gifts, orders

LOOKUP = "members.lookup"


@require_safe
@staff_page(LOOKUP)
def home(request: Any) -> HttpResponse:
    if tills.till_of(request) is None:
        return HttpResponseRedirect(reverse("counter:till"))
    context = {
        "form": FindForm(),
        "recent": tills.recent(request),
        "may_use_coupons": request.viewer.may(coupons.USE),
        "may_serve_orders": request.viewer.may(orders.SERVE),
        "may_follow_up": request.viewer.may("follow_ups.view"),
        "may_take_goods": request.viewer.may(after_sales.HANDLE),
    }
    return page(request, "home", context)


@require_http_methods(["GET", "POST"])
@staff_page(LOOKUP)
def find(request: Any) -> HttpResponse:
    """By POST, so that phone numbers and codes stand in no address and no access log."""
    form = FindForm(sent(request))
    found = Found()
    if request.method == "GET":
        return HttpResponseRedirect(reverse("counter:home"))
    if form.is_valid() and request.viewer.may(coupons.USE) and offers.looks_like_code(form.cleaned_data["q"]):
        coupon = offers.coupon_by_code(request.viewer, form.cleaned_data["q"], request.now)
        if coupon is not None:
            coupons.present(request, coupon.id)
            return HttpResponseRedirect(reverse("counter:coupon", args=[coupon.id]))
    if form.is_valid() and request.viewer.may(orders.SERVE):
        order = orders.shown(request, form.cleaned_data["q"])
        if order is not None:
            return HttpResponseRedirect(reverse("counter:order", args=[order.id]))
        gift = gifts.shown(request, form.cleaned_data["q"])
        if gift is not None:
            return HttpResponseRedirect(reverse("counter:gift", args=[gift.id]))
    if form.is_valid() and request.viewer.may(after_sales.HANDLE):
        text = form.cleaned_data["q"]
        address = after_sales.address_of(request, text) if service.looks_like_after_sale(text) else None
        if address is not None:
            return HttpResponseRedirect(address)
    if form.is_valid():
        try:
            found = identify(request.viewer, form.cleaned_data["q"], request.now)
        except Problem as problem:
            form.add_error("q", problem.sentence)
        else:
            for hit in found.hits:
                if hit.member_id is not None:
                    presented.present(request, hit.member_id)
            if found.member_id is not None:
                presented.present(request, found.member_id)
                return HttpResponseRedirect(reverse("counter:member", args=[found.member_id]))
            request.session["counter_phone"] = seal(found.phone)
    context = {
        "form": form,
        "found": found,
        "asked": form.is_valid(),
        "recent": tills.recent(request),
        "may_use_coupons": request.viewer.may(coupons.USE),
        "may_serve_orders": request.viewer.may(orders.SERVE),
        "may_follow_up": request.viewer.may("follow_ups.view"),
        "may_take_goods": request.viewer.may(after_sales.HANDLE),
    }
    return page(request, "home", context, status=422 if form.errors else 200)


@require_safe
@staff_page(LOOKUP)
def member(request: Any, member_id: int) -> HttpResponse:
    """Who stands here: name, tier, balance, what ends soon, and what to look out for."""
    viewer = request.viewer
    may = {
        "may_record": viewer.may(tills.RECORD),
        "may_redeem": viewer.may("points.redeem"),
        "may_claim": viewer.may("receipts.claim"),
        "may_use_coupons": viewer.may(coupons.USE),
        "may_serve_orders": viewer.may(orders.SERVE),
        "may_open_ticket": viewer.may("tickets.open"),
        "may_tag": viewer.may("tags.give"),
    }
    file = presented.member_file(request, member_id)
    return page(request, "member", presented.shown_as(file) | may | {"welcome": _welcome(file, request.now)})


def _welcome(file: loyalty.MemberFile, now: dt.datetime) -> dict[str, Any] | None:
    """What a new member still has to come, so that whoever serves them can say so."""
    own = engagement.own_welcome(file.member_id, now)
    if own is None or own.status not in ("promised", "waiting", "taken_back"):
        return None
    return {"own": own, "words": gift_words(own.terms, own.coupon_name)}


@require_safe
@staff_page(LOOKUP)
def done(request: Any, token: uuid.UUID) -> HttpResponse:
    """What one action led to. It is kept in the list, so that reloading or coming back shows it again."""
    result = tills.recall(request, str(token))
    if result is None:
        return HttpResponseRedirect(reverse("counter:home"))
    explained = None
    if result.receipt_id and result.kind in ("receipt", "claim"):
        explained = loyalty.explain_award(uuid.UUID(result.receipt_id))
    context: dict[str, Any] = {"result": result, "explained": explained}
    if result.kind == "receipt" and result.receipt_id and result.member_id is None:
        context["claim_link"] = receipt_link(uuid.UUID(result.receipt_id))
    return page(request, "done", context)

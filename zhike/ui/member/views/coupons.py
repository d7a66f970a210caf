"""The member's coupons, the one to be shown at a till, and what can be claimed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel.errors import Problem
from zhike.loyalty.operations import Once
from zhike.offers import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import CouponClaimForm


@require_safe
@member_page
def coupons(request: Any) -> HttpResponse:
    """What can be used now or soon; behind the second tab what ended."""
    member: SignedIn = request.member
    ended = "ended" in request.GET
    found = queries.member_coupons(member.viewer, member.id, member.now)
    live = ("usable", "not-yet", "locked", "frozen")
    rows = [one for one in found if (one.state not in live) == ended]
    if not ended:
        rows.sort(key=lambda one: one.valid_until)
    address = reverse("member:coupons")
    tabs = [
        {"label": _("To use"), "url": address, "active": not ended},
        {"label": _("Ended"), "url": f"{address}?ended", "active": ended},
    ]
    return page(request, "coupons", {"rows": rows, "tabs": tabs, "ended": ended}, active="coupons")


@require_safe
@member_page
def coupon(request: Any, coupon_id: int) -> HttpResponse:
    """The code for the till. Another's coupon is not there."""
    member: SignedIn = request.member
    found = queries.member_coupon(member.viewer, member.id, coupon_id, member.now)
    return page(request, "coupon", {"coupon": found}, active="coupons")


@require_http_methods(["GET", "POST"])
@member_page
def offers(request: Any) -> HttpResponse:
    """The claim centre: what there is, how many are left, and why one cannot be had."""
    member: SignedIn = request.member
    form = CouponClaimForm(sent(request))
    if request.method == "POST" and form.is_valid():
        key = str(form.cleaned_data["token"])
        digest = str(form.cleaned_data["batch"]).encode()
        try:
            issued = operations.claim_coupon(
                actor=member.viewer,
                batch_id=form.cleaned_data["batch"],
                member_id=member.id,
                once=Once(f"member:{member.id}:claim", key, digest),
                now=member.now,
            )
        except Problem as problem:
            messages.error(request, problem.sentence)
            return HttpResponseRedirect(reverse("member:offers"))
        messages.success(request, _("The coupon is yours."))
        return HttpResponseRedirect(reverse("member:coupon", args=[issued.coupon_id]))
    rows = [
        (one, CouponClaimForm(initial={"batch": one.batch.id}), one.left * 100 // one.batch.stock)
        for one in queries.claimable(member.viewer, member.id, member.now)
    ]
    return page(request, "offers", {"rows": rows}, active="coupons")

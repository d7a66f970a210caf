"""The points mall on a phone: look, choose, exchange; and the orders with their codes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.rewards import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import ExchangeForm
from zhike.ui.member.once import run_once

FEW = 10
"""So few left are worth saying."""
ORDERS = 20
YEAR_S = 365 * 24 * 3600


@require_safe
@member_page
def front(request: Any) -> HttpResponse:
    """What there is, by shelf, what one can have first."""
    member: SignedIn = request.member
    asked = {"category": request.GET.get("category", "")[:40], "q": request.GET.get("q", "").strip()[:40]}
    sort = request.GET.get("sort", "fit")
    shop = queries.shop(
        member.viewer,
        member.id,
        member.now,
        sort=sort if sort in queries.SORTS else "fit",
        affordable="mine" in request.GET,
        **asked,
    )
    waiting = queries.member_orders(member.viewer, member.id, member.now, open_only=True, limit=100)
    context = {
        "shop": shop,
        "file": member.file,
        "asked": asked,
        "sort": sort,
        "mine": "mine" in request.GET,
        "draws": [
            one for one in queries.member_draws(member.viewer, member.id, member.now) if one.state == "open"
        ],
        "auctions": [
            one
            for one in queries.member_auctions(member.viewer, member.id, member.now)
            if one.state in ("open", "early")
        ],
        "waiting": len(waiting.items),
        "few": FEW,
    }
    return page(request, "shop", context, active="points")


@require_safe
@member_page
def reward(request: Any, reward_id: int) -> HttpResponse:
    """One reward: what it is, what it costs oneself, where and until when it is collected."""
    member: SignedIn = request.member
    item = queries.shop_item(member.viewer, member.id, reward_id, member.now)
    context = {"item": item, "reward": item.reward, "file": member.file, "few": FEW}
    if item.reward.kind == "donation":
        context["donated"] = queries.donation_state(reward_id)
    return render(request, "member/reward.html", context)


@require_http_methods(["GET", "POST"])
@member_page
def exchange(request: Any, reward_id: int) -> HttpResponse:
    """How many, what is left then, and the one button that spends points."""
    member: SignedIn = request.member
    item = queries.shop_item(member.viewer, member.id, reward_id, member.now)
    form = ExchangeForm(sent(request), initial={"expected": item.points})
    if request.method == "POST" and form.is_valid():
        try:
            order_id = run_once(request, form, "exchange", lambda: _exchange(member, reward_id, form))[
                "order_id"
            ]
        except Problem as problem:
            messages.error(request, problem.sentence)
            return HttpResponseRedirect(reverse("member:reward", args=[reward_id]))
        return HttpResponseRedirect(reverse("member:order", args=[order_id]))
    if item.refusal and not form.is_bound:
        return HttpResponseRedirect(reverse("member:reward", args=[reward_id]))
    context = {"item": item, "reward": item.reward, "file": member.file, "form": form}
    context["mall_name"] = item.mall_name or _own_mall(member)
    return render(request, "member/exchange.html", context, status=422 if form.errors else 200)


def _own_mall(member: SignedIn) -> str:
    mall_id = member.file.mall_id or organization.first_mall_id()
    return organization.mall(mall_id).name if mall_id else ""


def _exchange(member: SignedIn, reward_id: int, form: ExchangeForm) -> dict[str, int]:
    made = operations.exchange_reward(
        actor=member.viewer,
        member_id=member.id,
        reward_id=reward_id,
        quantity=form.cleaned_data["quantity"],
        expected_points=form.cleaned_data["expected"] * form.cleaned_data["quantity"],
        now=member.now,
    )
    return {"order_id": made.order_id}


@require_safe
@member_page
def orders(request: Any) -> HttpResponse:
    """What waits to be collected; behind the second tab everything that ended."""
    member: SignedIn = request.member
    ended = "ended" in request.GET
    found = queries.member_orders(
        member.viewer,
        member.id,
        member.now,
        open_only=not ended,
        cursor=request.GET.get("cursor") or None,
        limit=ORDERS,
    )
    address = reverse("member:orders")
    tabs = [
        {"label": _("To collect"), "url": address, "active": not ended},
        {"label": _("Had and ended"), "url": f"{address}?ended", "active": ended},
    ]
    context = {"orders": found, "tabs": tabs, "ended": ended}
    return page(request, "orders", context, active="points")


@require_safe
@member_page
def order(request: Any, order_id: int) -> HttpResponse:
    """One order with the code for the desk. Another's is not there."""
    member: SignedIn = request.member
    found = queries.member_order(member.viewer, member.id, order_id, member.now)
    context: dict[str, Any] = {"order": found, "file": member.file}
    if found.kind == "code" and found.state == "collected":
        context["partner_code"] = queries.code_of_order(member.viewer, member.id, order_id, member.now)
    if found.kind in ("goods", "service", "seat") and found.state not in ("cancelled", "expired"):
        context["steps"] = [_("Order it"), _("Get it ready"), _("Pick it up")]
        context["step"] = {"reserved": 2, "ready": 3}.get(found.state, 4)
    return page(request, "order", context, active="points")


@require_POST
@member_page
def cancel(request: Any, order_id: int) -> HttpResponse:
    member: SignedIn = request.member
    try:
        done = operations.cancel_order(actor=member.viewer, order_id=order_id, now=member.now)
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        if not done.replayed:
            messages.success(request, _("Cancelled. Your points are back."))
    return HttpResponseRedirect(reverse("member:order", args=[order_id]))


@require_safe
def picture(request: Any, digest: str) -> HttpResponse:
    """The name is the picture's own hash, so it never changes."""
    media_type, content = queries.picture(digest)
    response = HttpResponse(content, content_type=media_type)
    patch_cache_control(response, public=True, max_age=YEAR_S, immutable=True)
    return response

"""Recommended to the member: a block of the card, a page, and one item with where to find it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zhike.insight import operations, queries
from zhike.kernel.errors import NotFound
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.ui.components import recommend as words
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

HOME, PAGE = "member_home", "member_page"
FEW = 3
SHOWN = 50


def _rows(items: Sequence[queries.Recommended]) -> list[dict[str, Any]]:
    return [{"one": one, "why": words.reason(one), "icon": words.ICONS[one.kind]} for one in items]


@require_safe
@member_page
def block(request: Any) -> HttpResponse:
    """Part of the card, fetched after it: what it is about does not wait for this."""
    member: SignedIn = request.member
    found = queries.recommendations(
        member.viewer, member.id, member.now, kinds=("product", "merchant"), limit=FEW
    )
    context = {
        "rows": _rows([*found.products, *found.merchants]),
        "basis": words.basis(found),
        "place": HOME,
    }
    return render(request, "member/_recommended.html", context)


@require_safe
@member_page
def recommended(request: Any) -> HttpResponse:
    """Articles, merchants and coupons, each with its reason; what is not wanted can be sent away."""
    member: SignedIn = request.member
    found = queries.recommendations(member.viewer, member.id, member.now)
    parts = (("product", found.products), ("merchant", found.merchants), ("coupon", found.coupons))
    context = {
        "parts": [(kind, words.KINDS[kind], _rows(items)) for kind, items in parts if items],
        "basis": words.basis(found),
        "is_refused": found.basis == "refused",
        "place": PAGE,
    }
    return page(request, "recommended", context, active="home")


@require_POST
@member_page
def seen(request: Any) -> HttpResponse:
    """The page tells what was in it: that a list was shown is counted, once a showing."""
    member: SignedIn = request.member
    ids = [int(one) for one in request.POST.getlist("item") if one.isascii() and one.isdecimal()][:SHOWN]
    operations.record_shown(
        actor=member.viewer,
        member_id=member.id,
        place=request.POST.get("place", ""),
        kind=request.POST.get("kind", ""),
        items=[one for one in ids if one < 2**63],
        now=member.now,
    )
    return HttpResponse(status=204)


@require_safe
@member_page
def one(request: Any, kind: str, item: int) -> HttpResponse:
    """One item, and where it is to be had; opening it is counted."""
    member: SignedIn = request.member
    shown = _shown(kind, item)
    place = PAGE if request.GET.get("from") != HOME else HOME
    operations.record_choice(
        actor=member.viewer,
        member_id=member.id,
        place=place,
        kind=kind,
        item=item,
        source=request.GET.get("why", ""),
        now=member.now,
    )
    if kind == "coupon":
        return HttpResponseRedirect(reverse("member:offers"))
    return page(request, "recommended_one", shown | {"kind": kind, "item": item}, active="home")


def _shown(kind: str, item: int) -> dict[str, Any]:
    if kind == "coupon":
        return {}
    face = sales.product_faces([item]).get(item) if kind == "product" else None
    merchant = organization.merchant_ref(face.merchant_id if face else item)
    if merchant is None or (kind == "product" and face is None) or kind not in ("product", "merchant"):
        raise NotFound
    floors = {floor.id: floor.name for floor in organization.floors(merchant.mall_id)}
    return {
        "face": face,
        "merchant": merchant,
        "icon": words.ICONS[kind],
        "mall": organization.mall(merchant.mall_id),
        "floor": floors.get(merchant.floor_id or 0, ""),
    }


@require_POST
@member_page
def refuse(request: Any, kind: str, item: int) -> HttpResponse:
    """Not this one, please."""
    member: SignedIn = request.member
    operations.refuse_recommendation(
        actor=member.viewer, member_id=member.id, kind=kind, item=item, now=member.now
    )
    messages.success(request, _("You will not see it here any more."))
    return HttpResponseRedirect(reverse("member:recommended"))

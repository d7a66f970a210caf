"""Auctions: written, published for good, followed, called off, and their record."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.rewards import operations, queries
from zhike.ui.components.files import json_file
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import auctions as forms
from zhike.ui.console.pages import add_problem, done, page, permissions, refused
from zhike.ui.console.views.rewards import EDIT, SECTION, VIEW, dialog, tabs, zone_of

KINDS = ("goods", "service", "seat")


@staff_page(VIEW)
def auctions(request: StaffRequest) -> HttpResponse:
    context = {
        "auctions": queries.auctions(request.viewer, request.now),
        "tabs": tabs("auctions"),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/auctions/list.html", context, section=SECTION)


@staff_page(VIEW)
def auction(request: StaffRequest, auction_id: int) -> HttpResponse:
    """Its terms, who bid, who won, and its proof."""
    found = queries.auction(request.viewer, auction_id, request.now)
    result = queries.result(auction_id)
    context = {
        "auction": found,
        "bids": queries.bids(request.viewer, auction_id, request.now),
        "points": sum(one.points for one in result if one.has_won),
        "won": sum(one.has_won for one in result),
        "may": permissions(request, edit=EDIT),
        "may_see_member": request.viewer.may("members.view"),
        "may_cancel": found.state in ("draft", "early", "open", "over"),
    }
    return page(request, "console/auctions/auction.html", context, section=SECTION)


@staff_page(EDIT)
def edit_auction(request: StaffRequest, auction_id: int | None = None) -> HttpResponse:
    """A new draft, or the draft written anew."""
    known = queries.auction(request.viewer, auction_id, request.now) if auction_id is not None else None
    if known is not None and known.state != "draft":
        raise NotFound
    rewards = [
        (one.id, one.name)
        for one in queries.rewards(request.viewer, request.now)
        if one.kind in KINDS and one.state != "closed"
    ]
    zone = zone_of(request, known.mall_id if known else None)
    form = forms.AuctionForm(sent(request), rewards=rewards, zone=zone, known=known)
    if request.method == "POST" and form.is_valid():
        try:
            saved = operations.save_auction(actor=request.viewer, auction=form.auction, now=request.now)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The draft is saved."), reverse("console:auction", args=[saved]))
    status = 422 if form.is_bound else 200
    context = {"form": form, "auction": known}
    return page(request, "console/auctions/form.html", context, section=SECTION, status=status)


@require_POST
@staff_page(EDIT)
def publish(request: StaffRequest, auction_id: int) -> HttpResponse:
    where = reverse("console:auction", args=[auction_id])
    queries.auction(request.viewer, auction_id, request.now)
    try:
        operations.publish_auction(actor=request.viewer, auction_id=auction_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, where)
    return done(request, _("The auction is published. Its terms can no longer be changed."), where)


@staff_page(EDIT)
def cancel(request: StaffRequest, auction_id: int) -> HttpResponse:
    """Nobody wins, and everybody's points go back; members read the reason."""
    where = reverse("console:auction", args=[auction_id])
    queries.auction(request.viewer, auction_id, request.now)
    form = forms.CancelForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            operations.cancel_auction(
                actor=request.viewer,
                auction_id=auction_id,
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            return refused(request, problem, where)
        return done(request, _("The auction is called off, all points went back."), where)
    lead = _("Nobody wins, and the points of all bids go back at once. Members read the reason.")
    return dialog(request, form, _("Call the auction off"), _("Call it off"), lead)


@staff_page(VIEW)
def record(request: StaffRequest, auction_id: int) -> HttpResponse:
    """The file with which anybody checks the result."""
    queries.auction(request.viewer, auction_id, request.now)
    return json_file(queries.auction_record(auction_id), f"auction-{auction_id}")

"""Gifts for what was spent: campaigns written, published, followed and ended; the stock; and each gift with its receipts."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.access import may_touch
from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.rewards import operations, queries
from zhike.sales import queries as sales
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import labels, reward_labels
from zhike.ui.console.forms import gifts as forms
from zhike.ui.console.forms.rewards import OrderReasonForm
from zhike.ui.console.pages import (
    add_problem,
    carry_out,
    done,
    fragment,
    malls_of,
    page,
    permissions,
    refused,
    wants_fragment,
)
from zhike.ui.console.views.rewards import EDIT, VIEW, places_of

SECTION = "gifts"


def _tabs(current: str) -> list[dict[str, Any]]:
    names = {"gift_campaigns": _("Campaigns"), "gift_items": _("Gifts and stock")}
    return [
        {"label": label, "url": reverse(f"console:{name}"), "active": name == current}
        for name, label in names.items()
    ]


@staff_page(VIEW)
def campaigns(request: StaffRequest) -> HttpResponse:
    """All campaigns with what became of them."""
    chosen = malls_of(request).chosen_id
    found = [
        one for one in queries.gift_campaigns(request.viewer, request.now) if chosen in (None, one.mall_id)
    ]
    figures = queries.gift_figures(request.viewer, [one.id for one in found])
    running = [figures[one.id] for one in found if one.state in ("open", "fetching")]
    context = {
        "rows": [(one, figures[one.id]) for one in found],
        "running": len(running),
        "waiting": sum(one.reserved for one in figures.values()),
        "owed": sum(one.owed for one in figures.values()),
        "cost_fen": sum(one.cost_fen for one in figures.values()),
        "tabs": _tabs("gift_campaigns"),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/gifts/list.html", context, section=SECTION)


@staff_page(VIEW)
def campaign(request: StaffRequest, campaign_id: int) -> HttpResponse:
    """Its rules, what is left of its gifts, what was given at whose cost, and every right."""
    found = queries.gift_campaign(request.viewer, campaign_id, request.now)
    state = request.GET.get("state", "")
    figures = queries.gift_figures(request.viewer, [campaign_id])[campaign_id]
    context = {
        "campaign": found,
        "figures": figures,
        "shares": [
            (labels.FUNDERS.get(party, party), fen) for party, fen in sorted(figures.shares.items()) if fen
        ],
        "state": state,
        "states": reward_labels.GIFT_STATES.items(),
        "page": queries.gift_rights_page(
            request.viewer, campaign_id, state=state, cursor=request.GET.get("cursor") or None
        ),
        "may_see_member": request.viewer.may("members.view"),
        "may": permissions(request, edit=EDIT),
    }
    if wants_fragment(request):
        return fragment(request, "console/gifts/_rights.html", context)
    context |= {
        "tenders": [labels.TENDERS.get(kind, kind) for kind in found.terms.tenders_out],
        "merchants": _names(request, found.terms.merchants),
        "merchants_out": _names(request, found.terms.merchants_out),
        "trades": _places(organization.trade_categories, request, found.terms.trade_categories),
        "categories_out": _places(sales.product_categories, request, found.terms.categories_out),
    }
    return page(request, "console/gifts/campaign.html", context, section=SECTION)


def _names(request: StaffRequest, merchant_ids: Any) -> list[str]:
    refs = [organization.merchant_ref(one) for one in merchant_ids]
    return [ref.name for ref in refs if ref is not None]


def _places(read: Any, request: StaffRequest, ids: Any) -> list[str]:
    return [one.name for one in read(_group_id(request)) if one.id in ids] if ids else []


def _group_id(request: StaffRequest) -> int:
    malls = malls_of(request).all
    return malls[0].group_id if malls else organization.default_group().id


def _own_places(request: StaffRequest) -> list[tuple[str, str]]:
    """A gift is always handed out in one mall."""
    return [one for one in places_of(request) if one[0] != "0"]


@staff_page(EDIT)
def edit_campaign(request: StaffRequest, campaign_id: int | None = None) -> HttpResponse:
    """A new draft, or the draft written anew."""
    known = (
        queries.gift_campaign(request.viewer, campaign_id, request.now) if campaign_id is not None else None
    )
    if known is not None and known.state != "draft":
        raise NotFound
    group_id = _group_id(request)
    merchants = [(ref.id, ref.name) for ref in organization.merchants(request.viewer, permission=EDIT)]
    options: dict[str, forms.Choices] = {
        "merchants": merchants,
        "merchants_out": merchants,
        "trade_categories": [(one.id, one.name) for one in organization.trade_categories(group_id)],
        "categories_out": [(one.id, one.name) for one in sales.product_categories(group_id)],
    }
    items = queries.gift_items(request.viewer, request.now, known.mall_id if known else None)
    form = forms.GiftCampaignForm(sent(request), places=_own_places(request), options=options, known=known)
    rows = forms.GiftStepRows(
        sent(request),
        form_kwargs={"items": [(one.id, one.name) for one in items]},
        prefix="steps",
        initial=forms.rows_of(known) if known else None,
    )
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        try:
            saved = operations.save_gift_campaign(
                actor=request.viewer,
                mall_id=known.mall_id if known else int(form.cleaned_data["mall"]),
                campaign=form.campaign([row.cleaned_data for row in rows]),
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The draft is saved."), reverse("console:gift_campaign", args=[saved]))
    context = {"form": form, "rows": rows, "campaign": known, "has_items": bool(items)}
    return page(
        request, "console/gifts/form.html", context, section=SECTION, status=422 if form.is_bound else 200
    )


@require_POST
@staff_page(EDIT)
def publish(request: StaffRequest, campaign_id: int) -> HttpResponse:
    where = reverse("console:gift_campaign", args=[campaign_id])
    queries.gift_campaign(request.viewer, campaign_id, request.now)
    try:
        operations.publish_gift_campaign(actor=request.viewer, campaign_id=campaign_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, where)
    return done(request, _("The campaign is published. Its rules cannot be changed any more."), where)


@staff_page(EDIT)
def end(request: StaffRequest, campaign_id: int) -> HttpResponse:
    """Nobody gets a new right; what is reserved can still be fetched."""
    found = queries.gift_campaign(request.viewer, campaign_id, request.now)
    form = OrderReasonForm(sent(request))
    return carry_out(
        request,
        form,
        lambda: operations.end_gift_campaign(
            actor=request.viewer, campaign_id=found.id, reason=form.cleaned_data["reason"], now=request.now
        ),
        success=_("The campaign is ended."),
        url=reverse("console:gift_campaign", args=[campaign_id]),
        title=_("End the campaign"),
        label=_("End it"),
        lead=_("Nobody gets a new right to a gift. What is reserved can still be fetched."),
    )


@staff_page(VIEW)
def items(request: StaffRequest) -> HttpResponse:
    """The gifts at the desk: what there is, what is promised, what one costs and who pays."""
    found = queries.gift_items(request.viewer, request.now, malls_of(request).chosen_id)
    context = {"items": found, "tabs": _tabs("gift_items"), "may": permissions(request, edit=EDIT)}
    return page(request, "console/gifts/items.html", context, section=SECTION)


@staff_page(EDIT)
def edit_item(request: StaffRequest, item_id: int | None = None) -> HttpResponse:
    """A new gift, or one changed; rights that were given stay as they are."""
    known = queries.gift_item(request.viewer, item_id, request.now) if item_id is not None else None
    form = forms.GiftItemForm(sent(request), places=_own_places(request), known=known)
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_gift_item(
                actor=request.viewer,
                mall_id=known.mall_id if known else int(form.cleaned_data["mall"]),
                item=form.item,
                stock=form.cleaned_data["stock"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The gift is saved."), reverse("console:gift_items"))
    context = {"form": form, "item": known}
    return page(
        request, "console/gifts/item_form.html", context, section=SECTION, status=422 if form.errors else 200
    )


@staff_page(VIEW)
def right(request: StaffRequest, right_id: int) -> HttpResponse:
    """One gift of a member: its receipts to the fen, and what happened to it."""
    found = queries.gift_right(request.viewer, right_id)
    context = {
        "right": found,
        "may_see_member": request.viewer.may("members.view"),
        "may_waive": found.state == "owed" and may_touch(request.viewer, EDIT, mall=found.mall_id),
        "may_see_receipts": request.viewer.may("receipts.view"),
    }
    return page(request, "console/gifts/right.html", context, section=SECTION)


@staff_page(EDIT)
def waive(request: StaffRequest, right_id: int) -> HttpResponse:
    """The member keeps the gift although goods came back; somebody says why."""
    queries.gift_right(request.viewer, right_id)
    form = OrderReasonForm(sent(request))
    return carry_out(
        request,
        form,
        lambda: operations.waive_gift(
            actor=request.viewer, right_id=right_id, reason=form.cleaned_data["reason"], now=request.now
        ),
        success=_("The member may keep the gift."),
        url=reverse("console:gift_right", args=[right_id]),
        title=_("Let the member keep the gift"),
        label=_("Let them keep it"),
    )

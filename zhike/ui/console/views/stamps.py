"""Stamp cards of a mall and its merchants: what there is, how each goes, and what it asks and gives."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.engagement import operations, queries
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.components.stamps import ways
from zhike.ui.console.engagement import batch_choices, payer_choices, shares
from zhike.ui.console.forms import stamps as forms
from zhike.ui.console.pages import add_problem, done, known_mall, page, permissions

VIEW, EDIT = "engagement.view", "engagement.edit"
SECTION = "stamps"


@staff_page(VIEW)
def stamp_cards(request: StaffRequest) -> HttpResponse:
    mall = known_mall(request)
    rows = [(one, ways(one.terms)) for one in queries.stamp_cards(request.viewer, mall.id)]
    context = {"mall": mall, "rows": rows, "may": permissions(request, edit=EDIT)}
    return page(request, "console/engagement/stamp_cards.html", context, section=SECTION)


@staff_page(VIEW)
def stamp_card(request: StaffRequest, card_id: int) -> HttpResponse:
    """Its terms, and who collects."""
    card = queries.stamp_card(request.viewer, card_id)
    context: dict[str, Any] = {
        "card": card,
        "ways": ways(card.terms),
        "shares": shares(card.terms.funding, organization.mall(card.mall_id).group_id),
        "rows": queries.stamp_holdings(request.viewer, card_id, request.GET.get("cursor")),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/engagement/stamp_card.html", context, section=SECTION)


@staff_page(EDIT)
def edit_stamp_card(request: StaffRequest, card_id: int | None = None) -> HttpResponse:
    """A new card, or kinder terms of one."""
    known = queries.stamp_card(request.viewer, card_id) if card_id is not None else None
    mall = organization.mall(known.mall_id) if known else known_mall(request)
    places = organization.merchants(request.viewer, mall.id)
    form = forms.StampCardForm(
        sent(request),
        payers=payer_choices(request, mall.group_id),
        batches=batch_choices(request),
        merchants=[(str(one.id), one.name) for one in places],
        trades=[(one.id, one.name) for one in organization.trade_categories(mall.group_id)],
        initial=forms.card_initial(known) if known else forms.FIRST,
    )
    if known:
        form.fields["merchant_id"].disabled = True
    if request.method == "POST" and form.is_valid():
        merchant = form.cleaned_data["merchant_id"]
        try:
            saved = operations.save_stamp_card(
                actor=request.viewer,
                mall_id=mall.id,
                merchant_id=int(merchant) if merchant else None,
                card_id=card_id,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                terms=form.terms,
                is_open=form.cleaned_data["is_open"],
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), reverse("console:stamp_card", args=[saved]))
    context = {"form": form, "card": known, "mall": mall}
    status = 422 if form.errors else 200
    return page(request, "console/engagement/stamp_card_form.html", context, section=SECTION, status=status)

"""Welcome offers of a mall: how they go, who has one, what is promised from when on."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.engagement import operations, queries
from zhike.kernel.errors import Problem
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.components.welcome import gift_words
from zhike.ui.console.engagement import batch_choices, payer_choices, shares
from zhike.ui.console.engagement_labels import WELCOME_STATES
from zhike.ui.console.forms import welcome as forms
from zhike.ui.console.pages import add_problem, done, known_mall, page, permissions

VIEW, EDIT = "engagement.view", "engagement.edit"
SECTION = "welcomes"


def _words(terms: queries.WelcomeTerms) -> list[str]:
    return gift_words(terms, queries.coupon_name(terms))


@staff_page(VIEW)
def welcomes(request: StaffRequest) -> HttpResponse:
    """Figures, the version in force, every version, and the members."""
    mall = known_mall(request)
    versions = queries.welcome_versions(request.viewer, mall.id, request.now)
    current = next((one for one in versions if one.state == "current"), None)
    status = request.GET.get("status", "")
    context: dict[str, Any] = {
        "mall": mall,
        "current": current,
        "versions": [(one, _words(one.terms)) for one in versions],
        "figures": queries.welcome_figures(request.viewer, mall.id, request.now),
        "rows": queries.welcomes(
            request.viewer, mall.id, status=status, cursor=request.GET.get("cursor"), limit=30
        ),
        "status": status,
        "states": WELCOME_STATES.items(),
        "may": permissions(request, edit=EDIT),
    }
    if current:
        context |= {"words": _words(current.terms), "shares": shares(current.terms.funding, mall.group_id)}
    template = "_welcome_rows" if request.htmx else "welcomes"
    return page(request, f"console/engagement/{template}.html", context, section=SECTION)


@staff_page(EDIT)
def edit_welcome(request: StaffRequest) -> HttpResponse:
    mall = known_mall(request)
    versions = queries.welcome_versions(request.viewer, mall.id, request.now)
    newest = max(versions, key=lambda one: one.version, default=None)
    form = forms.WelcomeForm(
        sent(request),
        payers=payer_choices(request, mall.group_id),
        batches=batch_choices(request),
        initial=forms.welcome_initial(newest.terms, newest.is_open) if newest else forms.FIRST,
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_welcome_offer(
                actor=request.viewer,
                mall_id=mall.id,
                terms=form.terms,
                effective_from=form.cleaned_data["effective_from"],
                is_open=form.cleaned_data["is_open"],
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            where = f"{reverse('console:welcomes')}?mall={mall.id}"
            return done(request, _("Saved; it holds for those who join from then on."), where)
    context = {"form": form, "mall": mall}
    status = 422 if form.errors else 200
    return page(request, "console/engagement/welcome_form.html", context, section=SECTION, status=status)

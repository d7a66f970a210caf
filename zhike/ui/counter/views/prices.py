"""What a basket costs here and now under the promotions in force, before anything is rung up."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from zhike.kernel.errors import Problem
from zhike.offers import queries
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import PriceForm
from zhike.ui.counter.page import page
from zhike.ui.counter.views.coupons import USE, merchants_of


@require_http_methods(["GET", "POST"])
@staff_page(USE)
def price(request: Any) -> HttpResponse:
    """The best price, why, and what a little more would bring. Nothing is changed."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    form = PriceForm(sent(request), merchants=merchants_of(request, till))
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            context["price"] = queries.price_quote(
                request.viewer, form.cleaned_data["merchant"], form.cleaned_data["basket"], request.now
            )
        except Problem as problem:
            form.add_error(None, problem.sentence)
    return page(request, "price", context, status=422 if form.errors else 200)

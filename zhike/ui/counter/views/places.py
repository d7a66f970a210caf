"""Where this till stands."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import PlaceForm
from zhike.ui.counter.page import page


@require_http_methods(["GET", "POST"])
@staff_page(tills.RECORD)
def choose(request: Any) -> HttpResponse:
    known = tills.places(request.viewer)
    form = PlaceForm(sent(request), places=_choices(known), initial=_standing(request))
    if request.method == "POST" and form.is_valid():
        tills.stand_at(request, form.cleaned_data["place"], form.cleaned_data["name"])
        return HttpResponseRedirect(reverse("counter:home"))
    return page(
        request, "till", {"form": form, "has_places": bool(known)}, status=422 if form.errors else 200
    )


def _choices(known: list[tills.Place]) -> list[tuple[str, Any]]:
    """Grouped by mall, the service desk of each first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for place in known:
        label = (
            place.merchant.name
            if place.merchant
            else _("Service desk of %(mall)s") % {"mall": place.mall.name}
        )
        groups.setdefault(place.mall.name, []).append((place.key, label))
    return list(groups.items())


def _standing(request: Any) -> dict[str, str]:
    till = tills.till_of(request)
    if till is None:
        return {}
    key = f"merchant:{till.merchant.id}" if till.merchant else f"mall:{till.mall.id}"
    return {"place": key, "name": till.name}

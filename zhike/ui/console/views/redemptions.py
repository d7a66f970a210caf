"""Points that were spent, at whichever till or desk."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.timezone import get_default_timezone_name

from zhike.kernel import clock
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.ui.components.purchases import bought_in_words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.dates import date_of
from zhike.ui.console.pages import fragment, malls_of, page, wants_fragment

VIEW = "points.view"


@staff_page(VIEW)
def redemptions(request: StaffRequest) -> HttpResponse:
    """The list behind the dashboard's figure: the same days, in the mall's own time."""
    mall = malls_of(request).chosen
    zone = mall.time_zone if mall else get_default_timezone_name()
    day_from, day_to = date_of(request.GET.get("from")), date_of(request.GET.get("to"))
    found = queries.redemptions_page(
        request.viewer,
        mall_id=mall.id if mall else None,
        since=clock.day_bounds(day_from, zone)[0] if day_from else None,
        until=clock.day_bounds(day_to, zone)[1] if day_to else None,
        cursor=request.GET.get("cursor"),
    )
    bought = bought_in_words(found.items)
    rows = [
        {
            "one": one,
            "bought": bought.get(one.redemption_id, ""),
            "merchant": organization.merchant_ref(one.merchant_id) if one.merchant_id else None,
        }
        for one in found.items
    ]
    context = {"page": found, "rows": rows, "day_from": day_from, "day_to": day_to}
    context["may_see_member"] = request.viewer.may("members.view")
    if wants_fragment(request):
        return fragment(request, "console/redemptions/_rows.html", context)
    return page(request, "console/redemptions/list.html", context, section="redemptions")

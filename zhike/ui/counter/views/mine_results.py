"""What one achieved, among colleagues of the same shop; and the code that brings new members of one's own."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from zhike.clienteling import queries
from zhike.kernel.errors import NotFound
from zhike.messaging import operations as messaging_operations
from zhike.messaging import queries as messaging
from zhike.organization import queries as organization
from zhike.ui.components.pictures import picture_response
from zhike.ui.components.staff import staff_page
from zhike.ui.counter.page import page
from zhike.ui.counter.till import till_of
from zhike.ui.counter.views.mine import VIEW, nav

PERIODS = (7, 30)
ENROLL = "members.enroll"


@require_safe
@staff_page(VIEW)
def results(request: Any) -> HttpResponse:
    """A week or thirty days, in the order chosen."""
    days = 7 if request.GET.get("days") == "7" else 30
    order = request.GET.get("by", "sales")
    order = order if order in queries.ORDERS else "sales"
    rows = queries.own_ranking(request.viewer, days, request.now, order)
    url = reverse("counter:mine_results")
    names = {7: _("7 days"), 30: _("30 days")}
    orders = {
        "sales": _("Sales"), "each": _("Sales for each member"), "new": _("New members"), "done": _("Follow-ups done"),
        "in_time": _("In time"),
    }  # fmt: skip
    context = {
        "nav": nav("mine_results"),
        "rows": rows,
        "own": next(row for row in rows if row.staff_id == request.staff_id),
        "periods": [{"label": names[one], "url": f"{url}?days={one}&by={order}", "active": one == days} for one in PERIODS],
        "orders": [{"label": name, "url": f"{url}?days={days}&by={code}", "active": code == order} for code, name in orders.items()],
        "order_name": orders[order],
    }  # fmt: skip
    return page(request, "mine/results", context)


@require_safe
@staff_page(ENROLL)
def invite(request: Any) -> HttpResponse:
    """Whoever scans it joins by themself, and is theirs who showed it."""
    till = till_of(request)
    place: dict[str, int] = {}
    if till is not None:
        place = {"merchant": till.merchant.id} if till.merchant else {"mall": till.mall.id}
    query = urlencode(
        [*place.items(), ("via", "associate"), ("by", queries.invitation_code(request.staff_id))]
    )
    context = {
        "nav": nav("mine_invite"),
        "join_url": request.build_absolute_uri(f"/m/login/?{query}"),
        "house": organization.default_group().name,
        "binding": messaging.own_binding(request.staff_id),
    }
    return page(request, "mine/invite", context)


@require_safe
@staff_page(VIEW)
def contact_code(request: Any) -> HttpResponse:
    """The picture of one's own WeCom code."""
    binding = messaging.own_binding(request.staff_id)
    if binding is None:
        raise NotFound
    picture = messaging_operations.make_contact_code(
        actor=request.viewer, binding_id=binding.id, now=request.now
    )
    return picture_response(picture)

"""The desk's orders: what has to be prepared, what waits, and what may be done with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.rewards import operations, queries
from zhike.ui.components.formatting import points_text, yuan
from zhike.ui.components.labels import ORDER_STATES, REWARD_KINDS, TENDERS
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms import rewards as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    number_or_404,
    page,
    permissions,
    refused,
    wants_fragment,
)
from zhike.ui.console.views.rewards import SECTION, VIEW, dialog, tabs

SERVE = "rewards.serve"


def _asked(request: StaffRequest) -> dict[str, Any]:
    state = request.GET.get("state", "")
    return {
        "mall_id": malls_of(request).chosen_id,
        "state": state if state in ORDER_STATES else "",
        "q": request.GET.get("q", "").strip()[:80],
    }


@staff_page(VIEW)
def orders(request: StaffRequest) -> HttpResponse:
    """Newest first, by state; those to be prepared can be ticked off together."""
    asked = _asked(request)
    context = {
        "page": queries.orders_page(request.viewer, cursor=request.GET.get("cursor"), **asked),
        "counts": queries.order_counts(request.viewer, asked["mall_id"]),
        "states": ORDER_STATES.items(),
        "tile_urls": {state: f"{reverse('console:exchange_orders')}?state={state}" for state in ORDER_STATES},
        **asked,
        "tabs": tabs("exchange_orders"),
        "may": permissions(request, serve=SERVE),
        "may_see_member": request.viewer.may("members.view"),
    }
    if wants_fragment(request):
        return fragment(request, "console/rewards/_order_rows.html", context)
    return page(request, "console/rewards/orders.html", context, section=SECTION)


@require_POST
@staff_page(VIEW)
def export(request: StaffRequest) -> HttpResponseBase:
    """What the list shows, all of it, without the pick-up codes."""
    header = [
        _("Order number"), _("Reward"), _("Kind"), _("Pieces"), _("Member"), _("Points"), _("Cash (yuan)"),
        _("Cost (yuan)"), _("Mall"), _("State"), _("Ordered"), _("Collected"), _("Paid with"), _("Reason"),
    ]  # fmt: skip
    found = operations.export_orders(actor=request.viewer, now=request.now, **_asked(request))
    return csv_response("exchange-orders", header, map(_cells, found))


def _cells(row: queries.OrderRow) -> list[object]:
    one = row.order
    money = [f"{fen / 100:.2f}" for fen in (one.cash_fen, one.cost_fen)]
    return [
        one.number,
        one.reward_name,
        REWARD_KINDS.get(one.kind, one.kind),
        one.quantity,
        row.name,
        one.points,
        *money,
        one.mall_name,
        ORDER_STATES.get(one.state, one.state),
        one.ordered_at.isoformat(timespec="minutes"),
        one.collected_at.isoformat(timespec="minutes") if one.collected_at else "",
        TENDERS.get(one.tender, one.tender),
        one.end_reason,
    ]


@staff_page(VIEW)
def order(request: StaffRequest, order_id: int) -> HttpResponse:
    row = queries.order(request.viewer, order_id)
    one = row.order
    context = {
        "row": row,
        "order": one,
        "may": permissions(request, serve=SERVE),
        "may_see_member": request.viewer.may("members.view"),
        "may_take_back": one.state == "collected" and one.kind in ("goods", "service") and one.left,
        "may_cancel": one.is_open or (one.kind in ("coupon", "tier") and one.state == "collected"),
    }
    return page(request, "console/rewards/order.html", context, section=SECTION)


@require_POST
@staff_page(SERVE)
def mark_ready(request: StaffRequest) -> HttpResponse:
    """One order, or all that are ticked."""
    ids = [number_or_404(text) for text in request.POST.getlist("ids")]
    where = reverse("console:exchange_orders") + "?state=reserved"
    try:
        count = operations.mark_ready(actor=request.viewer, order_ids=ids, now=request.now)
    except Problem as problem:
        return refused(request, problem, where)
    sentence = ngettext("%(count)s order is ready.", "%(count)s orders are ready.", count) % {"count": count}
    back = reverse("console:exchange_order", args=ids) if request.POST.get("one") and len(ids) == 1 else where
    return done(request, sentence, back)


@staff_page(SERVE)
def cancel(request: StaffRequest, order_id: int) -> HttpResponse:
    """Points and stock go back; the member reads the reason."""
    queries.order(request.viewer, order_id)
    form = forms.OrderReasonForm(sent(request))

    def act() -> str:
        back = operations.cancel_order(
            actor=request.viewer, order_id=order_id, reason=form.cleaned_data["reason"], now=request.now
        )
        return _("Cancelled. %(points)s went back.") % {"points": points_text(back.points)}

    lead = _("The points go back to the member. They read the reason.")
    return _carry_out(request, order_id, form, act, _("Cancel the order"), _("Cancel it"), lead)


@staff_page(SERVE)
def extend(request: StaffRequest, order_id: int) -> HttpResponse:
    queries.order(request.viewer, order_id)
    form = forms.ExtendForm(sent(request))

    def act() -> str:
        operations.extend_order(actor=request.viewer, order_id=order_id, now=request.now, **form.cleaned_data)
        return _("The member has more time.")

    return _carry_out(request, order_id, form, act, _("More time to collect"), _("Extend"))


@staff_page(SERVE)
def take_back(request: StaffRequest, order_id: int) -> HttpResponse:
    """Goods came back: points and cash go back in proportion."""
    queries.order(request.viewer, order_id)
    form = forms.TakeBackForm(sent(request))

    def act() -> str:
        backs: list[operations.OrderOutcome] = []
        data = {name: value for name, value in form.cleaned_data.items() if name != "once"}
        run_once(
            request,
            f"take-back-{order_id}",
            form,
            lambda: backs.append(
                operations.take_back(actor=request.viewer, order_id=order_id, now=request.now, **data)
            ),
        )
        if not backs:
            return _("This was done already.")
        if not backs[0].cash_fen:
            return _("%(points)s went back.") % {"points": points_text(backs[0].points)}
        return _("%(points)s went back. Refund %(amount)s.") % {
            "points": points_text(backs[0].points),
            "amount": yuan(backs[0].cash_fen),
        }

    return _carry_out(request, order_id, form, act, _("Goods came back"), _("Take back"))


def _carry_out(
    request: StaffRequest,
    order_id: int,
    form: Any,
    act: Callable[[], str],
    title: str,
    label: str,
    lead: str = "",
) -> HttpResponse:
    """Show the dialog, or do it and go to the order."""
    if request.method == "POST" and form.is_valid():
        try:
            sentence = act()
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, sentence, reverse("console:exchange_order", args=[order_id]))
    return dialog(request, form, title, label, lead)

"""What members exchanged for points: found by its code, looked at, handed over once."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel.errors import NotFound, Problem
from zhike.rewards import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import HandOverForm, OrderCodeForm
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done

SERVE = "rewards.serve"
PRESENTED, PRIZES = "counter_orders", "counter_prizes"
PRESENTED_MAX = 40


def shown(request: Any, text: str) -> queries.OrderView | None:
    """The order whose code this is; from now on its page opens here, for the member showed it."""
    if not queries.looks_like_order_code(text):
        return None
    found = queries.order_by_code(request.viewer, text)
    if found is not None:
        _present(request, [found.id])
    return found


def _present(request: Any, order_ids: list[int]) -> None:
    known = [one for one in request.session.get(PRESENTED, []) if one not in order_ids]
    request.session[PRESENTED] = [*known, *order_ids][-PRESENTED_MAX:]


@require_http_methods(["GET", "POST"])
@staff_page(SERVE)
def find(request: Any) -> HttpResponse:
    """By POST, so that codes stand in no address and no access log."""
    form = OrderCodeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        found = shown(request, form.cleaned_data["code"])
        if found is not None:
            return HttpResponseRedirect(reverse("counter:order", args=[found.id]))
        won = queries.ticket_by_code(request.viewer, form.cleaned_data["code"])
        if won is not None:
            request.session[PRIZES] = [*request.session.get(PRIZES, []), won.id][-PRESENTED_MAX:]
            return HttpResponseRedirect(reverse("counter:prize", args=[won.id]))
        form.add_error("code", _("There is no order with this code at this desk."))
    return page(request, "orders", {"form": form}, status=422 if form.errors else 200)


@require_safe
@staff_page(SERVE)
def of_member(request: Any, member_id: int) -> HttpResponse:
    """What the member in front of us exchanged, what waits first."""
    context = presented.shown_as(presented.member_file(request, member_id))
    found = queries.member_orders(
        request.viewer, member_id, request.now, presented=presented.is_presented(request, member_id)
    )
    _present(request, [one.id for one in found.items])
    waiting = [one for one in found.items if one.is_open]
    others = [one for one in found.items if not one.is_open]
    return page(request, "member_orders", context | {"waiting": waiting, "others": others})


@require_http_methods(["GET", "POST"])
@staff_page(SERVE)
def order(request: Any, order_id: int) -> HttpResponse:
    """What it is, what cash is taken, and the button that hands it over."""
    if tills.till_of(request) is None:
        return HttpResponseRedirect(reverse("counter:till"))
    if order_id not in request.session.get(PRESENTED, []):
        raise NotFound
    found = queries.order(request.viewer, order_id).order
    form = HandOverForm(sent(request), needs_cash=bool(found.cash_fen))
    if request.method == "POST" and form.is_valid():
        try:
            done = operations.collect_order(
                actor=request.viewer,
                order_id=order_id,
                tender=form.cleaned_data.get("tender", ""),
                now=request.now,
            )
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _done(request, form, found, done)
    context = {"order": found, "form": form}
    return page(request, "order", context, status=422 if form.errors else 200)


def _done(
    request: Any, form: HandOverForm, found: queries.OrderView, done: operations.OrderOutcome
) -> HttpResponse:
    is_here = presented.is_presented(request, found.member_id)
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="order",
            at=request.now.isoformat(),
            member_id=found.member_id if is_here else None,
            fen=done.cash_fen,
            details={"name": found.reward_name, "quantity": found.quantity, "number": found.number},
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))


@require_http_methods(["GET", "POST"])
@staff_page(SERVE)
def prize(request: Any, ticket_id: int) -> HttpResponse:
    """Goods won in a draw, handed over once to whoever showed the code."""
    if ticket_id not in request.session.get(PRIZES, []):
        raise NotFound
    found = queries.ticket(request.viewer, ticket_id)
    if request.method == "POST":
        operations.collect_prize(actor=request.viewer, ticket_id=ticket_id, now=request.now)
        return HttpResponseRedirect(reverse("counter:prize", args=[ticket_id]))
    return page(request, "prize", {"ticket": found})

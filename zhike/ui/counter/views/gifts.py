"""Gifts for what was spent, at the desk: found by code, receipt or member; handed out once; and brought back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.rewards import operations, queries
from zhike.sales import queries as sales
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import GiftBackForm, GiftCodeForm, GiftForm
from zhike.ui.counter.identify import find as identify
from zhike.ui.counter.once import run_once
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Till

SERVE = "rewards.serve"
PRESENTED = "counter_gifts"
PRESENTED_MAX = 40
RECEIPTS_LOOKED_AT = 20


def shown(request: Any, text: str) -> queries.GiftRightView | None:
    """The gift whose code this is; from now on its page opens here, for the member showed it."""
    if not queries.looks_like_order_code(text):
        return None
    found = queries.gift_by_code(request.viewer, text)
    if found is not None:
        _present(request, [found.id])
    return found


def _present(request: Any, right_ids: list[int]) -> None:
    known = [one for one in request.session.get(PRESENTED, []) if one not in right_ids]
    request.session[PRESENTED] = [*known, *right_ids][-PRESENTED_MAX:]


@require_http_methods(["GET", "POST"])
@staff_page(SERVE)
def find(request: Any) -> HttpResponse:
    """By POST, so that codes and phone numbers stand in no address and no access log."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    form = GiftCodeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["code"]
        found = shown(request, text)
        if found is not None:
            return HttpResponseRedirect(reverse("counter:gift", args=[found.id]))
        try:
            member_id = (
                _by_receipt(request, till, text) or identify(request.viewer, text, request.now).member_id
            )
        except Problem as problem:
            form.add_error("code", problem.sentence)
        else:
            if member_id is not None:
                presented.present(request, member_id)
                return HttpResponseRedirect(reverse("counter:member_gifts", args=[member_id]))
            form.add_error("code", _("Neither a gift, a receipt of a member here, nor a member was found."))
    return page(request, "gifts", {"form": form}, status=422 if form.errors else 200)


def _by_receipt(request: Any, till: Till, text: str) -> int | None:
    """Whose receipt of this mall bears the number; None when it is nobody's, or several people's."""
    if not request.viewer.may("receipts.view"):
        return None
    rows = sales.receipts_page(
        request.viewer, mall_id=till.mall.id, q=text.strip(), limit=RECEIPTS_LOOKED_AT
    ).items
    owners = {row.person_id for row in rows if row.number == text.strip() and row.person_id is not None}
    return loyalty.member_id_of_person(owners.pop()) if len(owners) == 1 else None


@require_http_methods(["GET", "POST"])
@staff_page(SERVE)
def of_member(request: Any, member_id: int) -> HttpResponse:
    """What the member in front of us spent and can have for it, and the gifts they have."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    context = presented.shown_as(presented.member_file(request, member_id))
    form = GiftForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = run_once(request, form, "gift", lambda: _give(request, member_id, form)).body
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            _present(request, [made["right_id"]])
            messages.success(request, _("The gift is handed out."))
            return HttpResponseRedirect(reverse("counter:gift", args=[made["right_id"]]))
    own = queries.member_gifts(
        request.viewer,
        member_id,
        request.now,
        presented=presented.is_presented(request, member_id),
        mall_id=till.mall.id,
    )
    here = [one for one in own.rights if one.mall_id == till.mall.id]
    _present(request, [one.id for one in here])
    context |= {
        "progress": own.progress,
        "waiting": [one for one in here if one.state in ("reserved", "owed")],
        "others": [one for one in here if one.state not in ("reserved", "owed")],
        "owes": own.owes,
        "form": form,
        "token": GiftForm(),
    }
    return page(request, "member_gifts", context, status=422 if form.errors else 200)


def _give(request: Any, member_id: int, form: GiftForm) -> dict[str, Any]:
    day: dt.date = form.cleaned_data["basket"]
    done = operations.reserve_gift(
        actor=request.viewer,
        member_id=member_id,
        campaign_id=form.cleaned_data["campaign"],
        step=form.cleaned_data["step"],
        basket=day,
        source="desk",
        hand_out=True,
        now=request.now,
    )
    return {"right_id": done.right_id}


def _known(request: Any, right_id: int) -> queries.GiftRightView:
    """One that was shown here. Raises NotFound."""
    if right_id not in request.session.get(PRESENTED, []):
        raise NotFound
    return queries.gift_right(request.viewer, right_id, SERVE)


@require_http_methods(["GET", "POST"])
@staff_page(SERVE)
def gift(request: Any, right_id: int) -> HttpResponse:
    """What it is, which receipts stand behind it, and the button that hands it out."""
    found = _known(request, right_id)
    if request.method == "POST":
        try:
            done = operations.hand_out_gift(actor=request.viewer, right_id=right_id, now=request.now)
        except Problem as problem:
            messages.error(request, problem.sentence)
        else:
            if done.state == "revoked":
                messages.error(request, _("Goods were returned meanwhile: what is left no longer suffices."))
            elif done.replayed:
                messages.warning(request, _("It was handed out before."))
            else:
                messages.success(request, _("The gift is handed out."))
        return HttpResponseRedirect(reverse("counter:gift", args=[right_id]))
    may_come_back = found.state in ("handed_out", "owed", "charged")
    context = {"gift": found, "form": GiftBackForm() if may_come_back else None}
    return page(request, "gift", context)


@require_http_methods(["POST"])
@staff_page(SERVE)
def back(request: Any, right_id: int) -> HttpResponse:
    """The gift came back to the desk."""
    _known(request, right_id)
    form = GiftBackForm(request.POST)
    if form.is_valid():
        try:
            done = operations.take_back_gift(
                actor=request.viewer,
                right_id=right_id,
                is_good=form.cleaned_data["is_good"],
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            messages.error(request, problem.sentence)
        else:
            messages.success(
                request,
                _("The gift is back, and the points that were taken for it are the member's again.")
                if done.points
                else _("The gift is back."),
            )
    return HttpResponseRedirect(reverse("counter:gift", args=[right_id]))

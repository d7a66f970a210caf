"""Benefits of the member in front of us: what is left, used with one press, and taken back when that was wrong."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.rewards import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import BenefitUseForm
from zhike.ui.counter.once import run_once
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done, Till

SERVE = "rewards.serve"


@require_http_methods(["GET", "POST"])
@staff_page(SERVE)
def of_member(request: Any, member_id: int) -> HttpResponse:
    """The benefits with what is left of each, and what was used lately."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    context = presented.shown_as(presented.member_file(request, member_id))
    is_shown = presented.is_presented(request, member_id)
    form = BenefitUseForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = run_once(request, form, "benefit", lambda: _use(request, till, member_id, form)).body
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _done(request, form, member_id, made)
    own = queries.member_benefits(request.viewer, member_id, request.now, presented=is_shown)
    context |= {
        "rows": [(one, BenefitUseForm(initial={"benefit": one.benefit.id})) for one in own.items],
        "uses": queries.member_uses(request.viewer, member_id, request.now, presented=is_shown, limit=8),
        "form": form,
    }
    return page(request, "benefits", context, status=422 if form.errors else 200)


def _use(request: Any, till: Till, member_id: int, form: BenefitUseForm) -> dict[str, Any]:
    data = form.cleaned_data
    done = operations.use_benefit(
        actor=request.viewer,
        member_id=member_id,
        benefit_id=data["benefit"],
        mall_id=till.mall.id,
        quantity=data["quantity"],
        note=data["note"],
        now=request.now,
    )
    name = queries.benefit_names([data["benefit"]])[data["benefit"]]
    return {"name": name, "quantity": done.quantity, "left": done.left, "unit": ""}


def _done(request: Any, form: BenefitUseForm, member_id: int, made: dict[str, Any]) -> HttpResponse:
    tills.remember(
        request,
        Done(token=form.key, kind="benefit", at=request.now.isoformat(), member_id=member_id, details=made),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))


@require_POST
@staff_page(SERVE)
def cancel(request: Any, member_id: int, use_id: int) -> HttpResponse:
    """Given back at once; the desk that recorded it says it was a mistake."""
    presented.member_file(request, member_id)
    if queries.use_of(request.viewer, use_id).member_id != member_id:
        raise NotFound
    try:
        operations.cancel_use(
            actor=request.viewer, use_id=use_id, reason=_("Recorded by mistake"), now=request.now
        )
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, _("Given back."))
    return HttpResponseRedirect(reverse("counter:benefits", args=[member_id]))

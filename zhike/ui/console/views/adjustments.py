"""Points corrected by hand: who asked, what waits, what was decided; many at once; expired ones given back."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.components import formatting
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.adjustments import BulkForm, ReinstateForm
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused

ASK, APPROVE = "points.adjust", "adjustments.approve"
SECTION = "adjustments"


@staff_page(ASK)
def adjustments(request: StaffRequest) -> HttpResponse:
    context = {
        "rows": queries.adjustments(request.viewer, request.now),
        "own_id": request.viewer.audit_id,
        "may": permissions(request, approve=APPROVE),
    }
    return page(request, "console/adjustments/adjustments.html", context, section=SECTION)


def said(outcome: operations.AdjustmentOutcome) -> str:
    """What became of an adjustment, for a toast."""
    if outcome.status == "asked":
        return _("It is above your limit and waits for somebody else's decision.")
    if outcome.refused:
        return _("%(posted)s corrected, %(refused)s could not be.") % {
            "posted": outcome.posted,
            "refused": outcome.refused,
        }
    return _("The points are corrected.")


@staff_page(ASK)
def adjust_many(request: StaffRequest) -> HttpResponse:
    """A file of membership numbers and points, for one reason."""
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = BulkForm(data, files)
    if request.method == "POST" and form.is_valid():
        outcomes: list[operations.AdjustmentOutcome] = []
        try:
            run_once(request, "adjust-many", form, lambda: outcomes.append(_adjust_many(request, form)))
        except Problem as problem:
            add_problem(form, problem)
        else:
            text = said(outcomes[0]) if outcomes else _("This was done before.")
            return done(request, text, reverse("console:adjustments"))
    context = {"form": form}
    status = 422 if form.is_bound else 200
    return page(request, "console/adjustments/many.html", context, section=SECTION, status=status)


def _adjust_many(request: StaffRequest, form: BulkForm) -> operations.AdjustmentOutcome:
    rows = form.cleaned_data["file"]
    ids = queries.member_ids_by_number([number for number, _points in rows])
    parts = [operations.AdjustmentPart(ids.get(number, 0), points) for number, points in rows]
    return operations.ask_adjustment(
        actor=request.viewer, parts=parts, reason=form.cleaned_data["reason"], now=request.now
    )


@staff_page(ASK)
def reinstate(request: StaffRequest, member_id: int) -> HttpResponse:
    """A dialog: which expired points come back."""
    expired = queries.expired_points(request.viewer, member_id)
    choices = [
        (one.transfer_id, f"{one.expired_on:%Y-%m-%d} · {formatting.points_text(one.left)}")
        for one in expired
    ]
    form = ReinstateForm(request.POST or None, expired=choices)
    if request.method == "POST" and form.is_valid():
        outcomes: list[operations.AdjustmentOutcome] = []
        try:
            run_once(
                request,
                f"reinstate-{member_id}",
                form,
                lambda: outcomes.append(_reinstate(request, member_id, form)),
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            text = said(outcomes[0]) if outcomes else _("This was done before.")
            return done(request, text, reverse("console:member_tab", args=[member_id, "points"]))
    context: dict[str, Any] = {
        "form": form,
        "title": _("Give expired points back"),
        "lead": ""
        if expired
        else _("None of this member's points has expired, or all of them were given back."),
        "label": _("Give back"),
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _reinstate(request: StaffRequest, member_id: int, form: ReinstateForm) -> operations.AdjustmentOutcome:
    values = {name: form.cleaned_data[name] for name in ("expired_id", "points", "expires_on", "reason")}
    return operations.ask_reinstatement(actor=request.viewer, member_id=member_id, now=request.now, **values)


@require_POST
@staff_page(APPROVE)
def approve_adjustment(request: StaffRequest, adjustment_id: int) -> HttpResponse:
    return _decide(request, adjustment_id, True, "")


@require_POST
@staff_page(APPROVE)
def refuse_adjustment(request: StaffRequest, adjustment_id: int) -> HttpResponse:
    return _decide(request, adjustment_id, False, request.POST.get("note", "") or _("refused"))


def _decide(request: StaffRequest, adjustment_id: int, approve: bool, note: str) -> HttpResponse:
    back = reverse("console:adjustments")
    try:
        outcome = operations.decide_adjustment(
            actor=request.viewer, adjustment_id=adjustment_id, approve=approve, note=note, now=request.now
        )
    except Problem as problem:
        return refused(request, problem, back)
    return done(request, said(outcome) if approve else _("The correction is refused."), back)

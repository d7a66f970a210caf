"""Waivers of debt: asked by one, decided by another."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.members import WaiverForm
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused

ASK, APPROVE = "points.waive", "waivers.approve"
SECTION = "waivers"


@staff_page(ASK)
def waivers(request: StaffRequest) -> HttpResponse:
    """What waits, what was decided, and who owes."""
    context = {
        "rows": queries.waivers(request.viewer),
        "debtors": queries.debtors(request.viewer),
        "own_id": request.viewer.audit_id,
        "may": permissions(request, approve=APPROVE),
    }
    return page(request, "console/engagement/waivers.html", context, section=SECTION)


@staff_page(ASK)
def ask_waiver(request: StaffRequest, member_id: int) -> HttpResponse:
    file = queries.member_file(request.viewer, member_id, request.now)
    form = WaiverForm(request.POST or None, initial={"points": file.debt})
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, f"waiver-{member_id}", form, lambda: _ask(request, member_id, form))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("It waits for somebody else's decision now."), reverse("console:waivers"))
    context = {
        "form": form,
        "title": _("Ask to waive the debt of %(name)s") % {"name": file.person.name},
        "label": _("Ask"),
        "lead": "",
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _ask(request: StaffRequest, member_id: int, form: WaiverForm) -> None:
    operations.ask_waiver(
        actor=request.viewer,
        member_id=member_id,
        points=form.cleaned_data["points"],
        reason=form.cleaned_data["reason"],
        now=request.now,
    )


@require_POST
@staff_page(APPROVE)
def approve_waiver(request: StaffRequest, waiver_id: int) -> HttpResponse:
    return _decide(request, waiver_id, True, "")


@require_POST
@staff_page(APPROVE)
def refuse_waiver(request: StaffRequest, waiver_id: int) -> HttpResponse:
    return _decide(request, waiver_id, False, request.POST.get("note", "") or _("refused"))


def _decide(request: StaffRequest, waiver_id: int, approve: bool, note: str) -> HttpResponse:
    back = reverse("console:waivers")
    try:
        operations.decide_waiver(
            actor=request.viewer, waiver_id=waiver_id, approve=approve, note=note, now=request.now
        )
    except Problem as problem:
        return refused(request, problem, back)
    return done(request, _("The debt is waived.") if approve else _("The waiver is refused."), back)

"""Balances of another system on their way in: a file, a dry run, the points; and what became of each row."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from zhike.intake import operations, queries
from zhike.kernel.access import may_touch
from zhike.kernel.errors import Problem
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.imports import BalancesForm
from zhike.ui.console.pages import add_problem, done, fragment, page, refused

VIEW, RUN = "imports.view", "imports.run"


def _url(move_id: UUID) -> str:
    return reverse("console:balance_move", args=[move_id])


@staff_page(VIEW)
def balances(request: StaffRequest) -> HttpResponse:
    """The moves so far, and a new one."""
    return _list(request, BalancesForm())


def _list(request: StaffRequest, form: BalancesForm, status: int = 200) -> HttpResponse:
    context = {"moves": queries.balance_moves(request.viewer), "may": _may(request), "form": form}
    return page(request, "console/imports/balances.html", context, section="imports", status=status)


def _may(request: StaffRequest) -> dict[str, bool]:
    """Members are the whole group's, so whoever runs imports in one mall only looks on."""
    return {"run": may_touch(request.viewer, RUN)}


@require_POST
@staff_page(RUN)
def upload(request: StaffRequest) -> HttpResponse:
    form = BalancesForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            move_id = operations.start_move(
                actor=request.viewer,
                file_name=file.name,
                chunks=file.chunks(),
                batch=form.cleaned_data["batch"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return HttpResponseRedirect(_url(move_id))
    return _list(request, form, 422)


@staff_page(VIEW)
def move(request: StaffRequest, move_id: UUID) -> HttpResponse:
    """What a move will bring, or brought."""
    context = {
        "move": queries.balance_move(request.viewer, move_id),
        "may": _may(request),
        "steps": [_("Upload"), _("Dry run"), _("Bring in")],
    }
    return page(request, "console/imports/balance_move.html", context, section="imports")


@staff_page(VIEW, keeps_alive=False)
def progress(request: StaffRequest, move_id: UUID) -> HttpResponse:
    """Asked for every two seconds while a worker is at it; the page is shown anew when it has ended."""
    found = queries.balance_move(request.viewer, move_id)
    if not found.is_working:
        return HttpResponseClientRefresh()
    return fragment(request, "console/imports/_balance_work.html", {"move": found})


@require_POST
@staff_page(RUN)
def bring_in(request: StaffRequest, move_id: UUID) -> HttpResponse:
    queries.balance_move(request.viewer, move_id)
    try:
        operations.bring_in_move(actor=request.viewer, move_id=move_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(move_id))
    return HttpResponseRedirect(_url(move_id))


@require_POST
@staff_page(RUN)
def discard(request: StaffRequest, move_id: UUID) -> HttpResponse:
    queries.balance_move(request.viewer, move_id)
    try:
        operations.discard_move(actor=request.viewer, move_id=move_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(move_id))
    return done(request, _("The file is forgotten; nobody got a point."), reverse("console:balances"))

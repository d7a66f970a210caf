"""Lucky draws: written, published for good, followed, and their record."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.rewards import operations, queries
from zhike.ui.components.files import json_file
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import draws as forms
from zhike.ui.console.pages import add_problem, done, malls_of, page, permissions, refused
from zhike.ui.console.programmes import first_programme
from zhike.ui.console.views.rewards import EDIT, SECTION, VIEW, places_of, tabs


@staff_page(VIEW)
def draws(request: StaffRequest) -> HttpResponse:
    context = {
        "draws": queries.draws(request.viewer, request.now),
        "tabs": tabs("draws"),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/draws/list.html", context, section=SECTION)


@staff_page(VIEW)
def draw(request: StaffRequest, draw_id: int) -> HttpResponse:
    """What it promises, what was drawn, who won, and its proof."""
    found = queries.draw(request.viewer, draw_id, request.now)
    given = sum(one.taken * one.value_fen for one in found.prizes)
    context = {
        "draw": found,
        "winners": queries.winners(draw_id) if found.state != "draft" else [],
        "points": found.tickets * found.points,
        "given_fen": given,
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/draws/draw.html", context, section=SECTION)


@staff_page(EDIT)
def edit_draw(request: StaffRequest, draw_id: int | None = None) -> HttpResponse:
    """A new draft, or the draft written anew."""
    known = queries.draw(request.viewer, draw_id, request.now) if draw_id is not None else None
    if known is not None and known.state != "draft":
        raise NotFound
    malls = malls_of(request).all
    zone = next(
        (mall.time_zone for mall in malls if known is None or known.mall_id in (None, mall.id)),
        "Asia/Shanghai",
    )
    batches = offers.batches_page(request.viewer, now=request.now, limit=200).items
    options = {"batches": [(one.id, one.name) for one in batches if not one.is_bearer]}
    form = forms.DrawForm(sent(request), places=places_of(request), zone=zone, known=known)
    rows = forms.PrizeRows(
        sent(request), form_kwargs=options, prefix="prizes", initial=forms.rows_of(known) if known else None
    )
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        try:
            saved = _save(request, form, rows, known)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The draft is saved."), reverse("console:draw", args=[saved]))
    context = {"form": form, "rows": rows, "draw": known}
    status = 422 if form.is_bound else 200
    return page(request, "console/draws/form.html", context, section=SECTION, status=status)


def _save(request: StaffRequest, form: forms.DrawForm, rows: Any, known: queries.DrawView | None) -> int:
    programme = first_programme(request)
    group_id = programme.group_id if programme else organization.default_group().id
    prizes = [row.prize for row in rows if row.cleaned_data.get("name", "").strip()]
    return operations.save_draw(
        actor=request.viewer,
        group_id=known.group_id if known else group_id,
        mall_id=known.mall_id if known else int(form.cleaned_data["mall"]) or None,
        draw=form.draw(prizes),
        now=request.now,
    )


@require_POST
@staff_page(EDIT)
def publish(request: StaffRequest, draw_id: int) -> HttpResponse:
    where = reverse("console:draw", args=[draw_id])
    queries.draw(request.viewer, draw_id, request.now)
    try:
        operations.publish_draw(actor=request.viewer, draw_id=draw_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, where)
    return done(request, _("The draw is published. Nothing of it can be changed any more."), where)


@staff_page(VIEW)
def record(request: StaffRequest, draw_id: int) -> HttpResponse:
    """The file with which anybody computes the draw again."""
    queries.draw(request.viewer, draw_id, request.now)
    return json_file(queries.draw_record(draw_id), f"draw-{draw_id}")

"""Promotions: what runs, the editor with versions, and a basket to try them on."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.offers import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import promotions as forms
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions
from zhike.ui.console.programmes import first_programme
from zhike.ui.console.rule_choices import choices
from zhike.ui.console.views.coupons import places_of

VIEW, EDIT = "offers.view", "offers.edit"
SECTION = "promotions"


def _zone(request: StaffRequest) -> str:
    malls = malls_of(request).all
    return malls[0].time_zone if malls else "Asia/Shanghai"


def _merchants(request: StaffRequest) -> list[tuple[int, str]]:
    found = organization.merchants(request.viewer, malls_of(request).chosen_id, VIEW)
    return [(ref.id, ref.name) for ref in found if ref.is_open]


@staff_page(VIEW)
def promotions(request: StaffRequest) -> HttpResponse:
    """What runs, what is planned, what ended; and a basket for all that runs."""
    context = {
        "rows": queries.promotions(request.viewer, request.now),
        "basket": forms.BasketForm(merchants=_merchants(request)),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/promotions/list.html", context, section=SECTION)


@require_POST
@staff_page(VIEW)
def try_basket(request: StaffRequest) -> HttpResponse:
    """The best price of a basket under what is in force now."""
    form = forms.BasketForm(request.POST, merchants=_merchants(request))
    return _tried(request, form, None)


@require_POST
@staff_page(EDIT)
def try_draft(request: StaffRequest, promotion_id: int | None = None) -> HttpResponse:
    """The same with the draft in the editor, in the place of the version that is in force."""
    form = forms.BasketForm(request.POST, merchants=_merchants(request))
    editor = _editor(request, None if promotion_id is None else _known(request, promotion_id))
    if not editor.is_valid():
        return fragment(request, "console/promotions/_price.html", {"is_invalid": True}, status=422)
    try:
        definition = queries.parse_promotion(editor.definition)
    except queries.TermsError as error:
        sentence = operations.PromotionUnusable(path=error.path).sentence
        return fragment(request, "console/promotions/_price.html", {"problem": sentence}, status=422)
    return _tried(request, form, queries.Draft(editor.cleaned_data["name"], definition, promotion_id))


def _tried(request: StaffRequest, form: forms.BasketForm, draft: queries.Draft | None) -> HttpResponse:
    if not form.is_valid():
        sentences = [str(error) for errors in form.errors.values() for error in errors]
        return fragment(
            request, "console/promotions/_price.html", {"problem": " ".join(sentences)}, status=422
        )
    price = queries.price_quote(
        request.viewer, form.cleaned_data["merchant"], form.cleaned_data["basket"], request.now, draft=draft
    )
    return fragment(request, "console/promotions/_price.html", {"price": price})


def _known(request: StaffRequest, promotion_id: int) -> queries.PromotionView:
    return queries.promotion(request.viewer, promotion_id, request.now)


def _editor(request: StaffRequest, known: queries.PromotionView | None) -> forms.PromotionForm:
    initial: dict[str, Any] | None = None
    if known is not None:
        initial = forms.initial_of(known.shown.definition) | {"name": known.name}
    return forms.PromotionForm(
        request.POST or None,
        choices=choices(request),
        places=places_of(request),
        is_new=known is None,
        initial=initial,
    )


@staff_page(EDIT)
def edit_promotion(request: StaffRequest, promotion_id: int | None = None) -> HttpResponse:
    """A new promotion, or the next version of one; published only by its own button."""
    known = None if promotion_id is None else _known(request, promotion_id)
    editor = _editor(request, known)
    if request.method == "POST" and editor.is_valid():
        try:
            _publish(request, known, editor)
        except Problem as problem:
            add_problem(editor, problem)
        else:
            return done(request, _("The promotion is published."), reverse("console:promotions"))
    context = {
        "form": editor,
        "promotion": known,
        "basket": forms.BasketForm(merchants=_merchants(request)),
    }
    status = 422 if editor.errors else 200
    return page(request, "console/promotions/form.html", context, section=SECTION, status=status)


def _publish(request: StaffRequest, known: queries.PromotionView | None, editor: forms.PromotionForm) -> None:
    data, zone, programme = editor.cleaned_data, ZoneInfo(_zone(request)), first_programme(request)
    begin, end = data["effective_from"], data["effective_to"]
    operations.publish_promotion(
        actor=request.viewer,
        group_id=known.group_id
        if known
        else programme.group_id
        if programme
        else organization.default_group().id,
        mall_id=known.mall_id if known else int(data["place"]) or None,
        code=known.code if known else data["code"],
        name=data["name"],
        definition=editor.definition,
        effective_from=begin.replace(tzinfo=zone) if begin else request.now,
        effective_to=end.replace(tzinfo=zone) if end else None,
        note=data["note"],
        now=request.now,
    )


@require_POST
@staff_page(EDIT)
def end_promotion(request: StaffRequest, promotion_id: int) -> HttpResponse:
    found = _known(request, promotion_id)
    operations.end_promotion(actor=request.viewer, promotion_id=found.id, now=request.now)
    return done(request, _("The promotion is ended."), reverse("console:promotions"))

"""The points mall: its rewards with their figures, one in full, and its shelves."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from zhike.kernel.access import may_touch
from zhike.kernel.errors import NotFound, Problem
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.rewards import operations, queries
from zhike.ui.components.labels import ORDER_STATES
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import labels, reward_labels
from zhike.ui.console.forms import rewards as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    page,
    permissions,
    refused,
    wants_fragment,
)
from zhike.ui.console.programmes import first_programme, tier_choices

VIEW, EDIT = "rewards.view", "rewards.edit"
SECTION = "rewards"


def tabs(current: str) -> list[dict[str, Any]]:
    names = {
        "rewards": _("Rewards"),
        "exchange_orders": _("Orders"),
        "auctions": _("Auctions"),
        "draws": _("Lucky draws"),
        "reward_categories": _("Shelves"),
    }
    return [
        {"label": label, "url": reverse(f"console:{name}"), "active": name == current}
        for name, label in names.items()
    ]


@staff_page(VIEW)
def rewards(request: StaffRequest) -> HttpResponse:
    """All rewards by shelf, with what was taken and what it cost."""
    status, category = request.GET.get("status", ""), request.GET.get("category", "")
    found = queries.rewards(
        request.viewer,
        request.now,
        mall_id=malls_of(request).chosen_id,
        category_id=int(category) if category.isdecimal() and len(category) < 10 else None,
        status=status if status in reward_labels.REWARD_STATUSES else "",
        q=request.GET.get("q", "").strip()[:80],
    )
    figures = queries.reward_figures([one.id for one in found])
    context = {
        "rows": [{"reward": one, "figures": figures[one.id]} for one in found],
        "q": request.GET.get("q", ""),
        "status": status,
        "category": category,
        "statuses": reward_labels.REWARD_STATUSES.items(),
        "categories": queries.categories(request.now),
        "tabs": tabs("rewards"),
        "may": permissions(request, edit=EDIT),
    }
    if wants_fragment(request):
        return fragment(request, "console/rewards/_rows.html", context)
    return page(request, "console/rewards/list.html", context, section=SECTION)


def places_of(request: StaffRequest) -> list[tuple[str, str]]:
    found = [("0", _("The whole group"))] if may_touch(request.viewer, EDIT) else []
    own = [mall for mall in malls_of(request).all if may_touch(request.viewer, EDIT, mall=mall.id)]
    return found + [(str(mall.id), mall.name) for mall in own]


def zone_of(request: StaffRequest, mall_id: int | None) -> str:
    malls = [mall for mall in malls_of(request).all if mall_id in (None, mall.id)]
    return malls[0].time_zone if malls else "Asia/Shanghai"


def _form(request: StaffRequest, known: queries.RewardView | None) -> forms.RewardForm:
    batches = offers.batches_page(request.viewer, now=request.now, limit=200).items
    return forms.RewardForm(
        sent(request),
        shelves=queries.categories(request.now),
        tiers=tier_choices(request),
        batches=[(one.id, one.name) for one in batches if not one.is_bearer],
        places=places_of(request),
        zone=zone_of(request, known.mall_id if known else None),
        known=known,
        **({} if known else {"initial": {"opens_at": request.now.replace(second=0, microsecond=0)}}),
    )


@staff_page(EDIT)
def new_reward(request: StaffRequest) -> HttpResponse:
    """A draft; nobody sees it before it is opened."""
    form = _form(request, None)
    made: list[int] = []
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, "reward", form, lambda: made.append(_add(request, form)))
        except Problem as problem:
            add_problem(form, problem)
        else:
            where = reverse("console:reward", args=made) if made else reverse("console:rewards")
            return done(request, _("The draft is saved. Open it when it is right."), where)
    return _shown(request, form, None)


def _add(request: StaffRequest, form: forms.RewardForm) -> int:
    programme = first_programme(request)
    return operations.add_reward(
        actor=request.viewer,
        group_id=programme.group_id if programme else organization.default_group().id,
        mall_id=int(form.cleaned_data["mall"]) or None,
        reward=form.reward,
        stock=form.cleaned_data["stock"],
        now=request.now,
    )


@staff_page(EDIT)
def edit_reward(request: StaffRequest, reward_id: int) -> HttpResponse:
    known = queries.reward(request.viewer, reward_id, request.now)
    form = _form(request, known)
    if request.method == "POST" and form.is_valid():
        try:
            operations.change_reward(
                actor=request.viewer, reward_id=reward_id, reward=form.reward, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The reward is changed."), reverse("console:reward", args=[reward_id]))
    return _shown(request, form, known)


def _shown(request: StaffRequest, form: forms.RewardForm, known: queries.RewardView | None) -> HttpResponse:
    status = 422 if form.errors else 200
    return page(
        request, "console/rewards/form.html", {"form": form, "reward": known}, section=SECTION, status=status
    )


@staff_page(VIEW)
def reward(request: StaffRequest, reward_id: int) -> HttpResponse:
    """One reward: what it is, how it goes, who pays, and its latest orders."""
    found = queries.reward(request.viewer, reward_id, request.now)
    figures = queries.reward_figures([reward_id])[reward_id]
    context = {
        "reward": found,
        "figures": figures,
        "shares": [(labels.FUNDERS.get(party, party), fen) for party, fen in sorted(figures.shares.items())],
        "tier_prices": [
            (name, found.tier_points[str(tier_id)])
            for tier_id, name in tier_choices(request)
            if str(tier_id) in found.tier_points
        ],
        "tiers": [name for tier_id, name in tier_choices(request) if tier_id in found.tier_ids],
        "early_tiers": [name for tier_id, name in tier_choices(request) if tier_id in found.early_tier_ids],
        "lent_tier": dict(tier_choices(request)).get(found.tier_id or 0, ""),
        "order_states": [
            {"label": label, "count": figures.counts.get(state, 0)} for state, label in ORDER_STATES.items()
        ],
        "page": queries.orders_page(request.viewer, reward_id=reward_id, limit=10),
        "donated": queries.donation_state(reward_id) if found.kind == "donation" else None,
        "may": permissions(request, edit=EDIT, serve="rewards.serve"),
        "may_see_member": request.viewer.may("members.view"),
    }
    return page(request, "console/rewards/reward.html", context, section=SECTION)


@require_POST
@staff_page(EDIT)
def set_status(request: StaffRequest, reward_id: int) -> HttpResponse:
    """Open, pause or close."""
    where = reverse("console:reward", args=[reward_id])
    queries.reward(request.viewer, reward_id, request.now)
    try:
        operations.set_reward_status(
            actor=request.viewer, reward_id=reward_id, status=request.POST.get("status", ""), now=request.now
        )
    except Problem as problem:
        return refused(request, problem, where)
    return done(request, _("The reward is changed."), where)


def dialog(
    request: StaffRequest, form: Any, title: str, label: str, lead: str = "", template: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "label": label,
        "lead": lead,
        "action": request.path,
        "form_template": template,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


@staff_page(EDIT)
def set_stock(request: StaffRequest, reward_id: int) -> HttpResponse:
    found = queries.reward(request.viewer, reward_id, request.now)
    form = forms.StockForm(sent(request), initial={"stock": found.stock})
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_stock(
                actor=request.viewer, reward_id=reward_id, now=request.now, **form.cleaned_data
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The stock is changed."), reverse("console:reward", args=[reward_id]))
    lead = _("%(taken)s are taken.") % {"taken": found.taken}
    return dialog(request, form, _("Change the stock"), _("Change"), lead)


@staff_page(EDIT)
def add_codes(request: StaffRequest, reward_id: int) -> HttpResponse:
    """A partner's codes, taken in all or none."""
    queries.reward(request.viewer, reward_id, request.now)
    form = forms.CodePoolForm(sent(request))

    def act() -> None:
        operations.import_codes(actor=request.viewer, reward_id=reward_id, codes=form.lines, now=request.now)

    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, f"reward-codes-{reward_id}", form, act)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The codes are in the pool."), reverse("console:reward", args=[reward_id]))
    return dialog(request, form, _("Take in codes"), _("Take in"))


@staff_page(EDIT)
def set_picture(request: StaffRequest, reward_id: int) -> HttpResponse:
    found = queries.reward(request.viewer, reward_id, request.now)
    form = forms.PictureForm(sent(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_picture(
                actor=request.viewer, reward_id=reward_id, content=form.content, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The picture is changed."), reverse("console:reward", args=[reward_id]))
    context = {"form": form, "reward": found}
    status = 422 if form.errors else 200
    return page(request, "console/rewards/picture.html", context, section=SECTION, status=status)


@require_safe
@staff_page(VIEW)
def picture(request: StaffRequest, digest: str) -> HttpResponse:
    media_type, content = queries.picture(digest)
    return HttpResponse(content, content_type=media_type)


# --- shelves --------------------------------------------------------------


@staff_page(VIEW)
def categories(request: StaffRequest) -> HttpResponse:
    context = {
        "categories": queries.categories(request.now),
        "tabs": tabs("reward_categories"),
        "may": {"edit": may_touch(request.viewer, EDIT)},
    }
    return page(request, "console/rewards/categories.html", context, section=SECTION)


@staff_page(EDIT)
def edit_category(request: StaffRequest, category_id: int | None = None) -> HttpResponse:
    """A new shelf, or a change of one, in a dialog."""
    known = _known_category(request, category_id) if category_id is not None else None
    form = forms.CategoryForm(sent(request), known=known)
    if request.method == "POST" and form.is_valid():
        programme = first_programme(request)
        group_id = programme.group_id if programme else organization.default_group().id
        try:
            operations.save_category(
                actor=request.viewer, group_id=group_id, category=form.category, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The shelf is saved."), reverse("console:reward_categories"))
    return dialog(request, form, known.name if known else _("New shelf"), _("Save"))


def _known_category(request: StaffRequest, category_id: int) -> queries.CategoryView:
    found = next((one for one in queries.categories(request.now) if one.id == category_id), None)
    if found is None:
        raise NotFound
    return found


@require_POST
@staff_page(EDIT)
def retire_category(request: StaffRequest, category_id: int) -> HttpResponse:
    where = reverse("console:reward_categories")
    try:
        operations.retire_category(actor=request.viewer, category_id=category_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, where)
    return done(request, _("The shelf is taken away."), where)

"""Malls, floors, merchants, brands and trade categories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.forms import Form
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.access import may_touch
from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries
from zhike.organization.operations import structure
from zhike.organization.queries import MallRef, MerchantRef, PlaceRef
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.founding import GroupForm
from zhike.ui.console.forms.organization import (
    FloorForm,
    MallForm,
    MerchantChoices,
    MerchantForm,
    NamedForm,
    TradeCategoryForm,
)
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, number_or_404, page, wants_fragment

VIEW = "organization.view"
EDIT = "organization.edit"


@dataclass(frozen=True)
class MerchantRow:
    ref: MerchantRef
    mall: str
    floor: str
    trade_category: str
    brand: str


@staff_page(VIEW)
def merchants(request: StaffRequest) -> HttpResponse:
    """All merchants of the chosen mall; a few hundred at most, so one page holds them."""
    malls = malls_of(request)
    query = request.GET.get("q", "").strip().casefold()
    category, status = request.GET.get("category", ""), request.GET.get("status", "open")
    rows = [
        row
        for row in _merchant_rows(request, malls.chosen_id)
        if (not query or query in row.ref.name.casefold() or query in row.ref.code.casefold())
        and (not category or str(row.ref.trade_category_id) == category)
        and (status not in ("open", "closed") or row.ref.is_open == (status == "open"))
    ]
    context = {"rows": rows, "query": query, "category": category, "status": status, "malls_choice": malls}
    if wants_fragment(request):
        return fragment(request, "console/organization/_merchant_rows.html", context)
    context["categories"] = queries.trade_categories(_group_id(malls.all))
    context["may_edit"] = malls.chosen is not None and may_touch(request.viewer, EDIT, mall=malls.chosen_id)
    return page(request, "console/organization/merchants.html", context, section="merchants")


def _merchant_rows(request: StaffRequest, mall_id: int | None) -> list[MerchantRow]:
    malls = malls_of(request)
    group_id = _group_id(malls.all)
    mall_names = {mall.id: mall.name for mall in malls.all}
    categories = {place.id: place.name for place in queries.trade_categories(group_id)}
    brands = {place.id: place.name for place in queries.brands(group_id)}
    shown = [mall for mall in malls.all if mall_id in (None, mall.id)]
    floors = {floor.id: floor.name for mall in shown for floor in queries.floors(mall.id)}
    return [
        MerchantRow(
            ref,
            mall_names.get(ref.mall_id, ""),
            floors.get(ref.floor_id or 0, ""),
            categories.get(ref.trade_category_id or 0, ""),
            brands.get(ref.brand_id or 0, ""),
        )
        for ref in queries.merchants(request.viewer, mall_id)
    ]


def visible_merchant(request: StaffRequest, merchant_id: int) -> MerchantRef:
    """Raises NotFound for a merchant outside the viewer's scope too."""
    found = queries.merchant_ref(merchant_id)
    if found is None or not may_touch(
        request.viewer, VIEW, mall=found.mall_id, floor=found.floor_id, merchant=found.id
    ):
        raise NotFound
    return found


@staff_page(VIEW)
def merchant(request: StaffRequest, merchant_id: int) -> HttpResponse:
    """One merchant with the figures of its day so far."""
    ref = visible_merchant(request, merchant_id)
    row = next((row for row in _merchant_rows(request, ref.mall_id) if row.ref.id == merchant_id), None)
    if row is None:
        raise NotFound
    today = clock.business_date(request.now, ref.time_zone)
    may_edit = may_touch(request.viewer, EDIT, mall=ref.mall_id, floor=ref.floor_id, merchant=ref.id)
    figures = None
    if request.viewer.may("dashboard.view"):
        figures = loyalty.merchant_day(request.viewer, ref.id, ref.mall_id, today)
    context = {
        "row": row,
        "figures": figures,
        "today_query": urlencode({"merchant": ref.id, "from": today, "to": today, "kind": "sale"}),
        "may_edit": may_edit,
        "viewer_may_see_receipts": request.viewer.may("receipts.view"),
    }
    return page(request, "console/organization/merchant.html", context, section="merchants")


@staff_page(EDIT)
def new_merchant(request: StaffRequest) -> HttpResponse:
    mall = malls_of(request).chosen
    if mall is None:
        return HttpResponseRedirect(reverse("console:merchants"))
    form = MerchantForm(request.POST or None, choices=_choices(mall), is_new=True)
    if request.method == "POST" and form.is_valid():
        try:
            made = structure.create_merchant(
                actor=request.viewer, mall_id=mall.id, now=request.now, **form.cleaned_data
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            url = reverse("console:merchant", args=[made])
            return done(request, _("The merchant is in the directory."), url)
    context = {"form": form, "mall": mall}
    return page(request, "console/organization/merchant_form.html", context, section="merchants")


@staff_page(EDIT)
def edit_merchant(request: StaffRequest, merchant_id: int) -> HttpResponse:
    ref = visible_merchant(request, merchant_id)
    initial = {
        "name": ref.name,
        "floor_id": ref.floor_id,
        "brand_id": ref.brand_id,
        "trade_category_id": ref.trade_category_id,
        "status": "open" if ref.is_open else "closed",
    }
    choices = _choices(queries.mall(ref.mall_id))
    form = MerchantForm(request.POST or None, initial=initial, choices=choices, is_new=False)
    if request.method == "POST" and form.is_valid():
        changes = dict(form.cleaned_data)
        reason = changes.pop("reason")
        try:
            structure.update_merchant(
                actor=request.viewer, merchant_id=ref.id, changes=changes, reason=reason, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), reverse("console:merchant", args=[ref.id]))
    context = {"form": form, "merchant": ref}
    return page(request, "console/organization/merchant_form.html", context, section="merchants")


def _choices(mall: MallRef) -> MerchantChoices:
    return MerchantChoices(
        floors=queries.floors(mall.id),
        brands=queries.brands(mall.group_id),
        trade_categories=queries.trade_categories(mall.group_id),
    )


def _group_id(malls: list[MallRef]) -> int:
    """The group's id; 0, to which nothing belongs, before it is founded."""
    if malls:
        return malls[0].group_id
    group = queries.founded_group()
    return group.id if group else 0


@staff_page(EDIT)
def edit_group(request: StaffRequest) -> HttpResponse:
    """The group's name and the member app's, in a dialog."""
    group = queries.default_group()
    form = GroupForm(request.POST or None, initial={"name": group.name, "app_name": group.app_name})
    if request.method == "POST" and form.is_valid():
        try:
            structure.update_group(
                actor=request.viewer, group_id=group.id, now=request.now, **form.cleaned_data
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), reverse("console:structure"))
    context = {"form": form, "title": group.name, "action": request.path}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


# --- malls, floors, brands, trade categories ------------------------------------------------------------


@staff_page(VIEW)
def structure_page(request: StaffRequest) -> HttpResponse:
    """Every mall with its floors and how many merchants stand on each; brands and trade categories of the group."""
    malls = malls_of(request).all
    group_id = _group_id(malls)
    counts: dict[tuple[int, int | None], int] = defaultdict(int)
    per_category: dict[int | None, int] = defaultdict(int)
    per_brand: dict[int | None, int] = defaultdict(int)
    for ref in queries.merchants(request.viewer):
        counts[ref.mall_id, ref.floor_id] += 1
        per_category[ref.trade_category_id] += 1
        per_brand[ref.brand_id] += 1
    context = {
        "trees": [
            {
                "mall": mall,
                "floors": [(floor, counts[mall.id, floor.id]) for floor in reversed(queries.floors(mall.id))],
                "elsewhere": counts[mall.id, None],
                "merchants": sum(count for (mall_id, _floor), count in counts.items() if mall_id == mall.id),
                "may_edit": may_touch(request.viewer, EDIT, mall=mall.id),
            }
            for mall in malls
        ],
        "categories": _tree(queries.trade_categories(group_id), per_category),
        "brands": [(brand, per_brand[brand.id]) for brand in queries.brands(group_id)],
        "group": queries.founded_group(),
        "may_edit_group": may_touch(request.viewer, EDIT),
    }
    return page(request, "console/organization/structure.html", context, section="structure")


def _tree(places: list[PlaceRef], counts: dict[int | None, int]) -> list[dict[str, Any]]:
    """Parents followed by their children, with depth; something whose parent is missing stands on top."""
    known = {place.id for place in places}
    children: dict[int | None, list[PlaceRef]] = defaultdict(list)
    for place in places:
        children[place.parent_id if place.parent_id in known else None].append(place)
    rows: list[dict[str, Any]] = []

    def walk(parent: int | None, depth: int) -> None:
        for place in children[parent]:
            rows.append({"place": place, "depth": depth, "merchants": counts[place.id]})
            walk(place.id, depth + 1)

    walk(None, 0)
    return rows


@staff_page(EDIT)
def new_place(request: StaffRequest, kind: str) -> HttpResponse:
    """A mall, floor, brand or trade category, in a dialog."""
    title, form, create = _place_of(request, kind)
    if request.method == "POST" and form.is_valid():
        try:
            create(**form.cleaned_data)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), reverse("console:structure"))
    context = {"form": form, "title": title, "action": request.get_full_path()}
    status = 422 if form.is_bound else 200
    return fragment(request, "console/_form_dialog.html", context, status=status)


def _place_of(request: StaffRequest, kind: str) -> tuple[str, Form, Callable[..., int]]:
    data = request.POST or None
    actor, now = request.viewer, request.now
    group_id = queries.default_group().id
    if kind == "mall":
        made = partial(structure.create_mall, actor=actor, group_id=group_id, now=now)
        return _("New mall"), MallForm(data), made
    if kind == "floor":
        mall_id = number_or_404(request.GET.get("mall"))
        return (
            _("New floor"),
            FloorForm(data),
            partial(structure.create_floor, actor=actor, mall_id=mall_id, now=now),
        )
    if kind == "brand":
        made = partial(structure.create_brand, actor=actor, group_id=group_id, now=now)
        return _("New brand"), NamedForm(data), made
    if kind == "trade-category":
        made = partial(structure.create_trade_category, actor=actor, group_id=group_id, now=now)
        form = TradeCategoryForm(data, categories=queries.trade_categories(group_id))
        return _("New trade category"), form, made
    raise NotFound

"""Coupons: batches with their figures, templates, single coupons, and handing out."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from zhike.customers import queries as customers
from zhike.kernel.access import may_touch
from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.offers import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import labels, offer_labels
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms import coupons as forms
from zhike.ui.console.forms.rules import WEEKDAYS
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    page,
    permissions,
    wants_fragment,
)
from zhike.ui.console.programmes import first_programme
from zhike.ui.console.rule_choices import choices

VIEW, EDIT, ISSUE, USE = "offers.view", "offers.edit", "coupons.issue", "coupons.use"
SECTION = "coupons"


def _tabs(request: StaffRequest, current: str) -> list[dict[str, Any]]:
    names = {"coupons": _("Batches"), "coupon_templates": _("Templates"), "coupon_list": _("Single coupons")}
    if request.viewer.may(USE):
        names["coupon_keys"] = _("Keys for tills")
    return [
        {"label": label, "url": reverse(f"console:{name}"), "active": name == current}
        for name, label in names.items()
    ]


@staff_page(VIEW)
def batches(request: StaffRequest) -> HttpResponse:
    """All batches with how far they got."""
    status = request.GET.get("status", "")
    found = queries.batches_page(
        request.viewer,
        now=request.now,
        mall_id=malls_of(request).chosen_id,
        status=status if status in offer_labels.COUPON_BATCH_STATUSES else "",
        q=request.GET.get("q", "")[:80],
        cursor=request.GET.get("cursor"),
    )
    figures = queries.batch_figures([one.id for one in found.items])
    context = {
        "page": found,
        "rows": [{"batch": one, "figures": figures[one.id]} for one in found.items],
        "q": request.GET.get("q", ""),
        "status": status,
        "statuses": offer_labels.COUPON_BATCH_STATUSES.items(),
        "tabs": _tabs(request, "coupons"),
        "may": permissions(request, edit=EDIT),
    }
    if wants_fragment(request):
        return fragment(request, "console/coupons/_batch_rows.html", context)
    return page(request, "console/coupons/batches.html", context, section=SECTION)


@staff_page(USE)
def keys(request: StaffRequest) -> HttpResponse:
    """What a till without a network checks signed coupons by."""
    context = {"keys": queries.signing_keys(request.viewer), "tabs": _tabs(request, "coupon_keys")}
    return page(request, "console/coupons/keys.html", context, section=SECTION)


@staff_page(VIEW)
def templates(request: StaffRequest) -> HttpResponse:
    context = {
        "templates": queries.templates(request.viewer),
        "tabs": _tabs(request, "coupon_templates"),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/coupons/templates.html", context, section=SECTION)


@staff_page(EDIT)
def edit_template(request: StaffRequest, template_id: int | None = None) -> HttpResponse:
    """A new template, or the next version of one."""
    known = queries.template(request.viewer, template_id) if template_id is not None else None
    places = places_of(request)
    initial = (
        forms.initial_of(known.definition) | {"name": known.name, "instructions": known.instructions}
        if known
        else None
    )
    form = forms.TemplateForm(
        request.POST or None, choices=choices(request), places=places, is_new=known is None, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            _save_template(request, form, known)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The template is saved."), reverse("console:coupon_templates"))
    context = {"form": form, "template": known}
    return page(
        request,
        "console/coupons/template_form.html",
        context,
        section=SECTION,
        status=422 if form.errors else 200,
    )


def places_of(request: StaffRequest) -> list[tuple[str, str]]:
    """The malls a coupon may belong to; the whole group for whoever may everywhere."""
    found = [("0", _("The whole group"))] if may_touch(request.viewer, EDIT) else []
    return found + [
        (str(mall.id), mall.name)
        for mall in organization.malls(request.viewer, EDIT)
        if may_touch(request.viewer, EDIT, mall=mall.id)
    ]


def _save_template(
    request: StaffRequest, form: forms.TemplateForm, known: queries.TemplateView | None
) -> None:
    programme = first_programme(request)
    mall_id = known.mall_id if known else int(form.cleaned_data["place"]) or None
    operations.save_template(
        actor=request.viewer,
        group_id=known.group_id
        if known
        else programme.group_id
        if programme
        else organization.default_group().id,
        mall_id=mall_id,
        code=known.code if known else form.cleaned_data["code"],
        name=form.cleaned_data["name"],
        terms=form.terms,
        instructions=form.cleaned_data["instructions"],
        now=request.now,
    )


@require_POST
@staff_page(EDIT)
def retire_template(request: StaffRequest, template_id: int) -> HttpResponse:
    queries.template(request.viewer, template_id)
    operations.retire_template(actor=request.viewer, template_id=template_id, now=request.now)
    return done(request, _("The template is no longer in use."), reverse("console:coupon_templates"))


# --- one batch ------------------------------------------------------------


def _zone(request: StaffRequest, mall_id: int | None) -> str:
    malls = [mall for mall in malls_of(request).all if mall_id in (None, mall.id)]
    return malls[0].time_zone if malls else "Asia/Shanghai"


def _tiers(request: StaffRequest) -> list[tuple[int, str]]:
    programme = first_programme(request)
    return [(tier.id, tier.name) for tier in loyalty.tiers(programme.id)] if programme else []


@staff_page(EDIT)
def new_batch(request: StaffRequest, template_id: int) -> HttpResponse:
    template = queries.template(request.viewer, template_id)
    zone = _zone(request, template.mall_id)
    local = request.now.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0, tzinfo=None)
    form = forms.BatchForm(
        request.POST or None, tiers=_tiers(request), initial={"name": template.name, "claim_from": local}
    )
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, "coupon-batch", form, lambda: _open_batch(request, form, template, zone))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The batch is open."), reverse("console:coupons"))
    context = {"form": form, "template": template}
    return page(
        request,
        "console/coupons/batch_form.html",
        context,
        section=SECTION,
        status=422 if form.errors else 200,
    )


def _open_batch(
    request: StaffRequest, form: forms.BatchForm, template: queries.TemplateView, zone: str
) -> None:
    data = form.cleaned_data
    operations.open_batch(
        actor=request.viewer,
        template_id=template.id,
        batch=operations.NewBatch(
            code=data["code"],
            name=data["name"],
            stock=data["stock"],
            per_member=data["per_member"],
            claim_from=forms.in_zone(data["claim_from"], zone),
            claim_until=forms.in_zone(data["claim_until"], zone),
            is_public=data["way"] == "public",
            is_bearer=data["way"] == "codes",
            tier_ids=data["tiers"],
            early_from=forms.in_zone(data["early_from"], zone) if data["early_from"] else None,
            early_tier_ids=data["early_tiers"],
            early_quota=data["early_quota"] or 0,
            early_stays=data["early_stays"],
        ),
        now=request.now,
    )


@staff_page(VIEW)
def batch(request: StaffRequest, batch_id: int) -> HttpResponse:
    """One batch: what it promises, how it goes, who pays, and its coupons."""
    found = queries.batch(request.viewer, batch_id, request.now)
    figures = queries.batch_figures([batch_id])[batch_id]
    listed = _listed(request, batch_id=batch_id)
    context = listed | {
        "batch": found,
        "figures": figures,
        "shares": [(labels.FUNDERS.get(party, party), fen) for party, fen in sorted(figures.funding.items())],
        "clauses": _clauses(request, found),
        "early_tiers": [name for pk, name in choices(request).tiers if pk in found.early_tier_ids],
        "may": permissions(request, edit=EDIT, issue=ISSUE),
    }
    if wants_fragment(request):
        return fragment(request, "console/coupons/_coupon_rows.html", context)
    return page(request, "console/coupons/batch.html", context, section=SECTION)


def _clauses(request: StaffRequest, found: queries.BatchView) -> list[tuple[Any, str]]:
    """Where, when and for whom, as far as it is restricted."""
    scope, shown = found.terms.scope, choices(request)
    clauses: list[tuple[Any, str]] = []
    for name, label in (
        ("merchants", _("Merchants")),
        ("trade_categories", _("Trade categories")),
        ("product_categories", _("Product categories")),
    ):
        chosen, names = getattr(scope, name), dict(getattr(shown, name))
        if chosen.only:
            clauses.append((label, _("only %(names)s") % {"names": _joined(names, chosen.only)}))
        if chosen.excluded:
            clauses.append((label, _("all but %(names)s") % {"names": _joined(names, chosen.excluded)}))
    if scope.tiers:
        clauses.append((_("Tiers"), _joined(dict(shown.tiers), scope.tiers)))
    for window in scope.windows:
        days = _(", ").join(str(dict(WEEKDAYS)[day]) for day in window.weekdays) or _("every day")
        hours = f"{window.from_minute // 60:02d}:{window.from_minute % 60:02d}–{window.to_minute // 60:02d}:{window.to_minute % 60:02d}"
        clauses.append((_("Times"), f"{days} {hours}"))
    return clauses


def _joined(names: dict[Any, Any], chosen: tuple[int, ...]) -> str:
    return _(", ").join(str(names.get(key, key)) for key in chosen)


@staff_page(EDIT)
def change_batch(request: StaffRequest, batch_id: int) -> HttpResponse:
    """Stock, limit, end and state, in a dialog with its reason."""
    found = queries.batch(request.viewer, batch_id, request.now)
    zone = _zone(request, found.mall_id)
    initial = {
        "stock": found.stock,
        "per_member": found.per_member,
        "status": found.status,
        "claim_until": found.claim_until.astimezone(ZoneInfo(zone)).replace(tzinfo=None),
    }
    form = forms.BatchChangeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        changes = {name: data[name] for name in ("stock", "per_member", "status")}
        changes["claim_until"] = forms.in_zone(data["claim_until"], zone)
        try:
            operations.change_batch(
                actor=request.viewer,
                batch_id=batch_id,
                changes=changes,
                reason=data["reason"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The batch is changed."), reverse("console:coupon_batch", args=[batch_id]))
    return _dialog(request, form, _("Change the batch"), _("Change"))


def _dialog(request: StaffRequest, form: Any, title: str, label: str, lead: str = "") -> HttpResponse:
    context = {"form": form, "title": title, "label": label, "lead": lead, "action": request.path}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


@staff_page(ISSUE)
def push(request: StaffRequest, batch_id: int) -> HttpResponse:
    """One coupon for each member of a list; lines that name nobody are told and nobody gets anything by mistake."""
    found = queries.batch(request.viewer, batch_id, request.now)
    form = forms.PushForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        known, unknown = _members_of(request, form.lines)
        if unknown:
            shown = _(", ").join(unknown[:5])
            form.add_error("members", _("These name no member you may see: %(lines)s") % {"lines": shown})
        else:
            try:
                run_once(request, f"push-{batch_id}", form, lambda: _push(request, batch_id, known, form))
            except Problem as problem:
                add_problem(form, problem)
            else:
                sentence = ngettext(
                    "%(count)s member was on the list.", "%(count)s members were on the list.", len(known)
                )
                return done(
                    request,
                    sentence % {"count": len(known)},
                    reverse("console:coupon_batch", args=[batch_id]),
                )
    lead = _("Each gets one; whoever is at the limit already is passed over. %(left)s are left.") % {
        "left": found.left
    }
    return _dialog(request, form, _("Hand out to a list"), _("Hand out"), lead)


def _members_of(request: StaffRequest, lines: list[str]) -> tuple[list[int], list[str]]:
    """The members that phone or card numbers name, and the lines that name nobody in the viewer's scope."""
    persons: dict[str, int] = {}
    for kind in ("phone", "card"):
        persons = customers.person_ids_by(kind, [line for line in lines if line not in persons]) | persons
    members = loyalty.visible_member_ids(request.viewer, list(persons.values()))
    found = [members[persons[line]] for line in lines if persons.get(line) in members]
    return found, [line for line in lines if persons.get(line) not in members]


def _push(request: StaffRequest, batch_id: int, members: list[int], form: forms.PushForm) -> None:
    operations.issue_to_members(
        actor=request.viewer,
        batch_id=batch_id,
        member_ids=members,
        reason=form.cleaned_data["reason"],
        now=request.now,
    )


@staff_page(ISSUE)
def codes(request: StaffRequest, batch_id: int) -> HttpResponse:
    """Codes for bearers: made by us, or a brand's own taken in."""
    queries.batch(request.viewer, batch_id, request.now)
    form = forms.CodesForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, f"codes-{batch_id}", form, lambda: _add_codes(request, batch_id, form))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The codes are there."), reverse("console:coupon_batch", args=[batch_id]))
    return _dialog(request, form, _("Codes for bearers"), _("Add"))


def _add_codes(request: StaffRequest, batch_id: int, form: forms.CodesForm) -> None:
    count = form.cleaned_data["count"]
    if count:
        operations.make_codes(actor=request.viewer, batch_id=batch_id, count=count, now=request.now)
    else:
        operations.import_codes(actor=request.viewer, batch_id=batch_id, codes=form.lines, now=request.now)


@require_POST
@staff_page(ISSUE)
def export_codes(request: StaffRequest, batch_id: int) -> HttpResponseBase:
    """The codes of a bearer batch that can still be used, as a file; the export is audited."""
    found = operations.hand_out_codes(actor=request.viewer, batch_id=batch_id, now=request.now)
    header = [_("Code"), _("Good until")]
    rows = ([code, until.isoformat()] for code, until in found)
    return csv_response(f"coupon-codes-{batch_id}", header, rows)


# --- single coupons ------------------------------------------------------------


def _listed(request: StaffRequest, batch_id: int | None = None) -> dict[str, Any]:
    state = request.GET.get("state", "")
    code = request.GET.get("q", "")[:60]
    found = queries.coupons_page(
        request.viewer,
        now=request.now,
        batch_id=batch_id,
        state=state if state in offer_labels.COUPON_STATES else "",
        code=code,
        cursor=request.GET.get("cursor"),
    )
    return {
        "page": found,
        "state": state,
        "q": code,
        "states": offer_labels.COUPON_STATES.items(),
        "may_see_member": request.viewer.may("members.view"),
    }


@staff_page(VIEW)
def coupons(request: StaffRequest) -> HttpResponse:
    """Single coupons, by code and state."""
    context = _listed(request) | {"tabs": _tabs(request, "coupon_list")}
    if wants_fragment(request):
        return fragment(request, "console/coupons/_coupon_rows.html", context)
    return page(request, "console/coupons/coupons.html", context, section=SECTION)


@staff_page(VIEW)
def coupon(request: StaffRequest, coupon_id: int) -> HttpResponse:
    """One coupon and everything that was ever done with it."""
    row, uses = queries.coupon_file(request.viewer, coupon_id, request.now)
    context = {
        "row": row,
        "coupon": row.coupon,
        "uses": uses,
        "may": permissions(request, issue=ISSUE),
        "may_see_member": request.viewer.may("members.view"),
    }
    return page(request, "console/coupons/coupon.html", context, section=SECTION)


@staff_page(ISSUE)
def void(request: StaffRequest, coupon_id: int) -> HttpResponse:
    row, _uses = queries.coupon_file(request.viewer, coupon_id, request.now)
    if row.coupon.state not in ("usable", "not-yet", "expired"):
        raise NotFound
    form = forms.VoidForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.void_coupon(
                actor=request.viewer, coupon_id=coupon_id, reason=form.cleaned_data["reason"], now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The coupon is void."), reverse("console:coupon", args=[coupon_id]))
    return _dialog(request, form, _("Make the coupon void"), _("Make void"))

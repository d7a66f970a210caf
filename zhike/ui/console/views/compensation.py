"""Amends: offered on a ticket, agreed to, handed over, taken back; what they cost; the catalogue and the authorities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from zhike.kernel.errors import NotFound, Problem
from zhike.kernel.money import yuan_text
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms import compensation as amends_forms
from zhike.ui.console.once import OnceForm, run_once
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions
from zhike.ui.console.payers import payer_name
from zhike.ui.console.views.service import HANDLE, VIEW, ticket_url

APPROVE, MANAGE = "compensation.approve", "tickets.manage"
PERIODS = (30, 90, 365)
EXPORT_MAX = 5_000


def _url() -> str:
    return reverse("console:compensations")


# --- the list and what it cost -------------------------------------------------------------------------------------


@staff_page(VIEW)
def compensations(request: StaffRequest) -> HttpResponse:
    """What waits for a second person comes first; below it, what amends cost, whom and why."""
    state = request.GET.get("state", "")
    mall_id = malls_of(request).chosen_id
    days = next((n for n in PERIODS if request.GET.get("days") == str(n)), PERIODS[0])
    since = request.now - dt.timedelta(days=days)
    may = permissions(request, handle=HANDLE, approve=APPROVE, manage=MANAGE)
    report = None
    if may["handle"]:
        report = queries.compensation_report(request.viewer, mall_id=mall_id, since=since, until=request.now)
    if state not in queries.STATES:
        state = "waiting" if report and report.waiting else "all"
    found = queries.compensations_page(
        request.viewer, mall_id=mall_id, state=state, cursor=request.GET.get("cursor"), limit=20
    )
    counts = {"waiting": report.waiting, "ready": report.ready} if report else {}
    context = {
        "page": found,
        "tabs": [
            {
                "label": words.COMPENSATION_QUEUES[code],
                "url": f"?state={code}&days={days}",
                "active": code == state,
                "badge": counts.get(code) or "",
            }
            for code in queries.STATES
        ],
        "periods": [
            {
                "label": _("%(days)s days") % {"days": n},
                "url": f"?state={state}&days={n}",
                "active": n == days,
            }
            for n in PERIODS
        ],
        "report": report,
        "days": days,
        "may": may,
        "staff_id": request.staff_id,
        "payers": _payers(found.items),
        "tables": _tables(report) if report else [],
    }
    return page(request, "console/compensation/list.html", context, section="compensations")


def _payers(rows: Any) -> dict[str, str]:
    return {row.payer: payer_name(row.payer) for row in rows}


def _tables(report: queries.CostReport) -> list[dict[str, Any]]:
    """The same sum, cut four ways, each with a bar for its share."""
    cuts: list[tuple[str, Any, Callable[[queries.CostRow], Any]]] = [
        (_("By cause"), report.causes, lambda row: row.name or _("Not said yet")),
        (_("By merchant"), report.merchants, lambda row: row.name or _("The mall itself")),
        (_("By who pays"), report.payers, lambda row: payer_name(row.key)),
        (_("By kind"), report.kinds, lambda row: words.COMPENSATION_KINDS.get(row.key, row.key)),
    ]
    return [
        {
            "title": title,
            "rows": [{"name": name(row), "row": row} for row in rows[:8]],
            "total": report.cost_fen,
        }
        for title, rows, name in cuts
    ]


@staff_page(HANDLE)
def export(request: StaffRequest) -> HttpResponseBase:
    """The list of the period as a file for a spreadsheet."""
    days = next((n for n in PERIODS if request.GET.get("days") == str(n)), PERIODS[0])
    rows: list[queries.CompensationView] = []
    cursor = None
    while len(rows) < EXPORT_MAX:
        found = queries.compensations_page(
            request.viewer,
            mall_id=malls_of(request).chosen_id,
            since=request.now - dt.timedelta(days=days),
            cursor=cursor,
            limit=200,
        )
        rows += found.items
        cursor = found.next_cursor
        if cursor is None:
            break
    header = [
        _("Ticket"), _("Merchant"), _("Cause"), _("Kind"), _("Amends"), _("Amount"), _("Cost (yuan)"), _("Who pays"),
        _("State"), _("Reason"), _("Proposed"), _("Proposed by"), _("Agreed by"), _("Given"),
    ]  # fmt: skip
    lines = [
        [
            row.number, row.merchant_name, row.cause, words.COMPENSATION_KINDS[row.kind], row.name,
            yuan_text(row.amount) if row.kind == "cash" else row.amount, yuan_text(row.cost_fen), payer_name(row.payer),
            words.COMPENSATION_STATES[row.state], row.reason, row.proposed_at.isoformat(timespec="seconds"),
            row.proposed_by, row.decided_by,
            row.executed_at.isoformat(timespec="seconds") if row.executed_at else "",
        ]
        for row in rows
    ]  # fmt: skip
    return csv_response("compensation", header, lines)


# --- one of them ---------------------------------------------------------------------------------------------------


@staff_page(HANDLE)
def offer(request: StaffRequest, number: str) -> HttpResponse:
    """Offer amends on a ticket; the dialog says what the reader may give without asking."""
    shown = queries.ticket(request.viewer, number, request.now)
    group_id = organization.mall(shown.row.mall_id).group_id
    items = queries.compensation_items(request.viewer, group_id, offered_only=True)
    form = amends_forms.OfferForm(
        request.POST or None,
        items=items,
        merchant_name=shown.row.merchant_name,
        initial={"payer": "merchant" if shown.row.merchant_id else "mall"},
    )

    def act() -> None:
        data = form.cleaned_data
        operations.propose_compensation(
            actor=request.viewer,
            number=number,
            item_code=data["item"],
            amount=data["amount"],
            payer=data["payer"],
            reason=data["reason"],
            now=request.now,
        )

    return _dialog(
        request,
        form,
        f"amends:{number}",
        act,
        url=ticket_url(number),
        success=_("The amends are written down. What is above your limit waits for a second person."),
        title=_("Offer amends"),
        label=_("Offer"),
        own=queries.own_authority(request.viewer, shown.row.mall_id, request.now),
        form_template="console/compensation/_offer_form.html",
    )


@staff_page(APPROVE)
def decide(request: StaffRequest, compensation_id: int, way: str) -> HttpResponse:
    """A second person agrees, or does not."""
    row = _row(request, compensation_id)
    form = amends_forms.DecideForm(request.POST or None)
    approve = way == "agree"

    def act() -> None:
        operations.decide_compensation(
            actor=request.viewer,
            compensation_id=compensation_id,
            approve=approve,
            note=form.cleaned_data["note"],
            now=request.now,
        )

    return _dialog(
        request,
        form,
        f"decide:{compensation_id}:{way}",
        act,
        url=_back(request, row),
        success=_("Agreed.") if approve else _("Refused."),
        title=_("Agree to the amends") if approve else _("Refuse the amends"),
        lead=_lead(row),
        label=_("Agree") if approve else _("Refuse"),
    )


@staff_page(HANDLE)
def hand_over(request: StaffRequest, compensation_id: int) -> HttpResponse:
    row = _row(request, compensation_id)
    form = amends_forms.HandOverForm(request.POST or None)

    def act() -> None:
        operations.hand_over_compensation(
            actor=request.viewer,
            compensation_id=compensation_id,
            reference=form.cleaned_data["reference"],
            now=request.now,
        )

    return _dialog(
        request,
        form,
        f"hand-over:{compensation_id}",
        act,
        url=_back(request, row),
        success=_("Handed over."),
        title=pgettext("amends", "Hand over"),
        lead=_lead(row),
        label=_("Handed over"),
    )


@staff_page(HANDLE)
def withdraw(request: StaffRequest, compensation_id: int) -> HttpResponse:
    row = _row(request, compensation_id)
    form = amends_forms.WithdrawForm(request.POST or None)

    def act() -> None:
        operations.withdraw_compensation(
            actor=request.viewer,
            compensation_id=compensation_id,
            reason=form.cleaned_data["reason"],
            now=request.now,
        )

    return _dialog(
        request,
        form,
        f"withdraw:{compensation_id}",
        act,
        url=_back(request, row),
        success=_("Taken back."),
        title=_("Take back"),
        lead=_lead(row),
        label=_("Take back"),
    )


def _row(request: StaffRequest, compensation_id: int) -> queries.CompensationView:
    row = queries.compensation(request.viewer, compensation_id)
    if row is None:
        raise NotFound
    return row


def _back(request: StaffRequest, row: queries.CompensationView) -> str:
    return _url() if "from=list" in request.META.get("QUERY_STRING", "") else ticket_url(row.number)


def _lead(row: queries.CompensationView) -> str:
    return _("%(number)s: %(name)s, cost ¥%(cost)s. %(reason)s") % {
        "number": row.number,
        "name": row.name,
        "cost": yuan_text(row.cost_fen),
        "reason": row.reason,
    }


def _dialog(
    request: StaffRequest,
    form: OnceForm,
    what: str,
    act: Callable[[], None],
    *,
    url: str,
    success: str,
    **dialog: Any,
) -> HttpResponse:
    """Show the form; when it is sent and valid, act once."""
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, what, form, act)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, success, url)
    context = {"form": form, "action": request.get_full_path(), **dialog}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


# --- the catalogue -------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def catalogue(request: StaffRequest) -> HttpResponse:
    """What may be given, and who may give how much."""
    group_id = organization.default_group().id
    context = {
        "items": queries.compensation_items(request.viewer, group_id),
        "authorities": queries.authorities(request.viewer, group_id),
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/compensation/catalogue.html", context, section="compensations")


@staff_page(MANAGE)
def found(request: StaffRequest) -> HttpResponse:
    """The usual catalogue and authorities, to be changed afterwards."""
    if request.method == "POST":
        operations.found_compensation(
            actor=request.viewer, group_id=organization.default_group().id, now=request.now
        )
    return done(request, _("The catalogue is set up."), reverse("console:compensation_catalogue"))


@staff_page(MANAGE)
def item(request: StaffRequest) -> HttpResponse:
    group_id = organization.default_group().id
    known = next(
        (
            one
            for one in queries.compensation_items(request.viewer, group_id)
            if one.code == request.GET.get("code")
        ),
        None,
    )
    form = amends_forms.ItemForm(
        request.POST or None, batches=_batches(request), initial=_item_initial(known)
    )

    def act() -> None:
        operations.save_compensation_item(
            actor=request.viewer, group_id=group_id, now=request.now, **form.values()
        )

    return _dialog(
        request,
        form,
        "compensation-item",
        act,
        url=reverse("console:compensation_catalogue"),
        success=_("Saved."),
        title=_("Change the item") if known else _("New item"),
        wide=True,
    )


def _batches(request: StaffRequest) -> list[tuple[str, str]]:
    if not request.viewer.may("offers.view"):
        return []
    rows = offers.batches_page(request.viewer, now=request.now, limit=100).items
    return [(str(row.id), row.name) for row in rows if not row.is_bearer]


def _item_initial(known: queries.ItemView | None) -> dict[str, Any]:
    if known is None:
        return {}
    scale = 100 if known.kind == "cash" else 1
    return {
        "code": known.code,
        "name": known.name,
        "kind": known.kind,
        "amount_max": known.amount_max / scale,
        "unit_cost": known.unit_cost_fen / 100,
        "batch_id": known.batch_id,
        "is_offered": known.is_offered,
    }


@staff_page(MANAGE)
def authority(request: StaffRequest) -> HttpResponse:
    group_id = organization.default_group().id
    known = next(
        (one for one in queries.authorities(request.viewer, group_id) if one.role == request.GET.get("role")),
        None,
    )
    initial = {}
    if known is not None:
        initial = {
            "role": known.role,
            "each": None if known.each_fen is None else known.each_fen / 100,
            "period": known.period,
            "total": None if known.period_fen is None else known.period_fen / 100,
        }
    form = amends_forms.AuthorityForm(request.POST or None, initial=initial)

    def act() -> None:
        operations.save_authority(actor=request.viewer, group_id=group_id, now=request.now, **form.values())

    return _dialog(
        request,
        form,
        "authority",
        act,
        url=reverse("console:compensation_catalogue"),
        success=_("Saved."),
        title=_("Who may give how much"),
    )

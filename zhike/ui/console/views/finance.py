"""Points as a liability: what is owed, by whom it is paid, when it lapses, and the postings of a month."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.kernel.money import yuan_text
from zhike.loyalty import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.dates import date_of
from zhike.ui.console.forms.finance import ProvisionForm
from zhike.ui.console.labels import JOURNAL_ENTRIES
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions
from zhike.ui.console.payers import payer_name
from zhike.ui.console.programmes import first_programme

VIEW, EDIT = "finance.view", "finance.edit"
TONES = ("primary", "accent", "success", "info", "warning")
COLUMNS_MAX = 4


def _program_id(request: StaffRequest) -> int:
    found = queries.default_program_id()
    if found is None:
        raise NotFound
    return found


@staff_page(VIEW)
def liability(request: StaffRequest) -> HttpResponse:
    program_id = queries.default_program_id()
    context: dict[str, Any] = {"may": permissions(request, edit=EDIT)}
    if program_id is not None:
        found = queries.liability(request.viewer, program_id, request.now)
        context |= _figures(request, found, program_id)
    return page(request, "console/finance/liability.html", context, section="liability")


def _figures(request: StaffRequest, found: queries.Liability, program_id: int) -> dict[str, Any]:
    group_id = _group_id(request)
    names = {one.payer.funding_id: payer_name(one.payer.code, group_id) for one in found.payers}
    columns = _columns(found, names)
    chosen = next((one for one in names if str(one) == request.GET.get("payer")), None)
    months = found.by_payer.get(chosen, ()) if chosen else found.months
    policies = queries.provision_policies(request.viewer, program_id)
    month = _month(request, found)
    journal = queries.journal_of(found, policies, month) if policies and month else None
    valuation = policies[0].rules if policies else None
    return {
        "found": found,
        "names": names,
        "payer_choices": list(names.items()),
        "chosen": chosen,
        "months": list(reversed(months)),
        "columns": columns,
        "lapses": _lapses(found, columns),
        "lapse_chart": _lapse_chart(found, columns),
        "curve_chart": _curve_chart(found.breakage),
        "share_lapsing": found.breakage.expected_to_lapse / found.outstanding if found.outstanding else None,
        "value_fen": valuation.fen(found.outstanding, expected=False) if valuation else None,
        "provision_fen": valuation.fen(found.outstanding, expected=True) if valuation else None,
        "policies": policies,
        "journal": journal,
        "postings": _named(journal, group_id) if journal else [],
        "journal_months": [one.month for one in reversed(found.months)],
    }


def _group_id(request: StaffRequest) -> int | None:
    programme = first_programme(request) if request.viewer.may("programme.view") else None
    return programme.group_id if programme else None


def _month(request: StaffRequest, found: queries.Liability) -> dt.date | None:
    """The month asked for, or the last one that is over."""
    known = [one.month for one in found.months]
    asked = date_of(f"{request.GET.get('month', '')}-01")
    if asked in known:
        return asked
    return known[-2] if len(known) > 1 else (known[-1] if known else None)


def _named(journal: queries.Journal, group_id: int | None) -> list[dict[str, Any]]:
    return [
        {
            "posting": posting,
            "entry": JOURNAL_ENTRIES[posting.entry],
            "payer": payer_name(posting.payer, group_id),
        }
        for posting in journal.postings
    ]


def _lapse_months(found: queries.Liability) -> list[dt.date]:
    return sorted({month for one in found.payers for month in one.by_month})


def _month_text(month: dt.date) -> str:
    return _("never") if month.year == dt.MAXYEAR else f"{month:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Column:
    """Outstanding points by the month they lapse in, of one payer or of the small ones together."""

    name: str
    by_month: Mapping[dt.date, int]


def _columns(found: queries.Liability, names: dict[int, str]) -> list[Column]:
    """The payers that owe most, each by itself; the others together."""
    owing = sorted(found.payers, key=lambda one: -one.remaining)
    columns = [Column(names[one.payer.funding_id], one.by_month) for one in owing[:COLUMNS_MAX]]
    others = owing[COLUMNS_MAX:]
    if len(others) == 1:
        return [*columns, Column(names[others[0].payer.funding_id], others[0].by_month)]
    if others:
        together: Counter[dt.date] = Counter()
        for one in others:
            together.update(one.by_month)
        columns.append(Column(_("%(count)s other payers") % {"count": len(others)}, together))
    return columns


def _lapses(found: queries.Liability, columns: list[Column]) -> list[dict[str, Any]]:
    rows = []
    for month in _lapse_months(found):
        parts = [(one.name, one.by_month.get(month, 0)) for one in columns]
        rows.append({
            "month": _month_text(month), "parts": parts, "total": sum(points for _name, points in parts)
        })  # fmt: skip
    return rows


def _lapse_chart(found: queries.Liability, columns: list[Column]) -> dict[str, Any]:
    months = _lapse_months(found)
    series = [
        {
            "name": one.name,
            "values": [one.by_month.get(month, 0) for month in months],
            "tone": TONES[at % len(TONES)],
        }
        for at, one in enumerate(columns)
        if any(one.by_month.values())
    ]
    return {
        "kind": "bar",
        "unit": "points",
        "stacked": True,
        "categories": [_month_text(month) for month in months],
        "series": series,
    }


def _curve_chart(found: Any) -> dict[str, Any]:
    """The expected share spent by age, and the oldest cohorts as they went."""
    ages = range(1, len(found.curve) + 1)
    series: list[dict[str, Any]] = [
        {"name": _("Expected"), "values": [round(share, 4) for share in found.curve], "tone": "primary"}
    ]
    for view in [one for one in found.cohorts if one.used and one.lapses][:4]:
        name = _("Lapses %(month)s") % {"month": f"{view.lapses:%Y-%m}"}
        series.append({"name": name, "values": [round(share, 4) for share in view.used]})
    return {
        "kind": "line",
        "unit": "percent",
        "categories": [str(age) for age in ages],
        "series": series,
    }


@require_POST
@staff_page(VIEW)
def journal_file(request: StaffRequest) -> HttpResponseBase:
    """The postings of a month as CSV; audited."""
    month = date_of(f"{request.POST.get('month', '')}-01")
    if month is None:
        raise NotFound
    found = operations.hand_out_journal(
        actor=request.viewer, program_id=_program_id(request), month=month, now=request.now
    )
    header = [
        _("Date"), _("Summary"), _("Account"), _("Payer"), _("Points"), _("Debit (yuan)"), _("Credit (yuan)"),
    ]  # fmt: skip
    group_id = _group_id(request)
    rows = [
        [
            found.last_day.isoformat(),
            _("Points %(month)s: %(entry)s")
            % {"month": f"{found.month:%Y-%m}", "entry": JOURNAL_ENTRIES[line.entry]},
            line.account,
            payer_name(line.payer, group_id),
            line.points,
            yuan_text(line.debit_fen) if line.debit_fen else "",
            yuan_text(line.credit_fen) if line.credit_fen else "",
        ]
        for line in found.postings
    ]
    return csv_response(f"points-journal-{found.month:%Y-%m}", header, rows)


@staff_page(EDIT)
def provision(request: StaffRequest) -> HttpResponse:
    """A dialog for the next version of the valuation; it begins with the one in force."""
    program_id = _program_id(request)
    policies = queries.provision_policies(request.viewer, program_id)
    form = ProvisionForm(request.POST or None, initial=_initial(request, policies))
    if request.method == "POST" and form.is_valid():
        try:
            operations.publish_provision_policy(
                actor=request.viewer, program_id=program_id, now=request.now, **form.values
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The valuation is published."), reverse("console:liability"))
    context = {
        "form": form,
        "title": _("Value points"),
        "lead": _("A new version; months that are over keep theirs."),
        "label": _("Publish"),
        "action": request.path,
        "wide": True,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _initial(request: StaffRequest, policies: list[queries.PolicyView]) -> dict[str, Any]:
    month = f"{request.now:%Y-%m}"
    if policies:
        last = policies[0]
        return {
            "value_points": last.value_points,
            "value_fen": last.value_fen,
            "redemption_percent": Decimal(last.redemption_bp) / 100,
            "effective_on": month,
            **last.accounts,
        }
    programme = first_programme(request)
    accounts = {
        "expense": _("Selling expense: points"),
        "receivable": _("Other receivables: points"),
        "provision": _("Provision: points"),
        "payable": _("Other payables: points redeemed"),
    }
    rate = (programme.redeem_points, programme.redeem_fen) if programme else (100, 100)
    return {
        "value_points": rate[0],
        "value_fen": rate[1],
        "redemption_percent": 100,
        "effective_on": date_format(request.now, "Y-m"),
        **accounts,
    }

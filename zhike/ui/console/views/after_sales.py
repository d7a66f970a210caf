"""Returns, exchanges and repairs: who waits for what, the next step, the plan of a repair, the terms, the report."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service import operations, queries
from zhike.ui.components import after_sales as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import after_sales as after_forms
from zhike.ui.console.once import dialog_once, run_once
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    number_or_404,
    page,
    permissions,
    wants_fragment,
)
from zhike.ui.console.views.service import HANDLE, VIEW, ticket_url, zone_of

MANAGE = "tickets.manage"
PERIODS = (30, 90, 365)
SECTION = "after_sales"


@staff_page(VIEW)
def sheets(request: StaffRequest) -> HttpResponse:
    """Every request by what it waits for; a merchant sees its own."""
    queue = request.GET.get("queue", "open")
    queue = queue if queue in words.QUEUES else "open"
    given = {name: request.GET.get(name, "") for name in ("kind", "merchant", "q")}
    mall_id = malls_of(request).chosen_id
    found = queries.after_sales_page(
        request.viewer,
        queue=queue,
        kind=given["kind"] if given["kind"] in words.KINDS else "",
        mall_id=mall_id,
        merchant_id=number_or_404(given["merchant"]) if given["merchant"] else None,
        q=given["q"],
        cursor=request.GET.get("cursor"),
    )
    counts = queries.after_sales_counts(request.viewer, mall_id)
    query = request.GET.copy()
    query.pop("cursor", None)
    tabs = []
    for code, label in words.QUEUES.items():
        query["queue"] = code
        url = f"{reverse('console:after_sales')}?{query.urlencode()}"
        tabs.append({"label": label, "url": url, "active": code == queue, "badge": counts.get(code) or ""})
    context = {
        "page": found,
        "queue": queue,
        "tabs": tabs,
        "given": given,
        "today": request.now.astimezone(zone_of(request)).date(),
        "kinds": words.KINDS.items(),
        "terms": queries.after_sales_terms(organization.default_group().id),
        "may": permissions(request, handle=HANDLE, manage=MANAGE),
    }
    if wants_fragment(request):
        return fragment(request, "console/after_sales/_rows.html", context)
    return page(request, "console/after_sales/list.html", context, section=SECTION)


@staff_page(HANDLE)
def step(request: StaffRequest, number: str, act: str) -> HttpResponse:
    """The next step of one request, with what the member is told."""
    shown = queries.after_sale(request.viewer, number)
    if act not in shown.acts or act == "send":
        raise NotFound
    form = after_forms.StepForm(request.POST or None, act=act, kind=shown.row.kind)

    def take() -> None:
        note = form.cleaned_data.get("note", "")
        operations.take_step(actor=request.viewer, number=number, act=act, note=note, now=request.now)

    return dialog_once(request, form, take, str(words.ACTS[act]), _("Done."), ticket_url(number))


@staff_page(HANDLE)
def plan(request: StaffRequest, number: str) -> HttpResponse:
    """Workshop, parts, costs and the promised day; said again, it is the new plan."""
    shown = queries.after_sale(request.viewer, number)
    if "send" not in shown.acts:
        raise NotFound
    initial = {name: getattr(shown, name) for name in ("workshop", "labour_fen", "charge_fen")}
    form = after_forms.PlanForm(
        request.POST or None, initial=initial | {"promised_on": shown.row.promised_on}
    )
    parts = after_forms.Parts(
        request.POST or None, initial=[asdict(part) for part in shown.parts], prefix="parts"
    )
    if request.method == "POST" and form.is_valid() and parts.is_valid():
        data = form.cleaned_data
        wanted = operations.RepairPlan(
            data["workshop"],
            data["promised_on"],
            [row.part() for row in after_forms.kept(parts)],
            data["labour_fen"] or 0,
            data["charge_fen"] or 0,
        )
        try:
            run_once(
                request,
                f"repair-plan:{number}",
                form,
                lambda: operations.take_step(
                    actor=request.viewer, number=number, act="send", note=data["note"], plan=wanted, now=request.now
                ),
            )  # fmt: skip
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The plan is kept and the member is told."), ticket_url(number))
    context = {"form": form, "parts": parts, "sheet": shown}
    status = 422 if form.is_bound else 200
    return page(request, "console/after_sales/plan.html", context, section=SECTION, status=status)


@staff_page(MANAGE)
def terms(request: StaffRequest) -> HttpResponse:
    """All rows at once; saving makes a new version for what is asked for from now on."""
    group_id = organization.default_group().id
    known = queries.after_sales_terms(group_id)
    policy = known.policy if known else queries.usual_terms(group_id)
    categories = [(ref.code, ref.name) for ref in sales.product_categories(group_id)]
    head = after_forms.TermsHeadForm(
        request.POST or None,
        initial={"at_once_fen": policy.at_once_fen, "photo_for_faults": policy.photo_for_faults},
    )
    rows = after_forms.TermsRows(
        request.POST or None,
        initial=[asdict(row) for row in policy.terms],
        form_kwargs={"categories": categories},
        prefix="rows",
    )
    extras = after_forms.ExtensionRows(
        request.POST or None,
        initial=[asdict(row) for row in policy.extensions],
        form_kwargs={"keys": list(queries.standing_keys(group_id).items())},
        prefix="extras",
    )
    if request.method == "POST" and head.is_valid() and rows.is_valid() and extras.is_valid():
        try:
            version = _publish(request, group_id, head, rows, extras)
        except Problem as problem:
            add_problem(head, problem)
        else:
            sentence = _("Version %(version)s holds for new requests.") % {"version": version}
            return done(request, sentence, reverse("console:after_sales_terms"))
    context = {
        "head": head,
        "rows": rows,
        "extras": extras,
        "versions": queries.after_sales_versions(request.viewer, group_id),
    }
    status = 422 if head.is_bound else 200
    return page(request, "console/after_sales/terms.html", context, section=SECTION, status=status)


def _publish(request: StaffRequest, group_id: int, head: Any, rows: Any, extras: Any) -> int:
    return operations.publish_after_sales(
        actor=request.viewer,
        group_id=group_id,
        policy=operations.AfterSalesTerms(
            tuple(form.row() for form in after_forms.kept(rows)),
            tuple(form.row() for form in after_forms.kept(extras)),
            head.cleaned_data["at_once_fen"] or 0,
            head.cleaned_data["photo_for_faults"],
        ),
        note=head.cleaned_data["note"],
        now=request.now,
    )


@staff_page(HANDLE)
def report(request: StaffRequest) -> HttpResponse:
    """Why goods come back, where, which, and how long it takes."""
    days = next((n for n in PERIODS if request.GET.get("days") == str(n)), PERIODS[0])
    shown = queries.after_sales_report(
        request.viewer, days=days, mall_id=malls_of(request).chosen_id, now=request.now
    )
    chart = {
        "kind": "bar-horizontal",
        "unit": "count",
        "stacked": True,
        "categories": [str(words.REASONS[row.code]) for row in shown.reasons],
        "series": [
            {"name": str(words.KINDS["return"]), "values": [row.returns for row in shown.reasons]},
            {"name": str(words.KINDS["exchange"]), "values": [row.exchanges for row in shown.reasons]},
            {"name": str(words.KINDS["repair"]), "values": [row.repairs for row in shown.reasons]},
        ],
    }
    periods = [
        {"label": _("%(days)s days") % {"days": n}, "url": f"?days={n}", "active": n == days} for n in PERIODS
    ]
    context = {
        "report": shown,
        "chart": chart,
        "periods": periods,
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/after_sales/report.html", context, section=SECTION)

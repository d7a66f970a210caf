"""A receipt on the counter becomes points at once; receipts found again, with the reason for points or none."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel.clock import business_date
from zhike.kernel.errors import Problem
from zhike.kernel.idempotency import KeyReused
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.rewards import queries as rewards
from zhike.sales import operations as sales_operations
from zhike.sales import queries as sales
from zhike.service import queries as service
from zhike.ui.components.links import receipt_link
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import Line, ReceiptForm, ReceiptSearchForm
from zhike.ui.counter.once import AlreadyDone, scope_of
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done, Till

ROWS = 20


@require_http_methods(["GET", "POST"])
@staff_page(tills.RECORD)
def record(request: Any, member_id: int | None = None) -> HttpResponse:
    """With a member it earns; without one it waits to be claimed."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    file = None if member_id is None else presented.member_file(request, member_id)
    today = business_date(request.now, till.mall.time_zone)
    initial = {"business_date": today, "till": till.name}
    form = ReceiptForm(sent(request), merchants=merchant_choices(request, till), today=today, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            outcome = _take(request, form, till, today, None if file is None else file.person.id)
        except Problem as problem:
            _show(form, problem)
        else:
            return _taken(request, form, outcome, file)
    shown = {} if file is None else presented.shown_as(file)
    context = {"form": form, "rows": _rows(request), **shown}
    return page(request, "record", context, status=422 if form.errors else 200)


def merchant_choices(request: Any, till: Till) -> list[tuple[str, Any]]:
    """The till's own merchant, or at a service desk every open one of the mall."""
    if till.merchant is not None:
        return [(str(till.merchant.id), till.merchant.name)]
    refs = organization.merchants(request.viewer, till.mall.id, tills.RECORD)
    return [
        ("", _("Choose the merchant")),
        *((str(ref.id), f"{ref.code} {ref.name}") for ref in refs if ref.is_open),
    ]


def _take(request: Any, form: ReceiptForm, till: Till, today: dt.date, person_id: int | None) -> Any:
    once = loyalty_operations.Once(scope_of(request, "receipt"), form.key, form.digest)
    receipt = _new_receipt(request, form, till, today, person_id)
    try:
        return loyalty_operations.take_receipt(
            actor=request.viewer, receipt=receipt, once=once, now=request.now
        )
    except KeyReused:
        raise AlreadyDone from None


def _new_receipt(
    request: Any, form: ReceiptForm, till: Till, today: dt.date, person_id: int | None
) -> sales_operations.NewReceipt:
    data = form.cleaned_data
    day = data["business_date"]
    noon = dt.datetime.combine(day, dt.time(12), tzinfo=ZoneInfo(till.mall.time_zone))
    typed = form.lines or [Line(_("Purchase"), Decimal(1), data["amount"])]
    return sales_operations.NewReceipt(
        merchant_id=data["merchant"],
        mall_id=till.mall.id,
        kind="sale",
        till=data["till"].strip(),
        number=data["number"].strip(),
        business_date=day,
        occurred_at=request.now if day == today else noon.astimezone(dt.UTC),
        lines=tuple(_new_line(number, line) for number, line in enumerate(typed, start=1)),
        tenders=tuple(sales_operations.NewTender(kind, fen) for kind, fen in form.tenders),
        person_id=person_id,
        cashier=request.viewer.label[:60],
        source="counter",
    )


def _new_line(number: int, line: Line) -> sales_operations.NewLine:
    price = int(line.net_fen / line.quantity)
    return sales_operations.NewLine(
        line_no=number,
        sku="",
        name=line.name,
        quantity=line.quantity,
        unit_price_fen=price,
        net_fen=line.net_fen,
    )


def _show(form: ReceiptForm, problem: Problem) -> None:
    """Beside the fields it is about, or above them all."""
    for name, sentences in problem.fields.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)
    if not form.errors:
        form.add_error(None, problem.sentence)


def _taken(request: Any, form: ReceiptForm, outcome: Any, file: Any) -> HttpResponse:
    is_repeat = outcome.status == "duplicate"
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="receipt",
            at=request.now.isoformat(),
            member_id=outcome.member_id,
            member=presented.shown_as(file)["masked_name"] if file else "",
            points=outcome.points,
            fen=form.cleaned_data["amount"],
            balance=outcome.balance if outcome.member_id else None,
            receipt_id=str(outcome.receipt_id),
            is_repeat=is_repeat,
            details={"upgraded": outcome.upgraded, "number": form.cleaned_data["number"]},
        ),
    )
    return HttpResponseRedirect(reverse("counter:done", args=[form.cleaned_data["token"]]))


def _rows(request: Any) -> list[tuple[str, str, str]]:
    """The lines as typed, and an empty one."""
    columns = [request.POST.getlist(name) for name in ("line_name", "line_quantity", "line_amount")]
    typed = [row for row in zip(*columns, strict=False) if any(text.strip() for text in row)]
    return [*typed, ("", "1", "")]


@require_safe
@staff_page("receipts.view")
def search(request: Any) -> HttpResponse:
    """By number and day, within the till's merchant or mall."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    form = ReceiptSearchForm(request.GET or None)
    found = None
    if form.is_valid():
        day = form.cleaned_data["day"]
        found = sales.receipts_page(
            request.viewer,
            mall_id=till.mall.id,
            merchant_id=till.merchant.id if till.merchant else None,
            q=form.cleaned_data["q"].strip(),
            date_from=day,
            date_to=day,
            cursor=request.GET.get("cursor") or None,
            limit=ROWS,
        )
    return page(request, "receipts", {"form": form, "found": found})


@require_safe
@staff_page("receipts.view")
def receipt(request: Any, receipt_id: uuid.UUID) -> HttpResponse:
    found = sales.receipt(request.viewer, receipt_id)
    owner = found.row.person_id
    member_id = None if owner is None else loyalty.member_id_of_person(owner)
    if member_id is not None:
        presented.present(request, member_id)
    context = {
        "receipt": found,
        "explained": loyalty.explain_award(receipt_id),
        "member_id": member_id,
        "gifts": rewards.gifts_out(receipt_id),
        "has_left": any(line.left > 0 for line in found.lines),
        "may_return": request.viewer.may("receipts.return"),
        "may_claim": request.viewer.may("receipts.claim"),
        "may_take_goods": request.viewer.may("tickets.handle") and _has_terms(found.row.mall_id),
    }
    if owner is None and found.row.kind == "sale":
        context["claim_link"] = receipt_link(receipt_id)
    return page(request, "receipt", context)


def _has_terms(mall_id: int) -> bool:
    return service.after_sales_terms(organization.mall(mall_id).group_id) is not None

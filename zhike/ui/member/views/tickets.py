"""Help: a question, a complaint, something to give back; and what became of it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import HelpForm, SayForm
from zhike.ui.member.once import run_once
from zhike.ui.member.views.receipts import merchants_by_mall

ROWS = 20
_PUBLIC = system_viewer("member-app")


@require_safe
@member_page
def tickets(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    found = queries.tickets_page(
        member.viewer,
        person_id=member.person_id,
        cursor=request.GET.get("cursor") or None,
        limit=ROWS,
        now=member.now,
    )
    return page(request, "help", {"tickets": found}, active="profile")


@require_http_methods(["GET", "POST"])
@member_page
def new(request: Any) -> HttpResponse:
    """One form; a receipt that it is about may come with the address."""
    member: SignedIn = request.member
    receipt = _receipt(member, request.GET.get("receipt", ""))
    form = HelpForm(
        sent(request),
        merchants=merchants_by_mall(),
        initial={
            "type": "return" if receipt else "complaint",
            "merchant": str(receipt.row.merchant_id) if receipt else "",
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            number = run_once(request, form, "ticket", lambda: {"number": _open(request, form, receipt)})[
                "number"
            ]
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("We have it. You can follow it here."))
            return HttpResponseRedirect(reverse("member:help_ticket", args=[number]))
    context = {"form": form, "receipt": receipt}
    return page(request, "help_new", context, active="profile", status=422 if form.errors else 200)


def _receipt(member: SignedIn, text: str) -> sales.ReceiptView | None:
    """One of the member's own, or none."""
    try:
        found = sales.receipt(member.viewer, uuid.UUID(text))
    except (ValueError, NotFound):
        return None
    return found if found.row.person_id == member.person_id else None


def _open(request: Any, form: HelpForm, receipt: sales.ReceiptView | None) -> str:
    member: SignedIn = request.member
    data = form.cleaned_data
    merchant_id = data["merchant"] or (receipt.row.merchant_id if receipt else None)
    is_same = receipt is not None and merchant_id == receipt.row.merchant_id
    return operations.open_ticket(
        actor=member.viewer,
        type=data["type"],
        text=data["text"],
        channel="app",
        mall_id=None if merchant_id else _mall_id(member),
        merchant_id=merchant_id,
        person_id=member.person_id,
        receipt_id=receipt.row.id if receipt and is_same else None,
        files=_files(request),
        now=member.now,
    )


def _mall_id(member: SignedIn) -> int:
    """Where they joined, or the first mall there is."""
    return member.file.mall_id or organization.malls(_PUBLIC)[0].id


def _files(request: Any) -> list[operations.NewFile]:
    return [operations.NewFile(file.name or "", file.read()) for file in request.FILES.getlist("files")]


@require_http_methods(["GET", "POST"])
@member_page
def ticket(request: Any, number: str) -> HttpResponse:
    """What was said so far; another word takes a solved matter up again."""
    member: SignedIn = request.member
    form = SayForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, form, f"say:{number}", lambda: _say(request, form, number))
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return HttpResponseRedirect(reverse("member:help_ticket", args=[number]) + "#last")
    shown = queries.ticket(member.viewer, number, member.now)
    context = {
        "ticket": shown,
        "row": shown.row,
        "form": form,
        "merged_into": shown.merged_into,
        "compensations": queries.compensations_of(member.viewer, number),
        "sheet": queries.after_sale_of(member.viewer, number),
        "survey": queries.open_invitation_token(shown.row.id, member.now),
    }
    return page(request, "help_ticket", context, active="profile", status=422 if form.errors else 200)


def _say(request: Any, form: SayForm, number: str) -> dict[str, Any]:
    member: SignedIn = request.member
    operations.answer_ticket(
        actor=member.viewer,
        number=number,
        text=form.cleaned_data["text"],
        files=_files(request),
        now=member.now,
    )
    return {}


@require_POST
@member_page
def close(request: Any, number: str) -> HttpResponse:
    """The member is content: it is over."""
    member: SignedIn = request.member
    operations.close_ticket(actor=member.viewer, number=number, now=member.now)
    messages.success(request, _("Thank you. The matter is closed."))
    return HttpResponseRedirect(reverse("member:help_ticket", args=[number]))


@require_safe
@member_page
def file(request: Any, number: str, file_id: int) -> HttpResponse:
    found, content = queries.attachment(request.member.viewer, number, file_id, request.member.now)
    response = HttpResponse(content, content_type=found.content_type)
    if not found.is_image:
        response["Content-Disposition"] = 'attachment; filename="file"'
    return response

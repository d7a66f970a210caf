"""The QR of a receipt, scanned with the phone: what it is, and its points with one press."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.components.formatting import points_text
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

_CODE = re.compile(r"[A-Za-z0-9_-]{35}(?=/?\s*$)")


@require_safe
@member_page
def scan_entry(request: Any) -> HttpResponse:
    """What was typed or pasted: the code, or the whole address."""
    found = _CODE.search(request.GET.get("code", "")[:300])
    if found is None:
        messages.error(request, operations.ReceiptCodeUnknown().sentence)
        return HttpResponseRedirect(reverse("member:claim"))
    return HttpResponseRedirect(reverse("member:scan", args=[found[0]]))


@require_http_methods(["GET", "POST"])
@member_page
def scan(request: Any, code: str) -> HttpResponse:
    """Shown first, for a link that is merely opened must not change anything; taken by the press."""
    member: SignedIn = request.member
    if request.method == "POST":
        return _take(request, member, code)
    found = queries.scanned_receipt(member.viewer, member.id, code, member.now)
    context = {"scanned": found, "code": code, "days": member.file.programme.claim_window_days}
    return page(request, "scan", context, active="receipts")


def _take(request: Any, member: SignedIn, code: str) -> HttpResponse:
    try:
        outcome = operations.scan_receipt(actor=member.viewer, member_id=member.id, code=code, now=member.now)
    except Problem as problem:
        messages.error(request, problem.sentence)
        return HttpResponseRedirect(reverse("member:scan", args=[code]))
    if outcome.points:
        said = _("The receipt is yours: %(points)s.") % {"points": points_text(outcome.points)}
    else:
        said = _("The receipt is yours now.")
    messages.success(request, said)
    return HttpResponseRedirect(reverse("member:receipt", args=[outcome.receipt_id]))

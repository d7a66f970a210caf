"""Where the points came from and went, for the question most asked at the desk: 积分怎么少了."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zhike.loyalty import queries as loyalty
from zhike.sales import queries as sales
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter.page import page

ROWS = 20


@require_safe
@staff_page("points.view")
def points(request: Any, member_id: int) -> HttpResponse:
    cursor = request.GET.get("cursor") or None
    file = presented.member_file(request, member_id)
    shown = presented.is_presented(request, member_id)
    entries = loyalty.statement(request.viewer, member_id, cursor, ROWS, presented=shown)
    context = {"entries": entries, **presented.shown_as(file)}
    if cursor and request.htmx:
        return render(request, "counter/_entries.html", context)
    return page(request, "points", context)


@require_safe
@staff_page("receipts.view")
def purchases(request: Any, member_id: int) -> HttpResponse:
    """Each receipt with its points, or why it has none: 为什么没积分."""
    cursor = request.GET.get("cursor") or None
    file = presented.member_file(request, member_id)
    found = sales.receipts_page(request.viewer, person_id=file.person.id, cursor=cursor, limit=ROWS)
    reasons = loyalty.explain_awards([row.id for row in found.items])
    rows = [(row, reasons[row.id]) for row in found.items]
    context = {"found": found, "rows": rows, **presented.shown_as(file)}
    if cursor and request.htmx:
        return render(request, "counter/_purchases.html", context)
    return page(request, "purchases", context)

"""Where the points came from, where they went, and when they end."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zhike.loyalty import queries as loyalty
from zhike.ui.member.access import member_page
from zhike.ui.member.dock import page

ENTRIES = 20


@require_safe
@member_page
def statement(request: Any) -> HttpResponse:
    """Newest first; htmx asks for the next piece."""
    member = request.member
    cursor = request.GET.get("cursor") or None
    entries = loyalty.statement(member.viewer, member.id, cursor, ENTRIES)
    context = {"entries": entries, "file": member.file, **_worth(request)}
    if request.htmx:
        return render(request, "member/_entries.html", context)
    return page(request, "points", context, active="points")


def _worth(request: Any) -> dict[str, Any]:
    """What the points are worth today, where no merchant has a rate of its own."""
    worth = loyalty.points_worth(request.member.id, None, request.member.now)
    return {"worth": worth, "why": loyalty.rate_sentence(worth.terms) if worth else ""}


@require_safe
@member_page
def lots(request: Any) -> HttpResponse:
    return page(request, "lots", {"file": request.member.file}, active="points")

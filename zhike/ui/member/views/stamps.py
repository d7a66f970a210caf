"""Stamp cards: what is on them, what is missing, and what a full one gives."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from zhike.engagement import queries
from zhike.ui.components.stamps import ways
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page


@require_safe
@member_page
def stamps(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    found = queries.own_stamp_cards(member.viewer, member.id, member.now)
    return page(request, "stamps", {"rows": [(one, ways(one.terms)) for one in found]}, active="home")

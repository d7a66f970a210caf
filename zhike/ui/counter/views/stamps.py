"""A member's stamp cards, for whoever serves them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from zhike.engagement import queries
from zhike.ui.components.staff import staff_page
from zhike.ui.components.stamps import ways
from zhike.ui.counter import presented
from zhike.ui.counter.page import page


@require_safe
@staff_page("members.lookup")
def member_stamps(request: Any, member_id: int) -> HttpResponse:
    file = presented.member_file(request, member_id)
    found = queries.stamp_cards_of(file, request.now)
    context = presented.shown_as(file) | {"rows": [(one, ways(one.terms)) for one in found]}
    return page(request, "stamps", context)

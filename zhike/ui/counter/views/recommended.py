"""What may be recommended to who stands here: of this till's merchant first, otherwise of the mall."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zhike.insight import queries
from zhike.ui.components import recommend as words
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter.till import till_of

LOOKUP = "members.lookup"
FEW = 4


@require_safe
@staff_page(LOOKUP)
def block(request: Any, member_id: int) -> HttpResponse:
    """Part of the member's page, fetched after it."""
    till = till_of(request)
    found = queries.recommendations(
        request.viewer,
        member_id,
        request.now,
        kinds=("product",),
        limit=FEW,
        mall_id=till.mall.id if till else None,
        merchant_id=till.merchant.id if till and till.merchant else None,
        presented=presented.is_presented(request, member_id),
    )
    rows = [{"one": one, "why": words.reason(one)} for one in found.products]
    return render(request, "counter/_recommended.html", {"rows": rows, "basis": words.basis(found)})

"""What the member's tier gives them, what is left of it, and what the next tier would bring."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from zhike.rewards import queries
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

USES = 10


@require_safe
@member_page
def benefits(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    context = {
        "file": member.file,
        "own": queries.member_benefits(member.viewer, member.id, member.now),
        "uses": queries.member_uses(member.viewer, member.id, member.now, limit=USES),
    }
    return page(request, "benefits", context, active="home")

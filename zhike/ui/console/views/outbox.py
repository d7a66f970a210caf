"""The demonstration's outbox: what was sent, with its codes, and what the emulated phones got."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse

from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Listing
from zhike.messaging import queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.pages import fragment, page, wants_fragment

PHONE_ROWS = 10
ROWS = 20


@staff_page("outbox.view", keeps_alive=False)
def outbox(request: StaffRequest) -> HttpResponse:
    """Exists where DEMO is on; elsewhere nobody reads codes that log members in."""
    if not settings.DEMO:
        raise NotFound
    found = queries.outbox(request.viewer, request.GET.get("cursor"), limit=ROWS)
    listing = Listing(found.messages, found.next_cursor, found.previous_cursor)
    context = {"page": listing, "received": queries.demo_phone(request.viewer, PHONE_ROWS)}
    if wants_fragment(request):
        return fragment(request, "console/outbox/_rows.html", context)
    return page(request, "console/outbox/outbox.html", context, section="outbox")

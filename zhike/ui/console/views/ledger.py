"""The proof of the ledger: seals, signed days, public keys, and the export for an auditor."""

from __future__ import annotations

import datetime as dt
import tempfile

from django.http import FileResponse, HttpResponse
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound
from zhike.loyalty import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.pages import page

VERIFY = "ledger.verify"


@staff_page(VERIFY)
def ledger(request: StaffRequest) -> HttpResponse:
    state = queries.seal_state(request.viewer)
    context = {
        "state": state,
        "unsealed": state.transfers - state.sealed,
        "days": queries.daily_digests(request.viewer),
        "keys": queries.public_keys(request.viewer),
    }
    return page(request, "console/ledger/ledger.html", context, section="ledger")


@staff_page(VERIFY)
def digest(request: StaffRequest, day: str) -> HttpResponse:
    """A signed day as a file, to be kept somewhere else."""
    try:
        wanted = dt.date.fromisoformat(day)
    except ValueError:
        raise NotFound from None
    file = queries.daily_digest(request.viewer, wanted).file
    response = HttpResponse(file, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="ledger-{wanted}.json"'
    return response


@require_POST
@staff_page(VERIFY)
def export(request: StaffRequest) -> FileResponse:
    """The whole ledger as a file; audited. Written to disk first, so that a slow line holds no snapshot open."""
    target = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    operations.hand_out_ledger(actor=request.viewer, target=target, now=request.now)
    target.seek(0)
    name = f"ledger-{request.now:%Y%m%d-%H%M%S}.zip"
    return FileResponse(target, as_attachment=True, filename=name, content_type="application/zip")

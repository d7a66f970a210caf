"""The model card of lifetime value: what it is, what it was fitted to, how good it was, what it expects."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.insight import operations, queries
from zhike.kernel.access import may_touch, require_touch
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.pages import done, page

VIEW, EDIT = "segments.view", "segments.edit"
SECTION = "lifetime"


@staff_page(VIEW)
def lifetime(request: StaffRequest) -> HttpResponse:
    runs = queries.lifetime_runs(request.viewer) if may_touch(request.viewer, VIEW) else []
    fitted = next((run for run in runs if not run.fault), None)
    tenths = queries.forecast_tenths(request.viewer)
    whole = sum(one.value_fen for one in tenths) or 1
    context: dict[str, Any] = {
        "run": fitted,
        "runs": runs,
        "tenths": [
            {"row": one, "share": one.value_fen / whole, "each": one.value_fen // one.members}
            for one in tenths
        ],
        "may": {"fit": may_touch(request.viewer, EDIT)},
        "days": queries.FORECAST_DAYS,
    }
    return page(request, "console/standing/lifetime.html", context, section=SECTION)


@require_POST
@staff_page(EDIT)
def fit(request: StaffRequest) -> HttpResponse:
    """Some seconds of work: a worker does it."""
    require_touch(request.viewer, EDIT)
    operations.order_fit(actor=request.viewer, now=request.now)
    return done(request, _("The model is being fitted; look again in a minute."), reverse("console:lifetime"))

"""Models of uplift: what was learnt, what it is worth on people it has not seen, and whom it would choose."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.access import may_touch
from zhike.marketing import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.pages import done, malls_of, page
from zhike.ui.console.uplift_figures import figures
from zhike.ui.console.views.campaigns import EDIT, SECTION, VIEW, tabs


@staff_page(VIEW)
def runs(request: StaffRequest) -> HttpResponse:
    """Every model, newest first."""
    context = {
        "runs": queries.uplift_runs(request.viewer),
        "tabs": tabs("uplift_runs"),
        "may": {"learn": may_touch(request.viewer, EDIT, mall=_mall(request))},
    }
    return page(request, "console/uplift/list.html", context, section=SECTION)


@require_POST
@staff_page(EDIT)
def learn(request: StaffRequest) -> HttpResponse:
    """Some seconds of work: a worker does it."""
    operations.order_uplift(
        actor=request.viewer,
        group_id=organization.default_group().id,
        mall_id=_mall(request),
        now=request.now,
    )
    return done(
        request,
        _("The campaigns are being learnt from; look again in a minute."),
        reverse("console:uplift_runs"),
    )


def _mall(request: StaffRequest) -> int | None:
    """Of the whole group where the viewer may, else of the mall that is chosen."""
    if may_touch(request.viewer, EDIT):
        return None
    malls = malls_of(request)
    first = malls.chosen or (malls.all[0] if malls.all else None)
    return first.id if first else None


@staff_page(VIEW)
def run(request: StaffRequest, run_id: int) -> HttpResponse:
    found = queries.uplift_run(request.viewer, run_id)
    context = {"run": found, "may": {"plan": may_touch(request.viewer, EDIT, mall=found.mall_id)}}
    return page(request, "console/uplift/run.html", context | figures(found), section=SECTION)

"""Who may be leaving: how many, who, why, what to do; and the horizon by which a mall asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.insight import operations, queries
from zhike.kernel.access import may_touch, require_touch
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.ui.components import churn as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import churn as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions

VIEW, EDIT = "segments.view", "segments.edit"
SECTION = "churn"


@staff_page(VIEW)
def churn(request: StaffRequest) -> HttpResponse:
    if request.htmx and request.htmx.target == "churn-rows":
        return fragment(request, "console/churn/_rows.html", {"rows": _rows(request)})
    return _page(request)


def _rows(request: StaffRequest) -> list[dict[str, Any]]:
    band, action = request.GET.get("band", ""), request.GET.get("action", "")
    return member_lines(request, queries.churn_list(request.viewer, band=band, action=action))


def _page(request: StaffRequest, form: forms.HorizonForm | None = None) -> HttpResponse:
    viewer = request.viewer
    bands = queries.churn_bands(viewer)
    runs = queries.model_runs(viewer, "churn") if may_touch(viewer, VIEW) else []
    context: dict[str, Any] = {
        "bands": [_band(row, bands) for row in bands],
        "rows": _rows(request),
        "has_scores": any(row.members for row in bands),
        "band": request.GET.get("band", ""),
        "action": request.GET.get("action", ""),
        "band_choices": words.BANDS.items(),
        "action_choices": words.ACTIONS.items(),
        "run": next((one for one in runs if one.state == "done"), None),
        "newest": runs[0] if runs else None,
        "fault": words.FAULTS.get(runs[0].fault, "") if runs else "",
        "form": form or forms.HorizonForm(malls=_malls(request), initial=_initial(request)),
        "horizons": _horizons(request),
        "may": permissions(request, edit=EDIT) | {"fit": may_touch(viewer, EDIT)},
    }
    return page(request, "console/churn/churn.html", context, section=SECTION, status=422 if form else 200)


def _band(row: queries.BandRow, rows: list[queries.BandRow]) -> dict[str, Any]:
    members = sum(one.members for one in rows) or 1
    return {
        "row": row,
        "name": words.BANDS[row.band],
        "tone": words.BAND_TONES[row.band],
        "icon": words.BAND_ICONS[row.band],
        "share": row.members / members,
    }


def member_lines(request: StaffRequest, found: list[queries.ChurnView]) -> list[dict[str, Any]]:
    """Scores with the member's line, without those who may not be seen in a list."""
    known = {
        row.member_id: row for row in loyalty.member_rows(request.viewer, [one.member_id for one in found])
    }
    return [score_parts(one) | {"member": known[one.member_id]} for one in found if one.member_id in known]


def score_parts(score: queries.ChurnView) -> dict[str, Any]:
    """A score in words."""
    return {
        "score": score,
        "share": score.risk_bp / 10_000,
        "band": words.BANDS[score.band],
        "tone": words.BAND_TONES[score.band],
        "icon": words.BAND_ICONS[score.band],
        "reasons": [words.reason_parts(one) for one in score.reasons],
        "action": words.ACTIONS[score.action],
        "action_why": words.ACTIONS_WHY[score.action],
        "source": words.SOURCES[score.source],
    }


# --- the horizon ---------------------------------------------------------------------------------------------------


def _malls(request: StaffRequest) -> list[tuple[str, str]]:
    malls = [(str(mall.id), mall.name) for mall in organization.malls(request.viewer, EDIT)]
    return [*malls, ("0", _("Malls without their own settings"))]


def _initial(request: StaffRequest) -> dict[str, Any]:
    malls = _malls(request)
    known = queries.churn_policies()
    mall_id = int(malls[0][0])
    return {"mall": malls[0][0], "horizon_days": known.get(mall_id or None, known[None]).horizon_days}


def _horizons(request: StaffRequest) -> list[tuple[str, int]]:
    """What each mall in scope asks for, by name."""
    known = queries.churn_policies()
    malls = organization.malls(request.viewer, VIEW)
    return [(mall.name, known.get(mall.id, known[None]).horizon_days) for mall in malls]


@require_POST
@staff_page(EDIT)
def publish_horizon(request: StaffRequest) -> HttpResponse:
    form = forms.HorizonForm(request.POST, malls=_malls(request))
    if not form.is_valid():
        return _page(request, form)

    def act() -> None:
        operations.publish_churn_policy(
            actor=request.viewer,
            group_id=organization.default_group().id,
            mall_id=form.mall_id,
            policy=operations.ChurnPolicy(form.cleaned_data["horizon_days"]),
            note=form.cleaned_data["note"],
            now=request.now,
        )

    try:
        run_once(request, "horizon", form, act)
    except Problem as problem:
        add_problem(form, problem)
        return _page(request, form)
    return done(request, _("The next run asks by it."), reverse("console:churn"))


@require_POST
@staff_page(EDIT)
def fit(request: StaffRequest) -> HttpResponse:
    """Some seconds of work: a worker does it."""
    require_touch(request.viewer, EDIT)
    operations.order_churn_fit(actor=request.viewer, now=request.now)
    return done(request, _("The model is being fitted; look again in a minute."), reverse("console:churn"))

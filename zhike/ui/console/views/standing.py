"""Stages of life and RFM groups: how many stand where, what they are worth, and who would move under other settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.insight import operations, queries
from zhike.kernel.access import may_touch
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.ui.components import stages as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import standing as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions

VIEW, EDIT = "segments.view", "segments.edit"
SECTION = "standing"


@staff_page(VIEW)
def standing(request: StaffRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: StaffRequest,
    stages_form: forms.ThresholdsForm | None = None,
    rfm_form: forms.RfmForm | None = None,
) -> HttpResponse:
    runs = queries.standing_runs(request.viewer) if may_touch(request.viewer, VIEW) else []
    stages = queries.stage_rows(request.viewer)
    groups = queries.rfm_rows(request.viewer)
    context = {
        "stages": [_shown(row, words.STAGES, stages) for row in stages],
        "groups": [_shown(row, words.RFM, groups) for row in groups],
        "breaks": queries.latest_breaks(),
        "policy": queries.rfm_policy(),
        "trend": _trend(runs),
        "runs": runs,
        "stages_form": stages_form or _stages_form(request),
        "rfm_form": rfm_form or forms.RfmForm(initial=_initial(queries.rfm_policy())),
        "history": queries.policy_history("stages") + queries.policy_history("rfm"),
        "may": permissions(request, edit=EDIT),
    }
    status = 422 if stages_form or rfm_form else 200
    return page(request, "console/standing/standing.html", context, section=SECTION, status=status)


def _shown(row: queries.GroupRow, names: dict[str, Any], rows: list[queries.GroupRow]) -> dict[str, Any]:
    members = sum(one.members for one in rows) or 1
    spent = sum(one.monetary_fen for one in rows) or 1
    return {
        "row": row,
        "name": names[row.code],
        "strategy": words.STRATEGIES.get(row.code, ""),
        "tone": words.STAGE_TONES.get(row.code, ""),
        "icon": words.STAGE_ICONS.get(row.code, ""),
        "share": row.members / members,
        "spent_share": row.monetary_fen / spent,
        "average_fen": row.monetary_fen // row.members if row.members else 0,
    }


def _trend(runs: list[queries.RunView]) -> dict[str, Any]:
    return {
        "kind": "area",
        "unit": "count",
        "stacked": True,
        "categories": [f"{run.day:%m-%d}" for run in runs],
        "series": [
            {
                "name": str(name),
                "values": [run.stages.get(code, 0) for run in runs],
                "tone": words.STAGE_TONES[code],
            }
            for code, name in words.STAGES.items()
        ],
    }


def _initial(given: Any) -> dict[str, Any]:
    return {name: getattr(given, name) for name in given.__dataclass_fields__}


def _malls(request: StaffRequest) -> list[tuple[str, str]]:
    malls = [(str(mall.id), mall.name) for mall in organization.malls(request.viewer, EDIT)]
    return [*malls, ("0", _("Malls without their own settings"))]


def _stages_form(request: StaffRequest) -> forms.ThresholdsForm:
    malls = _malls(request)
    wanted = request.GET.get("mall", malls[0][0])
    known = queries.stage_thresholds()
    mall_id = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 18 else 0
    initial = _initial(known.get(mall_id or None, known[None])) | {"mall": str(mall_id)}
    return forms.ThresholdsForm(malls=malls, initial=initial)


# --- who would move, and then for good -----------------------------------------------------------------------------


@require_POST
@staff_page(EDIT)
def preview_stages(request: StaffRequest) -> HttpResponse:
    form = forms.ThresholdsForm(request.POST, malls=_malls(request))
    if not form.is_valid():
        return _moves(request, None, words.STAGES)
    return _moves(
        request, queries.stage_moves(request.viewer, form.mall_id, form.thresholds, request.now), words.STAGES
    )


@require_POST
@staff_page(EDIT)
def preview_rfm(request: StaffRequest) -> HttpResponse:
    form = forms.RfmForm(request.POST)
    if not form.is_valid():
        return _moves(request, None, words.RFM)
    return _moves(request, queries.rfm_moves(request.viewer, form.policy, request.now), words.RFM)


def _moves(request: StaffRequest, moves: queries.Moves | None, names: dict[str, Any]) -> HttpResponse:
    context: dict[str, Any] = {"moves": moves}
    if moves is not None:
        context["rows"] = [(names[before], names[after], count) for before, after, count in moves.rows]
    return fragment(request, "console/standing/_moves.html", context)


@require_POST
@staff_page(EDIT)
def publish_stages(request: StaffRequest) -> HttpResponse:
    form = forms.ThresholdsForm(request.POST, malls=_malls(request))
    if not form.is_valid():
        return _page(request, stages_form=form)

    def act() -> None:
        operations.publish_thresholds(
            actor=request.viewer,
            group_id=organization.default_group().id,
            mall_id=form.mall_id,
            thresholds=form.thresholds,
            note=form.cleaned_data["note"],
            now=request.now,
        )

    try:
        run_once(request, "stages", form, act)
    except Problem as problem:
        add_problem(form, problem)
        return _page(request, stages_form=form)
    return done(request, _("The settings are in force."), reverse("console:standing"))


@require_POST
@staff_page(EDIT)
def publish_rfm(request: StaffRequest) -> HttpResponse:
    form = forms.RfmForm(request.POST)
    if not form.is_valid():
        return _page(request, rfm_form=form)

    def act() -> None:
        operations.publish_rfm(
            actor=request.viewer,
            group_id=organization.default_group().id,
            policy=form.policy,
            note=form.cleaned_data["note"],
            now=request.now,
        )

    try:
        run_once(request, "rfm", form, act)
    except Problem as problem:
        add_problem(form, problem)
        return _page(request, rfm_form=form)
    return done(request, _("The settings are in force."), reverse("console:standing"))

"""The three classifications: who is in which class, what a class means, who would move; and the four classes with what to do."""

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
from zhike.ui.components import classes as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import classes as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions

VIEW, EDIT = "segments.view", "segments.edit"
SECTION = "classes"


@staff_page(VIEW)
def classes(request: StaffRequest) -> HttpResponse:
    return _page(request)


def _page(request: StaffRequest, form: forms.ClassesForm | None = None) -> HttpResponse:
    mall_id, policy = _shown(request)
    rows = queries.class_rows(request.viewer)
    runs = queries.class_runs(request.viewer) if may_touch(request.viewer, VIEW) else []
    context: dict[str, Any] = {
        "kinds": [_kind(kind, rows[kind], policy) for kind in queries.CLASSES],
        "has_any": any(sum(one.values()) for one in rows.values()),
        "presets": _presets(request),
        "trend": _trend(runs),
        "runs": runs,
        "values": words.VALUES.values(),
        "shown": dict(_malls(request, VIEW)).get(str(mall_id or 0), ""),
        "form": form or forms.ClassesForm(malls=_malls(request), initial=_initial(request)),
        "history": _history(request),
        "may": permissions(request, edit=EDIT) | {"presets": may_touch(request.viewer, EDIT)},
    }
    return page(
        request, "console/classes/classes.html", context, section=SECTION, status=422 if form else 200
    )


def _malls(request: StaffRequest, permission: str = EDIT) -> list[tuple[str, str]]:
    malls = [(str(mall.id), mall.name) for mall in organization.malls(request.viewer, permission)]
    return [*malls, ("0", _("Malls without their own settings"))]


def _shown(request: StaffRequest) -> tuple[int | None, operations.ClassPolicy]:
    """The mall whose settings the page explains: the first in scope."""
    known = queries.class_policies()
    mall_id = int(_malls(request, VIEW)[0][0]) or None
    return mall_id, known.get(mall_id, known[None])


def _initial(request: StaffRequest) -> dict[str, Any]:
    mall = _malls(request)[0][0]
    known = queries.class_policies()
    return forms.initial_of(known.get(int(mall) or None, known[None])) | {"mall": mall}


def _kind(kind: str, rows: dict[str, int], policy: operations.ClassPolicy) -> dict[str, Any]:
    whole = sum(rows.values()) or 1
    meanings = words.definitions(policy)[kind]
    note = meanings["family"] if kind == "preference" else ""
    return {
        "name": words.KINDS[kind],
        "note": note,
        "icon": words.ICONS[kind],
        "max": max(rows.values(), default=1) or 1,
        "rows": [
            {
                "name": words.NAMES[kind][code],
                "meaning": "" if meanings[code] == note else meanings[code],
                "members": count,
                "share": count / whole,
            }
            for code, count in rows.items()
            if count or kind != "preference"
        ],
    }


def _presets(request: StaffRequest) -> list[dict[str, Any]]:
    """The four classes, with the segment of each where it was made."""
    known = {one.code: one for one in queries.segments(request.viewer)}
    return [
        {
            "code": code,
            "name": words.PRESETS[code],
            "tone": words.PRESET_TONES[code],
            "icon": words.PRESET_ICONS[code],
            "strategy": words.STRATEGIES[code],
            "segment": known.get(f"class-{code}"),
        }
        for code in queries.PRESETS
    ]


def _trend(runs: list[Any]) -> dict[str, Any]:
    tones = {"high": "success", "middle": "info", "low": "warning", "none": "neutral"}
    return {
        "kind": "area",
        "unit": "count",
        "stacked": True,
        "categories": [f"{day:%m-%d}" for day, _counts in runs],
        "series": [
            {
                "name": str(name),
                "values": [counts["value"].get(code, 0) for _day, counts in runs],
                "tone": tones[code],
            }
            for code, name in words.VALUES.items()
        ],
    }


def _history(request: StaffRequest) -> list[dict[str, Any]]:
    names = dict(_malls(request, VIEW))
    rows = [one for one in queries.policy_history("classes") if str(one.mall_id or 0) in names]
    return [{"row": one, "mall": names[str(one.mall_id or 0)]} for one in rows]


# --- who would move, and then for good -----------------------------------------------------------------------------


@require_POST
@staff_page(EDIT)
def preview_classes(request: StaffRequest) -> HttpResponse:
    """For each kind, from where to where."""
    form = forms.ClassesForm(request.POST, malls=_malls(request))
    parts = []
    if form.is_valid():
        found = queries.class_moves(request.viewer, form.mall_id, form.policy, request.now)
        for kind, moves in found.items():
            names = words.NAMES[kind]
            rows = [(names[before], names[after], count) for before, after, count in moves.rows]
            parts.append({"name": words.KINDS[kind], "moves": moves, "rows": rows})
    return fragment(request, "console/classes/_moves.html", {"parts": parts})


@require_POST
@staff_page(EDIT)
def publish_classes(request: StaffRequest) -> HttpResponse:
    form = forms.ClassesForm(request.POST, malls=_malls(request))
    if not form.is_valid():
        return _page(request, form)

    def act() -> None:
        operations.publish_classes(
            actor=request.viewer,
            group_id=organization.default_group().id,
            mall_id=form.mall_id,
            policy=form.policy,
            note=form.cleaned_data["note"],
            now=request.now,
        )

    try:
        run_once(request, "classes", form, act)
    except Problem as problem:
        add_problem(form, problem)
        return _page(request, form)
    return done(request, _("The settings are in force."), reverse("console:classes"))


@require_POST
@staff_page(EDIT)
def make_presets(request: StaffRequest) -> HttpResponse:
    operations.make_class_presets(
        actor=request.viewer,
        group_id=organization.default_group().id,
        names={code: str(name) for code, name in words.PRESETS.items()},
        now=request.now,
    )
    return done(request, _("The four segments are there."), reverse("console:classes"))

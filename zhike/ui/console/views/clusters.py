"""Clusters: who is alike, in what; one in full; a run and why it has so many; names."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.insight import operations, queries
from zhike.kernel.access import may_touch, require_touch
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.ui.components import churn as model_words
from zhike.ui.components import clusters as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import clusters as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, page, permissions

VIEW, EDIT = "segments.view", "segments.edit"
SECTION = "clusters"
DRIFTED = 8


@staff_page(VIEW)
def clusters(request: StaffRequest) -> HttpResponse:
    """The clusters in use."""
    runs = queries.model_runs(request.viewer, "clusters") if may_touch(request.viewer, VIEW) else []
    found = queries.clusters(request.viewer)
    context: dict[str, Any] = {
        "lines": _lines(found),
        "chart": _sizes(found),
        "runs": [run_line(one) for one in runs],
        "newest": runs[0] if runs else None,
        "fault": model_words.FAULTS.get(runs[0].fault, "") if runs else "",
        "form": forms.FitForm(),
        "may": permissions(request, edit=EDIT) | {"fit": may_touch(request.viewer, EDIT)},
    }
    if found:
        context |= _chosen(found[0].run_id)
    return page(request, "console/clusters/clusters.html", context, section=SECTION)


@staff_page(VIEW)
def cluster_run(request: StaffRequest, run_id: int) -> HttpResponse:
    """A run of the past or of now, as its card."""
    run = queries.model_run(request.viewer, run_id)
    if run.kind != "clusters":
        raise queries.ModelRunNotFound
    found = queries.clusters(request.viewer, run_id)
    context: dict[str, Any] = {
        "run": run,
        "line": run_line(run),
        "lines": _lines(found),
        "chart": _sizes(found),
        "is_in_use": queries.cluster_run_id() == run_id,
        "moved": [
            (words.FIGURES[code], psi, model_words.DRIFTS[state], model_words.DRIFT_TONES[state])
            for code, psi, state in run.drift_rows[:DRIFTED]
        ],
    }
    if found:
        context |= _chosen(run_id)
    return page(request, "console/clusters/run.html", context, section=SECTION)


def run_line(run: queries.ModelCard) -> dict[str, Any]:
    """One run in a list of runs."""
    whole = run.whole
    return {
        "run": run,
        "state": model_words.FAULTS.get(run.fault, model_words.STATES[run.state]),
        "method": words.METHODS.get(whole.get("method", ""), "–"),
        "k": whole.get("k"),
        "silhouette": whole.get("silhouette"),
        "stability": whole.get("stability"),
        "drift": model_words.DRIFTS.get(run.score_drift, ""),
        "drift_tone": model_words.DRIFT_TONES.get(run.score_drift, ""),
    }


def _lines(found: list[queries.ClusterView]) -> list[dict[str, Any]]:
    usual = queries.cluster_means(found[0].run_id) if found else {}
    return [words.parts(one, usual) for one in found]


def _sizes(found: list[queries.ClusterView]) -> dict[str, Any]:
    return {
        "kind": "donut",
        "unit": "count",
        "categories": [words.name_of(one) for one in found],
        "series": [{"name": _("Members"), "values": [one.members for one in found]}],
    }


def _chosen(run_id: int) -> dict[str, Any]:
    """What was tried, and why this many."""
    choice = queries.cluster_choice(run_id)
    tried = choice["tried"]
    return {
        "choice": choice,
        "choice_method": words.METHODS[choice["method"]],
        "choice_reason": words.REASONS[choice["reason"]],
        "choice_strength": words.strength(choice["silhouette"]),
        "tried": [
            one
            | {
                "name": words.METHODS[one["method"]],
                "is_used": (one["method"], one["k"]) == (choice["method"], choice["k"]),
            }
            for one in tried
        ],
    }


# --- one in full ---------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def cluster(request: StaffRequest, cluster_id: int) -> HttpResponse:
    return _cluster_page(request, cluster_id)


def _cluster_page(request: StaffRequest, cluster_id: int, form: forms.NameForm | None = None) -> HttpResponse:
    found = queries.cluster(request.viewer, cluster_id)
    may_edit = may_touch(request.viewer, EDIT)
    context: dict[str, Any] = {
        "line": words.parts(found, queries.cluster_means(found.run_id)),
        "found": found,
        "is_in_use": queries.cluster_run_id() == found.run_id,
        "form": form or forms.NameForm(initial={"name": found.name}),
        "may": permissions(request, segment=EDIT) | {"edit": may_edit},
    }
    return page(
        request, "console/clusters/cluster.html", context, section=SECTION, status=422 if form else 200
    )


@require_POST
@staff_page(EDIT)
def rename_cluster(request: StaffRequest, cluster_id: int) -> HttpResponse:
    require_touch(request.viewer, EDIT)
    form = forms.NameForm(request.POST)
    if not form.is_valid():
        return _cluster_page(request, cluster_id, form)

    def act() -> None:
        operations.rename_cluster(
            actor=request.viewer, cluster_id=cluster_id, name=form.cleaned_data["name"], now=request.now
        )

    try:
        run_once(request, f"cluster:{cluster_id}", form, act)
    except Problem as problem:
        add_problem(form, problem)
        return _cluster_page(request, cluster_id, form)
    return done(request, _("The name is kept."), reverse("console:cluster", args=[cluster_id]))


@require_POST
@staff_page(EDIT)
def cluster_segment(request: StaffRequest, cluster_id: int) -> HttpResponse:
    """A segment of whoever belongs to the cluster, wherever it goes from run to run; the one there is, if there is one."""
    found = queries.cluster(request.viewer, cluster_id)
    code = f"cluster-{found.kin}"
    known = {one.code: one.id for one in queries.segments(request.viewer)}
    if code not in known:
        known[code] = operations.save_segment(
            actor=request.viewer,
            group_id=organization.default_group().id,
            code=code,
            name=words.name_of(found),
            note=_("Whoever belongs to this cluster, by the newest run."),
            definition={"match": "all", "of": [{"field": "cluster", "op": "is", "value": [found.kin]}]},
            now=request.now,
        )
    return done(request, _("The segment is saved."), reverse("console:segment", args=[known[code]]))


@require_POST
@staff_page(EDIT)
def fit_clusters(request: StaffRequest) -> HttpResponse:
    """Some seconds of work: a worker does it."""
    require_touch(request.viewer, EDIT)
    form = forms.FitForm(request.POST)
    if not form.is_valid():
        raise operations.ClusterRunUnusable
    operations.order_cluster_fit(
        actor=request.viewer,
        method=form.cleaned_data["method"],
        k=int(form.cleaned_data["k"]),
        now=request.now,
    )
    return done(
        request, _("The clusters are being made; look again in a minute."), reverse("console:clusters")
    )

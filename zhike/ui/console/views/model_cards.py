"""Model cards: what was fitted to what, by whom, how good it was on what it had not seen, and how far things moved since."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from zhike.insight import queries
from zhike.organization import queries as organization
from zhike.ui.components import churn as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.pages import page
from zhike.ui.console.views.clusters import run_line

VIEW = "segments.view"
SECTION = "model_cards"
WEIGHTS = 12


@staff_page(VIEW)
def model_cards(request: StaffRequest) -> HttpResponse:
    """Every model's newest run, and all before it."""
    lifetime = queries.lifetime_runs(request.viewer)
    recommend = queries.recommend_runs(request.viewer)
    churn = [_line(one) for one in queries.model_runs(request.viewer, "churn")]
    context: dict[str, Any] = {
        "churn": churn,
        "churn_now": next((one for one in churn if one["run"].state == "done"), None),
        "clusters": [run_line(one) for one in queries.model_runs(request.viewer, "clusters")],
        "lifetime": lifetime,
        "recommend": recommend[:6],
    }
    return page(request, "console/models/list.html", context, section=SECTION)


def _line(run: queries.ModelCard) -> dict[str, Any]:
    whole = run.whole
    return {
        "run": run,
        "state": words.FAULTS.get(run.fault, words.STATES[run.state]),
        "winner": words.SOURCES.get(whole.get("winner", ""), ""),
        "auc": whole[whole["winner"]]["auc"] if whole else None,
        "gain": whole["gain"] if whole else None,
        "drift": words.DRIFTS.get(run.score_drift, ""),
        "drift_tone": words.DRIFT_TONES.get(run.score_drift, ""),
    }


@staff_page(VIEW)
def model_card(request: StaffRequest, run_id: int) -> HttpResponse:
    run = queries.model_run(request.viewer, run_id)
    if run.kind == "clusters":
        return redirect("console:cluster_run", run_id)
    context: dict[str, Any] = {"line": _line(run), "run": run, "whole": run.whole}
    if run.whole:
        names = {mall.id: mall.name for mall in organization.malls(request.viewer, VIEW)}
        context |= {
            "places": [_place(one, place, names) for place, one in run.holdout.items()],
            "reliability": _reliability(run.whole["reliability"]),
            "weights": _weights(run),
            "weight_rows": _weight_shares(run),
            "tops": _tops(run.whole),
            "moved": [
                (words.FIGURES[code], psi, words.DRIFTS[state], words.DRIFT_TONES[state])
                for code, psi, state in run.drift_rows[:WEIGHTS]
            ],
            "horizons": [
                (names.get(int(mall), _("Malls without their own settings")), days)
                for mall, days in run.parameters["horizons"].items()
            ],
        }
    return page(request, "console/models/card.html", context, section=SECTION)


def _place(one: dict[str, Any], place: str, names: dict[int, str]) -> dict[str, Any]:
    return {
        "name": names.get(int(place), "–") if place != "0" else _("All malls"),
        "one": one,
        "rate": one["gone"] / one["members"],
        "winner": words.SOURCES[one["winner"]],
        "is_trees": one["winner"] == "trees",
    }


def _tops(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Precision, recall and lift at each share: the trees, what BG/NBD expects, its chance of being alive."""
    return [
        {
            "share": trees["share"],
            "members": trees["members"],
            "trees": trees,
            "baseline": base,
            "alive": alive,
        }
        for trees, base, alive in zip(
            whole["trees"]["tops"], whole["baseline"]["tops"], whole["alive"]["tops"], strict=True
        )
    ]


def _reliability(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "kind": "line",
        "unit": "percent",
        "categories": [str(at) for at in range(1, len(rows) + 1)],
        "series": [
            {"name": _("Foretold"), "values": [one["said"] for one in rows], "tone": "accent"},
            {"name": _("Came about"), "values": [one["came"] for one in rows], "tone": "primary"},
        ],
    }


def _weight_shares(run: queries.ModelCard) -> list[tuple[str, float]]:
    """The heaviest figures with their share of all weights."""
    weights = run.parameters["weights"]
    whole = sum(weight for _code, weight in weights) or 1
    return [(str(words.FIGURES[code]), weight / whole) for code, weight in weights[:WEIGHTS] if weight]


def _weights(run: queries.ModelCard) -> dict[str, Any]:
    rows = _weight_shares(run)
    return {
        "kind": "bar-horizontal",
        "unit": "percent",
        "categories": [name for name, _share in rows],
        "series": [
            {"name": _("Weight"), "values": [round(share, 4) for _name, share in rows], "tone": "primary"}
        ],
    }

"""A model of uplift as charts and rows."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from zhike.marketing import queries
from zhike.ui.console.uplift_labels import UPLIFT_LEARNERS


def figures(found: queries.UpliftRunView) -> dict[str, Any]:
    """Charts and rows of a model, for its own page and for the plan of a campaign that chooses by it."""
    if found.fault:
        return {}
    shares, qini, _uplift = found.curve
    steps = range(0, len(shares), 5)
    chance = [qini[-1] * shares[at] for at in steps]
    return {
        "curve": {
            "rows": [(shares[at], qini[at], qini[-1] * shares[at]) for at in range(0, len(shares), 10)],
            "chart": {
                "kind": "line",
                "unit": "count",
                "categories": [f"{shares[at]:.0%}" for at in steps],
                "series": [
                    {
                        "name": _("The model"),
                        "values": [round(qini[at], 1) for at in steps],
                        "tone": "primary",
                    },
                    {"name": _("At random"), "values": [round(one, 1) for one in chance], "tone": "accent"},
                ],
            },
        },
        "tenths": [
            {
                "at": one,
                "gain_fen": round(one.uplift * found.worth_fen) - found.cost_fen,
                "per_thousand": (round(one.uplift * 1_000), round(one.low * 1_000), round(one.high * 1_000)),
            }
            for one in found.at
        ],
        "tried": [
            {"name": UPLIFT_LEARNERS.get(name, name), "qini": value, "is_chosen": name == found.learner}
            for name, value in found.tried.items()
        ],
    }

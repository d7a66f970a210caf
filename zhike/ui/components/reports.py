"""Descriptive reports in words: what members are counted by, and what the values are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.insight import queries
from zhike.kernel.access import Viewer
from zhike.ui.components import classes, segments, stages
from zhike.ui.components.clusters import name_of
from zhike.ui.components.labels import SEXES

DIMENSIONS = {
    "sex": gettext_lazy("Sex"),
    "age": gettext_lazy("Age"),
    "tier": gettext_lazy("Tier"),
    "mall": gettext_lazy("Enrolled at mall"),
    "joined": gettext_lazy("Year of enrolment"),
    "lifecycle": gettext_lazy("Stage"),
    "rfm": gettext_lazy("RFM group"),
    "behaviour": gettext_lazy("How they buy"),
    "preference": gettext_lazy("What they prefer"),
    "value": gettext_lazy("What they are worth"),
    "cluster": gettext_lazy("Cluster"),
    "tag": gettext_lazy("Tag"),
}


def names_by_dimension(viewer: Viewer) -> dict[str, Mapping[str, Any]]:
    """What values are called, by dimension, in the order they are shown; ages and years say themselves."""
    known = segments.names_for(viewer)
    return {
        "sex": SEXES,
        "lifecycle": stages.STAGES,
        "rfm": {code: name for code, name in stages.RFM.items() if code},
        "behaviour": classes.BEHAVIOURS,
        "preference": classes.PREFERENCES,
        "value": classes.VALUES,
        "cluster": {str(one.id): name_of(one) for one in queries.cluster_lines()},
        **{
            name: {str(key): text for key, text in known.choices[f"{name}s"].items()}
            for name in ("tier", "mall", "tag")
        },
    }


def value_text(dimension: str, code: str, names: Mapping[str, Mapping[str, Any]]) -> str:
    """A value as one reads it."""
    if code == "":
        return _("none") if dimension == "tag" else _("not known")
    if dimension == "age":
        return _("%(age)s to %(end)s") % {"age": code, "end": int(code) + 9}
    return str(names.get(dimension, {}).get(code, code if dimension == "joined" else "–"))


def order_key(dimension: str, code: str, names: Mapping[str, Mapping[str, Any]]) -> tuple[int, str]:
    """Unknown last; else in the order of the names, or by the value."""
    if code == "":
        return (10_000, "")
    known = list(names.get(dimension, {}))
    return (known.index(code) if code in known else 5_000, code.zfill(6))

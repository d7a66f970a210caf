"""A persona in words and shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.insight import queries
from zhike.ui.components.labels import SEXES
from zhike.ui.components.segments import WEEKDAYS
from zhike.ui.components.stages import RFM, STAGES

PRICES = (_("up to ¥50"), _("¥50 to ¥200"), _("¥200 to ¥500"), _("¥500 to ¥2,000"), _("¥2,000 and more"))
HOURS = (_("before eleven"), _("at noon"), _("in the afternoon"), _("in the evening"), _("at night"))


def persona_parts(found: queries.Persona) -> list[dict[str, Any]]:
    """What a persona shows: favourites first, then how dear, when in the day, when in the week."""
    parts: list[tuple[Any, list[tuple[Any, queries.Share]]]] = [
        (_("Favourite trade categories"), [(one.name, one) for one in found.categories]),
        (_("Favourite brands"), [(one.name, one) for one in found.brands]),
        (_("Price of a purchase"), [(PRICES[int(one.name)], one) for one in found.prices]),
        (_("Time of day"), [(HOURS[int(one.name)], one) for one in found.hours]),
        (_("Day of the week"), [(WEEKDAYS[int(one.name)], one) for one in found.weekdays]),
    ]
    return [
        _part(title, [(name, one.purchases) for name, one in rows], found.purchases) for title, rows in parts
    ]


def make_parts(make: queries.Make, clusters: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Who a segment is made of; ``clusters`` are names by id."""
    ages = {
        _("not known") if age == "" else _("%(age)s to %(end)s") % {"age": age, "end": int(age) + 9}: members
        for age, members in sorted(make.ages.items(), key=lambda one: (one[0] == "", one[0].zfill(3)))
    }
    parts: list[tuple[Any, dict[Any, int]]] = [
        (_("Sex"), {SEXES.get(code, code): members for code, members in make.sexes.items()}),
        (_("Age"), ages),
        (_("Tier"), make.tiers),
        (_("Stage"), {STAGES[code]: make.stages[code] for code in STAGES if code in make.stages}),
        (_("RFM group"), {RFM[code]: make.groups[code] for code in RFM if code in make.groups}),
    ]
    if clusters and make.clusters:
        named = {name: make.clusters[one] for one, name in clusters.items() if one in make.clusters}
        parts.append((_("Cluster"), named))
    return [_part(title, list(rows.items()), sum(rows.values())) for title, rows in parts]


def _part(title: Any, rows: list[tuple[Any, int]], whole: int) -> dict[str, Any]:
    shown = [{"name": name, "count": count, "share": count / (whole or 1)} for name, count in rows]
    return {"title": title, "rows": shown, "max": max([count for _name, count in rows], default=1)}

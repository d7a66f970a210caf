"""Segments in words: what can be asked, and a whole definition as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from zhike.insight import queries
from zhike.kernel.access import Viewer
from zhike.kernel.money import yuan_text
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.ui.components import classes as class_words
from zhike.ui.components import clusters as cluster_words
from zhike.ui.components import tags as tag_words
from zhike.ui.components.consents import CHANNELS, PURPOSES
from zhike.ui.components.formatting import grouped
from zhike.ui.components.labels import SEXES
from zhike.ui.components.stages import RFM, STAGES

FAMILIES = {
    "person": gettext_lazy("Who they are"),
    "membership": gettext_lazy("Membership"),
    "receipts": gettext_lazy("What they bought"),
    "behaviour": gettext_lazy("Behaviour online"),
    "standing": gettext_lazy("Lifecycle and value"),
    "tags": gettext_lazy("Tags"),
    "consent": gettext_lazy("Consent"),
    "segments": gettext_lazy("Other segments"),
}
FIELDS = {
    "sex": gettext_lazy("Sex"),
    "age": gettext_lazy("Age"),
    "birthday_month": gettext_lazy("Month of birth"),
    "identifier": gettext_lazy("Known by"),
    "tier": gettext_lazy("Tier"),
    "mall": gettext_lazy("Enrolled at mall"),
    "merchant": gettext_lazy("Enrolled at merchant"),
    "enrolled": gettext_lazy("Time of enrolment"),
    "points": gettext_lazy("Points to spend"),
    "expiring_points": gettext_lazy("Points that lapse soon"),
    "qualifying": gettext_lazy("Qualifying spend"),
    "purchases": gettext_lazy("Number of purchases"),
    "spend": gettext_lazy("Spend"),
    "average": gettext_lazy("Spend per purchase"),
    "shops": gettext_lazy("Number of shops"),
    "last_purchase": gettext_lazy("Last purchase"),
    "first_purchase": gettext_lazy("First purchase"),
    "behaviour": gettext_lazy("What they did online"),
    "lifecycle": gettext_lazy("Stage"),
    "rfm": gettext_lazy("RFM group"),
    "future_value": gettext_lazy("Expected spend in the next 90 days"),
    "risk": gettext_lazy("Risk of leaving"),
    "churn_risk": gettext_lazy("Churn risk"),
    "behaviour_class": gettext_lazy("Class: how they buy"),
    "preference_class": gettext_lazy("Class: what they prefer"),
    "value_class": gettext_lazy("Class: what they are worth"),
    "cluster": gettext_lazy("Cluster, by the newest run"),
    "cluster_of_run": gettext_lazy("Cluster, by a run of the past"),
    "tag": gettext_lazy("Tag"),
    "consent": gettext_lazy("Agreed to"),
    "segment": gettext_lazy("Segment"),
}
OPS = {
    "at_least": gettext_lazy("at least"),
    "at_most": gettext_lazy("at most"),
    "between": gettext_lazy("between"),
    "is": pgettext_lazy("condition", "is one of"),
    "is_not": pgettext_lazy("condition", "is none of"),
    "within": gettext_lazy("within the last … days"),
    "longer_ago": gettext_lazy("more than … days ago"),
}
MATCHES = {
    "all": gettext_lazy("All of these hold"),
    "any": gettext_lazy("At least one of these holds"),
    "none": gettext_lazy("None of these holds"),
}
IDENTIFIERS = {
    "phone": gettext_lazy("Phone number"),
    "email": gettext_lazy("E-mail"),
    "openid": gettext_lazy("WeChat mini program"),
    "unionid": gettext_lazy("WeChat account"),
    "plate": gettext_lazy("Number plate"),
}
WEEKDAYS = {
    1: gettext_lazy("Monday"),
    2: gettext_lazy("Tuesday"),
    3: gettext_lazy("Wednesday"),
    4: gettext_lazy("Thursday"),
    5: gettext_lazy("Friday"),
    6: gettext_lazy("Saturday"),
    7: gettext_lazy("Sunday"),
}
PROPERTY_OPS = {
    "equals": pgettext_lazy("property", "is"),
    "differs": pgettext_lazy("property", "is not"),
    "contains": pgettext_lazy("property", "contains"),
    "at_least": pgettext_lazy("property", "at least"),
    "at_most": pgettext_lazy("property", "at most"),
}
UNITS = {
    "age": gettext_lazy("%(number)s years"),
    "points": gettext_lazy("%(number)s points"),
    "expiring_points": gettext_lazy("%(number)s points"),
    "purchases": gettext_lazy("%(number)s times"),
    "behaviour": gettext_lazy("%(number)s times"),
    "shops": gettext_lazy("%(number)s shops"),
    "risk": gettext_lazy("%(number)s per cent"),
    "churn_risk": gettext_lazy("%(number)s per cent"),
}


def months() -> dict[str, str]:
    named = {"this": _("this month"), "next": _("next month")}
    return named | {str(number): _("month %(number)s") % {"number": number} for number in range(1, 13)}


def consents() -> dict[str, str]:
    found = {}
    for code in queries.CONSENTS:
        purpose, channel = code.split(".")
        name = str(PURPOSES[purpose][0])
        found[code] = name if channel == "any" else f"{name} · {CHANNELS[channel]}"
    return found


@dataclass(frozen=True)
class Names:
    """What the ids of a definition are called, by the name of the choice."""

    choices: Mapping[str, Mapping[Any, Any]]
    behaviours: Mapping[str, Any] = field(default_factory=dict)

    def of(self, choices: str, value: Any) -> str:
        return str(self.choices.get(choices, {}).get(value, "?"))

    def listed(self, choices: str, values: Iterable[Any]) -> str:
        return listing([self.of(choices, value) for value in values])


def listing(texts: list[str]) -> str:
    return pgettext("list", ", ").join(texts)


def names_for(viewer: Viewer, behaviours: Mapping[str, Any] | None = None) -> Names:
    """Names of everything a definition may name, as far as the viewer may see it."""
    group = organization.founded_group()
    malls = organization.malls(viewer, "segments.view")
    program_id = loyalty.default_program_id()
    return Names(
        {
            "sexes": SEXES,
            "months": months(),
            "identifiers": IDENTIFIERS,
            "consents": consents(),
            "tiers": {tier.id: tier.name for tier in loyalty.tiers(program_id)} if program_id else {},
            "malls": {mall.id: mall.name for mall in malls},
            "merchants": {
                one.id: one.name for one in organization.merchants(viewer, permission="segments.view")
            },
            "trade_categories": {one.id: one.name for one in organization.trade_categories(group.id)}
            if group
            else {},
            "weekdays": WEEKDAYS,
            "stages": STAGES,
            "rfm_groups": RFM,
            **{f"{kind}_classes": known for kind, known in class_words.NAMES.items()},
            "clusters": {one.kin: cluster_words.name_of(one) for one in queries.cluster_lines()},
            "clusters_of_runs": {
                one.id: _("%(name)s (run %(run)s)") % {"name": cluster_words.name_of(one), "run": one.run_id}
                for one in queries.cluster_refs()
            },
            "tags": {one.id: tag_words.name_of(one) for one in queries.tags(viewer)},
            "segments": {one.id: one.name for one in queries.segments(viewer)},
        },
        behaviours or {},
    )


def sentence(node: queries.Node, names: Names) -> str:
    """A definition as one reads it aloud."""
    if isinstance(node, queries.Leaf):
        return _leaf(node, names)
    parts = [
        f"{_('(')}{sentence(one, names)}{_(')')}"
        if isinstance(one, queries.Group) and len(one.of) > 1 and one.match != "none"
        else sentence(one, names)
        for one in node.of
    ]
    if node.match == "none":
        return _("not (%(parts)s)") % {"parts": _(", or ").join(parts)}
    return (_(", and ") if node.match == "all" else _(", or ")).join(parts)


def _leaf(leaf: queries.Leaf, names: Names) -> str:
    what = str(FIELDS[leaf.field.code])
    if leaf.field.code == "behaviour":
        what = _behaviour(leaf, names)
    when = _window(leaf)
    parts = _where(leaf, names)
    if parts:
        what = _("%(what)s (%(parts)s)") % {"what": what, "parts": _("; ").join(parts)}
    if when:
        what = _("%(what)s %(when)s") % {"what": what, "when": when}
    return _TELLERS[leaf.field.kind](leaf, names, what)


_CHOICES = {
    "consent": (gettext_lazy("agreed to “%(values)s”"), gettext_lazy("did not agree to “%(values)s”")),
    "identifier": (gettext_lazy("known by %(values)s"), gettext_lazy("not known by %(values)s")),
    "tag": (gettext_lazy("has the tag “%(values)s”"), gettext_lazy("has not the tag “%(values)s”")),
    "cluster": (gettext_lazy("is one of “%(values)s”"), gettext_lazy("is none of “%(values)s”")),
    "cluster_of_run": (gettext_lazy("was one of “%(values)s”"), gettext_lazy("was none of “%(values)s”")),
    "segment": (gettext_lazy("belongs to “%(values)s”"), gettext_lazy("does not belong to “%(values)s”")),
}
"""What is not said as “sex is female”."""


def _choice(leaf: queries.Leaf, names: Names, what: str) -> str:
    values = _(" or ").join(names.of(leaf.field.choices, value) for value in leaf.values)
    usual = (gettext_lazy("%(what)s is %(values)s"), gettext_lazy("%(what)s is not %(values)s"))
    text = _CHOICES.get(leaf.field.code, usual)[leaf.op != "is"]
    told = str(text) % {"what": what, "values": values}
    when = _window(leaf) if leaf.field.code == "tag" else ""
    return _("%(told)s, got %(when)s") % {"told": told, "when": when} if when else told


def _days_ago(leaf: queries.Leaf, names: Names, what: str) -> str:
    text = (
        _("%(what)s within the last %(days)s days")
        if leaf.low is None
        else _("%(what)s more than %(days)s days ago")
    )
    return text % {"what": what, "days": leaf.high if leaf.low is None else leaf.low}


def _number(leaf: queries.Leaf, names: Names, what: str) -> str:
    low, high = (None if bound is None else _amount(leaf, bound) for bound in (leaf.low, leaf.high))
    if low is None:
        return _("%(what)s at most %(high)s") % {"what": what, "high": high}
    if high is None:
        return _("%(what)s at least %(low)s") % {"what": what, "low": low}
    if low == high:
        return _("%(what)s exactly %(low)s") % {"what": what, "low": low}
    return _("%(what)s from %(low)s to %(high)s") % {"what": what, "low": low, "high": high}


def _amount(leaf: queries.Leaf, number: int) -> str:
    if leaf.field.kind == "money":
        return f"¥{yuan_text(number).removesuffix('.00')}"
    return str(UNITS.get(leaf.field.code, "%(number)s")) % {"number": grouped(number)}


_TELLERS = {"choice": _choice, "days_ago": _days_ago, "number": _number, "money": _number}


def _behaviour(leaf: queries.Leaf, names: Names) -> str:
    if not leaf.where.names:
        return _("Anything done online")
    return _("“%(names)s”") % {
        "names": listing([str(names.behaviours.get(one, one)) for one in leaf.where.names])
    }


def _window(leaf: queries.Leaf) -> str:
    window = leaf.window
    ahead = leaf.field.code == "expiring_points"
    if window.days is not None:
        text = _("in the next %(days)s days") if ahead else _("in the last %(days)s days")
        return text % {"days": window.days}
    if window.first and window.last:
        return _("from %(first)s to %(last)s") % {"first": window.first, "last": window.last}
    if window.first:
        return _("since %(first)s") % {"first": window.first}
    return _("until %(last)s") % {"last": window.last} if window.last else ""


def _where(leaf: queries.Leaf, names: Names) -> list[str]:
    where = leaf.where
    parts = [
        names.listed(choices, values)
        for choices, values in (
            ("malls", where.malls),
            ("merchants", where.merchants),
            ("trade_categories", where.trade_categories),
            ("weekdays", where.weekdays),
        )
        if values
    ]
    if where.minimum_fen:
        parts.append(
            _("each from ¥%(amount)s") % {"amount": yuan_text(where.minimum_fen).removesuffix(".00")}
        )
    parts += [
        _("%(key)s %(op)s %(value)s") % {"key": one.key, "op": PROPERTY_OPS[one.op], "value": one.value}
        for one in where.properties
    ]
    return parts

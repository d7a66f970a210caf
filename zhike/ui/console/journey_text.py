"""Triggers, nodes, conditions and reasons of a journey in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.insight import queries as insight
from zhike.kernel.errors import NotFound
from zhike.marketing import queries
from zhike.messaging import queries as messaging
from zhike.offers import queries as offers
from zhike.ui.components import stages
from zhike.ui.components.formatting import points_text, yuan
from zhike.ui.components.staff import StaffRequest
from zhike.ui.console import journey_labels as names
from zhike.ui.console import labels, message_labels
from zhike.ui.console.programmes import tier_names


@dataclass(frozen=True)
class Names:
    """What nodes name by id or code, as people call it; read once for a page."""

    segments: Mapping[int, str] = field(default_factory=dict)
    tiers: Mapping[int, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    batches: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[int, str] = field(default_factory=dict)


def names_of(request: StaffRequest, *definitions: queries.Definition) -> Names:
    batches: dict[int, str] = {}
    for definition in definitions:
        for node in definition.nodes.values():
            if node.kind == "coupon" and isinstance(node.params.get("batch"), int):
                batches[node.params["batch"]] = _batch(node.params["batch"])
    return Names(
        segments={one.id: one.name for one in queries.audiences(request.viewer) if one.id is not None},
        tiers=tier_names(request),
        templates={one.code: one.name for one in messaging.templates(request.viewer)}
        if request.viewer.may("messages.view")
        else {},
        batches=batches,
        tags=insight.live_tags()
        if any(node.kind == "tag" for one in definitions for node in one.nodes.values())
        else {},
    )


def _batch(batch_id: int) -> str:
    try:
        return offers.batch_name(batch_id)
    except NotFound:
        return f"#{batch_id}"


def event_name(event_type: str) -> str:
    return str(names.EVENT_NAMES.get(event_type, event_type.removeprefix("zhike.")))


def length(params: Mapping[str, Any]) -> str:
    """A length of time."""
    value, unit = params.get("value") or 0, params.get("unit")
    if unit == "minutes":
        return ngettext("%(count)s minute", "%(count)s minutes", value) % {"count": value}
    if unit == "hours":
        return ngettext("%(count)s hour", "%(count)s hours", value) % {"count": value}
    return ngettext("%(count)s day", "%(count)s days", value) % {"count": value}


SALE = ["kind", "equals", "sale"]


def watch(params: Mapping[str, Any]) -> str:
    """An event with its conditions."""
    where = [list(one) for one in params.get("where") or ()]
    event = _("Bought something") if SALE in where else event_name(str(params.get("event", "")))
    told = _(", ").join(_where(*one) for one in where if one != SALE)
    return _("%(event)s (%(conditions)s)") % {"event": event, "conditions": told} if told else event


def _where(key: str, op: str, value: str) -> str:
    """One condition; what is known by a name is called by it."""
    if key.endswith("_fen") and value.isdecimal():
        value = yuan(int(value))
    known = {**stages.STAGES, **labels.BEHAVIOUR}
    return f"{names.WHERE_KEYS.get(key, key)} {names.WHERE_OPS.get(op, op)} {known.get(value, value)}"


def watched(one: queries.Watch | None) -> str:
    return watch({"event": one.event, "where": one.where}) if one else ""


def trigger(given: Mapping[str, Any], known: Names) -> str:
    """Who enters, and when."""
    kind = given.get("kind")
    if kind == "event":
        return watch(given) if given.get("event") else str(names.TRIGGERS["event"])
    if kind == "segment":
        segment = known.segments.get(given.get("segment") or 0, "–")
        return f"{names.WHO.get(str(given.get('who')), '')} · {segment}"
    if kind in ("birthday", "expiring"):
        days = {"name": str(names.TRIGGERS[kind]), "days": given.get("days", 0), "at": given.get("at", "")}
        text = (
            _("%(name)s: %(days)s days before, at %(at)s")
            if given.get("days")
            else _("%(name)s: on the day, at %(at)s")
        )
        return text % days
    return str(names.TRIGGERS.get(str(kind), "–"))


def summary(node: queries.Node, known: Names) -> str:
    """What a node does, in one line."""
    params = node.params
    if node.kind == "message":
        return known.templates.get(
            str(params.get("template")), str(params.get("template") or _("no wording yet"))
        )
    if node.kind == "delay":
        parts = [length(params)] if params.get("value") else []
        if params.get("at"):
            parts.append(_("until %(at)s") % {"at": params["at"]})
        return " · ".join(parts)
    if node.kind == "wait":
        return _("%(event)s, at most %(length)s") % {"event": watch(params), "length": length(params)}
    if node.kind == "branch":
        return condition(params.get("condition") or {}, known)
    if node.kind in ("split", "ab"):
        return " / ".join(f"{way.get('key')} {way.get('weight')}" for way in params.get("ways") or ())
    if node.kind == "points":
        return points_text(params.get("points") or 0)
    if node.kind == "coupon":
        return known.batches.get(params.get("batch") or 0, _("no coupon yet"))
    if node.kind == "tag":
        doing = names.TAG_DOINGS[str(params.get("do") or "give")]
        return f"{doing} · {known.tags.get(params.get('tag') or 0, '–')}"
    if node.kind == "tier":
        days = ngettext("%(count)s day", "%(count)s days", params.get("days") or 0) % {
            "count": params.get("days")
        }
        return f"{known.tiers.get(params.get('tier') or 0, '–')} · {days}"
    return str(params.get("text") or params.get("name") or "")


def condition(given: Mapping[str, Any], known: Names) -> str:
    """The conditions of a branch."""
    return _(" and ").join(_leaf(one, known) for one in given.get("of") or ()) or _("no condition yet")


def _leaf(one: Mapping[str, Any], known: Names) -> str:
    kind, value = one.get("field"), one.get("value")
    window = (one.get("window") or {}).get("days")
    within = (
        ngettext(" in %(count)s day", " in %(count)s days", window or 0) % {"count": window} if window else ""
    )
    if kind == "segment":
        return _("in “%(name)s”") % {
            "name": _(", ").join(known.segments.get(pk, f"#{pk}") for pk in value or ())
        }
    if kind == "tier":
        return _("tier %(name)s") % {
            "name": _(", ").join(known.tiers.get(pk, f"#{pk}") for pk in value or ())
        }
    if kind == "lifecycle":
        return _("stage %(name)s") % {
            "name": _(", ").join(str(stages.STAGES.get(one, one)) for one in value or ())
        }
    if kind == "points":
        return _("at least %(points)s") % {"points": points_text(value or 0)}
    if kind == "purchases":
        return _("at least %(count)s purchases%(within)s") % {"count": value, "within": within}
    if kind == "spend":
        return _("spent at least %(amount)s%(within)s") % {"amount": yuan(value or 0), "within": within}
    return str(kind)


def reason(code: str) -> str:
    """Why something was not given; a gate and its reason, or the code of a refusal."""
    gate, colon, why = code.partition(":")
    if colon:
        return f"{message_labels.GATES.get(gate, gate)} · {message_labels.REFUSALS.get(why, why)}"
    return str(names.REASONS.get(code, code))


def cause(code: str, known: Names) -> str:
    """Why somebody came in."""
    kind, _colon, rest = code.partition(":")
    if kind == "segment":
        return _("belongs to “%(name)s”") % {"name": known.segments.get(int(rest), f"#{rest}")}
    if kind in ("birthday", "expiring"):
        return str(names.TRIGGERS[kind])
    if kind in ("staff", "api", "system"):
        return _("by hand or by a program: %(who)s") % {"who": rest}
    return event_name(code)

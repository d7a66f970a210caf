"""Codes as words, and values of the audit trail as text: {% load console %}."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.core.cache import cache
from django.utils.translation import gettext as _

from zhike.kernel.errors import NotFound
from zhike.marketing import queries as marketing
from zhike.organization import queries as organization
from zhike.ui.components import rights_labels
from zhike.ui.console import (
    audit_text,
    connector_labels,
    contact_labels,
    engagement_labels,
    identity_labels,
    journey_labels,
    labels,
    marketing_labels,
    message_labels,
    offer_labels,
    reward_labels,
    risk_labels,
    uplift_labels,
)
from zhike.ui.console.agents import browser_name

register = template.Library()
LABELS = (
    labels,
    connector_labels,
    contact_labels,
    engagement_labels,
    identity_labels,
    journey_labels,
    marketing_labels,
    message_labels,
    offer_labels,
    reward_labels,
    rights_labels,
    risk_labels,
    uplift_labels,
)


@register.filter
def label(code: object, table: str) -> Any:
    """{{ grant.role|label:"ROLES" }}: the name of a code in a table of the labels, or the code itself."""
    known: dict[str, Any] = _table(table)
    return known.get(str(code), code)


@register.filter
def tone(code: object, table: str) -> str:
    known: dict[str, str] = _table(table)
    return known.get(str(code), "")


@register.filter
def outcome_name(outcome: str) -> str:
    """{{ outcome|outcome_name }}: the way out of a journey's node."""
    return marketing.outcome_name(outcome)


def _table(name: str) -> Any:
    """The table of this name, in whichever of the files of labels it stands."""
    return next(getattr(place, name) for place in LABELS if hasattr(place, name))


@register.filter
def plain(value: Any) -> str:
    """A JSON value in the audit trail as text."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


@register.filter
def browser(agent: str | None) -> str:
    """{{ session.agent|browser }}: "Chrome 156 · Windows"."""
    return browser_name(agent or "")


NAME_KEPT_S = 60


@register.filter
def actor(audit_id: str | None) -> str:
    """{{ entry.actor|actor }}: "staff:12" as the name of that member of staff; programs, and labels alone, by what they do."""
    kind, colon, identifier = str(audit_id or "").partition(":")
    if kind != "staff" or not identifier.isdecimal():
        if kind == "system" or not colon:
            label = identifier if colon else kind
            return str(audit_text.AUTOMATA.get(label, label)) or "–"
        names = {"api": _("API"), "member": _("Member")}
        return f"{names.get(kind, kind)} {identifier}".strip() or "–"
    key = f"console-actor:{identifier}"
    name = cache.get(key)
    if name is None:
        try:
            name = organization.staff_member(int(identifier)).name
        except NotFound:
            name = str(audit_id)
        cache.set(key, name, NAME_KEPT_S)
    return str(name)


@register.filter
def action(code: str) -> str:
    """{{ entry.action|action }}: what was done, in words; an action nobody has words for stays a code."""
    return str(labels.AUDIT_ACTIONS.get(code, code))


@register.filter
def actor_name(actor: str, label: str) -> Any:
    """{{ entry.actor|actor_name:entry.actor_label }}: who did it, in words."""
    return audit_text.actor_name(actor, label)


@register.filter
def field_name(name: str) -> Any:
    """{{ difference.name|field_name }}: which value, in words."""
    return audit_text.field_name(name)


@register.filter
def thousandths(cost: int) -> str:
    """{{ length.cost|thousandths }}: thousandths of a fen as yuan, such as 0.045."""
    return f"{cost / 100_000:.3f}"

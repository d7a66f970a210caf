"""`{{ ticket.type|word:"type" }}`, `{{ clock.left|duration }}`: tickets in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template

from zhike.organization import queries as organization
from zhike.ui.components import quality, service

register = template.Library()


@register.filter
def word(code: object, table: str) -> Any:
    """The name (or tone) of a code in a table of ``components.service``; an unknown one is shown as it is."""
    known = service.TABLES[table]
    return known.get(str(code), "" if table.endswith("_tone") else code)


@register.filter
def in_words(codes: Any, table: str) -> list[Any]:
    """The names of several codes of one table."""
    return [word(code, table) for code in codes]


@register.filter
def amends(details: dict[str, Any]) -> dict[str, Any]:
    """The details of an entry about amends, in the shape in which amounts are shown."""
    return {"kind": details["compensation_kind"], "amount": details["amount"]}


@register.filter
def payer(code: str) -> str:
    """Who pays, by funding code, in words."""
    kind, _colon, key = code.partition(":")
    if kind == "merchant" and key.isdecimal():
        found = organization.merchant_ref(int(key))
        return found.name if found else code
    return organization.mall(int(key)).name if key.isdecimal() else code


@register.filter
def duration(length: dt.timedelta | None) -> str:
    return service.duration(length)


@register.filter
def until(moment: dt.datetime | None, now: dt.datetime) -> dt.timedelta | None:
    """How long from now to a moment; negative when it has passed."""
    return None if moment is None else moment - now


@register.filter
def is_past(length: dt.timedelta | None) -> bool:
    return length is not None and length <= dt.timedelta()


@register.filter
def tenths(score: int | None) -> str:
    """A score in tenths of a percent: 975 is 97.5."""
    return quality.tenths(score)


@register.filter
def fact_text(fact: Any) -> str:
    return quality.fact_text(fact.code, fact.state, fact.value)

"""Codes as words, and values of the audit trail as text: {% load console %}."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.translation import gettext as _

from zhike.ui.console import labels

register = template.Library()


@register.filter
def label(code: object, table: str) -> Any:
    """{{ grant.role|label:"ROLES" }}: the name of a code in a table of labels.py, or the code itself."""
    known: dict[str, Any] = getattr(labels, table)
    return known.get(str(code), code)


@register.filter
def tone(code: object, table: str) -> str:
    known: dict[str, str] = getattr(labels, table)
    return known.get(str(code), "")


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """{{ names|get:row.id }}"""
    return mapping.get(key, "") if mapping else ""


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

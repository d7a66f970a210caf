"""`{{ entry.reason|label:"reason" }}`: what codes are called on pages."""

from __future__ import annotations

from django import template

from zhike.ui.components import labels

register = template.Library()


@register.filter
def label(code: str | None, kind: str) -> str:
    return labels.label(code, kind) if code else ""

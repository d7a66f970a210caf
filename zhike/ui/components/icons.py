"""Inline SVG: lucide icons, QR codes. No font, no request, no style attribute."""

from __future__ import annotations

import io
from functools import lru_cache

import lucide
import segno
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

Attribute = str | int


@lru_cache(maxsize=1024)
def icon(name: str, size: int, css_class: str, label: str) -> SafeString:
    """A lucide icon; decorative unless it has a label. Raises lucide.IconDoesNotExist for an unknown name."""
    attributes: dict[str, Attribute] = {"class": css_class} if css_class else {}
    if label:
        attributes |= {"role": "img", "aria-label": label}
    else:
        attributes["aria-hidden"] = "true"
    return mark_safe(lucide._render_icon(name, size, **attributes))  # noqa: S308  # escaped by ElementTree


def qr(text: str, label: str, css_class: str) -> SafeString:
    """A QR code, dark on white whatever the theme, so that scanners read it."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        border=3,
        dark="#101820",
        light="#ffffff",
        title=None,
    )
    svg = out.getvalue().decode()
    opening = f'<svg role="img" aria-label="{escape(label)}" class="{escape(css_class)}"'
    return mark_safe(svg.replace("<svg", opening, 1).replace(' class="segno"', "", 1))  # noqa: S308

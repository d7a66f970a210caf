"""Inline SVG: lucide icons, QR codes. No font, no request, no style attribute."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.resources import files
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import lucide
import segno
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

SVG = "{http://www.w3.org/2000/svg}"


@lru_cache(maxsize=1)
def _shelf() -> ZipFile:
    """Opened once: lucide reads the list of its two thousand files again for each icon."""
    return ZipFile((files(lucide) / "lucide.zip").open("rb"))


@lru_cache(maxsize=1024)
def icon(name: str, size: int, css_class: str, label: str) -> SafeString:
    """A lucide icon; decorative unless it has a label. Raises lucide.IconDoesNotExist for an unknown name."""
    try:
        drawn = _shelf().read(f"{name}.svg")
    except KeyError:
        raise lucide.IconDoesNotExist(f"There is no icon {name!r}.") from None
    svg = ET.fromstring(drawn)  # noqa: S314  comes with the package
    for node in svg.iter():
        node.tag = node.tag.removeprefix(SVG)
    svg.attrib |= {"width": str(size), "height": str(size)}
    svg.attrib |= {"class": css_class} if css_class else {}
    svg.attrib |= {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    return mark_safe(ET.tostring(svg, encoding="unicode"))  # noqa: S308  escaped by ElementTree


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

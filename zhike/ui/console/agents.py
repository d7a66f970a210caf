"""Browsers by name: "Chrome 156 · Windows" instead of a line of Mozilla/5.0."""

from __future__ import annotations

import re

# The first that matches wins: the later ones pretend to be the earlier ones.
_BROWSERS = (
    ("WeChat", r"MicroMessenger/(\d+)"),
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Headless)?(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* .*Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux"),
)


def browser_name(agent: str) -> str:
    """Browser and system; the beginning of the line itself when neither is known."""
    found = next(
        (f"{name} {match[1]}" for name, pattern in _BROWSERS if (match := re.search(pattern, agent))), ""
    )
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, agent)), "")
    return " · ".join(part for part in (found, system) if part) or agent[:40]

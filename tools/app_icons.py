"""Draws the member app's icons from our mark: `python -m tools.app_icons`. The results are committed."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools import chromium

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "zhike/ui/components/static/components/icon.svg"
TARGET = ROOT / "zhike/ui/member/static/member"
GROUND = "#1f6f78"
# name: (pixels, margin around the mark in units of its own 30, round corners). Maskable icons are cut to any shape.
ICONS = {
    "icon-180": (180, 2, False),
    "icon-192": (192, 0, True),
    "icon-512": (512, 0, True),
    "icon-maskable-512": (512, 5, False),
}


def picture(pixels: int, margin: int, is_round: bool) -> str:
    """The mark as an SVG of that size."""
    svg = SOURCE.read_text()
    inner = re.sub(r"</?svg[^>]*>", "", svg)
    side = 30 + 2 * margin
    ground = (
        ""
        if is_round
        else f'<rect x="{-margin}" y="{-margin}" width="{side}" height="{side}" fill="{GROUND}"/>'
    )
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{pixels}" height="{pixels}"'
    return f'{opening} viewBox="{-margin} {-margin} {side} {side}">{ground}{inner}</svg>'


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find_or_install(), args=list(chromium.FLAGS)
        )
        for name, (pixels, margin, is_round) in ICONS.items():
            page = browser.new_page(viewport={"width": pixels, "height": pixels})
            page.set_content(f'<body style="margin:0">{picture(pixels, margin, is_round)}')
            page.screenshot(path=TARGET / f"{name}.png", omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()

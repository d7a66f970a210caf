"""Cells that leave for a spreadsheet."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"^[\s\0]*[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?%?", re.ASCII)


def harmless(cell: str) -> str:
    """The cell, with an apostrophe before it if a spreadsheet would take it for a formula; plain numbers stay."""
    if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return "'" + cell
    return cell

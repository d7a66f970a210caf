"""Tables about members that tell nothing about one of them: small cells are withheld, and those that would give them away. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

DIMENSIONS = (
    "sex", "age", "tier", "mall", "joined", "lifecycle", "rfm", "behaviour", "preference", "value", "cluster", "tag",
)  # fmt: skip
SMALLEST = 5
"""Fewer members in a cell are not shown (k-anonymity with k = 5)."""
WINDOW_DAYS = 365
Key = tuple[str, str]


def withheld(cells: Mapping[Key, int]) -> set[Key]:
    """The cells that are not shown: below SMALLEST, and as many more that no line's total gives one of them away.

    A line is a row, a column, or all of them in a table with one dimension. Where a line has withheld cells with fewer than
    SMALLEST members together, or a single one, its next smallest cell is withheld too; again and again, until nothing changes.
    """
    hidden = {key for key, members in cells.items() if members < SMALLEST}
    lines = _lines(cells)
    changed = bool(hidden)
    while changed:
        changed = False
        for line in lines:
            inside = [key for key in line if key in hidden]
            shown = sorted((cells[key], key) for key in line if key not in hidden)
            is_open = len(inside) == 1 or sum(cells[key] for key in inside) < SMALLEST
            if inside and shown and is_open:
                hidden.add(shown[0][1])
                changed = True
    return hidden


def _lines(cells: Iterable[Key]) -> list[list[Key]]:
    """Rows and columns; with one dimension the only column is the whole table."""
    lines: dict[tuple[int, str], list[Key]] = {}
    for key in cells:
        for side in (0, 1):
            lines.setdefault((side, key[side]), []).append(key)
    one_sided = len({key[1] for key in cells}) <= 1
    return [line for (side, _value), line in sorted(lines.items()) if side == 1 or not one_sided]

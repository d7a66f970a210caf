"""Where the boxes of a graph stand: a row for every step from the beginning, a column for every branch. Pure.

A node stands one row below the lowest of those that lead to it (lines back to an earlier row of a circle do not count), and in
the middle of the columns of what follows it. What is drawn once is drawn where it is met first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zhike.marketing.rules.journeys.graph import Definition, edges

BOX_WIDTH, BOX_HEIGHT = 216, 76
GAP_X, GAP_Y = 28, 64
MARGIN = 16
SLOT = 24


@dataclass(frozen=True, slots=True)
class Line:
    """From a way out to a node. ``source`` "" is the beginning. ``slot`` is where something can be put in between."""

    source: str
    outcome: str
    target: str
    path: str
    slot_x: int
    slot_y: int
    is_back: bool = False

    @property
    def slot_left(self) -> int:
        return self.slot_x - SLOT // 2

    @property
    def slot_top(self) -> int:
        return self.slot_y - SLOT // 2

    @property
    def label_x(self) -> int:
        return self.slot_x + SLOT // 2 + 2

    @property
    def label_y(self) -> int:
        return self.slot_y - SLOT // 2 + 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """Places in SVG units: the top left corner of each box, and the lines between."""

    width: int
    height: int
    places: Mapping[str, tuple[int, int]]
    lines: tuple[Line, ...]
    start: tuple[int, int]


def draw(definition: Definition) -> Drawing:
    """The whole graph; nodes to which nothing leads stand beside it."""
    columns = _Columns(definition, _rows(definition))
    places = {
        key: (
            MARGIN + round(columns.of[key] * (BOX_WIDTH + GAP_X)),
            MARGIN + (columns.rows[key] + 1) * (BOX_HEIGHT + GAP_Y),
        )
        for key in definition.nodes
    }
    first = places.get(definition.first, (MARGIN, 0))
    start = (first[0], MARGIN)
    lines = (
        [_line(("", "", definition.first), start, first, 0, 1, None)] if definition.first in places else []
    )
    for key, outcome, target in edges(definition):
        outcomes = definition.nodes[key].outcomes
        lane = columns.lanes.get((key, outcome))
        at = outcomes.index(outcome)
        lines.append(_line((key, outcome, target), places[key], places[target], at, len(outcomes), lane))
    lanes = [MARGIN + round(lane * (BOX_WIDTH + GAP_X)) - BOX_WIDTH for lane in columns.lanes.values()]
    width = max([*(x for x, _y in places.values()), *lanes], default=0) + BOX_WIDTH + 2 * MARGIN
    height = max((y for _x, y in places.values()), default=0) + BOX_HEIGHT + 2 * MARGIN
    return Drawing(width, height, places, tuple(lines), start)


def _ahead(definition: Definition) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {key: [] for key in definition.nodes}
    for source, _outcome, target in edges(definition):
        found[source].append(target)
    return found


def _rows(definition: Definition) -> dict[str, int]:
    """The longest way to each node, without lines that close a circle."""
    ahead, rows = _ahead(definition), dict.fromkeys(definition.nodes, 0)
    order = _order(definition, ahead)
    place = {key: at for at, key in enumerate(order)}
    for key in order:
        for target in ahead[key]:
            if place[target] > place[key]:
                rows[target] = max(rows[target], rows[key] + 1)
    return rows


def _order(definition: Definition, ahead: Mapping[str, list[str]]) -> list[str]:
    """Every node before those that follow it, but for circles: reversed order of leaving, without recursion."""
    seen: set[str] = set()
    left: list[str] = []
    starts = (
        [definition.first, *definition.nodes] if definition.first in definition.nodes else [*definition.nodes]
    )
    for start in dict.fromkeys(starts):
        stack = [(start, False)]
        while stack:
            key, is_done = stack.pop()
            if is_done:
                left.append(key)
            elif key not in seen:
                seen.add(key)
                stack.append((key, True))
                stack += [(target, False) for target in ahead[key] if target not in seen]
    return left[::-1]


LANE = 0.35
"""What a line of its own takes, of the room of a box."""


class _Columns:
    """Leaves side by side, whoever leads to several in their middle; a line to what stands elsewhere has a lane of its own."""

    def __init__(self, definition: Definition, rows: Mapping[str, int]) -> None:
        self.definition, self.rows = definition, rows
        self.of: dict[str, float] = {}
        self.lanes: dict[tuple[str, str], float] = {}
        self._free = 0.0
        self._seen: set[str] = set()
        for start in (definition.first, *definition.nodes):
            if start in definition.nodes and start not in self._seen:
                self._place(start)

    def _place(self, key: str) -> None:
        self._seen.add(key)
        node, begin, below = self.definition.nodes[key], self._free, []
        for outcome in node.outcomes:
            target = node.outs.get(outcome, "")
            if target not in self.definition.nodes:
                continue
            if target not in self._seen and self.rows[target] > self.rows[key]:
                self._place(target)
                below.append(self.of[target])
            else:
                self.lanes[key, outcome] = self._free + LANE / 2
                self._free += LANE
        self.of[key] = (min(below) + max(below)) / 2 if below else begin
        self._free = max(self._free, self.of[key] + 1)


def _line(
    way: tuple[str, str, str],
    begin: tuple[int, int],
    end: tuple[int, int],
    at: int,
    of: int,
    lane: float | None,
) -> Line:
    x1 = begin[0] + BOX_WIDTH * (at + 1) // (of + 1)
    y1 = begin[1] + BOX_HEIGHT
    x2, y2 = end[0] + BOX_WIDTH // 2, end[1]
    if lane is not None:
        side = MARGIN + round(lane * (BOX_WIDTH + GAP_X))
        path = f"M{x1} {y1}V{y1 + 44}H{side}V{y2 - 12}H{x2}V{y2}"
    else:
        path = f"M{x1} {y1}V{y1 + 44}H{x2}V{y2}" if x1 != x2 else f"M{x1} {y1}V{y2}"
    return Line(*way, path, x1, y1 + 26, is_back=y2 <= y1)

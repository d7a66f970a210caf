"""Sums of what people bought, by arm and by cut, for campaigns and journeys alike; comparisons are made when somebody looks.

A *cut* parts the people by what was known before they were drawn (the channel by which they would be reached, what a model said,
their standing) or their receipts by where they were written (line of business, mall). In the first kind a cell has its own people,
in the second everybody of the arm. Both keep the arms alike, so a cell can be compared with the same cell of the holdout.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zhike.marketing.queries.margins import margins_of
from zhike.marketing.rules import campaigns as rules
from zhike.marketing.rules.measuring import Moments, moments
from zhike.marketing.rules.standing import standing_of
from zhike.organization import queries as organization
from zhike.sales import queries as sales

NAMES = ("bought", "revenue", "margin")
Cell = tuple[str, str]
"""A cut and a value of it; ("", "") is the whole arm."""
WHOLE: Cell = ("", "")


@dataclass(frozen=True, slots=True)
class Measured:
    """Somebody whose receipts in [since, until) count for an arm; ``cuts`` of what was known before."""

    person_id: int
    arm: str
    since: dt.datetime
    until: dt.datetime
    cuts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Did:
    """Fen and sales; ``known`` is the part of ``fen`` whose margin is known."""

    sales: int = 0
    fen: int = 0
    margin: float = 0.0
    known: int = 0

    def pairs(self, before: Did) -> dict[str, tuple[float, float]]:
        return {
            "bought": (float(self.sales > 0), float(before.sales > 0)),
            "revenue": (self.fen, before.fen),
            "margin": (self.margin, before.margin),
        }


class SalesSums:
    """Adds up chunk after chunk."""

    def __init__(self, group_id: int) -> None:
        self._margins = margins_of(group_id)
        self._cells: dict[str, dict[Cell, dict[str, Moments]]] = defaultdict(dict)
        self._people: dict[str, int] = defaultdict(int)
        self._spread: set[Cell] = set()
        self._sold: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def add(self, people: Sequence[Measured]) -> set[int]:
        """Each person once in all chunks; who of them bought in the time before."""
        now = self._by_person([(one.person_id, one.since, one.until) for one in people])
        before = self._by_person([(one.person_id, one.since - rules.LOOK_BACK, one.since) for one in people])
        last = sales.last_bought_before([(one.person_id, one.since) for one in people])
        told: dict[tuple[str, Cell, str], list[tuple[float, float]]] = defaultdict(list)
        none: dict[Cell, Did] = {}
        for one in people:
            mine, past = now.get(one.person_id, none), before.get(one.person_id, none)
            whole, whole_before = mine.get(WHOLE, Did()), past.get(WHOLE, Did())
            self._people[one.arm] += 1
            self._sold[one.arm][0] += whole.fen
            self._sold[one.arm][1] += whole.known
            own = {**one.cuts, "standing": standing_of(last.get(one.person_id), one.since)}
            cells = [WHOLE, *((cut, value) for cut, value in own.items() if value)]
            for name, pair in whole.pairs(whole_before).items():
                for cell in cells:
                    told[one.arm, cell, name].append(pair)
            for cell in (mine.keys() | past.keys()) - {WHOLE}:
                self._spread.add(cell)
                for name, pair in mine.get(cell, Did()).pairs(past.get(cell, Did())).items():
                    told[one.arm, cell, name].append(pair)
        for (arm, cell, name), pairs in told.items():
            kept = self._cells[arm].setdefault(cell, {})
            kept[name] = kept.get(name, Moments()) + moments(pairs)
        return {person_id for person_id, cells in before.items() if cells[WHOLE].sales}

    def of_arm(self, arm: str) -> dict[str, Any]:
        """The arm as it is kept: its moments by name, fen sold and of known margin, and under ``by`` the cells."""
        cells = self._cells[arm]
        sold, known = self._sold[arm]
        by: dict[str, dict[str, Any]] = defaultdict(dict)
        for cut, value in {*cells, *self._spread} - {WHOLE}:
            found = cells.get((cut, value), {})
            if (cut, value) in self._spread:
                found = {name: replace(found.get(name, Moments()), n=self._people[arm]) for name in NAMES}
            by[cut][value] = _as_json(found)
        return {**_as_json(cells.get(WHOLE, {})), "sold": sold, "known": known, "by": by}

    def _by_person(
        self, windows: Sequence[tuple[int, dt.datetime, dt.datetime]]
    ) -> dict[int, dict[Cell, Did]]:
        found: dict[int, dict[Cell, Did]] = defaultdict(dict)
        for row in sales.spent_within(windows):
            merchant = organization.merchant_ref(row.merchant_id)
            category = merchant.trade_category_id if merchant else None
            rate = self._margins.rate(row.merchant_id, category, row.day)
            cells = (WHOLE, ("category", str(category or 0)), ("mall", str(row.mall_id)))
            for cell in cells:
                did = found[row.person_id].setdefault(cell, Did())
                did.sales += row.sales
                did.fen += row.net_fen
                if rate is not None:
                    did.margin += row.net_fen * rate / 10_000
                    did.known += row.net_fen
        return found


def _as_json(found: Mapping[str, Moments]) -> dict[str, list[float]]:
    none = Moments()
    return {
        name: [one.n, one.y, one.yy, one.x, one.xx, one.xy]
        for name in NAMES
        for one in (found.get(name, none),)
    }

"""Parts of a measure: what an arm did in a channel, a standing, a line of business or a mall, against the same of the holdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhike.marketing.queries.reviews import compared
from zhike.marketing.rules.assignment import HOLDOUT
from zhike.marketing.rules.margins import COVERED_MIN
from zhike.marketing.rules.measuring import Effect
from zhike.marketing.rules.pooling import Rates

Sums = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Of one campaign or journey: ``people`` treated, of whom ``bought``; effects None without the same part in the holdout."""

    people: int
    bought: int
    visit: Effect | None
    revenue: Effect | None
    margin: Effect | None
    rates: Rates


def cell_sums(sums: Sums, cut: str, value: str) -> Sums:
    """The sums of one cell, by arm; arms without it are left out."""
    cells = {arm: one.get("by", {}).get(cut, {}).get(value) for arm, one in sums.items()}
    return {arm: cell for arm, cell in cells.items() if cell}


def values_of(sums: Sums, cut: str) -> set[str]:
    return {value for one in sums.values() for value in one.get("by", {}).get(cut, {})}


def part_of(sums: Sums, method: str) -> Part:
    """The arms together against the holdout."""
    arms = [one for key, one in sums.items() if key != HOLDOUT]
    people, bought = (int(sum(one["bought"][at] for one in arms)) for at in (0, 1))
    held = sums.get(HOLDOUT, {}).get("bought", (0, 0))
    visit, revenue, margin = (_effect(sums, name, method) for name in ("bought", "revenue", "margin"))
    return Part(people, bought, visit, revenue, margin, Rates(bought, people, int(held[1]), int(held[0])))


def is_covered(sums: Sums) -> bool:
    """Whether enough of the sales has a known rate for a margin to be told."""
    sold, known = (sum(one.get(name, 0) for one in sums.values()) for name in ("sold", "known"))
    return all("margin" in one for one in sums.values()) and (not sold or known / sold >= COVERED_MIN)


def _effect(sums: Sums, name: str, method: str) -> Effect | None:
    return compared(sums, name, method)[0].get("") if all(name in one for one in sums.values()) else None


def extras(parts: Sequence[Part], name: str) -> list[tuple[int, Effect]]:
    """People and effect of every part that has one, for ``pooling.total``."""
    return [(one.people, effect) for one in parts if (effect := getattr(one, name)) is not None]

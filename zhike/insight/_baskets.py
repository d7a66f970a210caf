"""What is bought together: every frequent set of items, exactly, and the rules that follow from them.

Eclat: M. J. Zaki, "Scalable Algorithms for Association Mining", IEEE TKDE 12 (2000): for each item the baskets it is in, as a
roaring bitmap; a set's baskets are the intersection. Lift, leverage: Brin et al. (1997), Piatetsky-Shapiro (1991).
Nothing is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SETS_MAX = 200_000
LONGEST = 8
SOUND = 0.05
"""A rule is sound when at most this share of those called sound is expected to be an accident."""

Counts = dict[tuple[int, ...], int]


class TooMany(ArithmeticError):
    """More frequent sets than anybody can read: ask for more support."""


@dataclass(frozen=True, slots=True)
class Rule:
    """In baskets: ``both`` hold all of it, ``before`` the antecedent, ``after`` the consequent, of ``baskets``."""

    antecedent: tuple[int, ...]
    consequent: int
    both: int
    before: int
    after: int
    baskets: int

    @property
    def support(self) -> float:
        return self.both / self.baskets

    @property
    def confidence(self) -> float:
        return self.both / self.before

    @property
    def lift(self) -> float:
        """How many times as often as if the two had nothing to do with each other."""
        return self.both * self.baskets / (self.before * self.after)

    @property
    def leverage(self) -> float:
        """The share of all baskets that hold both, less what would by chance."""
        return self.both / self.baskets - self.before / self.baskets * (self.after / self.baskets)


def minimum_count(baskets: int, support_ppm: int, count_min: int) -> int:
    """In how many baskets a set must be, from a share in millionths; never fewer than ``count_min``."""
    return max(count_min, -(-baskets * support_ppm // 1_000_000), 1)


def frequent_sets(baskets_of: Mapping[int, Sequence[int]], minimum: int, longest: int = LONGEST) -> Counts:
    """Every set of at most ``longest`` items in at least ``minimum`` baskets, with their number. Raises TooMany."""
    from pyroaring import BitMap

    singles = [(item, BitMap(baskets)) for item, baskets in baskets_of.items() if len(baskets) >= minimum]
    singles.sort(key=lambda one: (len(one[1]), one[0]))
    found: Counts = {(item,): len(baskets) for item, baskets in singles}
    _grow((), singles, minimum, longest, found)
    return found


def _grow(
    prefix: tuple[int, ...], tail: list[tuple[int, Any]], minimum: int, longest: int, found: Counts
) -> None:
    """Sets that begin with ``prefix`` and one of ``tail``; rare items first, so that bitmaps are small early."""
    for at, (item, baskets) in enumerate(tail):
        head = (*prefix, item)
        longer: list[tuple[int, Any]] = []
        for other, others in tail[at + 1 :]:
            count = baskets.intersection_cardinality(others)
            if count >= minimum:
                found[tuple(sorted((*head, other)))] = count
                if len(head) + 1 < longest:
                    longer.append((other, baskets & others))
        if len(found) > SETS_MAX:
            raise TooMany
        if len(longer) > 1:
            _grow(head, longer, minimum, longest, found)


def rules_of(sets: Counts, baskets: int, confidence_bp: int) -> list[Rule]:
    """Rules with one consequent whose confidence, in hundredths of a per cent, is at least so much; strongest leverage first."""
    found = []
    for items, both in sets.items():
        if len(items) < 2:
            continue
        for at, consequent in enumerate(items):
            antecedent = items[:at] + items[at + 1 :]
            before = sets[antecedent]
            if both * 10_000 >= before * confidence_bp:
                found.append(Rule(antecedent, consequent, both, before, sets[(consequent,)], baskets))
    found.sort(key=lambda one: (-one.leverage, one.antecedent, one.consequent))
    return found


def accident(rules: Sequence[Rule]) -> list[float]:
    """For each rule the chance of so many baskets with both by accident (hypergeometric, one-sided), as Benjamini-Hochberg's q."""
    import numpy as np
    from scipy.stats import false_discovery_control, hypergeom

    if not rules:
        return []
    both, baskets, before, after = (
        np.array([getattr(one, name) for one in rules]) for name in ("both", "baskets", "before", "after")
    )
    chances = hypergeom.sf(both - 1, baskets, before, after)
    return [float(one) for one in false_discovery_control(np.clip(chances, 0.0, 1.0))]

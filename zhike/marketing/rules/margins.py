"""What is left of a yuan of sales: by merchant, else by the merchant's line of business, else of the house; or nobody knows. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

COVERED_MIN = 0.9
"""Of the sales, so much must have a known rate before a margin is told."""


@dataclass(frozen=True, slots=True)
class DatedRate:
    """Holds from a day on, until the next one of the same subject; ``margin_bp`` None: from then on it has none of its own."""

    valid_from: dt.date
    margin_bp: int | None


@dataclass(frozen=True, slots=True)
class Margins:
    """Every rate of a group, each list by day. ``parents`` is the tree of the lines of business."""

    merchants: Mapping[int, Sequence[DatedRate]] = field(default_factory=dict)
    categories: Mapping[int, Sequence[DatedRate]] = field(default_factory=dict)
    parents: Mapping[int, int | None] = field(default_factory=dict)
    house_bp: int | None = None

    def rate(self, merchant_id: int | None, category_id: int | None, day: dt.date) -> int | None:
        """In basis points on a day; None where nobody knows."""
        found = rate_on(self.merchants.get(merchant_id or 0, ()), day)
        at, seen = category_id, set[int]()
        while found is None and at is not None and at not in seen:
            seen.add(at)
            found = rate_on(self.categories.get(at, ()), day)
            at = self.parents.get(at)
        return found if found is not None else self.house_bp


def rate_on(rates: Sequence[DatedRate], day: dt.date) -> int | None:
    """The newest that had begun."""
    begun = [one for one in rates if one.valid_from <= day]
    return begun[-1].margin_bp if begun else None

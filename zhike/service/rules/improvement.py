"""Whether something really changed, and what goes with content: ratios and differences with 95 % intervals. Pure.

Two counts with their bases are compared by the share of the first among both, with Wilson's interval, which gives one for
the ratio of the rates. A difference of shares has Newcombe's interval (1998, method 10), made of two of Wilson's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from zhike.service.rules.surveys import wilson

PER = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """Complaints of two periods with their receipts; ``ratio`` of the rates with its interval, None without a base."""

    count: int
    base: int
    before: int
    base_before: int
    ratio: float | None
    low: float | None
    high: float | None

    @property
    def rate(self) -> float | None:
        return self.count * PER / self.base if self.base else None

    @property
    def rate_before(self) -> float | None:
        return self.before * PER / self.base_before if self.base_before else None

    @property
    def verdict(self) -> Literal["rose", "fell", "unsure"]:
        """Surely more, surely less, or no sure change: the interval of the ratio holds 1."""
        if self.low is not None and self.low > 1:
            return "rose"
        return "fell" if self.high is not None and self.high < 1 else "unsure"


def change(count: int, base: int, before: int, base_before: int) -> Change:
    """Compare two rates; without receipts, or without any complaint, nothing can be said."""
    if not base or not base_before or not count + before:
        return Change(count, base, before, base_before, None, None, None)
    low, high = wilson(count, count + before)
    scale = base_before / base

    def ratio(share: float) -> float:
        return math.inf if share >= 1 else share / (1 - share) * scale

    return Change(count, base, before, base_before, ratio(count / (count + before)), ratio(low), ratio(high))


@dataclass(frozen=True, slots=True)
class Driver:
    """How content members are with and without something: shares, their difference and its interval."""

    code: str
    with_it: int
    content_with: int
    without: int
    content_without: int
    difference: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        return self.low > 0 or self.high < 0


def driver(code: str, with_it: int, content_with: int, without: int, content_without: int) -> Driver | None:
    """None when there is nobody to compare."""
    if not with_it or not without:
        return None
    first, second = content_with / with_it, content_without / without
    low1, high1 = wilson(content_with, with_it)
    low2, high2 = wilson(content_without, without)
    difference = first - second
    low = difference - math.sqrt((first - low1) ** 2 + (high2 - second) ** 2)
    high = difference + math.sqrt((high1 - first) ** 2 + (second - low2) ** 2)
    return Driver(code, with_it, content_with, without, content_without, difference, low, high)

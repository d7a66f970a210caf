"""What will be left over tonight: what is open now, and how the rest of the day went on days like this. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

DAYS_MIN = 4
_T80 = (3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372, 1.363, 1.356, 1.350, 1.345, 1.341,
        1.337, 1.333, 1.330, 1.328, 1.325)  # fmt: skip
_Z80 = 1.282
"""Student's quantiles for four of five nights, by degrees of freedom from 1; the normal one beyond."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """``change`` is what the rest of the day adds on average over ``days``; four of five nights lie in ``low`` to ``high``."""

    open_now: int
    change: float
    expected: float
    low: float
    high: float
    days: int


def backlog(open_now: int, changes: Sequence[int]) -> Forecast | None:
    """``changes``: on each day like this, opened less solved from this time of day to its end. None with under four days.

    The interval is that of one more observation of a normal mean (Student), cut at nothing left.
    """
    if len(changes) < DAYS_MIN:
        return None
    change = mean(changes)
    freedom = len(changes) - 1
    quantile = _T80[freedom - 1] if freedom <= len(_T80) else _Z80
    half = quantile * stdev(changes) * math.sqrt(1 + 1 / len(changes))
    expected = open_now + change
    return Forecast(
        open_now,
        change,
        max(0.0, expected),
        max(0.0, expected - half),
        max(0.0, expected + half),
        len(changes),
    )

"""Several comparisons as one. Pure.

Extra amounts: campaigns draw their holdouts independently (a hash with a salt of its own), so the variances of their sums add up;
half-widths are added as squares on each side. Ratios of rates: Mantel-Haenszel over the campaigns as strata, with the variance of
the logarithm by Greenland and Robins, "Estimation of a common effect parameter from sparse follow-up data", Biometrics 41 (1985).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.marketing.rules.distributions import z_of
from zhike.marketing.rules.measuring import CONFIDENCE, Effect


@dataclass(frozen=True, slots=True)
class Stretch:
    """An amount within [low, high]."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rates:
    """One comparison: so many of ``treated_n`` did it, against ``held`` of ``held_n``."""

    treated: int
    treated_n: int
    held: int
    held_n: int


@dataclass(frozen=True, slots=True)
class Relative:
    """``change`` of the rate against the holdout, 0.2 is a fifth more, within [low, high]."""

    change: float
    low: float
    high: float


def total(parts: Sequence[tuple[int, Effect]]) -> Stretch | None:
    """The sum of people times effect; None of nothing."""
    if not parts:
        return None
    middle = math.fsum(people * one.difference for people, one in parts)
    down = math.hypot(*(people * (one.difference - one.low) for people, one in parts))
    up = math.hypot(*(people * (one.high - one.difference) for people, one in parts))
    return Stretch(middle, middle - down, middle + up)


def relative(strata: Sequence[Rates], confidence: float = CONFIDENCE) -> Relative | None:
    """The common ratio of the rates less one; None where one side did nothing at all, for then there is no ratio."""
    told = [one for one in strata if one.treated_n and one.held_n]
    above = math.fsum(one.treated * one.held_n / (one.treated_n + one.held_n) for one in told)
    below = math.fsum(one.held * one.treated_n / (one.treated_n + one.held_n) for one in told)
    if not above or not below:
        return None
    spread = math.fsum(_spread(one) for one in told) / (above * below)
    ratio, factor = above / below, math.exp(z_of(confidence) * math.sqrt(max(0.0, spread)))
    return Relative(ratio - 1, ratio / factor - 1, ratio * factor - 1)


def _spread(one: Rates) -> float:
    whole, hits = one.treated_n + one.held_n, one.treated + one.held
    return (hits * one.treated_n * one.held_n - one.treated * one.held * whole) / whole**2


def unit_cost(fen: int, extra: Stretch | None) -> Stretch | None:
    """Cost by one extra customer; None unless the whole interval lies above zero, for only then is there a price."""
    if extra is None or extra.low <= 0 or not fen:
        return None
    return Stretch(fen / extra.middle, fen / extra.high, fen / extra.low)

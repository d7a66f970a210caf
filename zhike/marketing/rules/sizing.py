"""How many people it takes to see an effect, and what a given number can show. Pure.

Shares: Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions", 3rd ed., 4.2 (unequal groups, without the
continuity correction); means: the same with the variances in place of p(1 − p).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()
POWER = 0.8
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Sizes:
    treated: int
    control: int

    @property
    def total(self) -> int:
        return self.treated + self.control


def for_rates(
    base: float, lift: float, holdout_share: float, *, alpha: float = ALPHA, power: float = POWER
) -> Sizes:
    """People needed to see ``base`` become ``base + lift``, a part ``holdout_share`` of them held out.

    Raises ValueError for shares outside (0, 1) and for no lift.
    """
    other = base + lift
    if not 0 < base < 1 or not 0 < other < 1 or not lift or not 0 < holdout_share < 1:
        raise ValueError("no such experiment")
    ratio = (1 - holdout_share) / holdout_share
    pooled = (ratio * other + base) / (ratio + 1)
    z_alpha, z_power = _z(alpha, power)
    root = z_alpha * math.sqrt(pooled * (1 - pooled) * (1 + 1 / ratio)) + z_power * math.sqrt(
        other * (1 - other) / ratio + base * (1 - base)
    )
    control = math.ceil((root / lift) ** 2)
    return Sizes(math.ceil(control * ratio), control)


def for_means(
    deviation: float, lift: float, holdout_share: float, *, alpha: float = ALPHA, power: float = POWER
) -> Sizes:
    """People needed to see a mean move by ``lift`` where single people differ by ``deviation``. Raises ValueError."""
    if deviation <= 0 or not lift or not 0 < holdout_share < 1:
        raise ValueError("no such experiment")
    ratio = (1 - holdout_share) / holdout_share
    control = math.ceil((sum(_z(alpha, power)) * deviation / lift) ** 2 * (1 + 1 / ratio))
    return Sizes(math.ceil(control * ratio), control)


def smallest_lift(
    base: float, treated: int, control: int, *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """The lift of a share that so many people would show four times out of five; None when none would."""
    if not 0 < base < 1 or treated < 2 or control < 2:
        return None
    low, high = 0.0, 1 - base
    for _round in range(60):
        lift = (low + high) / 2
        other = base + lift
        pooled = (treated * other + control * base) / (treated + control)
        needed = _z(alpha, power)[0] * math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control)) + _z(
            alpha, power
        )[1] * math.sqrt(max(other * (1 - other), 0) / treated + base * (1 - base) / control)
        low, high = (lift, high) if lift < needed else (low, lift)
    return None if high > (1 - base) * 0.999 else high


def _z(alpha: float, power: float) -> tuple[float, float]:
    return _NORMAL.inv_cdf(1 - alpha / 2), _NORMAL.inv_cdf(power)

"""What an arm did more than the holdout, from sums alone, with an interval. Pure.

Sources. Rates: Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
(1998), method 10 (Wilson's score intervals combined). Means: Welch's t (Biometrika 34, 1947). Before/after adjustment: CUPED,
Deng, Xu, Kohavi and Walker, WSDM 2013, with theta of all arms together. Split check: chi-square against the planned shares,
alarm below 0.001 as in Fabijan et al., "Diagnosing Sample Ratio Mismatch", KDD 2019. While a campaign runs: asymptotic
confidence sequences, Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences" (Annals of Statistics 2024), the normal mixture of their theorem 2.2: it holds at every look at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from zhike.marketing.rules.distributions import chi_square_tail, t_of, t_two_sided_p, z_of

CONFIDENCE = 0.95
SRM_ALARM = 0.001
FIRST_LOOK = 500
"""People after whom confidence sequences are tightest; they hold before and after too, only wider."""
Method = Literal["fixed", "sequential"]


@dataclass(frozen=True, slots=True)
class Moments:
    """Of one arm: people, sums of what they did (y) and of the same before the campaign (x), sums of squares and products."""

    n: int = 0
    y: float = 0
    yy: float = 0
    x: float = 0
    xx: float = 0
    xy: float = 0

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.n + other.n, self.y + other.y, self.yy + other.yy,
            self.x + other.x, self.xx + other.xx, self.xy + other.xy,
        )  # fmt: skip

    @property
    def mean(self) -> float:
        return self.y / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        return max(0.0, _covariance(self.n, self.y, self.y, self.yy))


@dataclass(frozen=True, slots=True)
class Effect:
    """``difference`` of the means, treated less control, within [low, high]; ``p_value`` that there is none.

    ``reduction`` is the share of the variance that the time before explained away.
    """

    treated: float
    control: float
    difference: float
    low: float
    high: float
    p_value: float
    method: Method
    reduction: float = 0.0

    @property
    def is_found(self) -> bool:
        return self.low > 0 or self.high < 0

    @property
    def relative(self) -> float | None:
        """Against the control; None where that did nothing."""
        return self.difference / self.control if self.control > 0 else None


def moments(pairs: Sequence[tuple[float, float]]) -> Moments:
    """Of (y, x) of single people."""
    return Moments(
        len(pairs),
        math.fsum(y for y, _ in pairs),
        math.fsum(y * y for y, _ in pairs),
        math.fsum(x for _, x in pairs),
        math.fsum(x * x for _, x in pairs),
        math.fsum(y * x for y, x in pairs),
    )


def rates(
    treated: int, treated_n: int, control: int, control_n: int, confidence: float = CONFIDENCE
) -> Effect | None:
    """The difference of two shares, at a fixed end. None while an arm has nobody."""
    if not treated_n or not control_n:
        return None
    z = z_of(confidence)
    p1, p0 = treated / treated_n, control / control_n
    low1, high1 = _wilson(treated, treated_n, z)
    low0, high0 = _wilson(control, control_n, z)
    difference = p1 - p0
    low = difference - math.hypot(p1 - low1, high0 - p0)
    high = difference + math.hypot(high1 - p1, p0 - low0)
    return Effect(p1, p0, difference, low, high, _rates_p(treated, treated_n, control, control_n), "fixed")


def means(treated: Moments, control: Moments, confidence: float = CONFIDENCE) -> Effect | None:
    """The difference of two means, at a fixed end. None while an arm has fewer than two people."""
    if treated.n < 2 or control.n < 2:
        return None
    parts = treated.variance / treated.n, control.variance / control.n
    difference, error = treated.mean - control.mean, math.sqrt(sum(parts))
    if not error:
        p = 0.0 if difference else 1.0
        return Effect(treated.mean, control.mean, difference, difference, difference, p, "fixed")
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (treated.n - 1) + parts[1] ** 2 / (control.n - 1))
    half = t_of(confidence, freedom) * error
    p = t_two_sided_p(difference / error, freedom)
    return Effect(treated.mean, control.mean, difference, difference - half, difference + half, p, "fixed")


def always_valid(
    treated: Moments, control: Moments, confidence: float = CONFIDENCE, tuned_for: int = FIRST_LOOK
) -> Effect | None:
    """The same difference, at any of the many moments one may look; wider than at a fixed end. None below two people."""
    if treated.n < 2 or control.n < 2:
        return None
    n = treated.n + control.n
    difference = treated.mean - control.mean
    spread = n * (treated.variance / treated.n + control.variance / control.n)
    if not spread:
        return Effect(treated.mean, control.mean, difference, difference, difference, 1.0, "sequential")
    rho = _tuned(1 - confidence, tuned_for)
    grown = n * rho * rho
    half = math.sqrt(
        spread * 2 * (grown + 1) / (n * grown) * math.log(math.sqrt(grown + 1) / (1 - confidence))
    )
    evidence = difference * difference * n * grown / (spread * 2 * (grown + 1))
    p = min(1.0, math.sqrt(grown + 1) * math.exp(-min(evidence, 700)))
    return Effect(
        treated.mean, control.mean, difference, difference - half, difference + half, p, "sequential"
    )


def adjusted(arms: Mapping[str, Moments]) -> tuple[dict[str, Moments], float]:
    """CUPED: the same arms with what their people did before taken out, and the share of variance that went with it."""
    whole = sum(arms.values(), Moments())
    before = _covariance(whole.n, whole.x, whole.x, whole.xx)
    variance = _covariance(whole.n, whole.y, whole.y, whole.yy)
    if before <= 0 or variance <= 0:
        return dict(arms), 0.0
    together = _covariance(whole.n, whole.x, whole.y, whole.xy)
    theta, middle = together / before, whole.x / whole.n
    return {key: _without(one, theta, middle) for key, one in arms.items()}, together**2 / (before * variance)


@dataclass(frozen=True, slots=True)
class Split:
    """How the people fell to the arms, against how they were meant to. ``is_broken``: no chance does that; believe nothing."""

    p_value: float

    @property
    def is_broken(self) -> bool:
        return self.p_value < SRM_ALARM


def split(counts: Mapping[str, int], shares: Mapping[str, float]) -> Split:
    """Chi-square of the counts against the planned shares, by arm."""
    whole, planned = sum(counts.values()), math.fsum(shares.values())
    expected = {key: whole * share / planned for key, share in shares.items() if share > 0}
    if not whole or len(expected) < 2:
        return Split(1.0)
    if any(count and key not in expected for key, count in counts.items()):
        return Split(0.0)
    statistic = math.fsum((counts.get(key, 0) - wanted) ** 2 / wanted for key, wanted in expected.items())
    return Split(chi_square_tail(statistic, len(expected) - 1))


def _wilson(hits: int, n: int, z: float) -> tuple[float, float]:
    p, square = hits / n, z * z
    middle = (p + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _rates_p(hits1: int, n1: int, hits0: int, n0: int) -> float:
    """The pooled z test."""
    pooled = (hits1 + hits0) / (n1 + n0)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    return math.erfc(abs(hits1 / n1 - hits0 / n0) / error / math.sqrt(2)) if error else 1.0


def _covariance(n: int, a: float, b: float, ab: float) -> float:
    """Of a sample; of a with itself it is the variance."""
    return (ab - a * b / n) / (n - 1) if n > 1 else 0.0


def _without(one: Moments, theta: float, middle: float) -> Moments:
    """The moments of y − θ(x − middle)."""
    n, shift = one.n, theta * middle
    y = one.y - theta * one.x + n * shift
    yy = (
        one.yy
        + theta * theta * one.xx
        + n * shift * shift
        - 2 * theta * one.xy
        + 2 * shift * one.y
        - 2 * theta * shift * one.x
    )
    return Moments(n, y, yy, one.x, one.xx, one.xy - theta * one.xx + shift * one.x)


def _tuned(alpha: float, n: int) -> float:
    """The mixture's scale that is tightest after ``n`` people (their equation 10, by the usual approximation)."""
    return math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / n)

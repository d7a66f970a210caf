"""The tails we need of chi-square and Student's t, from the incomplete gamma and beta functions. Pure.

Series and continued fractions after Press et al., "Numerical Recipes", 3rd ed., 6.2 (gammp, gammq) and 6.4 (betai), to 1e-12.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()
_TINY = 1e-300
_EPSILON = 1e-13
_STEPS_MAX = 500
MANY = 200
"""From so many degrees of freedom on Student's t is taken as normal: the quantiles differ by less than 0.7 %."""


def z_of(confidence: float) -> float:
    """Half the width, in standard errors, of a two-sided interval: 1.96 of 0.95."""
    return _NORMAL.inv_cdf(0.5 + confidence / 2)


def two_sided_p(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(X ≥ statistic)."""
    if statistic <= 0:
        return 1.0
    a, x = freedom / 2, statistic / 2
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for step in range(1, _STEPS_MAX):
            term *= x / (a + step)
            total += term
            if term < total * _EPSILON:
                break
        return max(0.0, 1 - total * scale)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    h = d
    for step in range(1, _STEPS_MAX):
        factor = -step * (step - a)
        b += 2
        d = 1 / _away(factor * d + b)
        c = _away(b + factor / c)
        h *= d * c
        if abs(d * c - 1) < _EPSILON:
            break
    return scale * h


def t_two_sided_p(t: float, freedom: float) -> float:
    """P(|T| ≥ |t|)."""
    if freedom >= MANY:
        return two_sided_p(t)
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def t_of(confidence: float, freedom: float) -> float:
    """Half the width, in standard errors, of a two-sided interval."""
    if freedom >= MANY:
        return z_of(confidence)
    low, high = 0.0, 1e4
    for _round in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided_p(middle, freedom) > 1 - confidence else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    c = 1.0
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    h = d
    for m in range(1, _STEPS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for factor in (even, odd):
            d = 1 / _away(1 + factor * d)
            c = _away(1 + factor / c)
            h *= d * c
        if abs(d * c - 1) < _EPSILON:
            break
    return h


def _away(value: float) -> float:
    """Not zero."""
    return value if abs(value) > _TINY else _TINY

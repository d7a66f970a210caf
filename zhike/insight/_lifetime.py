"""How often somebody will come again, and what they will spend: BG/NBD and Gamma-Gamma, fitted by maximum likelihood.

BG/NBD: P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting Your Customers the Easy Way", Marketing Science 24 (2005).
Gamma-Gamma: Fader & Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), brucehardie.com/notes/025.
NumPy and SciPy are imported when a model is fitted or asked, never when the program starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[Any]

CUSTOMERS_MIN = 10
BOUND = 9.0
"""Parameters lie between 1/8,000 and 8,000."""
STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, 1.5, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Buyers:
    """One entry a customer: repeat purchases, when the last one was, how long ago the first one was (one unit of time)."""

    frequency: Sequence[float]
    recency: Sequence[float]
    age: Sequence[float]


@dataclass(frozen=True, slots=True)
class BgNbd:
    """r, alpha: how the rates of buying differ; a, b: how the chances of dropping out after a purchase differ."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """p, q, gamma: how the averages of customers differ, and purchases around them."""

    p: float
    q: float
    gamma: float
    log_likelihood: float


class NotFitted(ArithmeticError):
    """The search did not come to a maximum: too few customers, or all alike."""


def fit_bgnbd(buyers: Buyers) -> BgNbd:
    """The most likely parameters. Raises NotFitted."""
    import numpy as np

    x, t, age = (np.asarray(one, dtype=float) for one in (buyers.frequency, buyers.recency, buyers.age))
    if (x > 0).sum() < CUSTOMERS_MIN:
        raise NotFitted
    (r, alpha, a, b), loss = _search(lambda values: -_bgnbd(np.exp(values), x, t, age).sum(), 4)
    return BgNbd(r, alpha, a, b, -loss)


def fit_gamma_gamma(frequency: Sequence[float], average: Sequence[float]) -> GammaGamma:
    """From repeat purchases and their average value, of who bought again at least once. Raises NotFitted."""
    import numpy as np

    x, m = np.asarray(frequency, dtype=float), np.asarray(average, dtype=float)
    keep = (x > 0) & (m > 0)
    if keep.sum() < CUSTOMERS_MIN:
        raise NotFitted
    (p, q, gamma), loss = _search(lambda values: -_gamma_gamma(np.exp(values), x[keep], m[keep]).sum(), 3)
    return GammaGamma(p, q, gamma, -loss)


def expected_purchases(model: BgNbd, buyers: Buyers, ahead: float) -> Vector:
    """Purchases in the time ahead, given what was bought so far (equation 10 of the paper)."""
    import numpy as np
    from scipy.special import hyp2f1

    x, age = (np.asarray(one, dtype=float) for one in (buyers.frequency, buyers.age))
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    shrink = ((alpha + age) / (alpha + age + ahead)) ** (r + x)
    series = hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + age + ahead))
    found: Vector = (a + b + x - 1) / (a - 1) * (1 - shrink * series) * alive(model, buyers)
    return found


def alive(model: BgNbd, buyers: Buyers) -> Vector:
    """The chance that somebody is still a customer; who never came again cannot have dropped out in this model."""
    import numpy as np

    x, t, age = (np.asarray(one, dtype=float) for one in (buyers.frequency, buyers.recency, buyers.age))
    odds = (
        model.a
        / (model.b + np.maximum(x, 1) - 1)
        * ((model.alpha + age) / (model.alpha + t)) ** (model.r + x)
    )
    found: Vector = np.where(x > 0, 1 / (1 + odds), 1.0)
    return found


def expected_value(model: GammaGamma, frequency: Sequence[float], average: Sequence[float]) -> Vector:
    """What a purchase will be worth: between everybody's average and their own, the more of one's own the more was bought."""
    import numpy as np

    x, m = np.asarray(frequency, dtype=float), np.asarray(average, dtype=float)
    found: Vector = model.p * (model.gamma + x * m) / (model.p * x + model.q - 1)
    return found


def _bgnbd(parameters: Vector, x: Vector, t: Vector, age: Vector) -> Vector:
    """The log-likelihood of each customer (equation 6), with the two cases added as logarithms."""
    import numpy as np
    from scipy.special import betaln, gammaln

    r, alpha, a, b = parameters
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
    left = betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + t)
    found: Vector = common + np.where(x > 0, np.logaddexp(stayed, left), stayed)
    return found


def _gamma_gamma(parameters: Vector, x: Vector, m: Vector) -> Vector:
    import numpy as np
    from scipy.special import gammaln

    p, q, gamma = parameters
    found: Vector = (
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(gamma + m * x)
    )  # fmt: skip
    return found


def _search(loss: Any, size: int) -> tuple[list[float], float]:
    """The best of a few starts, over logarithms so that parameters stay positive.

    Where customers hardly differ, or nobody drops out, the maximum lies at infinity: the search ends at a bound, whose
    forecasts are the same. Raises NotFitted when no start leads anywhere.
    """
    import numpy as np
    from scipy.optimize import minimize

    best = None
    for start in STARTS:
        found = minimize(loss, np.array(start[:size]), method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * size)
        if np.isfinite(found.fun) and (best is None or found.fun < best.fun):
            best = found
    if best is None:
        raise NotFitted
    return [float(one) for one in np.exp(best.x)], float(best.fun)

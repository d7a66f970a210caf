"""Whom a message changes: models of uplift, learnt from people who got it and people who by chance did not.

Learners. Two models (S. R. Künzel, J. S. Sekhon, P. J. Bickel, B. Yu, "Metalearners for estimating heterogeneous treatment effects
using machine learning", PNAS 116, 2019: the T-learner) of straight lines, the boosted X-learner of the same paper with the
randomised share as its weight, and the boosted transformed outcome y·(w/p − (1−w)/(1−p)) (S. Athey, G. Imbens, "Machine Learning
Methods for Estimating Heterogeneous Causal Effects", 2015; for a share of one half it is the class transformation of
M. Jaśkowski, S. Jaroszewicz, 2012). "null" says the same of everybody.

Every one of them is a weighted sum of lines and of boosted trees, so a model is kept as numbers and never as a program.
NumPy and scikit-learn are imported when a model is learnt or asked, never when the program starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[Any]

Part = dict[str, Any]
TREES, DEPTH, RATE, SUBSAMPLE = 40, 2, 0.1, 0.6
LEAF_SHARE = 100
"""A leaf holds at least so many people, or a twentieth of a small sample."""
RIDGE = 10.0
FOLDS = 3
REPEATS, BATCH = 300, 50


@dataclass(frozen=True, slots=True)
class Sample:
    """Of each person: features, what they did, whether they were treated, and with what chance they might have been."""

    x: Matrix
    y: Matrix
    treated: Matrix
    chance: Matrix

    def __len__(self) -> int:
        return len(self.y)

    def where(self, mask: Matrix) -> Sample:
        return Sample(self.x[mask], self.y[mask], self.treated[mask], self.chance[mask])


@dataclass(frozen=True, slots=True)
class Curve:
    """``qini`` and ``uplift`` at ``share`` of the people contacted, the best first, in people; and what is made of them.

    Qini(k) = Y_t − Y_c·N_t/N_c and uplift(k) = (Y_t/N_t − Y_c/N_c)·(N_t + N_c), both among the first k; equal predictions are
    taken together. ``qini_coefficient`` and ``auuc`` = (area − area of the straight line) / (area of the best order − the same).
    Radcliffe, "Using control groups to target on predicted lift", 2007; Devriendt, Van Belle, Guns and Verbeke, "Learning to rank
    for uplift modeling", 2020; the definitions (and the best orders) are those of scikit-uplift 0.5. With several campaigns people
    are weighted by the inverse of their chance, so that a campaign with a small holdout does not stand out.
    """

    share: tuple[float, ...]
    qini: tuple[float, ...]
    uplift: tuple[float, ...]
    qini_coefficient: float
    auuc: float


def learners() -> Mapping[str, Callable[[Sample], list[Part]]]:
    """The family that is chosen from, the simplest first."""
    return {
        "null": _null,
        "two_linear": _two_linear,
        "x_boosted": _x_boosted,
        "transformed": _transformed,
    }


def predicted(parts: Sequence[Part], x: Matrix) -> Matrix:
    """What each person's uplift is expected to be, by a kept model."""
    import numpy as np

    total = np.zeros(len(x))
    for part in parts:
        total += part["weight"] * (_line(part, x) if "slopes" in part else _trees(part, x))
    return total


def chosen(sample: Sample, seed: int) -> tuple[str, dict[str, float]]:
    """The learner with the best mean Qini coefficient over folds it has not seen, and that of each.

    "null", whose coefficient is nought, where none does better than it.
    """
    import numpy as np

    fold = np.random.default_rng(seed).permutation(len(sample)) % FOLDS
    found = {}
    for name, learn in learners().items():
        if name == "null":
            found[name] = 0.0
            continue
        scores = []
        for number in range(FOLDS):
            held = sample.where(fold == number)
            parts = learn(sample.where(fold != number))
            scores.append(curve(predicted(parts, held.x), held).qini_coefficient)
        found[name] = float(np.mean(scores))
    return max(found, key=lambda name: found[name]), found


# --- what a prediction is worth --------------------------------------------------------------------------------------


def curve(scores: Matrix, sample: Sample, points: int = 101) -> Curve:
    """The curves on people the model has not seen, at so many shares."""
    import numpy as np

    weights = _weights(sample)
    share, qini, uplift = _steps(scores, sample, weights)
    best_qini = _steps(sample.y * (2 * sample.treated - 1), sample, weights)
    silent_buyers, idle = ((1 - sample.treated) * sample.y).sum(), (sample.treated * (1 - sample.y)).sum()
    more = sample.y if silent_buyers > idle else sample.treated
    best_uplift = _steps(2 * (sample.y == sample.treated) + more, sample, weights)
    grid = np.linspace(0, 1, points)
    return Curve(
        tuple(float(one) for one in grid),
        tuple(float(one) for one in np.interp(grid, share, qini)),
        tuple(float(one) for one in np.interp(grid, share, uplift)),
        _coefficient(share, qini, best_qini[0], best_qini[1]),
        _coefficient(share, uplift, best_uplift[0], best_uplift[2]),
    )


def top(scores: Matrix, share: float) -> Matrix:
    """Who is among the so-many best: the first int(n·share), ties in the order they came."""
    import numpy as np

    mask = np.zeros(len(scores), dtype=bool)
    mask[np.argsort(-scores, kind="stable")[: int(len(scores) * share)]] = True
    return mask


def uplift_at(scores: Matrix, sample: Sample, share: float) -> float:
    """The rate of the treated less that of the others, both among the best ``share`` of everybody (scikit-uplift: "overall")."""
    part = sample.where(top(scores, share))
    weights = _weights(part)
    rates = []
    for side in (1, 0):
        mask = part.treated == side
        if not mask.any():
            return 0.0
        rates.append(float((part.y[mask] * weights[mask]).sum() / weights[mask].sum()))
    return rates[0] - rates[1]


def qini_interval(scores: Matrix, sample: Sample, seed: int, confidence: float) -> tuple[float, float]:
    """Where the Qini coefficient lies, by the bootstrap: people drawn anew with weights of Poisson's law, ``REPEATS`` times.

    The model stays as it is; percentiles (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
    """
    import numpy as np

    random = np.random.default_rng(seed)
    weights = _weights(sample)
    found: list[float] = []
    for _batch in range(REPEATS // BATCH):
        drawn = weights * random.poisson(1.0, (BATCH, len(sample)))
        found.extend(_coefficients(scores, sample, drawn))
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _coefficients(scores: Matrix, sample: Sample, drawn: Matrix) -> Matrix:
    """The Qini coefficient under each row of weights, as ``curve`` has it; rows with nobody on a side are left out."""
    import numpy as np

    areas = []
    for one in (scores, sample.y * (2 * sample.treated - 1)):
        order = np.argsort(-one, kind="stable")
        last = np.flatnonzero(np.append(np.diff(one[order]) != 0, True))
        treated, y, weight = sample.treated[order], sample.y[order], drawn[:, order]
        n_t = np.cumsum(weight * treated, axis=1)[:, last]
        n_c = np.cumsum(weight * (1 - treated), axis=1)[:, last]
        y_t = np.cumsum(weight * treated * y, axis=1)[:, last]
        y_c = np.cumsum(weight * (1 - treated) * y, axis=1)[:, last]
        gained = y_t - np.divide(y_c * n_t, n_c, out=np.zeros_like(y_c), where=n_c > 0)
        share = (n_t + n_c) / np.maximum((n_t + n_c)[:, -1:], 1)
        share, gained = (np.pad(part, ((0, 0), (1, 0))) for part in (share, gained))
        areas.append(np.trapezoid(gained, share, axis=1) - gained[:, -1] / 2)
        is_whole = (n_t[:, -1] > 0) & (n_c[:, -1] > 0)
    is_whole &= areas[1] != 0
    found: Matrix = areas[0][is_whole] / areas[1][is_whole]
    return found


def _weights(sample: Sample) -> Matrix:
    """The inverse of the chance of being where one is; one on average on each side."""
    import numpy as np

    raw = np.where(sample.treated == 1, 1 / sample.chance, 1 / (1 - sample.chance))
    for side in (0, 1):
        mask = sample.treated == side
        if mask.any():
            raw[mask] /= raw[mask].mean()
    return raw


def _steps(scores: Matrix, sample: Sample, weights: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Share of people, Qini and uplift after each distinct prediction, from nought."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    treated, weight = sample.treated[order], weights[order]
    y = sample.y[order] * weight
    n_t, n_c = np.cumsum(weight * treated)[last], np.cumsum(weight * (1 - treated))[last]
    y_t, y_c = np.cumsum(y * treated)[last], np.cumsum(y * (1 - treated))[last]
    mean_t = np.divide(y_t, n_t, out=np.zeros_like(y_t), where=n_t > 0)
    mean_c = np.divide(y_c, n_c, out=np.zeros_like(y_c), where=n_c > 0)
    everybody = n_t + n_c
    share = everybody / everybody[-1]
    parts = share, y_t - mean_c * n_t, (mean_t - mean_c) * everybody
    return tuple(np.concatenate([[0.0], one]) for one in parts)  # type: ignore[return-value]


def _coefficient(share: Matrix, gained: Matrix, best_share: Matrix, best: Matrix) -> float:
    import numpy as np

    straight = float(gained[-1]) / 2
    whole = float(np.trapezoid(best, best_share)) - straight
    return (float(np.trapezoid(gained, share)) - straight) / whole if whole else 0.0


# --- the learners ----------------------------------------------------------------------------------------------------


def _null(sample: Sample) -> list[Part]:
    width = sample.x.shape[1]
    weights = _weights(sample)
    means = []
    for side in (1, 0):
        mask = sample.treated == side
        means.append(float((sample.y[mask] * weights[mask]).sum() / weights[mask].sum()))
    return [{"weight": 1.0, "base": means[0] - means[1], "slopes": [0.0] * width, "middles": [0.0] * width}]


def _two_linear(sample: Sample) -> list[Part]:
    return [_fitted_line(sample.where(sample.treated == side), 1.0 if side else -1.0) for side in (1, 0)]


def _x_boosted(sample: Sample) -> list[Part]:
    """Each side's people against what the other side's model says of them; the larger side's effects weigh less."""
    ones, noughts = sample.where(sample.treated == 1), sample.where(sample.treated == 0)
    of_ones, of_noughts = _boosted(ones.x, ones.y, 1.0), _boosted(noughts.x, noughts.y, 1.0)
    share = float(sample.chance.mean())
    return [
        _boosted(noughts.x, predicted([of_ones], noughts.x) - noughts.y, share),
        _boosted(ones.x, ones.y - predicted([of_noughts], ones.x), 1 - share),
    ]


def _transformed(sample: Sample) -> list[Part]:
    signs = sample.treated / sample.chance - (1 - sample.treated) / (1 - sample.chance)
    return [_boosted(sample.x, sample.y * signs, 1.0)]


def _fitted_line(sample: Sample, weight: float) -> Part:
    """Ridge on standardised features."""
    import numpy as np

    middles, spread = sample.x.mean(axis=0), sample.x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (sample.x - middles) / spread
    slopes = (
        np.linalg.solve(z.T @ z + RIDGE * np.eye(z.shape[1]), z.T @ (sample.y - sample.y.mean())) / spread
    )
    return {
        "weight": weight,
        "base": float(sample.y.mean()),
        "slopes": [float(one) for one in slopes],
        "middles": [float(one) for one in middles],
    }


def _boosted(x: Matrix, y: Matrix, weight: float) -> Part:
    """Gradient boosting of shallow trees on squared error, with a fixed seed."""
    from sklearn.ensemble import GradientBoostingRegressor

    learner: Any = GradientBoostingRegressor(
        n_estimators=TREES,
        learning_rate=RATE,
        max_depth=DEPTH,
        subsample=SUBSAMPLE,
        min_samples_leaf=max(2, min(LEAF_SHARE, len(y) // 20)),
        random_state=0,
    )
    learner.fit(x, y)
    return {
        "weight": weight,
        "base": float(y.mean()),
        "trees": [_tree(stage[0].tree_) for stage in learner.estimators_],
    }


def _tree(tree: Any) -> list[list[float]]:
    """[feature or -1, threshold, left, right, value times the rate] of every node."""
    return [
        [
            int(tree.feature[at]) if tree.children_left[at] >= 0 else -1,
            float(tree.threshold[at]),
            int(tree.children_left[at]),
            int(tree.children_right[at]),
            float(tree.value[at][0][0]) * RATE,
        ]
        for at in range(tree.node_count)
    ]


def _line(part: Part, x: Matrix) -> Matrix:
    import numpy as np

    found: Matrix = part["base"] + (x - np.array(part["middles"])) @ np.array(part["slopes"])
    return found


def _trees(part: Part, x: Matrix) -> Matrix:
    import numpy as np

    values = x.astype(np.float32)
    people = np.arange(len(x))
    total = np.full(len(x), part["base"])
    for tree in part["trees"]:
        nodes = np.array(tree)
        at = np.zeros(len(x), dtype=int)
        for _level in range(DEPTH):
            feature = nodes[at, 0].astype(int)
            goes_left = values[people, np.maximum(feature, 0)] <= nodes[at, 1]
            below = np.where(goes_left, nodes[at, 2], nodes[at, 3]).astype(int)
            at = np.where(feature >= 0, below, at)
        total += nodes[at, 4]
    return total

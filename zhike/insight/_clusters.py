"""Members who are alike: K-means, and Ward's method over many small clusters; tried for several numbers of clusters.

K-means: Lloyd with k-means++ (scikit-learn KMeans, many starts). Hierarchical: up to 300 small clusters by K-means, merged two by
two where the sum of squares grows least (J. H. Ward 1963), each with the weight of its members. Silhouette: P. J. Rousseeuw
1987. Stability: the adjusted Rand index of two clusterings, each made of one half of the members (U. von Luxburg 2010).
One thread and fixed seeds: the same members give the same clusters. Imported when a run is made, never at the start.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zhike.insight.rules.clusters import CODES, FIGURES, K_MAX, K_MIN, WEIGHTS, Candidate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[Any]

SEED, STARTS, MICRO_MOST, CLIP = 20_260_101, 8, 300, 4.0
SILHOUETTE_OF = 2_000
"""The silhouette compares everybody with everybody: of so many."""
SKEWED = [at for at, one in enumerate(FIGURES) if one.is_skewed]


@dataclass(frozen=True)
class Scale:
    """Average and standard deviation of each figure, after the logarithm where it is skewed."""

    mean: list[float]
    std: list[float]


@dataclass(frozen=True)
class Model:
    """Who is nearest to a centre belongs to its cluster; with Ward many centres make one cluster."""

    scale: Scale
    centres: list[list[float]]
    cluster: list[int]

    def packed(self) -> bytes:
        return json.dumps(
            {"mean": self.scale.mean, "std": self.scale.std, "centres": self.centres, "cluster": self.cluster}
        ).encode()


def unpacked(raw: bytes) -> Model:
    known = json.loads(raw)
    return Model(Scale(known["mean"], known["std"]), known["centres"], known["cluster"])


def figures_of(rows: Sequence[Sequence[Any]]) -> Vector:
    """From the rows of the statement: member, then CODES."""
    import numpy as np

    return np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), len(CODES))


def bent(figures: Vector) -> Vector:
    """Skewed figures by their logarithm."""
    import numpy as np

    found = figures.copy()
    found[:, SKEWED] = np.log1p(np.maximum(found[:, SKEWED], 0))
    return found


def scale_of(figures: Vector) -> Scale:
    """What is the same for everybody tells nobody apart: its deviation is put to 1."""
    at = bent(figures)
    std = at.std(axis=0)
    std[std < 1e-9] = 1.0
    return Scale([round(float(one), 9) for one in at.mean(axis=0)], [round(float(one), 9) for one in std])


def scaled(figures: Vector, scale: Scale) -> Vector:
    """In standard deviations, at most four, times the weight of the figure in its block."""
    import numpy as np

    at = (bent(figures) - np.array(scale.mean)) / np.array(scale.std)
    found: Vector = np.clip(at, -CLIP, CLIP) * np.array([WEIGHTS[code] for code in CODES])
    return found


def assigned(model: Model, figures: Vector) -> Vector:
    """The number of the cluster of each, from 0."""
    import numpy as np

    return np.array(model.cluster)[_nearest(scaled(figures, model.scale), np.array(model.centres))]


def _nearest(points: Vector, centres: Vector) -> Vector:
    import numpy as np

    found: Vector = np.argmin((centres**2).sum(axis=1)[None, :] - 2 * points @ centres.T, axis=1)
    return found


# --- fitting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """One clustering: its centres, the cluster of each centre, and of each point."""

    centres: Vector
    cluster: Vector
    of: Vector


def fits(points: Vector) -> dict[tuple[str, int], Fit]:
    """Both methods for every number of clusters."""
    import numpy as np

    found: dict[tuple[str, int], Fit] = {}
    with _one_thread():
        for k in range(K_MIN, K_MAX + 1):
            centres, of = _kmeans(points, k, STARTS)
            found["kmeans", k] = Fit(centres, np.arange(k), of)
        centres, of = _kmeans(points, min(MICRO_MOST, max(K_MAX, len(points) // 10)), 1)
        for k, cluster in _ward(centres, np.bincount(of, minlength=len(centres))).items():
            found["ward", k] = Fit(centres, cluster, cluster[of])
    return found


def _one_thread() -> AbstractContextManager[Any]:
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits


def _kmeans(points: Vector, k: int, starts: int) -> tuple[Vector, Vector]:
    from sklearn.cluster import KMeans

    made = KMeans(n_clusters=k, n_init=starts, random_state=SEED, algorithm="lloyd").fit(points)
    return made.cluster_centers_, made.labels_


def _ward(centres: Vector, sizes: Vector) -> dict[int, Vector]:
    """The cluster of each centre, for each number of clusters: the two whose union adds least to the sum of squares, again and again."""
    import numpy as np

    middle, weight = centres.copy(), sizes.astype(float)
    of, alive = np.arange(len(centres)), np.ones(len(centres), bool)
    alive &= weight > 0
    apart = ((middle[:, None, :] - middle[None, :, :]) ** 2).sum(axis=2)
    cost = apart * (weight[:, None] * weight[None, :]) / np.maximum(weight[:, None] + weight[None, :], 1)
    cost[~alive, :] = cost[:, ~alive] = np.inf
    np.fill_diagonal(cost, np.inf)
    found: dict[int, Vector] = {}
    while (left := int(alive.sum())) >= K_MIN:
        if left <= K_MAX:
            found[left] = np.unique(of, return_inverse=True)[1]
        a, b = divmod(int(np.argmin(cost)), len(cost))
        a, b = min(a, b), max(a, b)
        middle[a] = (weight[a] * middle[a] + weight[b] * middle[b]) / (weight[a] + weight[b])
        weight[a] += weight[b]
        alive[b] = False
        of[of == b] = a
        cost[b, :] = cost[:, b] = np.inf
        again = ((middle - middle[a]) ** 2).sum(axis=1) * weight * weight[a] / (weight + weight[a])
        again[~alive] = np.inf
        again[a] = np.inf
        cost[a, :] = cost[:, a] = again
    return found


def candidates(points: Vector, found: dict[tuple[str, int], Fit]) -> list[Candidate]:
    """How good each clustering is: on a sample everybody against everybody, and by halves."""
    import numpy as np
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    order = np.random.default_rng(SEED).permutation(len(points))
    sample = np.sort(order[:SILHOUETTE_OF])
    halves = [fits(points[np.sort(part)]) for part in np.array_split(order, 2)]
    rows = []
    for (method, k), fit in sorted(found.items()):
        said = [
            half[method, k].cluster[_nearest(points[sample], half[method, k].centres)]
            for half in halves
            if (method, k) in half
        ]
        here = fit.of[sample]
        rows.append(
            Candidate(
                method,
                k,
                round(float(silhouette_score(points[sample], here)), 4)
                if len(set(here.tolist())) > 1
                else -1.0,
                round(float(adjusted_rand_score(*said)), 4) if len(said) == 2 else 0.0,
                round(float(np.bincount(fit.of, minlength=k).min() / len(points)), 4),
            )
        )
    return rows


def model_of(fit: Fit, scale: Scale, k: int) -> Model:
    """Numbered from the largest cluster down; equal ones by their centres."""
    import numpy as np

    sizes = np.bincount(fit.of, minlength=k)
    middles = [fit.centres[fit.cluster == one].mean(axis=0).round(6).tolist() for one in range(k)]
    order = sorted(range(k), key=lambda one: (-int(sizes[one]), middles[one]))
    number = {old: new for new, old in enumerate(order)}
    centres = [[round(float(one), 7) for one in row] for row in fit.centres]
    return Model(scale, centres, [number[int(one)] for one in fit.cluster])


# --- what a cluster is like ----------------------------------------------------------------------------------------


class Sums:
    """Sums by cluster, added up piece by piece, so that no run holds everybody at once."""

    def __init__(self, k: int, scale: Scale) -> None:
        import numpy as np

        self.scale = scale
        self.members = np.zeros(k)
        self.plain = np.zeros((k, len(CODES)))
        self.bent = np.zeros((k, len(CODES)))

    def add(self, figures: Vector, numbers: Vector) -> None:
        import numpy as np

        curved = bent(figures)
        self.members += np.bincount(numbers, minlength=len(self.members))
        for at in range(len(self.members)):
            here = numbers == at
            self.plain[at] += figures[here].sum(axis=0)
            self.bent[at] += curved[here].sum(axis=0)

    def means(self) -> tuple[list[dict[str, float]], dict[str, float]]:
        """Of each cluster, and of all."""
        import numpy as np

        each = self.plain / np.maximum(self.members, 1)[:, None]
        whole = self.plain.sum(axis=0) / max(self.members.sum(), 1)
        return [_named(row) for row in each], _named(whole)

    def effects(self) -> list[dict[str, float]]:
        """How many standard deviations each cluster's average lies from the average of all."""
        import numpy as np

        each = self.bent / np.maximum(self.members, 1)[:, None]
        whole = self.bent.sum(axis=0) / max(self.members.sum(), 1)
        return [_named(row) for row in (each - whole) / np.array(self.scale.std)]


def _named(row: Vector) -> dict[str, float]:
    return {code: round(float(one), 4) for code, one in zip(CODES, row, strict=True)}


def kin(
    shared: Sequence[Sequence[int]], before: Sequence[int], after: Sequence[int], least: float
) -> dict[int, int]:
    """Which cluster of now follows which of before, by shares of common members (Jaccard), each at most once; places from 0."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if not len(before) or not len(after):
        return {}
    common = np.array(shared, dtype=float)
    alike = common / np.maximum(np.array(before)[:, None] + np.array(after)[None, :] - common, 1)
    rows, columns = linear_sum_assignment(-alike)
    return {int(now): int(then) for then, now in zip(rows, columns, strict=True) if alike[then, now] >= least}

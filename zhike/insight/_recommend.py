"""What goes with what, learnt from purchases: EASE^R for what many buy, co-occurrence for the rest.

EASE^R: H. Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019. Personal frequency with decay over visits: Hu et
al., "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (TIFU-KNN), SIGIR 2020, without its groups.
NumPy and SciPy are imported when a model is fitted, never when the program starts and not where lists are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[Any]

DENSE_MOST = 4_000
"""So many of the most bought items take part in EASE^R: its cost grows with the cube."""
RIDGE = 200.0
RIDGE_SHARE = 0.02
"""The ridge is at most this share of the people: few people need little."""
WIDTH = 100
TAIL_WIDTH = 30
TAIL_WEIGHT = 0.1
DECAY = 0.9
"""What a visit counts for against the one after it."""
REPEAT = 0.2
POPULAR = 0.05
EVALUATED_MOST = 3_000


@dataclass(frozen=True, slots=True)
class Purchases:
    """Item ``items[i]`` was in the visit of person ``people[i]`` that lies ``ages[i]`` visits before their last; all numbered from 0."""

    people: Vector
    items: Vector
    ages: Vector
    people_count: int
    item_count: int

    def counts(self) -> Vector:
        """How many people bought each item."""
        found: Vector = self.matrix(binary=True).sum(axis=0).A1
        return found

    def matrix(self, *, binary: bool) -> Any:
        """People by items: bought at all, or the decayed visits added up."""
        import numpy as np
        import scipy.sparse as sparse

        values = np.ones(len(self.people)) if binary else DECAY ** self.ages.astype(float)
        shape = (self.people_count, self.item_count)
        found = sparse.csr_matrix((values.astype(np.float32), (self.people, self.items)), shape=shape)
        if binary:
            found.data[:] = 1.0
        return found

    def before_last(self) -> tuple[Purchases, dict[int, set[int]]]:
        """Without everybody's last visit, for who came more than once; and what was in it."""
        import numpy as np

        came_again = np.zeros(self.people_count, bool)
        came_again[self.people[self.ages > 0]] = True
        is_last = (self.ages == 0) & came_again[self.people]
        truth: dict[int, set[int]] = {}
        for person, item in zip(self.people[is_last].tolist(), self.items[is_last].tolist(), strict=True):
            truth.setdefault(person, set()).add(item)
        keep = ~is_last
        ages = np.where(came_again[self.people], self.ages - 1, self.ages)
        return (
            Purchases(self.people[keep], self.items[keep], ages[keep], self.people_count, self.item_count),
            truth,
        )


def neighbours(known: Purchases) -> Any:
    """Items by items, sparse: how much one that was bought speaks for another."""
    import numpy as np
    import scipy.sparse as sparse

    bought = known.matrix(binary=True)
    counts = bought.sum(axis=0).A1
    dense = np.sort(np.argsort(-counts, kind="stable")[:DENSE_MOST])
    dense = dense[counts[dense] > 0]
    found = _ease(
        bought[:, dense], dense, known.item_count, min(RIDGE, max(5.0, RIDGE_SHARE * known.people_count))
    )
    rest = np.flatnonzero(counts > 0)
    rest = rest[~np.isin(rest, dense)]
    return found + _together(bought, rest, counts) if len(rest) else sparse.csr_matrix(found)


def _ease(bought: Any, at: Vector, item_count: int, ridge: float) -> Any:
    import numpy as np
    import scipy.sparse as sparse

    size = len(at)
    if size < 2:
        return sparse.csr_matrix((item_count, item_count), dtype=np.float32)
    gram = (bought.T @ bought).toarray().astype(np.float64 if size < 1_000 else np.float32)
    gram[np.diag_indices(size)] += ridge
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)[None, :]
    weights[np.diag_indices(size)] = 0
    width = min(WIDTH, size - 1)
    best = np.argpartition(-weights, width - 1, axis=1)[:, :width]
    values = np.clip(np.take_along_axis(weights, best, 1), 0, None).ravel()
    rows, columns = np.repeat(at, width), at[best].ravel()
    keep = values > 0
    return sparse.csr_matrix(
        (values[keep].astype(np.float32), (rows[keep], columns[keep])), shape=(item_count,) * 2
    )


def _together(bought: Any, rest: Vector, counts: Vector) -> Any:
    """Cosine of who bought both, for items too rare for EASE^R, to and from all others; a few neighbours each."""
    import numpy as np
    import scipy.sparse as sparse

    rows: list[Vector] = []
    columns: list[Vector] = []
    values: list[Vector] = []
    for start in range(0, len(rest), 2_000):
        block = rest[start : start + 2_000]
        both = sparse.csr_matrix(bought[:, block].T @ bought)
        for place, item in enumerate(block.tolist()):
            others = both.indices[both.indptr[place] : both.indptr[place + 1]]
            cosine = both.data[both.indptr[place] : both.indptr[place + 1]] / np.sqrt(
                counts[item] * counts[others]
            )
            cosine[others == item] = 0
            best = np.argsort(-cosine, kind="stable")[:TAIL_WIDTH]
            best = best[cosine[best] > 0]
            rows.append(np.full(len(best), item))
            columns.append(others[best])
            values.append(cosine[best])
    row, column = np.concatenate(rows), np.concatenate(columns)
    value = (np.concatenate(values) * TAIL_WEIGHT).astype(np.float32)
    shape = (bought.shape[1],) * 2
    there = sparse.csr_matrix((value, (row, column)), shape=shape)
    return there.maximum(there.T.tocsr())


def evaluate(known: Purchases, k: int, *, most: int = EVALUATED_MOST) -> dict[str, Any]:
    """How much of everybody's last visit the first ``k`` foresee, by people who came again; recall, NDCG and the share hit.

    The model is fitted without those visits. NDCG is with ideal lists of at most ``k``.
    """
    import numpy as np

    past, truth = known.before_last()
    asked = np.array(sorted(truth))[:: max(1, len(truth) // most)][:most]
    if not len(asked):
        return {"people": 0, "k": k, "methods": {}}
    return {
        "people": len(asked),
        "k": k,
        "methods": score(past, asked, [truth[pk] for pk in asked.tolist()], k),
    }


def score(past: Purchases, asked: Vector, truth: list[set[int]], k: int) -> dict[str, dict[str, float]]:
    """The figures of each method: popular, personal, together (item to item) and the blend of all."""
    import numpy as np

    counts = past.counts()
    popular = (counts / max(counts.max(), 1)).astype(np.float32)
    own = past.matrix(binary=False)
    weights = neighbours(past)
    k = min(k, past.item_count)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for start in range(0, len(asked), 500):
        mine = own[asked[start : start + 500]]
        personal, together = mine.toarray(), (mine @ weights).toarray()
        lists = {
            "popular": np.repeat(popular[None, :], mine.shape[0], axis=0),
            "personal": personal + 1e-6 * popular,
            "together": together + 1e-6 * popular,
            "blend": together + REPEAT * personal + POPULAR * popular,
        }
        for name, scores in lists.items():
            found.setdefault(name, []).extend(_figures(scores, truth[start : start + 500], k))
    return {
        name: dict(
            zip(
                ("recall", "ndcg", "hit"),
                (round(float(one), 4) for one in np.mean(rows, axis=0)),
                strict=True,
            )
        )
        for name, rows in found.items()
    }


def _figures(scores: Vector, truth: list[set[int]], k: int) -> list[tuple[float, float, float]]:
    import numpy as np

    gain = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(gain)
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, 1)
    rows = []
    for listed, wanted in zip(best.tolist(), truth, strict=True):
        hits = np.array([item in wanted for item in listed])
        rows.append(
            (
                hits.sum() / len(wanted),
                (hits * gain).sum() / ideal[min(len(wanted), k) - 1],
                float(hits.any()),
            )
        )
    return rows

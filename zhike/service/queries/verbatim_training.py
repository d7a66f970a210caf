"""Learning how content people are and what they speak of. Nothing is written here: whoever trains keeps the model."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from zhike.service.rules import verbatims

STRENGTH = 30.0
SPREAD_MIN = 2
PRECISION = 1e-3


def fit_verbatims(
    examples: Sequence[verbatims.Example], keys: Mapping[str, tuple[str, ...]]
) -> verbatims.Model:
    """Sentiment out of every example, topics out of those that have some."""
    about = [one for one in examples if one.topics is not None]
    sentiment = fit_one([one.text for one in examples], [{one.sentiment} for one in examples])
    topic = fit_one([one.text for one in about], [set(one.topics or ()) for one in about])
    return verbatims.Model(sentiment, topic, {code: found for code, found in keys.items() if found})


def fit_one(texts: Sequence[str], labels: Sequence[set[str]]) -> verbatims.Linear:
    """One against the rest; scikit-learn is loaded here and nowhere else."""
    import numpy as np
    from scipy.sparse import csr_matrix, diags
    from sklearn.linear_model import LogisticRegression

    found = [verbatims.grams(text) for text in texts]
    spread: Counter[str] = Counter(gram for one in found for gram in one)
    index = {
        gram: row for row, gram in enumerate(sorted(g for g, many in spread.items() if many >= SPREAD_MIN))
    }
    columns = [[index[gram] for gram in sorted(one) if gram in index] for one in found]
    lengths = [len(one) for one in columns]
    counts = csr_matrix(
        (
            np.ones(sum(lengths), dtype=np.float32),
            np.fromiter((column for one in columns for column in one), dtype=np.int32, count=sum(lengths)),
            np.concatenate([[0], np.cumsum(lengths)]),
        ),
        shape=(len(texts), len(index)),
    )
    even = diags(1 / np.sqrt(np.maximum(lengths, 1))) @ counts
    codes = sorted({code for one in labels for code in one})
    weights = np.zeros((len(index), len(codes)), dtype=np.float32)
    bias: list[float] = []
    for at, code in enumerate(codes):
        if len(codes) == 2 and at == 1:
            weights[:, 1], bias = -weights[:, 0], [*bias, -bias[0]]
            break
        mine = np.array([code in one for one in labels])
        for_it, against = (np.asarray(counts[rows].sum(axis=0)).ravel() + 1 for rows in (mine, ~mine))
        ratio = np.log((for_it / for_it.sum()) / (against / against.sum()))
        learner: Any = LogisticRegression(
            C=STRENGTH, solver="liblinear", tol=PRECISION, class_weight="balanced", random_state=0
        )
        learner.fit(even @ diags(ratio), mine)
        weights[:, at] = ratio * learner.coef_[0]
        bias.append(float(learner.intercept_[0]))
    return verbatims.Linear(tuple(codes), index, array("f", weights.ravel().tobytes()), bias)

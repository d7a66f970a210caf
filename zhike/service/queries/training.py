"""Learning to read intents, and how well it is read. Nothing is written here: whoever trains keeps the model."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from zhike.service.rules import intents

STRENGTH = 20.0
ROUNDS = 100
PRECISION = 1e-3


def fit(texts: Sequence[str], codes: Sequence[str], rounds: int = ROUNDS) -> intents.Model:
    """Multinomial logistic regression over weighted n-grams; scikit-learn is loaded here and nowhere else."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    index, idf = intents.vocabulary(texts)
    features = [intents.weighted(text, index, idf) for text in texts]
    values = [value for one in features for value in one.values()]
    rows = [row for row, one in enumerate(features) for _column in one]
    columns = [column for one in features for column in one]
    matrix = csr_matrix((values, (rows, columns)), shape=(len(texts), len(index)))
    learner: Any = LogisticRegression(C=STRENGTH, max_iter=rounds, tol=PRECISION, class_weight="balanced")
    learner.fit(matrix, list(codes))
    weights = array("f", learner.coef_.T.astype("float32").ravel().tobytes())
    names = tuple(str(code) for code in learner.classes_)
    return intents.Model(names, index, idf, weights, [float(value) for value in learner.intercept_])


def scores(model: intents.Model, cases: Sequence[tuple[str, str]]) -> dict[str, float | int]:
    """How (intent, text) pairs are read: right at once, right among those offered, taken though wrong. Shares of all."""
    right = offered = wrong = sure = 0
    for code, text in cases:
        ranked = model.predict(text)
        right += ranked[0][0] == code
        reading = intents.read(ranked)
        sure += reading.act == "do"
        wrong += reading.act == "do" and reading.codes[0] != code
        offered += code in reading.codes
    many = len(cases) or 1
    return {
        "cases": len(cases),
        "right": round(right / many, 4),
        "reached": round(offered / many, 4),
        "sure": round(sure / many, 4),
        "wrong": round(wrong / many, 4),
    }

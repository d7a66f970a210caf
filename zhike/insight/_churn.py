"""Who will not come again: gradient-boosted trees, calibrated, tried on days they have not seen, against BG/NBD.

Trees: T. Chen, C. Guestrin, "XGBoost", KDD 2016. Contributions: the exact Shapley values of trees (Lundberg, Erion, Lee 2018), in
log-odds. Calibration: isotonic regression on predictions for members whose own rows were kept from the trees.
Everything is imported when a model is fitted or asked, never when the program starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zhike.insight import _lifetime as lifetime
from zhike.insight.rules.churn import CODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[Any]

ROUNDS, FOLDS, SEED, THREADS = 120, 4, 20_260_101, 1
"""One thread: beside a busy web, threads that wait for each other cost far more than they bring."""
TREES = {
    "objective": "binary:logistic", "max_depth": 4, "eta": 0.07, "min_child_weight": 6, "subsample": 0.8,
    "colsample_bytree": 0.8, "lambda": 2.0, "seed": SEED, "nthread": THREADS, "tree_method": "hist",
}  # fmt: skip
WEEK = 7
TOPS = (5, 10, 20)
BINS = 10
RESAMPLES, RESAMPLED_MOST = 200, 5_000
MEMBERS_MIN, OF_EACH_MIN = 200, 30
DRIFT_FLOOR = 1e-4
RECENCY, DAYS_EVER, TENURE = (CODES.index(code) for code in ("recency_days", "days_ever", "tenure_days"))


@dataclass(frozen=True)
class Table:
    """One row a member as they were at a moment; ``gone`` is 1 for who did not come in the horizon after it."""

    members: Vector
    malls: Vector
    gone: Vector
    figures: Vector

    @property
    def is_enough(self) -> bool:
        gone = int(self.gone.sum())
        return len(self.gone) >= MEMBERS_MIN and min(gone, len(self.gone) - gone) >= OF_EACH_MIN


@dataclass(frozen=True)
class Steps:
    """A calibration: the chance for a score, straight between the points."""

    x: Sequence[float]
    y: Sequence[float]

    def __call__(self, scores: Vector) -> Vector:
        import numpy as np

        found: Vector = np.clip(np.interp(scores, self.x, self.y), 0.005, 0.995)
        return found


@dataclass(frozen=True)
class Trees:
    raw: bytes
    steps: Steps


@dataclass(frozen=True)
class Baseline:
    """BG/NBD at the moment; ``steps`` makes a chance of not coming out of minus the purchases expected in the horizon."""

    model: lifetime.BgNbd
    steps: Steps


def table_of(rows: Sequence[Sequence[Any]]) -> Table:
    """From the rows of the features' statement: member, mall, gone, first, last, figures."""
    import numpy as np

    figures = np.array(
        [[np.nan if one is None else one for one in row[5:]] for row in rows], dtype=np.float64
    ).reshape(len(rows), len(CODES))
    return Table(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] or 0 for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int8),
        figures,
    )


def together(tables: Sequence[Table]) -> Table:
    import numpy as np

    columns = ("members", "malls", "gone", "figures")
    return Table(*(np.concatenate([getattr(one, name) for one in tables]) for name in columns))


# --- the trees -----------------------------------------------------------------------------------------------------


def fit_trees(table: Table) -> Trees:
    """Trees of all rows, calibrated on predictions for rows of members whom the trees of that fold had never seen."""
    import numpy as np

    kept_back = np.zeros(len(table.gone))
    fold = (table.members * 2_654_435_761 % 4_294_967_296) >> 16
    fold = fold % FOLDS
    for number in range(FOLDS):
        inside, outside = fold != number, fold == number
        if outside.any() and len(set(table.gone[inside])) == 2:
            trees = _boosted(table.figures[inside], table.gone[inside])
            kept_back[outside] = _margins(trees, table.figures[outside])
    raw = bytes(_boosted(table.figures, table.gone).save_raw("ubj"))
    return Trees(raw, calibrated(kept_back, table.gone))


def _boosted(figures: Vector, gone: Vector) -> Any:
    import xgboost

    data = xgboost.DMatrix(figures, label=gone, feature_names=list(CODES), nthread=THREADS)
    return xgboost.train(TREES, data, num_boost_round=ROUNDS)


def _margins(trees: Any, figures: Vector) -> Vector:
    import xgboost

    data = xgboost.DMatrix(figures, feature_names=list(CODES), nthread=THREADS)
    found: Vector = trees.predict(data, output_margin=True)
    return found


def chances(trees: Trees, figures: Vector) -> Vector:
    """The chance of each not to come in the horizon."""
    return trees.steps(_margins(_loaded(trees.raw), figures))


def contributions(trees: Trees, figures: Vector) -> Vector:
    """What each figure adds to or takes from the log-odds of each member: exact Shapley values, a column a figure."""
    import xgboost

    data = xgboost.DMatrix(figures, feature_names=list(CODES), nthread=THREADS)
    found: Vector = _loaded(trees.raw).predict(data, pred_contribs=True)[:, :-1]
    return found


def _loaded(raw: bytes) -> Any:
    import xgboost

    trees = xgboost.Booster({"nthread": THREADS})
    trees.load_model(bytearray(raw))
    return trees


def calibrated(scores: Vector, gone: Vector) -> Steps:
    """Isotonic regression; its corners are kept."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, gone)
    return Steps(
        [round(float(one), 6) for one in fitted.X_thresholds_],
        [round(float(one), 6) for one in fitted.y_thresholds_],
    )


# --- the baseline --------------------------------------------------------------------------------------------------


def buyers_of(figures: Vector) -> lifetime.Buyers:
    """In weeks, counted in days with a purchase."""
    tenure, recency = figures[:, TENURE] / WEEK, figures[:, RECENCY] / WEEK
    return lifetime.Buyers(
        (figures[:, DAYS_EVER] - 1).tolist(), (tenure - recency).clip(0).tolist(), tenure.tolist()
    )


def fit_baseline(table: Table, horizon_days: int) -> Baseline:
    """BG/NBD of the histories, and the calibration of what it expects. Raises NotFitted."""
    model = lifetime.fit_bgnbd(buyers_of(table.figures))
    return Baseline(model, calibrated(-expected(model, table.figures, horizon_days), table.gone))


def expected(model: lifetime.BgNbd, figures: Vector, horizon_days: int) -> Vector:
    """Purchases in the horizon."""
    import numpy as np

    found = lifetime.expected_purchases(model, buyers_of(figures), horizon_days / WEEK)
    return np.nan_to_num(found, nan=0.0, posinf=1e3, neginf=0.0)


def ablated(base: Baseline, figures: Vector, horizon_days: int) -> Vector:
    """How the chance moves, in log-odds, when one of the baseline's three figures is put to the median: a column a figure.

    Not Shapley values: one at a time, the others as they are. All other figures have 0, the baseline does not know them.
    """
    import numpy as np

    def odds(given: Vector) -> Vector:
        chance = base.steps(-expected(base.model, given, horizon_days))
        found: Vector = np.log(chance / (1 - chance))
        return found

    whole, found = odds(figures), np.zeros(figures.shape)
    for at in (RECENCY, DAYS_EVER, TENURE):
        usual = figures.copy()
        usual[:, at] = np.nanmedian(figures[:, at])
        usual[:, TENURE] = np.maximum(usual[:, TENURE], usual[:, RECENCY])
        found[:, at] = whole - odds(usual)
    return found


# --- how good it was -----------------------------------------------------------------------------------------------


def judged(scores: Vector, gone: Vector) -> dict[str, Any]:
    """Ranking figures: auc (chance that who left ranks above who came), precision, recall and lift at the top shares."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    rate, left = float(gone.mean()), float(gone.sum())
    tops = []
    for share in TOPS:
        size = max(1, round(len(gone) * share / 100))
        hits = float(gone[order[:size]].sum())
        tops.append(
            {
                "share": share, "members": size, "precision": round(hits / size, 4),
                "recall": round(hits / left, 4), "lift": round(hits / size / rate, 3),
            }
        )  # fmt: skip
    return {"auc": round(auc(scores, gone), 4), "tops": tops}


def auc(scores: Vector, gone: Vector) -> float:
    """By ranks (Mann-Whitney); ties count half."""
    from scipy.stats import rankdata

    left = int(gone.sum())
    stayed = len(gone) - left
    if not left or not stayed:
        return 0.5
    return float((rankdata(scores)[gone == 1].sum() - left * (left + 1) / 2) / (left * stayed))


def reliability(chance: Vector, gone: Vector) -> list[dict[str, float]]:
    """Ten equal parts by chance: what was said, and what came."""
    import numpy as np

    parts = np.array_split(np.argsort(chance, kind="stable"), BINS)
    return [
        {"members": len(part), "said": round(float(chance[part].mean()), 4), "came": round(float(gone[part].mean()), 4)}
        for part in parts
        if len(part)
    ]  # fmt: skip


def brier(chance: Vector, gone: Vector) -> float:
    return round(float(((chance - gone) ** 2).mean()), 5)


def gain(trees: Vector, base: Vector, gone: Vector) -> tuple[float, float, float]:
    """By how much the trees rank better in auc, and the bounds of 95 of 100 resamples of the members."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    size = min(len(gone), RESAMPLED_MOST)
    found = []
    for _ in range(RESAMPLES if len(set(gone.tolist())) == 2 else 0):
        at = rng.integers(0, len(gone), size)
        found.append(auc(trees[at], gone[at]) - auc(base[at], gone[at]))
    low, high = np.percentile(found, [2.5, 97.5]) if found else (0.0, 0.0)
    return (
        round(auc(trees, gone) - auc(base, gone), 4),
        round(float(low), 4),
        round(float(high), 4),
    )


# --- drift ---------------------------------------------------------------------------------------------------------


def edges_of(values: Vector) -> list[float]:
    """Tenths of the values that are known, equal ones once."""
    import numpy as np

    known = values[~np.isnan(values)]
    return (
        [round(float(one), 6) for one in np.unique(np.quantile(known, np.arange(1, 10) / 10))]
        if len(known)
        else []
    )


def shares_of(values: Vector, edges: Sequence[float]) -> list[float]:
    """The share between each pair of edges, and last of who is unknown."""
    import numpy as np

    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(np.array(edges), known, side="right"), minlength=len(edges) + 1)
    return [round(float(one) / max(len(values), 1), 6) for one in [*counts, len(values) - len(known)]]


def psi(before: Sequence[float], after: Sequence[float]) -> float:
    """The population stability index: the sum of (a - b) ln(a / b) over the parts, empty ones taken as one in 10,000."""
    import numpy as np

    b, a = (np.maximum(np.array(one), DRIFT_FLOOR) for one in (before, after))
    return round(float(((a - b) * np.log(a / b)).sum()), 4)

"""Reading comments, honestly: the method on public reviews (where the data sets are there), and our own words on what they
never held."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Sequence
from pathlib import Path

from tests.bench.harness import ROOT, Result, result, stopwatch

WANTED = 0.925
DELIVERY = 2_000
Pair = tuple[str, str]


def _public(name: str) -> list[Pair]:
    folder = Path(os.environ.get("ZHIKE_DATA", ROOT.parent / "shared" / "data")) / "zh_sentiment"
    file = folder / f"{name}.csv.gz"
    if not file.exists():
        return []
    with gzip.open(file, "rt", encoding="utf-8") as rows:
        return [(row["label"], row["review"]) for row in csv.DictReader(rows)]


def _right(model: object, rows: Sequence[Pair]) -> float:
    """Share of reviews whose praise and blame are told apart."""
    hits = 0
    for label, text in rows:
        found = model.sentiment.sureness(text)  # type: ignore[attr-defined]
        hits += (found["positive"] > found["negative"]) == (label == "1")
    return hits / len(rows)


def run() -> list[Result]:
    from zhike.service import queries
    from zhike.service.queries.verbatim_model import corpus
    from zhike.service.rules import verbatims as rules

    ours = corpus()
    keys = {code: topic.keys for code, topic in ours.topics.items()}
    examples = ours.training()
    with stopwatch() as training:
        model = queries.fit_verbatims(examples, keys)
    results = [result(f"listening: learnt {len(examples):,} clauses of ours", training(), "s")]
    parts = (
        ("phrases kept apart", ours.testing()),
        ("blind comments", ours.blind),
        ("hints", ours.looked_at),
    )
    with stopwatch() as reading:
        for name, cases in parts:
            figures = rules.quality(model, cases).as_figures()
            for what in ("sentiment", "precision", "recall"):
                results.append(result(f"listening: {name} ({len(cases)}), {what}", figures[what] * 100, "%"))
    many = sum(len(cases) for _name, cases in parts)
    results.append(result("listening: comments read", many / reading(), "1/s"))
    dev, delivery = _public("chnsenticorp_dev"), _public("waimai_train")[:DELIVERY]
    for name, rows in (("ChnSentiCorp dev", dev), ("food delivery", delivery)):
        if rows:
            results.append(
                result(f"listening: ours alone on {name} ({len(rows):,})", _right(model, rows) * 100, "%")
            )
    if train := _public("chnsenticorp_train"):
        learnt = [
            rules.Example(text, "positive" if label == "1" else "negative", None) for label, text in train
        ]
        for name, extra in (("its train part", []), ("its train part and ours", examples)):
            with stopwatch() as slower:
                found = queries.fit_verbatims([*learnt, *extra], keys) if extra else _two_way(learnt)
            share = _right(found, dev)
            results.append(
                result(
                    f"listening: {name} on ChnSentiCorp dev", share * 100, "%", limit=WANTED * 100, target=1.0
                )
            )
            results.append(result(f"listening: {name} learnt ({len(learnt) + len(extra):,})", slower(), "s"))
    return results


def _two_way(learnt: Sequence[object]) -> object:
    """Praise and blame only, as the public set has them."""
    from zhike.service.queries.verbatim_training import fit_one
    from zhike.service.rules import verbatims as rules

    sentiment = fit_one([one.text for one in learnt], [{one.sentiment} for one in learnt])  # type: ignore[attr-defined]
    return rules.Model(sentiment, sentiment, {})

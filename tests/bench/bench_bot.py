"""The assistant, honestly: intents on families it never saw, a day of routine questions, the queue with and without it, and
whether two public questions mean the same (LCQMC and BQ, halves of their development parts, where the data sets are there).
"""

from __future__ import annotations

import csv
import gzip
import heapq
import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import mean

from tests.bench.harness import ROOT, Result, result, stopwatch

QUESTIONS = 2_000
A_DAY = 420
"""Conversations a day of one mall, with peaks at noon and in the evening."""
AGENTS, HANDLING_S = 3, 300.0
DAY_S = 12 * 3_600
PEAKS = (0.6, 0.8, 1.6, 1.4, 0.8, 0.7, 0.7, 0.9, 1.5, 1.7, 1.3, 0.6)
Pair = tuple[str, str, int]


def run() -> list[Result]:
    from zhike.service import queries
    from zhike.service.rules import intents

    known = queries.intent_set()
    pairs = [(code, text) for code, one in known.items() for text in one.training(intents.PER_FAMILY)]
    with stopwatch() as training:
        model = queries.fit([text for _code, text in pairs], [code for code, _text in pairs])
    trained_s = training()
    parts: dict[str, list[tuple[str, str]]] = {
        name: [
            (code, text)
            for code, one in known.items()
            for family in getattr(one, field)
            for text in intents.utterances(family, intents.PER_TEST_FAMILY)
        ]
        for name, field in (("ordinary", "plain_tests"), ("slang", "hard_tests"))
    }
    parts["blind"] = [(code, text) for code, one in known.items() for text in one.blind]
    results = [result(f"bot: trained on {len(pairs):,} utterances of {len(known)} intents", trained_s, "s")]
    with stopwatch() as reading:
        for part, cases in parts.items():
            figures = queries.scores(model, cases)
            for name in ("right", "reached", "wrong"):
                results.append(result(f"bot: {part} ({len(cases)}), {name}", figures[name] * 100, "%"))
    results.append(result("bot: messages read", sum(map(len, parts.values())) / reading(), "1/s"))
    results += _confusion(model, parts)
    solved = _day(model, known, parts, results)
    results += _queue(solved)
    for name in ("lcqmc", "bq"):
        results += _matching(name)
    return results


def _confusion(model: object, parts: dict[str, list[tuple[str, str]]]) -> list[Result]:
    """The pairs that are taken for each other most."""
    mixed: Counter[tuple[str, str]] = Counter()
    for cases in parts.values():
        for code, text in cases:
            taken = model.predict(text)[0][0]  # type: ignore[attr-defined]
            if taken != code:
                mixed[code, taken] += 1
    return [
        result(f"bot: {meant} taken for {taken}", float(many), "times")
        for (meant, taken), many in mixed.most_common(8)
    ]


def _day(model: object, known: dict, parts: dict[str, list[tuple[str, str]]], results: list[Result]) -> float:  # type: ignore[type-arg]
    """Routine questions in words it never learnt: 80 of 100 ordinary, 10 slang, 10 blind. Asked back, a member chooses rightly."""
    from zhike.service.rules import intents

    rng = Random(8)
    routine = {code for code, one in known.items() if one.kind in ("job", "article")}
    pools = {name: [case for case in cases if case[0] in routine] for name, cases in parts.items()}
    solved = wrong = 0
    for _ in range(QUESTIONS):
        pool = pools[rng.choices(("ordinary", "slang", "blind"), weights=(80, 10, 10))[0]]
        code, text = rng.choice(pool)
        reading = intents.read(model.predict(text))  # type: ignore[attr-defined]
        solved += reading.act in ("do", "ask") and code in reading.codes
        wrong += reading.act == "do" and reading.codes[0] != code
    share = solved / QUESTIONS
    results.append(result("bot: routine questions settled alone", share * 100, "%", limit=70.0, target=1.0))
    results.append(result("bot: routine questions answered wrongly", wrong / QUESTIONS * 100, "%"))
    return share


def _queue(solved: float) -> list[Result]:
    """Waiting for one of us on a simulated day, without the assistant and with it (three of ten questions are not routine)."""
    found = []
    waits = {}
    for name, share in (("without", 0.0), ("with", solved * 0.7)):
        waits[name] = [one for seed in range(20) for one in _waits(Random(seed), share)]
        found.append(result(f"bot: mean wait {name} the assistant", mean(waits[name]), "s"))
    less = 1 - mean(waits["with"]) / mean(waits["without"])
    found.append(result("bot: waiting less", less * 100, "%", limit=50.0, target=1.0))
    return found


def _waits(rng: Random, settled: float) -> list[float]:
    """First come, first served; AGENTS seats, exponential handling. Whoever is settled does not come."""
    arrivals = []
    for hour, weight in enumerate(PEAKS):
        rate = A_DAY * weight / sum(PEAKS)
        count = sum(1 for _ in range(int(rate * 2)) if rng.random() < 0.5)
        arrivals += [hour * 3_600 + rng.random() * 3_600 for _ in range(count)]
    free = [0.0] * AGENTS
    found = []
    for at in sorted(arrivals):
        if rng.random() < settled:
            continue
        begin = max(at, heapq.heappop(free))
        found.append(begin - at)
        heapq.heappush(free, begin + rng.expovariate(1 / HANDLING_S))
    return found


# --- do two questions mean the same --------------------------------------------------------------------------------


def _matching(name: str) -> list[Result]:
    """Accuracy on the second half of the rows, learnt on the first: n-grams, words and their weights, no deep model."""
    path = Path(os.environ.get("ZHIKE_DATA", ROOT.parent / "shared" / "data")) / "zh_question_match"
    file = path / f"{name}_half.csv.gz"
    if not file.exists():
        return []
    with gzip.open(file, "rt", encoding="utf-8") as rows:
        pairs = [(row["a"], row["b"], int(row["y"])) for row in csv.DictReader(rows)]
    Random(1).shuffle(pairs)
    half = len(pairs) // 2
    right = _learnt(pairs[:half], pairs[half:])
    most = max(mean(y for _a, _b, y in pairs[half:]), 1 - mean(y for _a, _b, y in pairs[half:]))
    return [
        result(f"bot: {name} questions matched ({len(pairs) - half:,})", right * 100, "%"),
        result(f"bot: {name}, always the commoner answer", most * 100, "%"),
    ]


def _learnt(train: Sequence[Pair], test: Sequence[Pair]) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier

    from zhike.service.queries.knowledge import words_of
    from zhike.service.rules import intents

    texts = [text for a, b, _y in train for text in (a, b)]
    index, idf = intents.vocabulary(texts)
    spread: Counter[str] = Counter()
    for text in texts:
        spread.update(set(words_of(text)))

    def features(a: str, b: str) -> list[float]:
        one, other = intents.weighted(a, index, idf), intents.weighted(b, index, idf)
        cosine = sum(value * other.get(row, 0.0) for row, value in one.items())
        words, others = set(words_of(a)), set(words_of(b))
        weigh = lambda found: sum(math.log(len(texts) / (1 + spread[word])) for word in found)  # noqa: E731
        return [
            cosine,
            weigh(words & others) / (weigh(words | others) or 1.0),
            weigh(words ^ others),
            max((math.log(len(texts) / (1 + spread[word])) for word in words ^ others), default=0.0),
            len(set(a) & set(b)) / len(set(a) | set(b) or {""}),
            abs(len(a) - len(b)),
            float(any(no in a for no in "不没无") != any(no in b for no in "不没无")),
        ]

    learner = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=0)
    learner.fit([features(a, b) for a, b, _y in train], [y for _a, _b, y in train])
    return float(learner.score([features(a, b) for a, b, _y in test], [y for _a, _b, y in test]))

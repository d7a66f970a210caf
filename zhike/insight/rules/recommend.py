"""How a list is put together for one member: scores added up, what may not stand in it, and why each stands there. Pure.

Weights are those the model was measured with (``_recommend``): item to item, REPEAT times one's own, POPULAR times everybody's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Source = Literal["repeat", "together", "viewed", "rule", "popular"]
KINDS = ("product", "merchant", "coupon")
PLACES = ("member_home", "member_page", "counter", "api", "lab")
DECAY, REPEAT, POPULAR = 0.9, 0.2, 0.05
VIEWED = 0.6
"""A look counts for so much of a purchase."""
RULE = 0.3
AGAIN_BP = 500
"""From this share of buyers who bought again on, an article is one that people buy again."""
REST_DAYS = 365
STALE_DAYS = 90
PER_MERCHANT = 3
REPEATS_SHARE = 2 / 3
LIST_MAX = 50
CHILD_YEARS = 14


@dataclass(frozen=True, slots=True)
class Known:
    """What a member bought or looked at: the decayed visits of each item added up, times bought, last day; looks apart."""

    bought: Mapping[int, float] = field(default_factory=dict)
    times: Mapping[int, int] = field(default_factory=dict)
    last_on: Mapping[int, dt.date] = field(default_factory=dict)
    viewed: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be shown: where it is sold, whether people buy it again, when it was sold last."""

    item: int
    merchant_id: int
    again_bp: int
    last_on: dt.date


@dataclass(frozen=True, slots=True)
class Why:
    """The strongest reason: ``because`` is the item that speaks for it, None where none does; ``share`` a rule's confidence."""

    source: Source
    because: int | None = None
    times: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    item: int
    score: float
    why: Why


def weights_of(visits: Sequence[tuple[int, int, dt.date]], looks: Sequence[int]) -> Known:
    """From (item, visits ago, day), and items looked at, the newest first."""
    bought: dict[int, float] = {}
    times: dict[int, int] = {}
    last: dict[int, dt.date] = {}
    for item, age, on in visits:
        bought[item] = bought.get(item, 0.0) + DECAY**age
        times[item] = times.get(item, 0) + 1
        last[item] = max(last.get(item, on), on)
    viewed: dict[int, float] = {}
    for place, item in enumerate(looks):
        viewed.setdefault(item, VIEWED * DECAY**place)
    return Known(bought, times, last, viewed)


def scored(
    known: Known,
    neighbours: Mapping[int, Sequence[tuple[int, float]]],
    popular: Mapping[int, float],
    rules: Sequence[tuple[int, int, float]] = (),
) -> dict[int, tuple[float, Why]]:
    """Every item with anything to say for it: its score, and the part of it that is largest.

    ``popular``: from 0 to 1. ``rules``: (item that was bought, item that follows, confidence).
    """
    total: dict[int, float] = {}
    best: dict[int, tuple[float, Why]] = {}

    def add(item: int, value: float, why: Why) -> None:
        total[item] = total.get(item, 0.0) + value
        if value > best.get(item, (0.0, why))[0]:
            best[item] = (value, why)

    for other, (value, because) in _spread(known.bought, neighbours).items():
        add(other, value, Why("together", because))
    for other, (value, because) in _spread(known.viewed, neighbours).items():
        add(other, value, Why("viewed", because))
    for item, weight in known.bought.items():
        add(item, REPEAT * weight, Why("repeat", item, known.times[item]))
    for item, weight in known.viewed.items():
        add(item, REPEAT * weight, Why("viewed", item))
    for item, follows, confidence in rules:
        value = RULE * confidence * known.bought.get(item, 0.0)
        add(follows, value, Why("rule", item, share=confidence))
    for item, share in popular.items():
        add(item, POPULAR * share, Why("popular"))
    return {item: (total[item], why) for item, (_value, why) in best.items()}


def _spread(
    weights: Mapping[int, float], neighbours: Mapping[int, Sequence[tuple[int, float]]]
) -> dict[int, tuple[float, int]]:
    """What the items one knows say for others: all of it, and the item that says most."""
    total: dict[int, float] = {}
    best: dict[int, tuple[float, int]] = {}
    for item, weight in weights.items():
        for other, closeness in neighbours.get(item, ()):
            value = weight * closeness
            total[other] = total.get(other, 0.0) + value
            if value > best.get(other, (0.0, item))[0]:
                best[other] = (value, item)
    return {other: (total[other], item) for other, (_value, item) in best.items()}


def chosen(
    scores: Mapping[int, tuple[float, Why]],
    candidates: Mapping[int, Candidate],
    known: Known,
    *,
    refused: Collection[int],
    open_merchants: Collection[int],
    today: dt.date,
    limit: int,
    per_merchant: int = PER_MERCHANT,
) -> list[Choice]:
    """The list, best first. Left out: what was refused, whose merchant is closed, what is not sold any more, and what was bought
    within a year unless people buy it again. At most ``per_merchant`` of one merchant, and at most two thirds bought before
    while there is anything else.
    """
    ranked = sorted(scores.items(), key=lambda one: (-one[1][0], one[0]))
    fresh: list[Choice] = []
    again: list[Choice] = []
    of_merchant: dict[int, int] = {}
    for item, (value, why) in ranked:
        candidate = candidates.get(item)
        if candidate is None or item in refused or not _may_stand(candidate, known, open_merchants, today):
            continue
        if of_merchant.get(candidate.merchant_id, 0) >= per_merchant:
            continue
        of_merchant[candidate.merchant_id] = of_merchant.get(candidate.merchant_id, 0) + 1
        (again if item in known.bought else fresh).append(Choice(item, value, why))
        if len(fresh) >= limit and len(again) >= limit:
            break
    room = min(len(again), max(int(limit * REPEATS_SHARE), limit - len(fresh)))
    found = again[:room] + fresh[: limit - room]
    return sorted(found, key=lambda one: (-one.score, one.item))


def _may_stand(candidate: Candidate, known: Known, open_merchants: Collection[int], today: dt.date) -> bool:
    if candidate.merchant_id not in open_merchants:
        return False
    if (today - candidate.last_on).days > STALE_DAYS:
        return False
    bought_on = known.last_on.get(candidate.item)
    return bought_on is None or candidate.again_bp >= AGAIN_BP or (today - bought_on).days > REST_DAYS

"""Sharing a purchase out among the messages before it. Pure. It describes what went before, and proves nothing: that takes a holdout.

A *path* is what somebody was sent between two of their purchases, oldest first, as far as each lies within the window before the
purchase (or, where none followed, before the end). Last touch: all to the last one. Position: two fifths each to the first and the
last, a fifth to those between in equal parts; of two half each, of one all. Data-driven: the removal effect of a Markov chain of
first order (E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the customer journey", International Journal of
Research in Marketing 33, 2016): by how much fewer paths would end in a purchase if nobody could pass a touch, 1 − P(without)/P(with);
everything that was bought is shared in proportion to these effects.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

ENDS, MIDDLE = 0.4, 0.2
WINDOW_DAYS = (3, 7, 14, 30)
START, BOUGHT, LOST = "\x01start", "\x02bought", "\x03lost"
ROUNDS, PRECISION = 500, 1e-12


@dataclass(frozen=True, slots=True)
class Path:
    """``fen`` is None where no purchase followed."""

    touches: tuple[str, ...]
    fen: int | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """Of one touch: purchases, and fen of them."""

    purchases: float = 0.0
    fen: float = 0.0


def paths_of(
    touches: Sequence[tuple[dt.datetime, str]],
    purchases: Sequence[tuple[dt.datetime, int]],
    window: dt.timedelta,
) -> list[Path]:
    """One person's, in order of time; both lists sorted. A purchase with nothing before it is no path."""
    found, at = [], 0
    for moment, fen in purchases:
        before = []
        while at < len(touches) and touches[at][0] <= moment:
            if touches[at][0] > moment - window:
                before.append(touches[at][1])
            else:
                found.append(Path((touches[at][1],)))
            at += 1
        if before:
            found.append(Path(tuple(before), fen))
    rest = tuple(key for _moment, key in touches[at:])
    return [*found, Path(rest)] if rest else found


def last_touch(paths: Sequence[Path]) -> dict[str, Credit]:
    return _shared(paths, lambda touches: {touches[-1]: 1.0})


def position(paths: Sequence[Path]) -> dict[str, Credit]:
    return _shared(paths, _by_position)


def removal(paths: Sequence[Path]) -> dict[str, Credit]:
    """Data-driven; nothing where nobody bought."""
    bought = [path for path in paths if path.fen is not None]
    chain = _chain(paths)
    whole = _reaches(chain, "")
    if not whole:
        return {}
    effects = {key: max(0.0, 1 - _reaches(chain, key) / whole) for key in chain if key != START}
    total, fen = sum(effects.values()), sum(path.fen or 0 for path in bought)
    return (
        {key: Credit(len(bought) * one / total, fen * one / total) for key, one in effects.items()}
        if total
        else {}
    )


def _by_position(touches: Sequence[str]) -> dict[str, float]:
    shares: dict[str, float] = defaultdict(float)
    if len(touches) < 3:
        for key in touches:
            shares[key] += 1 / len(touches)
        return shares
    shares[touches[0]] += ENDS
    shares[touches[-1]] += ENDS
    for key in touches[1:-1]:
        shares[key] += MIDDLE / (len(touches) - 2)
    return shares


def _shared(paths: Sequence[Path], rule: Callable[[Sequence[str]], Mapping[str, float]]) -> dict[str, Credit]:
    purchases: dict[str, float] = defaultdict(float)
    fen: dict[str, float] = defaultdict(float)
    for path in paths:
        if path.fen is not None:
            for key, share in rule(path.touches).items():
                purchases[key] += share
                fen[key] += share * path.fen
    return {key: Credit(purchases[key], fen[key]) for key in purchases}


def _chain(paths: Sequence[Path]) -> dict[str, dict[str, float]]:
    """By state, the chance of each next one. The same touch several times in a row counts once."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for path in paths:
        steps = [START]
        steps += [key for at, key in enumerate(path.touches) if at == 0 or path.touches[at - 1] != key]
        steps.append(LOST if path.fen is None else BOUGHT)
        for one, other in pairwise(steps):
            counts[one][other] += 1
    return {
        key: {other: count / sum(nexts.values()) for other, count in nexts.items()}
        for key, nexts in counts.items()
    }


def _reaches(chain: Mapping[str, Mapping[str, float]], removed: str) -> float:
    """The chance to end in a purchase when whoever comes to ``removed`` is lost; by going round until nothing moves any more."""
    chances = dict.fromkeys(chain, 0.0) | {BOUGHT: 1.0, LOST: 0.0}
    for _round in range(ROUNDS):
        moved = 0.0
        for key, nexts in chain.items():
            fresh = 0.0 if key == removed else sum(share * chances[other] for other, share in nexts.items())
            moved = max(moved, abs(fresh - chances[key]))
            chances[key] = fresh
        if moved < PRECISION:
            break
    return chances.get(START, 0.0)

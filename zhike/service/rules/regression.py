"""Ordinary least squares with intervals that do not suppose equal spread (HC3; MacKinnon and White 1985). Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zhike.service.rules.surveys import Z95

SINGULAR = 1e-9


def least_squares(
    rows: Sequence[Sequence[float]], values: Sequence[float]
) -> list[tuple[float, float] | None]:
    """(effect, half width of its 95 % interval) of each column, beside a constant.

    None for a column that says nothing which the ones before it do not say, and for all of them with too few rows.
    """
    width = len(rows[0]) if rows else 0
    kept = _independent([[1.0, *row] for row in rows]) if len(rows) > width + 1 else [0]
    fitted = dict(zip(kept[1:], _fit([[1.0, *row] for row in rows], kept, values), strict=True))
    return [fitted.get(column + 1) for column in range(width)]


def _fit(
    design: Sequence[Sequence[float]], kept: Sequence[int], values: Sequence[float]
) -> list[tuple[float, float]]:
    if len(kept) < 2:
        return []
    chosen = [[row[column] for column in kept] for row in design]
    size = len(kept)
    inverse = _inverted([[sum(row[a] * row[b] for row in chosen) for b in range(size)] for a in range(size)])
    moments = [sum(row[a] * value for row, value in zip(chosen, values, strict=True)) for a in range(size)]
    effects = [sum(inverse[a][b] * moments[b] for b in range(size)) for a in range(size)]
    spread = [0.0] * size
    for row, value in zip(chosen, values, strict=True):
        lifted = [sum(inverse[a][b] * row[b] for b in range(size)) for a in range(size)]
        leverage = sum(one * other for one, other in zip(row, lifted, strict=True))
        miss = value - sum(effect * one for effect, one in zip(effects, row, strict=True))
        weight = (miss / (1 - leverage)) ** 2 if leverage < 1 - SINGULAR else 0.0
        for a in range(size):
            spread[a] += weight * lifted[a] ** 2
    return [(effects[a], Z95 * math.sqrt(spread[a])) for a in range(1, size)]


def _independent(design: Sequence[Sequence[float]]) -> list[int]:
    """The columns that are no sum of columns before them, by Gram and Schmidt."""
    kept: list[int] = []
    basis: list[list[float]] = []
    for column in range(len(design[0])):
        rest = [row[column] for row in design]
        length = sum(value * value for value in rest)
        for one in basis:
            share = sum(value * other for value, other in zip(rest, one, strict=True))
            rest = [value - share * other for value, other in zip(rest, one, strict=True)]
        left = math.sqrt(sum(value * value for value in rest))
        if left > 1e-6 * math.sqrt(length or 1):
            kept.append(column)
            basis.append([value / left for value in rest])
    return kept


def _inverted(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Gauss and Jordan with the largest pivot."""
    size = len(matrix)
    work = [[*row, *(float(at == place) for at in range(size))] for place, row in enumerate(matrix)]
    for place in range(size):
        pivot = max(range(place, size), key=lambda at: abs(work[at][place]))
        work[place], work[pivot] = work[pivot], work[place]
        scale = work[place][place]
        work[place] = [value / scale for value in work[place]]
        for other in range(size):
            if other != place and work[other][place]:
                factor = work[other][place]
                work[other] = [
                    value - factor * lead for value, lead in zip(work[other], work[place], strict=True)
                ]
    return [row[size:] for row in work]

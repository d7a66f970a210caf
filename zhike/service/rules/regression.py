"""Ordinary least squares with intervals that do not suppose equal spread (HC3; MacKinnon and White 1985). Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zhike.service.rules.surveys import Z95

SINGULAR = 1e-9


def least_squares(
    rows: Sequence[Sequence[float]], values: Sequence[float]
) -> list[tuple[float, float]] | None:
    """(effect, half width of its 95 % interval) of each column, beside a constant; None when columns say the same."""
    design = [[1.0, *row] for row in rows]
    width = len(design[0]) if design else 0
    if len(design) <= width:
        return None
    inverse = _inverted(
        [[sum(row[a] * row[b] for row in design) for b in range(width)] for a in range(width)]
    )
    if inverse is None:
        return None
    moments = [sum(row[a] * value for row, value in zip(design, values, strict=True)) for a in range(width)]
    effects = [sum(inverse[a][b] * moments[b] for b in range(width)) for a in range(width)]
    spread = [0.0] * width
    for row, value in zip(design, values, strict=True):
        lifted = [sum(inverse[a][b] * row[b] for b in range(width)) for a in range(width)]
        leverage = sum(one * other for one, other in zip(row, lifted, strict=True))
        miss = value - sum(effect * one for effect, one in zip(effects, row, strict=True))
        weight = (miss / max(1 - leverage, SINGULAR)) ** 2 if leverage < 1 - SINGULAR else 0.0
        for a in range(width):
            spread[a] += weight * lifted[a] ** 2
    return [(effects[a], Z95 * math.sqrt(spread[a])) for a in range(1, width)]


def _inverted(matrix: Sequence[Sequence[float]]) -> list[list[float]] | None:
    """Gauss and Jordan with the largest pivot; None when it has no inverse."""
    size = len(matrix)
    work = [[*row, *(float(at == place) for at in range(size))] for place, row in enumerate(matrix)]
    for place in range(size):
        pivot = max(range(place, size), key=lambda at: abs(work[at][place]))
        if abs(work[pivot][place]) < SINGULAR:
            return None
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

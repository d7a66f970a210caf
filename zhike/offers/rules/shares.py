"""Fen divided so that the parts sum to the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

UNIT_BP = 10_000


def split(total: int, weights: Sequence[int]) -> list[int]:
    """``total`` in proportion to ``weights``, by the largest remainder; of equal remainders the first gets more.

    Every part is at most its weight when the total is at most the sum of the weights. All zero without any weight.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % whole), at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts


def split_funding(total: int, funding: Mapping[str, int]) -> dict[str, int]:
    """Who pays how much of ``total`` fen; ``funding`` in basis points that sum to 10,000."""
    parties = sorted(funding)
    parts = split(total, [funding[party] for party in parties])
    return dict(zip(parties, parts, strict=True))

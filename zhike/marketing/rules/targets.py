"""What a programme of marketing is asked to reach, and whether holdouts say that it did. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.marketing.rules.distributions import z_of
from zhike.marketing.rules.measuring import CONFIDENCE, Effect
from zhike.marketing.rules.pooling import Relative, Stretch, total

WAKE, REPEAT, CONVERT, COST = "wake", "repeat", "convert", "cost"
GOALS = {WAKE: 0.20, REPEAT: 0.15, CONVERT: 0.08, COST: -0.10}
"""Relative change against the holdout; of cost the other way round."""


@dataclass(frozen=True, slots=True)
class Judged:
    """``verdict``: no_control, reached, missed or open (the interval holds the goal)."""

    change: Relative | None
    verdict: str


def judged(name: str, change: Relative | None) -> Judged:
    """Reached: the whole interval lies beyond the goal; missed: the whole of it this side."""
    if change is None:
        return Judged(None, "no_control")
    goal, sign = GOALS[name], 1 if GOALS[name] > 0 else -1
    low, high = sorted((sign * change.low, sign * change.high))
    if low >= sign * goal:
        return Judged(change, "reached")
    return Judged(change, "missed" if high < sign * goal else "open")


def cost_change(
    chosen: Sequence[tuple[int, Effect]],
    at_random: Sequence[tuple[int, Effect]],
    confidence: float = CONFIDENCE,
) -> Relative | None:
    """Cost of one more buyer among those a model chose against those drawn at random from the same audiences, less one.

    People of a campaign cost the same a head, so unit costs are as the reciprocals of the lifts a head. The logarithm of their ratio
    has the sum of the squared relative errors for its variance (delta method). None unless both lifts are certain, for a lift that
    may be nothing has no unit cost.
    """
    model, chance = total(chosen), total(at_random)
    if model is None or chance is None or model.low <= 0 or chance.low <= 0:
        return None
    heads = sum(people for people, _one in chosen), sum(people for people, _one in at_random)
    ratio = (chance.middle / heads[1]) / (model.middle / heads[0])
    factor = math.exp(z_of(confidence) * math.hypot(_error(model), _error(chance)))
    return Relative(ratio - 1, ratio / factor - 1, ratio * factor - 1)


def _error(one: Stretch) -> float:
    """The relative standard error, from the width of the interval."""
    return (one.high - one.low) / (2 * z_of(CONFIDENCE)) / one.middle

"""Which tier a qualifying spend reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TierStep:
    tier_id: int
    rank: int
    threshold_fen: int
    code: str = ""
    name: str = ""


def tier_for(qualifying_fen: int, ladder: Sequence[TierStep]) -> TierStep:
    """The highest step whose threshold is reached; the lowest when none is. ``ladder`` is not empty."""
    ordered = sorted(ladder, key=lambda step: step.rank)
    reached = [step for step in ordered if step.threshold_fen <= qualifying_fen]
    return reached[-1] if reached else ordered[0]


def next_step(current_id: int, ladder: Sequence[TierStep]) -> TierStep | None:
    """The step above the current one, or None at the top."""
    rank = next(step.rank for step in ladder if step.tier_id == current_id)
    above = sorted((step for step in ladder if step.rank > rank), key=lambda step: step.rank)
    return above[0] if above else None


def after_spend(current_id: int, qualifying_fen: int, ladder: Sequence[TierStep]) -> TierStep:
    """The tier after spend grew: never lower than the current one (downgrades wait for the review or a refund)."""
    current = next(step for step in ladder if step.tier_id == current_id)
    reached = tier_for(qualifying_fen, ladder)
    return reached if reached.rank > current.rank else current

"""Which tier a qualifying spend reaches, and the higher of what was earned and what is lent."""

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
    keep_fen: int | None = None
    keep_visits: int | None = None

    @property
    def to_keep_fen(self) -> int:
        """The spend that keeps the tier at the end of its period."""
        return self.threshold_fen if self.keep_fen is None else self.keep_fen


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


def rise(tier_id: int, earned_id: int, reached_id: int, ladder: Sequence[TierStep]) -> tuple[int, int]:
    """(the tier that counts, the earned one or 0 when it is the same) after ``reached_id`` was earned.

    ``tier_id`` is the one that counted and ``earned_id`` (0: the same) what was earned before.
    """
    if not earned_id:
        return reached_id, 0
    rank = {step.tier_id: step.rank for step in ladder}
    return (reached_id, 0) if rank[reached_id] >= rank[tier_id] else (tier_id, reached_id)

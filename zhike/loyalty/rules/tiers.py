"""Which tier a member reaches by what counts (spend, visits or growth value), and the higher of earned and lent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BASES = ("spend", "visits", "growth")
"""What a ladder counts: spend in fen, business days with a qualifying receipt, or growth value."""


@dataclass(frozen=True, slots=True)
class TierStep:
    """One step of a ladder. ``basis`` says which of the thresholds counts: of spend in fen, of the others a number."""

    tier_id: int
    rank: int
    threshold_fen: int
    code: str = ""
    name: str = ""
    keep_fen: int | None = None
    keep_visits: int | None = None
    threshold_count: int = 0
    keep_count: int | None = None
    basis: str = "spend"

    @property
    def threshold(self) -> int:
        """What reaches the tier, in what the ladder counts."""
        return self.threshold_fen if self.basis == "spend" else self.threshold_count

    @property
    def to_keep(self) -> int:
        """What keeps the tier at the end of its period, in what the ladder counts."""
        own = self.keep_fen if self.basis == "spend" else self.keep_count
        return self.threshold if own is None else own


def tier_for(counted: int, ladder: Sequence[TierStep]) -> TierStep:
    """The highest step whose threshold is reached; the lowest when none is. ``ladder`` is not empty."""
    ordered = sorted(ladder, key=lambda step: step.rank)
    reached = [step for step in ordered if step.threshold <= counted]
    return reached[-1] if reached else ordered[0]


def next_step(current_id: int, ladder: Sequence[TierStep]) -> TierStep | None:
    """The step above the current one, or None at the top."""
    rank = next(step.rank for step in ladder if step.tier_id == current_id)
    above = sorted((step for step in ladder if step.rank > rank), key=lambda step: step.rank)
    return above[0] if above else None


def after_spend(current_id: int, counted: int, ladder: Sequence[TierStep]) -> TierStep:
    """The tier after what counts grew: never lower than the current one (downgrades wait for the review or a refund)."""
    current = next(step for step in ladder if step.tier_id == current_id)
    reached = tier_for(counted, ladder)
    return reached if reached.rank > current.rank else current


def rise(tier_id: int, earned_id: int, reached_id: int, ladder: Sequence[TierStep]) -> tuple[int, int]:
    """(the tier that counts, the earned one or 0 when it is the same) after ``reached_id`` was earned.

    ``tier_id`` is the one that counted and ``earned_id`` (0: the same) what was earned before.
    """
    if not earned_id:
        return reached_id, 0
    rank = {step.tier_id: step.rank for step in ladder}
    return (reached_id, 0) if rank[reached_id] >= rank[tier_id] else (tier_id, reached_id)

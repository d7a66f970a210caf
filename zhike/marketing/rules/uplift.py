"""Choosing an audience by what a message is expected to change: what it takes, and who is in. Pure.

A run learns from campaigns that are over and had a holdout. Seven tenths of the people choose and teach the model, three tenths
never seen by it say what it is worth; who is on which side follows from a hash of the person. A model may choose an audience only
if the whole 95 % interval of its Qini coefficient on those three tenths lies above zero: otherwise contacting people at random,
or everybody, is as good, and the program says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zhike.marketing.rules.assignment import fraction

CONFIDENCE = 0.95
HELD_BACK = 0.3
PEOPLE_MIN = 200
"""On either side of the campaigns together."""
BUYERS_MIN = 30
PEOPLE_MAX = 60_000
"""More people teach a model of this size nothing; then every so-many-th is taken."""
DECILES = tuple(range(10, 101, 10))
RULES = ("top", "gain")
EXPLORE_BP = 1_000
FAULTS = ("too-few-people", "too-few-buyers", "no-campaigns")
NOBODY = 10.0
"""A cut above every share."""
Mark = Literal["score", "explore"]


@dataclass(frozen=True, slots=True)
class Target:
    """How a model chooses. "top": the ``share_bp`` of the audience with the largest expected uplift. "gain": whoever's uplift times
    what an extra buyer leaves is more than ``cost_fen``, what reaching one costs.

    ``explore_bp`` of the audience are in whatever the model thinks, so that the next one can be learnt; whoever refused to be
    profiled has no score and can be in by this only.
    """

    run: int
    rule: str = "top"
    share_bp: int = 3_000
    cost_fen: int = 0
    explore_bp: int = EXPLORE_BP

    @property
    def is_usable(self) -> bool:
        return (
            self.run > 0
            and self.rule in RULES
            and 0 < self.share_bp <= 10_000
            and 0 <= self.cost_fen < 10**9
            and 0 < self.explore_bp <= 10_000
        )


def is_held_back(person_id: int) -> bool:
    """Whether a person is kept from every model to try it on; the same person always, in whichever campaign."""
    return fraction("uplift/held-back", person_id) < HELD_BACK


def shortage(treated: int, control: int, buyers: int) -> str:
    """Why nothing can be learnt from so few; "" when there are enough."""
    if min(treated, control) < PEOPLE_MIN:
        return "too-few-people"
    return "too-few-buyers" if buyers < BUYERS_MIN else ""


def beats_random(learner: str, low: float) -> bool:
    """Whether a model may choose: it says different things of different people, and is better than chance for certain."""
    return learner not in ("", "null") and low > 0


def cut_of(target: Target, scores: Sequence[float], people: int, value_fen: float) -> float:
    """From which expected uplift on a person is in. ``scores`` are those of the audience, of ``people`` altogether; ``value_fen`` is
    what is left of the purchases of one more buyer."""
    if target.rule == "gain":
        return target.cost_fen / value_fen if value_fen > 0 else NOBODY
    wanted = min(len(scores), people * target.share_bp // 10_000)
    return sorted(scores, reverse=True)[wanted - 1] if wanted else NOBODY


def mark_of(target: Target, salt: str, person_id: int, score: float | None, cut: float) -> Mark | None:
    """Why a person is in the audience; None for whoever is not. The draw comes first: it knows nothing of the score."""
    if fraction(f"{salt}/explore", person_id) * 10_000 < target.explore_bp:
        return "explore"
    return "score" if score is not None and score >= cut and score > 0 else None

"""Who gets what: found from a hash of the person and the experiment's salt, so it is the same whenever it is asked. Pure.

The holdout is decided first and the arms afterwards, each from a hash of its own, so that changing one never moves the
other. Arms are chosen by weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted Distributed Hash Tables",
SPAA 2005): every arm scores ``-weight / ln(u)`` with ``u`` its own hash of the person, the highest wins. The order of the arms
does not matter, and when one is added or taken away only the people it wins or loses move.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

HOLDOUT = "holdout"
"""The key of the arm that gets nothing."""
_STEPS = 2**53


@dataclass(frozen=True, slots=True)
class Arm:
    """``weight`` against the weights of the others; 0 gets nobody."""

    key: str
    weight: int = 1


def fraction(salt: str, unit: int) -> float:
    """Evenly spread in (0, 1): the first 53 bits of SHA-256 of both."""
    digest = hashlib.sha256(f"{salt}\x1f{unit}".encode()).digest()
    return ((int.from_bytes(digest[:7], "big") >> 3) + 0.5) / _STEPS


def is_held_out(salt: str, unit: int, share_bp: int) -> bool:
    """Whether a person is in the holdout of ``share_bp`` hundredths of a per cent; whoever is stays in when it grows."""
    return fraction(f"{salt}/holdout", unit) * 10_000 < share_bp


def is_in_test(salt: str, unit: int, share_bp: int) -> bool:
    """Whether a person belongs to the part of the audience on which the arms are tried first."""
    return fraction(f"{salt}/test", unit) * 10_000 < share_bp


def arm_of(salt: str, unit: int, arms: Sequence[Arm]) -> str:
    """The key of the arm of somebody who is not held out. Raises ValueError when no arm has any weight."""
    scores = [
        (-arm.weight / math.log(fraction(f"{salt}/arm/{arm.key}", unit)), arm.key)
        for arm in arms
        if arm.weight > 0
    ]
    return max(scores)[1]


def assigned(salt: str, unit: int, arms: Sequence[Arm], holdout_bp: int) -> str:
    """The arm of a person, or HOLDOUT."""
    return HOLDOUT if is_held_out(salt, unit, holdout_bp) else arm_of(salt, unit, arms)


def global_salt(group_id: int, year: int, quarter: int) -> str:
    """The global holdout is drawn anew each quarter, so that nobody is left out for ever."""
    return f"global/{group_id}/{year}Q{quarter}"

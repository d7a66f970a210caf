"""Points for other things than purchases: what they are called in the ledger, and how much of one a limit lets through."""

from __future__ import annotations

from collections.abc import Sequence

REASONS = ("check_in", "birthday", "referral", "mission", "prize", "journey", "welcome", "stamps")
"""The reason codes of such transfers; from the programme's *issued*."""
TAKEN_BACK = "take_back"
"""The reason code of one that was taken back; the other way, and ``reverses`` names it."""


def within(points: int, limits: Sequence[tuple[int, int]]) -> int:
    """How many of ``points`` may be given, by limits as (most, given before); never less than none."""
    return max(0, min([points, *(most - given for most, given in limits)]))

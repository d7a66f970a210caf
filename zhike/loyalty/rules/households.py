"""Households: who may share, who may spend how much, and whose points a purchase takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

MEMBERS_MAX = 6
INVITED_FOR = timedelta(days=7)
REJOIN_AFTER = timedelta(days=30)
"""Who left a household may join another one only later, so that pools are no market."""
ADULT_AT = 18

Refusal = Literal["", "child", "day_limit", "month_limit"]


@dataclass(frozen=True, slots=True)
class Share:
    """Points of one lot that one member put in."""

    member_id: int
    expires_on: date
    funding_id: int
    points: int


def take(shares: Sequence[Share], points: int) -> list[Share] | None:
    """The shares that a purchase takes: the earliest expiry first, whoever put them in. None when there are too few."""
    taken: list[Share] = []
    for one in sorted(shares, key=lambda one: (one.expires_on, one.member_id, one.funding_id)):
        part = min(one.points, points)
        points -= part
        if part:
            taken.append(Share(one.member_id, one.expires_on, one.funding_id, part))
    return None if points else taken


def give_back(taken: Sequence[Share], given_before: int, points: int) -> list[Share]:
    """What of a purchase's shares comes back, the last taken first; ``given_before`` points of it came back earlier."""
    back: list[Share] = []
    for one in reversed(taken):
        passed = min(given_before, one.points)
        given_before -= passed
        part = min(one.points - passed, points)
        points -= part
        if part:
            back.append(Share(one.member_id, one.expires_on, one.funding_id, part))
    return back


def overdue(shares: Sequence[Share], today: date) -> list[Share]:
    """What lapsed: its last day is before today."""
    return [one for one in shares if one.expires_on < today and one.points]


def may_spend(
    role: str,
    limits: tuple[int | None, int | None],
    spent: tuple[int, int],
    points: int,
) -> Refusal:
    """Why a member may not spend so many, "" when they may; limits and what was spent are of (day, month).

    A child without limits spends nothing.
    """
    if role == "child" and None in limits:
        return "child"
    for limit, before, name in zip(limits, spent, ("day_limit", "month_limit"), strict=True):
        if limit is not None and before + points > limit:
            return name  # type: ignore[return-value]
    return ""


def is_minor(born: date | None, today: date) -> bool:
    """Under 18 by a known date of birth."""
    if born is None:
        return False
    had_birthday = (today.month, today.day) >= (born.month, born.day)
    return today.year - born.year - (0 if had_birthday else 1) < ADULT_AT

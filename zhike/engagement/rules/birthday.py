"""Birthday gifts: what whom, and for which days a run has to give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from zhike.engagement.rules.terms import POINTS_MAX, Reward, Terms, parse

AHEAD_MAX = 30
CATCH_UP_DAYS = 7
"""A day that no run served is served up to so many days late."""
APART_DAYS = 300
"""Two gifts of a member lie at least so far apart, also when they change the calendar they celebrate by."""
GUARDED_AGE = 14
"""Younger ones get nothing unless their guardian agreed (个人信息保护法 第三十一条)."""


class BirthdayTerms(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``reward`` for everybody, ``tier_points`` instead of its points for some tiers; given ``days_before`` the day."""

    reward: Reward = Reward(points=100)
    tier_points: dict[int, int] = msgspec.field(default_factory=dict)
    days_before: int = 0

    def conditions(self) -> list[tuple[str, bool]]:
        return [
            *Terms.conditions(self),
            ("reward", self.reward.is_right),
            ("tier_points", all(0 <= points <= POINTS_MAX for points in self.tier_points.values())),
            ("days_before", 0 <= self.days_before <= AHEAD_MAX),
        ]

    def points_for(self, tier_id: int) -> int:
        return self.tier_points.get(tier_id, self.reward.points)


def parse_birthday(data: Mapping[str, Any]) -> BirthdayTerms:
    """Raises TermsError."""
    return parse(BirthdayTerms, data)


def days_due(done_on: date | None, today: date, days_before: int) -> list[date]:
    """The birthdays to be given for today, oldest first: the day ahead, and those no run has served lately."""
    last = today + timedelta(days=days_before)
    first = (
        last if done_on is None else max(done_on + timedelta(days=1), last - timedelta(days=CATCH_UP_DAYS))
    )
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def is_guarded(birthday: date, today: date) -> bool:
    """Whether somebody is younger than GUARDED_AGE."""
    years = today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))
    return years < GUARDED_AGE

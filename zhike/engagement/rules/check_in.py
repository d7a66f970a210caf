"""Daily check-in: how long a row of days is, what each day of it gives, and which missed days can be made up for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec

from zhike.engagement.rules.terms import POINTS_MAX, Reward, Terms, parse

CYCLE_MAX = 31
MILESTONES_MAX = 12
STREAK_MAX = 366
ONE_DAY = timedelta(days=1)


class Milestone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Given on top when a row of days reaches ``day``."""

    day: int
    reward: Reward


class CheckInTerms(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``points`` of the first, second … day in a row, then again from the first.

    ``milestones`` begin anew after the last of them. ``make_ups`` missed days a month can be made up for, up to
    ``make_up_days`` back; a day made up joins the row and gives nothing itself. ``month_max`` points a month in all.
    """

    points: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 10)
    milestones: tuple[Milestone, ...] = ()
    make_ups: int = 0
    make_up_days: int = 7
    month_max: int | None = None

    def conditions(self) -> list[tuple[str, bool]]:
        days = [milestone.day for milestone in self.milestones]
        return [
            *Terms.conditions(self),
            ("points", 1 <= len(self.points) <= CYCLE_MAX),
            ("points", all(0 <= points <= POINTS_MAX for points in self.points)),
            ("milestones", len(days) <= MILESTONES_MAX and len(set(days)) == len(days)),
            ("milestones", all(2 <= day <= STREAK_MAX for day in days)),
            ("milestones", all(milestone.reward.is_right for milestone in self.milestones)),
            ("make_ups", 0 <= self.make_ups <= CYCLE_MAX),
            ("make_up_days", 1 <= self.make_up_days <= CYCLE_MAX),
            ("month_max", self.month_max is None or 0 < self.month_max <= POINTS_MAX),
        ]

    def points_on(self, streak: int) -> int:
        """What the day itself gives that is the ``streak``-th in a row."""
        return self.points[(streak - 1) % len(self.points)]

    def milestone_on(self, streak: int) -> Milestone | None:
        """The milestone that a row of so many days reaches just now."""
        if not self.milestones:
            return None
        last = max(milestone.day for milestone in self.milestones)
        place = (streak - 1) % last + 1
        return next((one for one in self.milestones if one.day == place), None)

    def next_milestone(self, streak: int) -> tuple[int, Milestone] | None:
        """(the day in a row it is reached on, the milestone) after so many days."""
        if not self.milestones:
            return None
        last = max(milestone.day for milestone in self.milestones)
        begun = streak // last * last
        ahead = [(begun + turn + one.day, one) for turn in (0, last) for one in self.milestones]
        return min((found for found in ahead if found[0] > streak), key=lambda found: found[0])


def parse_check_in(data: Mapping[str, Any]) -> CheckInTerms:
    """Raises TermsError."""
    return parse(CheckInTerms, data)


def row_ending(days: Collection[date], day: date) -> int:
    """How many days in a row, ``day`` the last of them, are among ``days``; 0 when it is not."""
    length = 0
    while day in days:
        length += 1
        day -= ONE_DAY
    return length


def standing(days: Collection[date], today: date) -> int:
    """The row that is alive: it ends today, or yesterday and can be gone on with today."""
    return row_ending(days, today) or row_ending(days, today - ONE_DAY)


def longest_row(days: Collection[date]) -> int:
    """The longest row of days of all."""
    known = set(days)
    return max((_row_from(known, day) for day in known if day - ONE_DAY not in known), default=0)


def _row_from(days: Collection[date], day: date) -> int:
    length = 0
    while day in days:
        length, day = length + 1, day + ONE_DAY
    return length


@dataclass(frozen=True, slots=True)
class MakingUp:
    """May a missed day be made up for; ``refusal`` says why not: today, ahead, too_old, done, none_left, off."""

    refusal: str
    left: int


def make_up(
    terms: CheckInTerms,
    days: Collection[date],
    made_up: Collection[date],
    day: date,
    today: date,
    since: date,
) -> MakingUp:
    """``made_up`` are the days made up for in this month, ``since`` the day the member joined."""
    left = max(0, terms.make_ups - len(made_up))
    refusal = ""
    if not terms.make_ups:
        refusal = "off"
    elif day >= today:
        refusal = "today" if day == today else "ahead"
    elif day < today - timedelta(days=terms.make_up_days) or day < since:
        refusal = "too_old"
    elif day in days:
        refusal = "done"
    elif not left:
        refusal = "none_left"
    return MakingUp(refusal, left)

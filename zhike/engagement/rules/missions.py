"""Missions: steps over what a member does, when a period of one begins and ends, and how far somebody is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from zhike.engagement.rules.terms import Reward, Terms, parse

STEPS_MAX = 6
GOAL_MAX = 100_000_000
PLACES_MAX = 200
FOR_EVER = dt.date(1, 1, 1)
"""The period of a mission that can be done once."""

DeedKind = Literal["review", "survey", "share", "activity", "profile"]
DEEDS: tuple[DeedKind, ...] = ("review", "survey", "share", "activity", "profile")
"""What other parts of the house and a mall's own app report."""
StepKind = Literal["purchase", "spend", "check_in", "referral", "review", "survey", "share", "activity", "profile"]  # fmt: skip
Repeats = Literal["once", "day", "week", "month"]
Starts = Literal["all", "accept", "enrolment"]
Distinct = Literal["", "day", "merchant"]
OnReturn = Literal["take_back", "keep"]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``goal`` times (fen for *spend*). Places: any of the named ones; none named is everywhere.

    ``distinct``: a day, or a merchant, counts once. ``minimum_fen`` is what must be kept of a purchase.
    """

    kind: StepKind
    goal: int = 1
    minimum_fen: int = 1
    merchants: list[int] = []
    trade_categories: list[int] = []
    malls: list[int] = []
    distinct: Distinct = ""

    @property
    def is_right(self) -> bool:
        places = (self.merchants, self.trade_categories, self.malls)
        return (
            1 <= self.goal <= GOAL_MAX
            and 1 <= self.minimum_fen <= GOAL_MAX
            and all(len(named) <= PLACES_MAX for named in places)
        )

    def takes(self, deed: Deed) -> bool:
        """Whether something a member did belongs to this step."""
        wanted = "purchase" if self.kind == "spend" else self.kind
        if deed.kind != wanted or (wanted == "purchase" and deed.fen < self.minimum_fen):
            return False
        if not (self.merchants or self.trade_categories or self.malls):
            return True
        return (
            deed.merchant_id in self.merchants
            or deed.trade_category_id in self.trade_categories
            or deed.mall_id in self.malls
        )


class MissionTerms(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``starts``: for *all* by itself; when a member *accept*s it; or with their *enrolment*. ``days`` are how long the
    latter two have. ``tiers``: ids of those who may; none named is everybody. ``quota``: the first so many who finish
    get the reward. ``wait_days`` None: the reward comes when the purchases' own points could be spent."""

    steps: list[Step]
    reward: Reward
    repeats: Repeats = "once"
    starts: Starts = "all"
    days: int | None = None
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    in_order: bool = False
    tiers: list[int] = []
    quota: int | None = None
    wait_days: int | None = None
    on_return: OnReturn = "take_back"

    def conditions(self) -> list[tuple[str, bool]]:
        ends = self.starts_on is None or self.ends_on is None or self.starts_on <= self.ends_on
        needs_days = self.starts == "enrolment" and self.days is None
        return [
            *Terms.conditions(self),
            ("steps", 1 <= len(self.steps) <= STEPS_MAX),
            *((f"steps.{place}", step.is_right) for place, step in enumerate(self.steps, start=1)),
            ("reward", self.reward.is_right),
            ("days", not needs_days and (self.days is None or 1 <= self.days <= 366)),
            ("repeats", self.repeats == "once" or self.starts == "all"),
            ("ends_on", ends),
            ("quota", self.quota is None or 1 <= self.quota <= 10_000_000),
            ("wait_days", self.wait_days is None or 0 <= self.wait_days <= 366),
        ]


def parse_mission(data: Mapping[str, Any]) -> MissionTerms:
    """Raises TermsError."""
    return parse(MissionTerms, data)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a member did; of a purchase, ``fen`` is what is kept of it today and ``wait_days`` how long it may return."""

    kind: str
    key: str
    at: dt.datetime
    day: dt.date
    mall_id: int | None = None
    merchant_id: int | None = None
    trade_category_id: int | None = None
    fen: int = 0
    wait_days: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """``counts`` of each step, never above its goal; ``finished_at`` when the last one was reached, ``due_on`` when its
    reward comes: the day of the last deed that counted, or the latest end of their return windows."""

    counts: tuple[int, ...]
    finished_at: dt.datetime | None
    due_on: dt.date | None

    @property
    def has_begun(self) -> bool:
        return any(self.counts)


def progress(terms: MissionTerms, since: dt.datetime, until: dt.datetime, deeds: Sequence[Deed]) -> Progress:
    """How far what somebody did in [since, until) brings them. What counts is decided anew each time, so returns need
    no counting back."""
    inside = sorted((one for one in deeds if since <= one.at < until), key=lambda one: (one.at, one.key))
    counts: list[int] = []
    last: list[Deed] = []
    used: list[Deed] = []
    begin: int | None = 0
    for step in terms.steps:
        count, taken, reached = (0, [], None) if begin is None else _count(step, inside, begin)
        counts.append(count)
        used += taken
        if reached is not None:
            last.append(inside[reached])
        if terms.in_order:
            begin = None if reached is None else reached + 1
    if len(last) < len(terms.steps):
        return Progress(tuple(counts), None, None)
    waits = [one.day + dt.timedelta(days=one.wait_days) for one in used] if terms.wait_days is None else []
    days = [one.day + dt.timedelta(days=terms.wait_days or 0) for one in last]
    return Progress(tuple(counts), max(one.at for one in last), max([*days, *waits]))


def _count(step: Step, deeds: Sequence[Deed], begin: int) -> tuple[int, list[Deed], int | None]:
    """(how much, by which deeds, the place of the one that reached the goal) from a place on."""
    count, taken, seen = 0, list[Deed](), set[object]()
    for place in range(begin, len(deeds)):
        deed = deeds[place]
        if not step.takes(deed):
            continue
        if step.distinct:
            key = deed.day if step.distinct == "day" else deed.merchant_id
            if key in seen:
                continue
            seen.add(key)
        taken.append(deed)
        count += deed.fen if step.kind == "spend" else 1
        if count >= step.goal:
            return step.goal, taken, place
    return count, taken, None


def period_of(repeats: Repeats, day: dt.date) -> dt.date:
    """The first day of the period that a day belongs to; weeks begin on Monday."""
    if repeats == "day":
        return day
    if repeats == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if repeats == "month" else FOR_EVER


def days_of(terms: MissionTerms, period: dt.date) -> tuple[dt.date | None, dt.date | None]:
    """The first day of a period and the first one after it, within the mission's own dates; None is open."""
    begin: dt.date | None
    end: dt.date | None
    if terms.repeats == "once":
        begin, end = None, None
    elif terms.repeats == "month":
        begin, end = period, (period + dt.timedelta(days=31)).replace(day=1)
    else:
        begin, end = period, period + dt.timedelta(days=1 if terms.repeats == "day" else 7)
    after = terms.ends_on + dt.timedelta(days=1) if terms.ends_on else None
    return (
        max(filter(None, (begin, terms.starts_on)), default=None),
        min(filter(None, (end, after)), default=None),
    )


def offset_loose(deeds: Sequence[Deed], loose_fen: int) -> list[Deed]:
    """Purchases less goods that came back without naming their sale: the newest purchases bear them."""
    kept: list[Deed] = []
    for deed in sorted(deeds, key=lambda one: (one.at, one.key), reverse=True):
        less = min(deed.fen, loose_fen)
        loose_fen -= less
        kept.append(replace(deed, fen=deed.fen - less))
    return kept[::-1]

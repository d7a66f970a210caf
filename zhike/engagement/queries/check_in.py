"""Check-ins as a member sees them on a calendar, and as the console counts them."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, Sum
from django.utils.dates import WEEKDAYS_ABBR

from zhike.engagement.models import CheckIn, CheckInPlan
from zhike.engagement.queries.words import reward_text
from zhike.engagement.rules.check_in import (
    CheckInTerms,
    longest_row,
    make_up,
    parse_check_in,
    standing,
)
from zhike.kernel.access import Viewer, may_touch, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import NotFound
from zhike.loyalty import queries as members
from zhike.offers import queries as offers
from zhike.organization import queries as organization

DayState = Literal["done", "made_up", "missed", "can_make_up", "today", "ahead", "before"]
FIGURES_OVER = 30
AHEAD_DAYS = 7


@dataclass(frozen=True, slots=True)
class CheckInPlanView:
    mall_id: int
    mall_name: str
    terms: CheckInTerms
    is_open: bool
    version: int
    changed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DayView:
    """A square of the calendar: ``done``, ``made_up``, ``missed`` (``can_make_up`` when it still can be), ``today``
    (not yet done), ``ahead``, or ``before`` the member joined."""

    day: dt.date
    state: DayState
    points: int = 0


@dataclass(frozen=True, slots=True)
class AheadView:
    """One of the next days in a row: its number, what it gives, and what a milestone adds (in words)."""

    number: int
    points: int
    milestone: str
    is_done: bool
    is_today: bool


@dataclass(frozen=True, slots=True)
class CheckInBoard:
    """A member's check-ins at a mall in one month. ``weeks`` are Monday to Sunday; None fills the other months' days.

    ``streak`` is the row that is alive today; ``next_milestone`` (days to go, day, reward in words).
    """

    mall_id: int
    mall_name: str
    today: dt.date
    is_open: bool
    is_done: bool
    streak: int
    longest: int
    total: int
    month: dt.date
    weekdays: Sequence[str]
    previous_month: dt.date | None
    next_month: dt.date | None
    weeks: Sequence[Sequence[DayView | None]]
    ahead: Sequence[AheadView]
    next_milestone: tuple[int, int, str] | None
    make_ups: int
    make_ups_left: int
    points_of_month: int


def check_in_plans(viewer: Viewer) -> dict[int, CheckInPlanView]:
    """The plans of the malls the viewer may see, by mall."""
    plans = CheckInPlan.objects.select_related("mall").order_by("mall_id")
    return {
        one.mall_id: _plan(one) for one in plans if may_touch(viewer, "engagement.view", mall=one.mall_id)
    }


def check_in_plan(mall_id: int) -> CheckInPlanView | None:
    """What check-ins at a mall give; everybody may know."""
    plan = CheckInPlan.objects.select_related("mall").filter(mall_id=mall_id).first()
    return _plan(plan) if plan else None


def check_in_mall_of(member_id: int) -> int | None:
    """Where a member checks in unless they choose: their own mall when it has a plan, otherwise the first that has."""
    own = members.membership(member_id).mall_id
    running = list(
        CheckInPlan.objects.filter(is_open=True).order_by("mall_id").values_list("mall_id", flat=True)
    )
    return own if own in running else next(iter(running), None)


def check_in_board(
    viewer: Viewer, member_id: int, mall_id: int, now: dt.datetime, month: dt.date | None = None
) -> CheckInBoard:
    """The calendar of one month (today's by default). Raises MemberNotFound for a hidden member, NotFound without a plan."""
    file = members.member_file(viewer, member_id, now)
    plan = check_in_plan(mall_id)
    if plan is None:
        raise NotFound
    zone = organization.mall(mall_id).time_zone
    today, since = business_date(now, zone), business_date(file.enrolled_at, zone)
    rows = {row.day: row for row in CheckIn.objects.filter(member_id=member_id, mall_id=mall_id)}
    first = min((month or today).replace(day=1), today.replace(day=1))
    made_up = [row.day for row in rows.values() if row.made_up and _same_month(row, today, zone)]
    left = max(0, plan.terms.make_ups - len(made_up))
    streak = standing(rows.keys(), today)
    names = _batch_names(plan.terms)
    return CheckInBoard(
        mall_id=mall_id,
        mall_name=plan.mall_name,
        today=today,
        is_open=plan.is_open,
        is_done=today in rows,
        streak=streak,
        longest=longest_row(rows.keys()),
        total=len(rows),
        month=first,
        weekdays=[str(name) for name in WEEKDAYS_ABBR.values()],
        previous_month=_previous(first) if first > since.replace(day=1) else None,
        next_month=_next(first) if first < today.replace(day=1) else None,
        weeks=_weeks(first, rows, plan, made_up, today, since),
        ahead=_ahead(plan.terms, streak, today in rows, names),
        next_milestone=_next_milestone(plan.terms, streak, names),
        make_ups=plan.terms.make_ups,
        make_ups_left=left,
        points_of_month=sum(
            row.points for row in rows.values() if row.day.replace(day=1) == today.replace(day=1)
        ),
    )


def _same_month(row: CheckIn, today: dt.date, zone: str) -> bool:
    return business_date(row.made_at, zone).replace(day=1) == today.replace(day=1)


def _previous(first: dt.date) -> dt.date:
    return (first - dt.timedelta(days=1)).replace(day=1)


def _next(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=31)).replace(day=1)


def _weeks(
    first: dt.date,
    rows: Mapping[dt.date, CheckIn],
    plan: CheckInPlanView,
    made_up: Sequence[dt.date],
    today: dt.date,
    since: dt.date,
) -> list[list[DayView | None]]:
    def view(day: dt.date) -> DayView | None:
        if day.month != first.month:
            return None
        if day in rows:
            return DayView(day, "made_up" if rows[day].made_up else "done", rows[day].points)
        if day >= today:
            return DayView(day, "today" if day == today else "ahead")
        if day < since:
            return DayView(day, "before")
        can = plan.is_open and not make_up(plan.terms, rows.keys(), made_up, day, today, since).refusal
        return DayView(day, "can_make_up" if can else "missed")

    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return [[view(day) for day in week] for week in weeks]


def _ahead(terms: CheckInTerms, streak: int, is_done: bool, names: Mapping[int, str]) -> list[AheadView]:
    """A strip of seven days that holds today: those of the row so far, and what the next ones would give."""
    current = streak if is_done else streak + 1
    begin = (current - 1) // AHEAD_DAYS * AHEAD_DAYS + 1
    found = []
    for number in range(begin, begin + AHEAD_DAYS):
        milestone = terms.milestone_on(number)
        words = reward_text(milestone.reward, names) if milestone else ""
        found.append(AheadView(number, terms.points_on(number), words, number <= streak, number == current))
    return found


def _next_milestone(
    terms: CheckInTerms, streak: int, names: Mapping[int, str]
) -> tuple[int, int, str] | None:
    found = terms.next_milestone(streak)
    return (found[0] - streak, found[0], reward_text(found[1].reward, names)) if found else None


def _batch_names(terms: CheckInTerms) -> dict[int, str]:
    wanted = {one.reward.batch_id for one in terms.milestones if one.reward.batch_id is not None}
    return {batch_id: offers.batch_name(batch_id) for batch_id in wanted}


@dataclass(frozen=True, slots=True)
class CheckInFigures:
    """The last 30 days of a mall: ``by_day`` (day, check-ins), oldest first; ``rows`` (shortest length, members whose row
    is at least so long today or yesterday)."""

    today: int
    yesterday: int
    members: int
    check_ins: int
    made_up: int
    points: int
    coupons: int
    by_day: Sequence[tuple[dt.date, int]]
    rows: Sequence[tuple[int, int]]


STEPS = (1, 3, 7, 14, 30)


def check_in_figures(viewer: Viewer, mall_id: int, now: dt.datetime) -> CheckInFigures:
    """Raises NotAllowed outside the viewer's scope, NotFound for an unknown mall."""
    require_touch(viewer, "engagement.view", mall=mall_id)
    today = business_date(now, organization.mall(mall_id).time_zone)
    since = today - dt.timedelta(days=FIGURES_OVER - 1)
    rows = CheckIn.objects.filter(mall_id=mall_id, day__gte=since)
    own = rows.filter(made_up=False)
    counted = dict(own.values_list("day").annotate(count=Count("id")))
    sums = rows.aggregate(
        members=Count("member", distinct=True), points=Sum("points"), coupons=Count("coupon")
    )
    alive = CheckIn.objects.filter(mall_id=mall_id, day__gte=today - dt.timedelta(days=1))
    longest = dict(alive.order_by("member_id", "day").values_list("member_id", "streak"))
    by_day = [
        (since + dt.timedelta(days=at), counted.get(since + dt.timedelta(days=at), 0))
        for at in range(FIGURES_OVER)
    ]
    return CheckInFigures(
        today=counted.get(today, 0),
        yesterday=counted.get(today - dt.timedelta(days=1), 0),
        members=sums["members"],
        check_ins=sum(counted.values()),
        made_up=rows.filter(made_up=True).count(),
        points=sums["points"] or 0,
        coupons=sums["coupons"],
        by_day=by_day,
        rows=[(step, sum(streak >= step for streak in longest.values())) for step in STEPS],
    )


def _plan(plan: CheckInPlan) -> CheckInPlanView:
    return CheckInPlanView(
        plan.mall_id,
        plan.mall.name,
        parse_check_in(plan.terms),
        plan.is_open,
        plan.version,
        plan.changed_at,
    )

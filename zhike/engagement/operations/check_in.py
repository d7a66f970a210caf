"""Members check in once a day, make up for days they missed, and somebody says what that gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.engagement.events import CheckedIn, CheckInPlanSaved
from zhike.engagement.models import CheckIn, CheckInPlan, CheckInRecord
from zhike.engagement.operations._giving import (
    GIVER,
    Given,
    NotRunning,
    give,
    participant,
    save_plan,
    unusable,
)
from zhike.engagement.rules.check_in import (
    CheckInTerms,
    Milestone,
    longest_row,
    make_up,
    parse_check_in,
    row_ending,
)
from zhike.engagement.rules.terms import Reward, TermsError
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import Conflict
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.organization import queries as organization

REASON = "check_in"


class CannotMakeUp(Conflict):
    """``refusal`` is one of rules.check_in.MakingUp."""

    code = "check-in-cannot-make-up"
    title = _("This day cannot be made up for.")


@dataclass(frozen=True, slots=True)
class CheckInOutcome:
    """``streak`` days in a row with this one; ``replayed``: the day had been checked in on before."""

    day: dt.date
    streak: int
    points: int
    coupon_id: int | None = None
    missed: str = ""
    limited_by: str = ""
    replayed: bool = False


@transaction.atomic
def save_check_in_plan(
    *,
    actor: Viewer,
    mall_id: int,
    terms: Mapping[str, Any],
    is_open: bool,
    now: dt.datetime,
    reason: str = "",
) -> int:
    """Say what check-ins at a mall give from now on, or close them; the plan's version.

    Raises TermsUnusable (naming the path), NotFound, NotAllowed.
    """
    require_touch(actor, "engagement.edit", mall=mall_id)
    organization.mall(mall_id)
    try:
        parsed = parse_check_in(terms)
    except TermsError as error:
        raise unusable(error) from error
    plan = save_plan(
        CheckInPlan, {"mall_id": mall_id}, parsed, [one.reward for one in parsed.milestones], actor=actor,
        is_open=is_open, reason=reason, now=now,
    )  # fmt: skip
    events.publish(CheckInPlanSaved(mall_id, plan.version, is_open), actor=actor, now=now)
    return plan.version


@transaction.atomic
def check_in(*, actor: Viewer, member_id: int, mall_id: int, now: dt.datetime) -> CheckInOutcome:
    """Check a member in for today, the mall's calendar day; asked again on the same day it tells what that gave.

    Exactly once a day, however many phones ask at once. A coupon that has run out and a limit that is reached do not
    stop the check-in; the answer says so. Raises NotRunning, MemberNotFound, MemberFrozen, NotAllowed.
    """
    participant(actor, member_id, mall_id)
    terms = _running(mall_id)
    zone = organization.mall(mall_id).time_zone
    today = business_date(now, zone)
    record = _locked_record(member_id, mall_id)
    known = CheckIn.objects.filter(member_id=member_id, mall_id=mall_id, day=today).first()
    if known is not None:
        return _replayed(known)
    streak = row_ending(_days(record) | {today}, today)
    milestone = terms.milestone_on(streak)
    given = _give(member_id, mall_id, terms, streak, milestone, today, zone, now)
    row = CheckIn(
        member_id=member_id,
        mall_id=mall_id,
        day=today,
        streak=streak,
        points=given.points,
        coupon_id=given.coupon_id,
        missed=given.missed,
        made_at=now,
    )
    _keep(actor, record, row, now)
    return CheckInOutcome(today, streak, given.points, given.coupon_id, given.missed, given.limited_by)


@transaction.atomic
def make_up_check_in(
    *, actor: Viewer, member_id: int, mall_id: int, day: dt.date, now: dt.datetime
) -> CheckInOutcome:
    """Join a missed day to the row, by one of the month's make-up cards; the outcome's streak is that of today's row.

    It gives nothing itself. Raises CannotMakeUp (``refusal``: off, today, ahead, too_old, done, none_left), NotRunning,
    MemberNotFound, MemberFrozen, NotAllowed.
    """
    member = participant(actor, member_id, mall_id)
    terms = _running(mall_id)
    zone = organization.mall(mall_id).time_zone
    today = business_date(now, zone)
    record = _locked_record(member_id, mall_id)
    days = _days(record)
    used = CheckIn.objects.filter(
        member_id=member_id, mall_id=mall_id, made_up=True, made_at__gte=_month(today, zone)
    )
    since = business_date(member.enrolled_at, zone)
    decided = make_up(terms, days, used.values_list("day", flat=True), day, today, since)
    if decided.refusal:
        raise CannotMakeUp(refusal=decided.refusal)
    streak = row_ending(days | {day}, day)
    row = CheckIn(member_id=member_id, mall_id=mall_id, day=day, streak=streak, made_up=True, made_at=now)
    _keep(actor, record, row, now)
    last = record.last_day or day
    return CheckInOutcome(day, row_ending(days | {day}, last), 0)


def _running(mall_id: int) -> CheckInTerms:
    plan = CheckInPlan.objects.filter(mall_id=mall_id, is_open=True).first()
    if plan is None:
        raise NotRunning
    return parse_check_in(plan.terms)


def _locked_record(member_id: int, mall_id: int) -> CheckInRecord:
    CheckInRecord.objects.bulk_create(
        [CheckInRecord(member_id=member_id, mall_id=mall_id)], ignore_conflicts=True
    )
    return CheckInRecord.objects.select_for_update(of=("self",)).get(member_id=member_id, mall_id=mall_id)


def _days(record: CheckInRecord) -> set[dt.date]:
    rows = CheckIn.objects.filter(member_id=record.member_id, mall_id=record.mall_id)
    return set(rows.values_list("day", flat=True))


def _month(today: dt.date, zone: str) -> dt.datetime:
    """When this month began in the mall."""
    return day_bounds(today.replace(day=1), zone)[0]


def _give(
    member_id: int,
    mall_id: int,
    terms: CheckInTerms,
    streak: int,
    milestone: Milestone | None,
    today: dt.date,
    zone: str,
    now: dt.datetime,
) -> Given:
    limits = []
    if terms.month_max is not None:
        limits.append(loyalty.AwardLimit("month", _month(today, zone), terms.month_max))
    explanation: dict[str, Any] = {"mall": mall_id, "day": today.isoformat(), "streak": streak}
    rewards = [Reward(points=terms.points_on(streak))]
    if milestone is not None:
        rewards.append(milestone.reward)
        explanation["milestone"] = milestone.day
    return give(
        member_id, rewards, terms, reason=REASON, reference=f"check-in:{mall_id}:{today}", explanation=explanation,
        today=today, now=now, limits=limits,
    )  # fmt: skip


def _keep(actor: Viewer, record: CheckInRecord, row: CheckIn, now: dt.datetime) -> None:
    row.save(force_insert=True)
    days = _days(record)
    record.total, record.longest = len(days), longest_row(days)
    record.last_day = max(days)
    record.save(update_fields=["total", "longest", "last_day"])
    person_id = members.person_id_of(row.member_id)
    fact = CheckedIn(row.member_id, person_id, row.mall_id, row.day, row.streak, row.points, row.made_up)
    events.publish(fact, actor=actor, now=now)


def _replayed(row: CheckIn) -> CheckInOutcome:
    return CheckInOutcome(row.day, row.streak, row.points, row.coupon_id, row.missed, replayed=True)


@transaction.atomic
def bring_in_check_ins(
    *, actor: Viewer, mall_id: int, days: Mapping[dt.date, Sequence[int]], now: dt.datetime
) -> int:
    """Take over check-ins that happened elsewhere (day → member ids), with the points of today's plan, set-based.

    Days before today only; what is known already is passed over, coupons are not given, and the month's limit is not
    applied. Each day's points are posted as of its noon in the mall. How many were brought in. Raises NotRunning,
    NotAllowed.
    """
    require_touch(actor, "imports.run", mall=mall_id)
    terms = _running(mall_id)
    zone = organization.mall(mall_id).time_zone
    today = business_date(now, zone)
    wanted = {member_id for members_of_day in days.values() for member_id in members_of_day}
    known: dict[int, set[dt.date]] = {member_id: set() for member_id in wanted}
    own = CheckIn.objects.filter(mall_id=mall_id, member_id__in=wanted)
    for member_id, day in own.values_list("member_id", "day"):
        known[member_id].add(day)
    persons, brought = members.person_ids_of(sorted(wanted)), 0
    for day in sorted(day for day in days if day < today):
        fresh = sorted({one for one in days[day] if one in persons and day not in known[one]})
        for member_id in fresh:
            known[member_id].add(day)
        _bring_in_day(
            actor, mall_id, terms, zone, day, {one: row_ending(known[one], day) for one in fresh}, persons
        )
        brought += len(fresh)
    records = [
        CheckInRecord(
            member_id=member_id,
            mall_id=mall_id,
            total=len(mine),
            longest=longest_row(mine),
            last_day=max(mine),
        )
        for member_id, mine in known.items()
        if mine
    ]
    CheckInRecord.objects.filter(mall_id=mall_id, member_id__in=wanted).delete()
    CheckInRecord.objects.bulk_create(records)
    audit.record(
        actor=actor,
        action="check_in.import",
        subject=("mall", mall_id),
        after={"check_ins": brought},
        now=now,
    )
    return brought


def _bring_in_day(
    actor: Viewer,
    mall_id: int,
    terms: CheckInTerms,
    zone: str,
    day: dt.date,
    rows: Mapping[int, int],
    persons: Mapping[int, int],
) -> None:
    """One day of members (id → their day in a row)."""
    at = day_bounds(day, zone)[0] + dt.timedelta(hours=12)
    gifts = []
    for member_id, streak in rows.items():
        milestone = terms.milestone_on(streak)
        points = terms.points_on(streak) + (milestone.reward.points if milestone else 0)
        if points:
            explanation = {"mall": mall_id, "day": day.isoformat(), "streak": streak}
            gifts.append(loyalty.Gift(member_id, points, f"check-in:{mall_id}:{day}", explanation))
    by_program: dict[int, list[loyalty.Gift]] = {}
    programs = members.program_ids_of([gift.member_id for gift in gifts])
    for gift in gifts:
        by_program.setdefault(programs[gift.member_id], []).append(gift)
    given: dict[int, int] = {}
    for program_id, theirs in by_program.items():
        given |= loyalty.award_to_many(
            actor=GIVER,
            program_id=program_id,
            reason=REASON,
            gifts=theirs,
            expires_on=terms.last_day(day),
            funding=terms.funding or None,
            now=at,
        )
    CheckIn.objects.bulk_create(
        CheckIn(
            member_id=member_id,
            mall_id=mall_id,
            day=day,
            streak=streak,
            points=given.get(member_id, 0),
            made_at=at,
        )
        for member_id, streak in rows.items()
    )
    facts = [
        CheckedIn(member_id, persons[member_id], mall_id, day, streak, given.get(member_id, 0), False)
        for member_id, streak in rows.items()
    ]
    events.publish_many(facts, actor=actor, now=at)

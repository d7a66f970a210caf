"""Birthday gifts, given once a year to everyone whose day it is; set-based, repeatable, resumable."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from zhike.customers import queries as customers
from zhike.engagement.events import BirthdayGiven
from zhike.engagement.models import BirthdayGift, BirthdayPlan
from zhike.engagement.operations._giving import GIVER, save_plan, unusable
from zhike.engagement.rules.birthday import (
    APART_DAYS,
    BirthdayTerms,
    days_due,
    is_guarded,
    parse_birthday,
)
from zhike.engagement.rules.terms import TermsError
from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Problem
from zhike.kernel.statements import fetch_rows
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers
from zhike.privacy import queries as privacy

REASON = "birthday"
BATCH = 2_000
PURPOSE = "personalisation"
"""What a guardian must have agreed to before a child's birthday is used."""


@transaction.atomic
def save_birthday_plan(
    *,
    actor: Viewer,
    program_id: int,
    terms: Mapping[str, Any],
    is_open: bool,
    now: dt.datetime,
    reason: str = "",
) -> int:
    """Say what birthdays give from the next run on; the plan's version. Raises TermsUnusable, NotAllowed."""
    require_touch(actor, "engagement.edit")
    try:
        parsed = parse_birthday(terms)
    except TermsError as error:
        raise unusable(error) from error
    owner = {"program_id": program_id}
    plan = save_plan(
        BirthdayPlan, owner, parsed, [parsed.reward], actor=actor, is_open=is_open, reason=reason, now=now
    )
    return plan.version


def give_birthday_gifts(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Give every member whose birthday is due their gift; how many got one.

    Once a year of the calendar they celebrate by, however often and from however many workers this runs; batches commit
    one by one, so it can be stopped anywhere and run again, also some days late. Frozen members, and children whose
    guardian did not agree, are passed over. Raises NotAllowed.
    """
    require_touch(actor, "engagement.edit")
    plan = BirthdayPlan.objects.filter(program_id=program_id, is_open=True).first()
    if plan is None:
        return 0
    terms = parse_birthday(plan.terms)
    today = members.program_today(program_id, now)
    given = 0
    for day in days_due(plan.done_on, today, terms.days_before):
        last = 0
        while True:
            with transaction.atomic():
                found = _celebrating(program_id, day, last)
                if not found:
                    break
                given += _give(actor, program_id, terms, day, found, today, now)
                last = found[-1].member_id
        BirthdayPlan.objects.filter(program_id=program_id).update(done_on=day)
    return given


@dataclass(frozen=True, slots=True)
class _Child:
    """Whose day it is."""

    member_id: int
    person_id: int
    tier_id: int
    key: str
    birthday: dt.date
    year: int


def _celebrating(program_id: int, day: dt.date, after: int) -> list[_Child]:
    """The next members whose birthday a day is and who have had nothing for it, nor a gift a short while ago."""
    years = customers.celebrated_on(day)
    rows = fetch_rows(
        """SELECT m.id, m.person_id, m.tier_id, p.birthday_key, p.birthday
        FROM customers_person p JOIN loyalty_member m ON m.person_id = p.id
        WHERE p.birthday_key = ANY(%s) AND p.status = 'active' AND m.program_id = %s AND m.status = 'active' AND m.id > %s
            AND NOT EXISTS (SELECT FROM engagement_birthdaygift g WHERE g.member_id = m.id AND abs(g.day - %s) < %s)
        ORDER BY m.id LIMIT %s""",
        [list(years), program_id, after, day, APART_DAYS, BATCH],
    )
    return [
        _Child(member_id, person_id, tier_id, key, birthday, years[key])
        for member_id, person_id, tier_id, key, birthday in rows
    ]


def _give(
    actor: Viewer,
    program_id: int,
    terms: BirthdayTerms,
    day: dt.date,
    found: Sequence[_Child],
    today: dt.date,
    now: dt.datetime,
) -> int:
    """One batch: whoever's row this run wrote gets the gift."""
    agreed = privacy.decisions_on(
        [one.person_id for one in found if is_guarded(one.birthday, today)], PURPOSE
    )
    allowed = [
        one for one in found if not is_guarded(one.birthday, today) or agreed.get(one.person_id) == "granted"
    ]
    mine = _claimed(allowed, day, now)
    if not mine:
        return 0
    gifts = [
        loyalty.Gift(one.member_id, points, f"birthday:{one.year}", {"day": day.isoformat(), "key": one.key})
        for one in mine
        if (points := terms.points_for(one.tier_id))
    ]
    points_of = loyalty.award_to_many(
        actor=GIVER, program_id=program_id, reason=REASON, gifts=gifts, expires_on=terms.last_day(today),
        funding=terms.funding or None, now=now,
    )  # fmt: skip
    batch_id, missed = _coupons(terms.reward.batch_id, [one.member_id for one in mine], now)
    by_points: dict[int, list[int]] = defaultdict(list)
    for one in mine:
        by_points[points_of.get(one.member_id, 0)].append(one.member_id)
    for points, member_ids in by_points.items():
        BirthdayGift.objects.filter(member_id__in=member_ids, day=day).update(
            points=points, batch_id=batch_id, missed=missed
        )
    facts = [
        BirthdayGiven(one.member_id, one.person_id, day, points_of.get(one.member_id, 0), batch_id)
        for one in mine
    ]
    events.publish_many(facts, actor=actor, now=now)
    return len(mine)


def _claimed(allowed: Sequence[_Child], day: dt.date, now: dt.datetime) -> list[_Child]:
    """Those whose gift of the year is ours to give: two runs at once share them out by the table's key."""
    if not allowed:
        return []
    rows = fetch_rows(
        """INSERT INTO engagement_birthdaygift (member_id, year, day, key, points, missed, given_at)
        SELECT w.member_id, w.year, %s, w.key, 0, '', %s
        FROM unnest(%s::bigint[], %s::smallint[], %s::text[]) AS w(member_id, year, key) ORDER BY w.member_id
        ON CONFLICT (member_id, year) DO NOTHING RETURNING member_id""",
        [
            day,
            now,
            [one.member_id for one in allowed],
            [one.year for one in allowed],
            [one.key for one in allowed],
        ],
    )
    written = {row[0] for row in rows}
    return [one for one in allowed if one.member_id in written]


def _coupons(batch_id: int | None, member_ids: Sequence[int], now: dt.datetime) -> tuple[int | None, str]:
    if batch_id is None:
        return None, ""
    try:
        with transaction.atomic():
            offers.issue_to_members(
                actor=GIVER, batch_id=batch_id, member_ids=member_ids, reason=REASON, source=REASON, now=now
            )
    except Problem as problem:
        return None, problem.code[:40]
    return batch_id, ""

"""Birthday gifts as the console and the member see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.customers import queries as customers
from zhike.engagement.models import BirthdayGift, BirthdayPlan
from zhike.engagement.queries.words import reward_text
from zhike.engagement.rules.birthday import BirthdayTerms, parse_birthday
from zhike.engagement.rules.terms import Reward
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.paging import Keyset, Page
from zhike.kernel.statements import fetch_rows
from zhike.loyalty import queries as members

AHEAD_DAYS = 7
_NEWEST = Keyset(order=(("day", "desc"), ("member_id", "desc")))


@dataclass(frozen=True, slots=True)
class BirthdayPlanView:
    program_id: int
    terms: BirthdayTerms
    is_open: bool
    version: int
    done_on: dt.date | None
    changed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class BirthdayGiftView:
    """``lunar`` is the day in words when it was a birthday of the Chinese calendar."""

    member_id: int
    name: str
    day: dt.date
    lunar: str
    points: int
    coupon: str
    missed: str
    given_at: dt.datetime


def birthday_plan(program_id: int) -> BirthdayPlanView | None:
    row = BirthdayPlan.objects.filter(program_id=program_id).first()
    if row is None:
        return None
    terms = parse_birthday(row.terms)
    return BirthdayPlanView(program_id, terms, row.is_open, row.version, row.done_on, row.changed_at)


def birthdays_ahead(viewer: Viewer, program_id: int, now: dt.datetime) -> list[tuple[dt.date, int, int]]:
    """(day, members whose birthday it is, of them by the Chinese calendar), today and the next six days; of the whole
    programme, as numbers only. Raises NotAllowed."""
    require(viewer, "engagement.view")
    today = members.program_today(program_id, now)
    found = []
    for ahead in range(AHEAD_DAYS):
        day = today + dt.timedelta(days=ahead)
        [(count, lunar)] = fetch_rows(
            """SELECT count(*), count(*) FILTER (WHERE p.birthday_key !~ '^S') FROM customers_person p
            JOIN loyalty_member m ON m.person_id = p.id
            WHERE p.birthday_key = ANY(%s) AND p.status = 'active' AND m.program_id = %s AND m.status = 'active'""",
            [list(customers.celebrated_on(day)), program_id],
        )
        found.append((day, count, lunar))
    return found


def birthday_gifts(viewer: Viewer, cursor: str | None = None, limit: int = 30) -> Page[BirthdayGift]:
    """Gifts of members in the viewer's scope, the newest birthdays first. Raises NotAllowed, BadCursor."""
    require(viewer, "engagement.view")
    columns = {"mall": "member__mall_id", "merchant": "member__merchant_id"}
    rows = visible(BirthdayGift.objects.select_related("member", "batch"), viewer, "engagement.view", columns)
    return _NEWEST.page(rows, cursor, limit)


def birthday_gift_views(gifts: Sequence[BirthdayGift]) -> list[BirthdayGiftView]:
    """A page of gifts with names."""
    names = customers.summaries([gift.member.person_id for gift in gifts])
    return [
        BirthdayGiftView(
            gift.member_id,
            names[gift.member.person_id].name,
            gift.day,
            customers.lunar_text(gift.key),
            gift.points,
            gift.batch.name if gift.batch else "",
            gift.missed,
            gift.given_at,
        )
        for gift in gifts
    ]


@dataclass(frozen=True, slots=True)
class OwnBirthday:
    """A member's next birthday, what it gives, and what the last one gave."""

    day: dt.date | None
    lunar: str
    promise: str
    given_on: dt.date | None
    given_points: int
    is_today: bool


def own_birthday(viewer: Viewer, member_id: int, now: dt.datetime) -> OwnBirthday | None:
    """None without a plan that is open. Raises MemberNotFound."""
    file = members.member_file(viewer, member_id, now)
    plan = birthday_plan(file.programme.id)
    if plan is None or not plan.is_open:
        return None
    today = file.programme.today(now)
    day = customers.next_birthday(file.person.id, today)
    reward = Reward(plan.terms.points_for(file.tier.id), plan.terms.reward.batch_id)
    last = BirthdayGift.objects.filter(member_id=member_id).order_by("-day").first()
    return OwnBirthday(
        day,
        file.person.lunar_birthday,
        reward_text(reward),
        last.day if last else None,
        last.points if last else 0,
        day == today,
    )

"""Members hear of points that will really lapse, once for each day and stage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import operations as loyalty
from zhike.messaging import operations as messaging
from zhike.messaging import queries

Member = loyalty.EnrolledMember
pytestmark = pytest.mark.feature("C087")
LAST_DAY = dt.date(2026, 8, 31)


def at(days_before: int) -> dt.datetime:
    return dt.datetime(2026, 8, 31, 2, tzinfo=dt.UTC) - dt.timedelta(days=days_before)


def give(member: Member, points: int, day: dt.date = LAST_DAY) -> None:
    loyalty.adjust_points(
        actor=SYSTEM, member_id=member.member_id, points=points, reason="期初", expires_on=day, now=NOW
    )


def notify(town: Town, now: dt.datetime) -> int:
    count = loyalty.notify_of_lapse(actor=SYSTEM, program_id=town.program_id, now=now)
    messaging.send_due(actor=SYSTEM, now=now)
    return count


def inbox(member: Member) -> list[str]:
    from zhike.customers.queries import viewer_of_person

    viewer = viewer_of_person(member.person_id)
    return [message.body for message in queries.inbox(viewer, member.person_id).items]


def test_told_thirty_seven_and_one_day_before_and_once_each(town: Town, zhang: Member) -> None:
    give(zhang, 1_200)
    give(zhang, 50, dt.date(2026, 12, 31))
    told = {days: notify(town, at(days)) for days in range(40, -2, -1)}
    assert {days: count for days, count in told.items() if count} == {30: 1, 7: 1, 1: 1}
    assert len(inbox(zhang)) == 3
    assert "1,200 积分将于 2026-08-31 到期" in inbox(zhang)[0]


def test_the_same_day_again_writes_to_nobody_twice(town: Town, zhang: Member) -> None:
    give(zhang, 100)
    assert [notify(town, at(30)) for _ in range(3)] == [1, 0, 0]


def test_nobody_is_told_of_points_that_are_gone(
    town: Town, zhang: Member, enroll: Callable[..., Member]
) -> None:
    spent, held, frozen = zhang, enroll("13900139000", "李四"), enroll("13700137000", "王五")
    for member in (spent, held, frozen):
        give(member, 100)
    loyalty.redeem_points(actor=SYSTEM, member_id=spent.member_id, points=100, now=at(8))
    loyalty.hold_points(actor=SYSTEM, member_id=held.member_id, points=60, now=at(7), minutes=60)
    loyalty.set_member_status(actor=SYSTEM, member_id=frozen.member_id, status="frozen", reason="查", now=NOW)
    assert notify(town, at(7)) == 1
    assert [len(inbox(member)) for member in (spent, held, frozen)] == [0, 1, 0]
    assert "40 积分" in inbox(held)[0]


def test_a_missed_day_is_made_up_for(town: Town, zhang: Member) -> None:
    give(zhang, 100)
    assert [notify(town, at(days)) for days in (28, 27, 5, 0)] == [1, 0, 1, 1]
    assert len(inbox(zhang)) == 3


def test_points_that_waited_or_never_lapse_are_none(town: Town, zhang: Member) -> None:
    give(zhang, 100, dt.date(9999, 12, 31))
    assert notify(town, at(30)) == 0


def test_only_who_runs_the_programme(town: Town) -> None:
    with pytest.raises(NotAllowed):
        loyalty.notify_of_lapse(actor=staff("members.view"), program_id=town.program_id, now=NOW)

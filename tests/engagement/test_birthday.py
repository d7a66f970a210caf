"""Birthday gifts: to everyone on their day, once a year, however often the round is made."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.engagement.conftest import new_member
from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.offers.conftest import make_batch
from zhike.customers import operations as customers
from zhike.engagement import operations, queries
from zhike.engagement.models import BirthdayGift, BirthdayPlan
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Transfer
from zhike.offers.models import Coupon
from zhike.privacy import operations as privacy

pytestmark = pytest.mark.feature("C076")
DAY = dt.timedelta(days=1)
BORN = dt.date(1990, 6, 10)


def plan(town: Town, **terms: Any) -> None:
    operations.save_birthday_plan(
        actor=SYSTEM, program_id=town.program_id, terms=terms, is_open=True, now=NOW
    )


def give(town: Town, at: dt.datetime = NOW) -> int:
    return operations.give_birthday_gifts(actor=SYSTEM, program_id=town.program_id, now=at)


def born(town: Town, phone: str, birthday: dt.date = BORN, **changes: Any) -> loyalty.EnrolledMember:
    return new_member(town, phone, birthday=birthday, **changes)


def test_once_however_often_and_only_on_the_day(town: Town) -> None:
    batch = make_batch(town)
    plan(town, reward={"points": 88, "batch_id": batch}, validity_days=31)
    zhang, other = born(town, "13800138000"), born(town, "13900139000", dt.date(1990, 6, 11))
    assert [give(town), give(town), give(town, NOW + dt.timedelta(hours=9))] == [1, 0, 0]
    [entry] = members.statement(SYSTEM, zhang.member_id).items
    assert (entry.points, entry.sentence) == (88, "生日快乐：88 积分。")
    assert Coupon.objects.filter(member_id=zhang.member_id, source="birthday").count() == 1
    assert give(town, NOW + DAY) == 1
    assert {gift.member_id for gift in BirthdayGift.objects.all()} == {zhang.member_id, other.member_id}
    assert not members.verify_ledger().findings
    assert queries.own_birthday(SYSTEM, zhang.member_id, NOW).is_today


def test_days_that_were_missed_are_made_good(town: Town) -> None:
    plan(town)
    give(town, NOW - 3 * DAY)
    born(town, "13800138000", dt.date(1990, 6, 9), at=NOW - 9 * DAY)
    assert give(town) == 1
    assert BirthdayPlan.objects.get().done_on == dt.date(2026, 6, 10)
    assert BirthdayGift.objects.get().day == dt.date(2026, 6, 9)


def test_another_year_another_gift_but_not_by_changing_the_calendar(town: Town) -> None:
    plan(town)
    zhang = born(town, "13800138000", dt.date(1990, 6, 20))
    year = dt.datetime(2026, 6, 20, 4, tzinfo=dt.UTC)
    assert give(town, year) == 1
    customers.update_profile(
        actor=SYSTEM, person_id=zhang.person_id, changes={"birthday_calendar": "lunar"}, now=year
    )
    BirthdayPlan.objects.update(done_on=None)
    assert give(town, dt.datetime(2026, 7, 11, 4, tzinfo=dt.UTC)) == 0  # 五月廿八 comes three weeks later
    BirthdayPlan.objects.update(done_on=None)
    assert give(town, dt.datetime(2027, 7, 2, 4, tzinfo=dt.UTC)) == 1
    assert list(BirthdayGift.objects.order_by("year").values_list("year", flat=True)) == [2026, 2027]


def test_ahead_of_the_day_and_by_tier(town: Town) -> None:
    plan(town, days_before=3, tier_points={str(town.tiers["basic"]): 5})
    born(town, "13800138000", dt.date(1990, 6, 13))
    assert give(town) == 1
    assert BirthdayGift.objects.get().points == 5


def test_children_only_when_their_guardian_agreed(town: Town) -> None:
    plan(town)
    child = born(town, "13800138000", dt.date(2014, 6, 10))
    assert give(town) == 0
    privacy.publish_policy(
        actor=SYSTEM, group_id=town.group_id, version="1", title="规则", text="规则",
        terms={"personalisation": {"categories": ["birthday"], "retention_days": 365}}, now=NOW,
    )  # fmt: skip
    privacy.record_consents(
        actor=SYSTEM, person_id=child.person_id, decisions=[privacy.Decision("personalisation", "any", "granted")],
        policy_version="1", method="guardian", evidence={"guardian": "母亲"}, now=NOW,
    )  # fmt: skip
    BirthdayPlan.objects.update(done_on=None)
    assert give(town) == 1


def test_frozen_members_and_strangers_get_nothing(town: Town) -> None:
    plan(town)
    zhang = born(town, "13800138000")
    loyalty.set_member_status(
        actor=SYSTEM, member_id=zhang.member_id, status="frozen", reason="调查", now=NOW
    )
    assert give(town) == 0
    for viewer in (staff("engagement.view"), staff("engagement.edit", level="mall", ids=[town.mall_id])):
        with pytest.raises(NotAllowed):
            operations.give_birthday_gifts(actor=viewer, program_id=town.program_id, now=NOW)
    assert not BirthdayGift.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_rounds_at_once_share_the_gifts() -> None:
    town = build_town()
    plan(town, reward={"points": 3})
    people = [born(town, f"1380013{number:04d}") for number in range(12)]
    assert sum(run_threads([lambda: give(town)] * 8)) == len(people)
    assert Transfer.objects.filter(reason="birthday").count() == len(people)

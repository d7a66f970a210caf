"""Daily check-in: once a day of the mall's calendar, rows of days, milestones, days made up for."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engagement.conftest import new_member, plan_check_ins, themselves
from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.offers.conftest import make_batch
from zhike.engagement import operations, queries
from zhike.engagement.models import CheckIn, CheckInRecord
from zhike.engagement.rules import check_in as rules
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Account, Transfer
from zhike.offers import operations as offers
from zhike.organization.operations import structure

pytestmark = pytest.mark.feature("C084")
DAY = dt.timedelta(days=1)
TODAY = dt.date(2026, 6, 10)


def come(
    town: Town, member: loyalty.EnrolledMember, at: dt.datetime, **changes: Any
) -> operations.CheckInOutcome:
    values = {"actor": themselves(member), "member_id": member.member_id, "mall_id": town.mall_id}
    return operations.check_in(**values | changes, now=at)


def balance(member: loyalty.EnrolledMember) -> int:
    return Account.objects.values_list("balance", flat=True).get(member_id=member.member_id)


class TestDays:
    def test_the_second_time_of_a_day_gives_nothing_more(self, town: Town, zhang: Any) -> None:
        plan_check_ins(town, points=[5])
        first = come(town, zhang, NOW)
        again = come(town, zhang, NOW + dt.timedelta(hours=3))
        assert (first.points, first.streak, first.replayed) == (5, 1, False)
        assert (again.points, again.replayed) == (5, True)
        assert (balance(zhang), CheckIn.objects.count()) == (5, 1)
        assert Event.objects.filter(type="zhike.engagement.checked_in").count() == 1

    def test_a_row_of_days_climbs_and_begins_again(self, town: Town, zhang: Any) -> None:
        plan_check_ins(town, points=[1, 2, 3])
        got = [come(town, zhang, NOW + DAY * number).points for number in range(5)]
        assert got == [1, 2, 3, 1, 2]
        assert come(town, zhang, NOW + DAY * 6).streak == 1
        record = CheckInRecord.objects.get()
        assert (record.total, record.longest, record.last_day) == (6, 5, TODAY + DAY * 6)

    def test_the_day_is_the_malls(self, town: Town, zhang: Any) -> None:
        plan_check_ins(town, points=[1])
        night = dt.datetime(2026, 6, 10, 15, 59, 59, tzinfo=dt.UTC)
        assert [come(town, zhang, at).day for at in (night, night + dt.timedelta(seconds=1))] == [
            TODAY,
            TODAY + DAY,
        ]
        assert CheckIn.objects.count() == 2

    def test_clocks_that_change_make_no_day_and_lose_none(self, town: Town) -> None:
        zone = ZoneInfo("Europe/Berlin")
        mall = structure.create_mall(
            actor=SYSTEM, group_id=town.group_id, code="bln", name="柏林", time_zone="Europe/Berlin", now=NOW
        )
        began = dt.datetime(2026, 3, 27, 23, 30, tzinfo=zone)
        member = new_member(town, at=began.astimezone(dt.UTC))
        plan_check_ins(town, mall, points=[1])
        moments = [
            dt.datetime(2026, 3, day, hour, 30, tzinfo=zone)
            for day, hour in ((28, 23), (29, 0), (29, 23), (30, 0))
        ]
        outcomes = [come(town, member, at.astimezone(dt.UTC), mall_id=mall) for at in moments]
        assert [(one.day.day, one.streak, one.replayed) for one in outcomes] == [
            (28, 1, False), (29, 2, False), (29, 2, True), (30, 3, False),
        ]  # fmt: skip

    @pytest.mark.django_db(transaction=True)
    def test_once_for_32_phones(self) -> None:
        town = build_town()
        member = new_member(town)
        plan_check_ins(town, points=[7])
        outcomes = run_threads([lambda: come(town, member, NOW)] * 32)
        assert sum(not one.replayed for one in outcomes) == 1
        assert {one.points for one in outcomes} == {7}
        assert (balance(member), Transfer.objects.filter(reason="check_in").count()) == (7, 1)


class TestRewards:
    def test_a_milestone_adds_points_and_a_coupon_in_one_entry(self, town: Town, zhang: Any) -> None:
        batch = make_batch(town)
        plan_check_ins(town, points=[1], milestones=[{"day": 3, "reward": {"points": 20, "batch_id": batch}}])
        third = [come(town, zhang, NOW + DAY * number) for number in range(3)][-1]
        assert (third.points, third.coupon_id is not None) == (21, True)
        entry = members.statement(SYSTEM, zhang.member_id).items[0]
        assert (entry.points, entry.reason, entry.sentence) == (21, "check_in", "签到第 3 天：21 积分。")

    def test_a_coupon_that_ran_out_does_not_stop_the_check_in(self, town: Town, zhang: Any) -> None:
        batch = make_batch(town, stock=1)
        offers.give_coupon(
            actor=SYSTEM, batch_id=batch, member_id=new_member(town, "13900139000").member_id, now=NOW
        )
        plan_check_ins(town, points=[1], milestones=[{"day": 2, "reward": {"batch_id": batch}}])
        come(town, zhang, NOW)
        second = come(town, zhang, NOW + DAY)
        assert (second.points, second.coupon_id, second.missed) == (1, None, "coupons-sold-out")

    def test_no_more_than_the_months_limit(self, town: Town, zhang: Any) -> None:
        plan_check_ins(town, points=[4], month_max=10)
        outcomes = [come(town, zhang, NOW + DAY * number) for number in range(4)]
        assert [one.points for one in outcomes] == [4, 4, 2, 0]
        assert [one.limited_by for one in outcomes] == ["", "", "month", "month"]
        assert come(town, zhang, dt.datetime(2026, 6, 30, 16, 0, tzinfo=dt.UTC)).points == 4

    def test_who_pays_and_how_long_they_live(self, town: Town, zhang: Any) -> None:
        plan_check_ins(town, points=[3], validity_days=30, funding={"mall": 5000, "brand": 5000})
        come(town, zhang, NOW)
        [transfer] = Transfer.objects.select_related("funding")
        assert transfer.funding.split == {"brand": 5000, "mall": 5000}
        assert transfer.lots[0][0] == "2026-07-10"
        assert not members.verify_ledger().findings

    def test_terms_that_cannot_be_name_their_place(self, town: Town) -> None:
        for terms, path in (
            ({"points": []}, "points"),
            ({"milestones": [{"day": 1, "reward": {"points": 1}}]}, "milestones"),
            ({"milestones": [{"day": 7, "reward": {"batch_id": 4711}}]}, "batch_id"),
            ({"funding": {"mall": 9999}}, "funding"),
        ):
            with pytest.raises(operations.TermsUnusable) as refused:
                plan_check_ins(town, **terms)
            assert refused.value.params == {"path": path}
        assert not AuditEntry.objects.filter(action="checkinplan.save").exists()


class TestMakingUp:
    def test_a_missed_day_joins_the_row_again(self, town: Town) -> None:
        member = new_member(town, at=NOW - DAY * 10)
        plan_check_ins(town, points=[1], make_ups=1, milestones=[{"day": 5, "reward": {"points": 50}}])
        for number in (0, 1, 3):
            come(town, member, NOW + DAY * number)
        done = self.make_up(town, member, TODAY + DAY * 2, NOW + DAY * 3)
        assert (done.streak, done.points, balance(member)) == (4, 0, 3)
        assert come(town, member, NOW + DAY * 4).points == 51

    @pytest.mark.parametrize(
        ("day", "refusal"),
        [(0, "today"), (1, "ahead"), (-1, "done"), (-8, "too_old"), (-3, "none_left")],
    )
    def test_not_every_day(self, town: Town, day: int, refusal: str) -> None:
        member = new_member(town, at=NOW - DAY * 30)
        plan_check_ins(town, make_ups=1)
        come(town, member, NOW - DAY)
        self.make_up(town, member, TODAY - DAY * 2, NOW)
        with pytest.raises(operations.CannotMakeUp) as refused:
            self.make_up(town, member, TODAY + DAY * day, NOW)
        assert refused.value.params == {"refusal": refusal}
        assert CheckIn.objects.count() == 2

    def make_up(
        self, town: Town, member: loyalty.EnrolledMember, day: dt.date, at: dt.datetime
    ) -> operations.CheckInOutcome:
        return operations.make_up_check_in(
            actor=themselves(member), member_id=member.member_id, mall_id=town.mall_id, day=day, now=at
        )


class TestWho:
    def test_only_for_oneself_or_ones_mall(self, town: Town, zhang: Any) -> None:
        plan_check_ins(town)
        stranger = themselves(new_member(town, "13900139000", "李四"))
        with pytest.raises(members.MemberNotFound):
            come(town, zhang, NOW, actor=stranger)
        elsewhere = staff("engagement.take_part", level="mall", ids=[town.other_mall_id])
        with pytest.raises(NotAllowed):
            come(town, zhang, NOW, actor=elsewhere)
        with pytest.raises(NotAllowed):
            operations.save_check_in_plan(
                actor=elsewhere, mall_id=town.mall_id, terms={}, is_open=False, now=NOW
            )
        assert not CheckIn.objects.exists()
        assert not queries.check_in_plans(elsewhere)
        assert (
            come(
                town, zhang, NOW, actor=staff("engagement.take_part", level="mall", ids=[town.mall_id])
            ).points
            == 1
        )

    def test_closed_or_frozen_gives_nothing(self, town: Town, zhang: Any) -> None:
        with pytest.raises(operations.NotRunning):
            come(town, zhang, NOW)
        plan_check_ins(town)
        loyalty.set_member_status(
            actor=SYSTEM, member_id=zhang.member_id, status="frozen", reason="调查", now=NOW
        )
        with pytest.raises(loyalty.MemberFrozen):
            come(town, zhang, NOW)
        assert not CheckIn.objects.exists()


def test_the_calendar_says_what_became_of_each_day(town: Town) -> None:
    member = new_member(town, at=NOW - DAY * 5)
    plan_check_ins(town, points=[1, 2], make_ups=2, milestones=[{"day": 7, "reward": {"points": 9}}])
    for number in (-4, -3, -1):
        come(town, member, NOW + DAY * number)
    operations.make_up_check_in(
        actor=themselves(member),
        member_id=member.member_id,
        mall_id=town.mall_id,
        day=TODAY - DAY * 2,
        now=NOW,
    )
    board = queries.check_in_board(themselves(member), member.member_id, town.mall_id, NOW)
    states = {view.day.day: view.state for week in board.weeks for view in week if view}
    assert [states[day] for day in (4, 5, 6, 7, 8, 9, 10, 11)] == [
        "before", "can_make_up", "done", "done", "made_up", "done", "today", "ahead",
    ]  # fmt: skip
    assert (board.streak, board.longest, board.total, board.make_ups_left) == (4, 4, 4, 1)
    assert board.next_milestone == (3, 7, "9 积分")
    assert [(one.number, one.points, one.is_today) for one in board.ahead if one.is_done or one.is_today][
        -1
    ] == (5, 1, True)
    assert (board.previous_month, board.next_month) == (None, None)
    figures = queries.check_in_figures(SYSTEM, town.mall_id, NOW)
    assert (figures.check_ins, figures.made_up, figures.members, figures.yesterday) == (3, 1, 1, 1)


@given(st.sets(st.integers(0, 60), max_size=40), st.integers(0, 60))
def test_rows_agree_with_counting_by_hand(numbers: set[int], last: int) -> None:
    days = {TODAY + DAY * number for number in numbers}
    length = 0
    while last - length in numbers:
        length += 1
    assert rules.row_ending(days, TODAY + DAY * last) == length
    assert rules.longest_row(days) == max((rules.row_ending(days, day) for day in days), default=0)


@given(st.integers(0, 400))
def test_the_next_milestone_is_the_first_that_comes(streak: int) -> None:
    terms = rules.parse_check_in(
        {"milestones": [{"day": day, "reward": {"points": day}} for day in (3, 7, 30)]}
    )
    found = terms.next_milestone(streak)
    assert found is not None
    assert terms.milestone_on(found[0]) == found[1]
    assert not any(terms.milestone_on(day) for day in range(streak + 1, found[0]))

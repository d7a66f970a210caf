"""Households: points shared by lots, spent within limits, given back to whoever put them in, and never lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import Conflict, NotAllowed
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Account, HouseholdMember, Lot, PoolDispute, PoolShare, Redemption, Transfer
from zhike.loyalty.rules import households as rules

pytestmark = pytest.mark.feature("C102")
DAY = dt.timedelta(days=1)
Enroll = Callable[..., loyalty.EnrolledMember]


def give(member: Any, points: int, days: int = 100, payer: str = "") -> None:
    loyalty.grant_points(
        actor=SYSTEM, member_id=member.member_id, points=points, reference=f"g:{member.member_id}:{points}:{days}",
        note="x", payer=payer, expires_on=(NOW + days * DAY).date(), now=NOW,
    )  # fmt: skip


def themselves(member: Any) -> Any:
    return viewer_of_person(member.person_id)


def found(member: Any) -> int:
    return loyalty.found_household(actor=themselves(member), member_id=member.member_id, name="张家", now=NOW)


def bring(owner: Any, other: Any, role: str = "adult", **limits: Any) -> None:
    loyalty.invite_into_household(
        actor=themselves(owner), member_id=owner.member_id, number=other.number, role=role, now=NOW, **limits
    )
    household = queries.household_of(SYSTEM, owner.member_id)
    assert household is not None
    answer = partial(loyalty.answer_household_invitation, actor=themselves(other), member_id=other.member_id)
    assert answer(household_id=household.id, accept=True, now=NOW)


def put(member: Any, points: int, at: dt.datetime = NOW) -> int:
    return loyalty.put_into_pool(actor=themselves(member), member_id=member.member_id, points=points, now=at)


def spend(member: Any, points: int, at: dt.datetime = NOW) -> loyalty.RedemptionOutcome:
    return loyalty.spend_from_pool(actor=SYSTEM, member_id=member.member_id, points=points, now=at)


def net(member: Any) -> int:
    account = Account.objects.get(member_id=member.member_id)
    return account.balance - account.debt


def pool(member: Any) -> int | None:
    return queries.pool_points(member.member_id)


@pytest.fixture
def li(enroll: Enroll) -> loyalty.EnrolledMember:
    return enroll("13900139000", "李四")


@pytest.fixture
def pair(zhang: Any, li: Any) -> tuple[Any, Any]:
    """张三 owns a household, 李四 is an adult in it; 300 points each, 李四's lapse first."""
    give(zhang, 300, 100)
    give(li, 300, 50, "merchant:7")
    found(zhang)
    bring(zhang, li)
    return zhang, li


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Any:
    yield
    if "town" in request.fixturenames:
        assert not queries.verify_ledger().findings


class TestSharing:
    def test_lots_keep_expiry_and_payer_and_the_earliest_is_spent_first(self, pair: Any) -> None:
        zhang, li = pair
        put(zhang, 200)
        assert put(li, 250) == 450
        assert (net(zhang), net(li), pool(zhang), pool(li)) == (100, 50, 450, 450)
        done = spend(zhang, 300)
        assert (done.points, done.value_fen, done.balance) == (300, 300, 150)
        assert dict(PoolShare.objects.values_list("member_id", "remaining")) == {
            zhang.member_id: 150,
            li.member_id: 0,
        }
        taken = Transfer.objects.get(reason="redeem")
        assert [lot[0] for lot in taken.lots] == [str((NOW + days * DAY).date()) for days in (50, 100)]
        with pytest.raises(loyalty.InsufficientPoints):
            spend(li, 151)
        with pytest.raises(loyalty.NothingToPool):
            put(zhang, 101)

    def test_what_was_spent_comes_back_to_the_shares_it_was_taken_from(self, pair: Any) -> None:
        zhang, li = pair
        put(zhang, 200)
        put(li, 250)
        done = spend(zhang, 300)
        back = partial(loyalty.reverse_redemption, actor=SYSTEM, redemption_id=done.redemption_id, now=NOW)
        back(points=100)
        assert dict(PoolShare.objects.values_list("member_id", "remaining")) == {
            zhang.member_id: 200,
            li.member_id: 50,
        }
        back()
        assert (pool(li), net(zhang), net(li)) == (450, 100, 50)
        with pytest.raises(loyalty.ReversalTooMuch):
            back(points=1)

    def test_who_leaves_gets_back_what_is_unspent_by_lot(self, pair: Any) -> None:
        zhang, li = pair
        put(zhang, 200)
        put(li, 250)
        done = spend(zhang, 100)
        leave = partial(loyalty.leave_household, actor=themselves(li), member_id=li.member_id, now=NOW)
        assert leave() == 150
        assert (net(li), pool(zhang), pool(li)) == (200, 200, None)
        assert Lot.objects.get(account__member_id=li.member_id, remaining__gt=0).remaining == 200
        with pytest.raises(loyalty.HouseholdNotFound):
            leave()
        loyalty.reverse_redemption(actor=SYSTEM, redemption_id=done.redemption_id, now=NOW)
        with pytest.raises(loyalty.InsufficientPoints):
            spend(zhang, 201)
        settle = partial(loyalty.settle_pools, actor=SYSTEM, now=NOW)
        program_id = Account.objects.get(member_id=li.member_id).program_id
        assert [settle(program_id=program_id), settle(program_id=program_id)] == [1, 0]
        assert net(li) == 300

    def test_the_owner_leaves_and_the_last_one_ends_it(self, pair: Any) -> None:
        zhang, li = pair
        put(zhang, 200)
        put(li, 200)
        loyalty.leave_household(actor=themselves(zhang), member_id=zhang.member_id, now=NOW)
        household = queries.household_of(SYSTEM, li.member_id)
        assert household is not None
        assert (household.role, household.points) == ("owner", 200)
        loyalty.leave_household(actor=themselves(li), member_id=li.member_id, now=NOW)
        assert (net(zhang), net(li), pool(li)) == (300, 300, None)
        with pytest.raises(loyalty.HouseholdTooSoon):
            found(li)

    def test_dissolved_all_get_back(self, pair: Any) -> None:
        zhang, li = pair
        put(zhang, 200)
        put(li, 200)
        with pytest.raises(loyalty.OwnersOnly):
            loyalty.dissolve_household(actor=themselves(li), member_id=li.member_id, now=NOW)
        assert loyalty.dissolve_household(actor=themselves(zhang), member_id=zhang.member_id, now=NOW) == 400
        assert (net(zhang), net(li)) == (300, 300)

    def test_shares_lapse_on_their_day(self, pair: Any) -> None:
        zhang, li = pair
        put(zhang, 200)
        put(li, 200)
        late = NOW + 60 * DAY
        with pytest.raises(loyalty.InsufficientPoints) as refused:
            spend(zhang, 201, late)
        assert refused.value.params["available"] == 200
        program_id = Account.objects.get(member_id=li.member_id).program_id
        assert loyalty.settle_pools(actor=SYSTEM, program_id=program_id, now=late) == 1
        assert pool(zhang) == 200

    def test_points_of_goods_that_come_back_are_not_spent_by_the_family(
        self, pair: Any, town: Town, base_rule: int
    ) -> None:
        from decimal import Decimal

        zhang, li = pair
        sale = loyalty.take_receipt(
            actor=SYSTEM, receipt=town.receipt(50_000, person_id=li.person_id), now=NOW
        )
        put(li, 800)
        loyalty.return_lines(
            actor=SYSTEM, receipt_id=sale.receipt_id, lines=[loyalty.ReturnLine(1, Decimal(1))], till="01",
            number="T1", business_date=NOW.date(), occurred_at=NOW, now=NOW,
        )  # fmt: skip
        assert net(li) == -500
        with pytest.raises(loyalty.InsufficientPoints):
            spend(zhang, 1)
        loyalty.settle_pools(actor=SYSTEM, program_id=town.program_id, now=NOW)
        assert (net(li), pool(li)) == (300, 0)

    def test_merged_into_somebody_what_was_put_in_comes_along(self, pair: Any, enroll: Enroll) -> None:
        zhang, li = pair
        put(li, 200)
        twin = enroll("13700137000", "李四")
        loyalty.merge_persons(
            actor=SYSTEM, survivor_id=twin.person_id, merged_id=li.person_id, reason="同一人", now=NOW
        )
        assert (net(twin), pool(zhang), pool(twin)) == (300, 0, None)


class TestWho:
    def test_children_see_and_spend_only_within_limits(self, pair: Any, enroll: Enroll) -> None:
        zhang, _li = pair
        child = enroll("13600136000", "张小三")
        bring(zhang, child, "child")
        put(zhang, 300)
        give(child, 50)
        with pytest.raises(loyalty.NotForChildren):
            put(child, 10)
        with pytest.raises(loyalty.AboveLimit):
            spend(child, 1)
        limit = partial(
            loyalty.set_household_limits, member_id=zhang.member_id, other_id=child.member_id, now=NOW
        )
        with pytest.raises(loyalty.OwnersOnly):
            loyalty.set_household_limits(
                actor=themselves(child), member_id=child.member_id, other_id=child.member_id, day_limit=9,
                month_limit=9, now=NOW,
            )  # fmt: skip
        limit(actor=themselves(zhang), day_limit=50, month_limit=60)
        done = spend(child, 50)
        with pytest.raises(loyalty.AboveLimit) as refused:
            spend(child, 1)
        assert refused.value.params["refusal"] == "day_limit"
        with pytest.raises(loyalty.AboveLimit):
            spend(child, 11, NOW + DAY)
        spend(child, 10, NOW + DAY)
        loyalty.reverse_redemption(actor=SYSTEM, redemption_id=done.redemption_id, now=NOW + DAY)
        spend(child, 40, NOW + 2 * DAY)
        assert rules.is_minor(dt.date(2010, 6, 11), NOW.date())
        assert not rules.is_minor(dt.date(2008, 6, 10), NOW.date())

    def test_one_household_at_a_time_and_six_in_one(self, pair: Any, enroll: Enroll) -> None:
        zhang, li = pair
        with pytest.raises(loyalty.InHousehold):
            found(li)
        for number in range(4):
            bring(zhang, enroll(f"1350013500{number}"))
        with pytest.raises(loyalty.HouseholdFull):
            bring(zhang, enroll("13500135009"))
        with pytest.raises(loyalty.MemberNotFound):
            loyalty.invite_into_household(
                actor=themselves(zhang), member_id=zhang.member_id, number="nobody", role="adult", now=NOW
            )

    def test_an_invitation_is_answered_by_whom_it_is_for_and_lapses(self, zhang: Any, li: Any) -> None:
        household_id = found(zhang)
        invite = partial(
            loyalty.invite_into_household, actor=themselves(zhang), member_id=zhang.member_id, number=li.number,
            role="adult", now=NOW,
        )  # fmt: skip
        assert invite() == invite()
        answer = partial(
            loyalty.answer_household_invitation, member_id=li.member_id, household_id=household_id
        )
        with pytest.raises(loyalty.MemberNotFound):
            answer(actor=themselves(zhang), accept=True, now=NOW)
        with pytest.raises(loyalty.NotInvited):
            answer(actor=themselves(li), accept=True, now=NOW + 8 * DAY)
        assert len(queries.household_invitations(themselves(li), li.member_id, NOW)) == 1
        assert not answer(actor=themselves(li), accept=False, now=NOW)
        with pytest.raises(loyalty.NotInvited):
            answer(actor=themselves(li), accept=True, now=NOW)

    def test_strangers_and_staff(self, pair: Any, town: Town) -> None:
        zhang, li = pair
        put(zhang, 100)
        with pytest.raises(loyalty.MemberNotFound):
            loyalty.put_into_pool(actor=themselves(li), member_id=zhang.member_id, points=1, now=NOW)
        elsewhere = staff(
            "members.edit", "points.redeem", "members.view", level="mall", ids=[town.other_mall_id]
        )
        with pytest.raises(NotAllowed):
            loyalty.leave_household(actor=elsewhere, member_id=zhang.member_id, now=NOW)
        with pytest.raises(NotAllowed):
            loyalty.put_into_pool(actor=elsewhere, member_id=zhang.member_id, points=1, now=NOW)
        with pytest.raises(NotAllowed):
            loyalty.spend_from_pool(
                actor=elsewhere, member_id=zhang.member_id, points=1, mall_id=town.mall_id, now=NOW
            )
        with pytest.raises(loyalty.MemberNotFound):
            queries.household_of(elsewhere, zhang.member_id)
        taken_out = partial(loyalty.remove_from_household, actor=themselves(zhang), member_id=zhang.member_id)
        assert taken_out(other_id=li.member_id, now=NOW) == 0
        assert HouseholdMember.objects.get(member_id=li.member_id).status == "left"

    def test_a_dispute_pauses_spending_until_it_is_settled(self, pair: Any, town: Town) -> None:
        zhang, li = pair
        put(zhang, 100)
        contest = partial(loyalty.raise_dispute, actor=themselves(li), member_id=li.member_id, now=NOW)
        with pytest.raises(loyalty.DisputeUnusable):
            contest(text=" ")
        dispute_id = contest(text="昨天那笔不是我们花的")
        with pytest.raises(loyalty.DisputeOpen):
            contest(text="再说一遍")
        with pytest.raises(loyalty.PoolPaused):
            spend(zhang, 1)
        settle = partial(loyalty.settle_dispute, dispute_id=dispute_id, now=NOW)
        with pytest.raises(NotAllowed):
            settle(actor=themselves(li), verdict="好")
        settle(actor=SYSTEM, verdict="核对小票，确为本人消费")
        settle(actor=SYSTEM, verdict="又一次")
        assert PoolDispute.objects.get().verdict == "核对小票，确为本人消费"
        spend(zhang, 1)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_never_overdraw() -> None:
    town = build_town()
    people = [
        loyalty.enroll_member(
            actor=SYSTEM, name="王", phone=f"1380013800{n}", mall_id=town.mall_id, source="h5", now=NOW
        )
        for n in range(4)
    ]
    give(people[0], 100)
    give(people[1], 110, 50)
    found(people[0])
    for other in people[1:]:
        bring(people[0], other)
    put(people[0], 100)
    put(people[1], 110)

    def try_to(number: int) -> int:
        try:
            return spend(people[number % 4], 10).points
        except (loyalty.InsufficientPoints, Conflict):
            return 0

    outcomes = run_threads([partial(try_to, number) for number in range(32)])
    assert sum(outcomes) == 210
    assert (pool(people[0]), Redemption.objects.count()) == (0, 21)
    assert not queries.verify_ledger().findings

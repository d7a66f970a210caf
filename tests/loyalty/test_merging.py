"""Two members become one and two again: nothing is lost, nothing doubled, nobody gains, whatever happened meanwhile."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.customers import operations as customers
from zhike.customers import queries as people
from zhike.customers.operations import merging
from zhike.customers.queries import merges as known
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound, Problem
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Account, Lot, Member, Transfer

pytestmark = pytest.mark.feature("B12", "N5", "C018")
Enrolled = loyalty.EnrolledMember
AUGUST, DECEMBER = dt.date(2026, 8, 31), dt.date(2026, 12, 31)
REVIEWER = Viewer("staff", 2, "王", staff("members.merge").grants)


@pytest.fixture
def pair(enroll: Callable[..., Enrolled]) -> tuple[Enrolled, Enrolled]:
    """张三 twice: with an old number and with a new one."""
    return enroll(phone="13800138001"), enroll(phone="13800138002")


def give(member: Enrolled, points: int, day: dt.date = DECEMBER) -> None:
    loyalty.adjust_points(
        actor=SYSTEM, member_id=member.member_id, points=points, reason="期初", expires_on=day, now=NOW
    )


def merge(
    one: Enrolled, other: Enrolled, actor: Viewer = SYSTEM, at: dt.datetime = NOW
) -> loyalty.MergeOutcome:
    return loyalty.merge_persons(
        actor=actor, survivor_id=one.person_id, merged_id=other.person_id, reason="本人到服务台证实", now=at
    )


def part(outcome: loyalty.MergeOutcome, at: dt.datetime = NOW) -> None:
    loyalty.unmerge_persons(actor=SYSTEM, merge_id=outcome.merge_id, reason="并错了", now=at)


def books(*members: Enrolled) -> list[tuple[int, int, dict[dt.date, int]]]:
    """(balance, debt, lots) of each account itself, merged or not."""
    found = []
    for member in members:
        account = Account.objects.get(member_id=member.member_id)
        lots = Lot.objects.filter(account=account, remaining__gt=0)
        found.append((account.balance, account.debt, {lot.expires_on: lot.remaining for lot in lots}))
    return found


def sound() -> None:
    report = queries.verify_ledger()
    assert report.is_clean, report.findings


@pytest.mark.feature("D16")
def test_points_join_by_transfers_and_part_exactly(pair: tuple[Enrolled, Enrolled]) -> None:
    one, other = pair
    give(one, 100)
    give(other, 40, AUGUST)
    before = books(one, other)
    outcome = merge(one, other)
    assert outcome.state == "merged"
    assert books(one, other) == [(140, 0, {AUGUST: 40, DECEMBER: 100}), (0, 0, {})]
    moved = Transfer.objects.filter(reason="merge").order_by("id")
    assert [row.points for row in moved] == [40, 40]
    sound()
    for member in pair:
        file = queries.member_file(SYSTEM, member.member_id, NOW)
        assert (file.balance, file.member_id, file.lifetime_earned) == (140, one.member_id, 140)
    part(outcome)
    assert books(one, other) == before
    assert [queries.member_file(SYSTEM, m.member_id, NOW).lifetime_earned for m in pair] == [100, 40]
    sound()


def test_what_came_meanwhile_goes_to_the_side_it_came_by(
    town: Town, base_rule: int, pair: tuple[Enrolled, Enrolled]
) -> None:
    one, other = pair
    give(one, 100)
    give(other, 40, AUGUST)
    outcome = merge(one, other)
    taken = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(5_000, person_id=other.person_id), now=NOW
    )
    assert (taken.points, taken.balance) == (50, 190)
    loyalty.redeem_points(actor=SYSTEM, member_id=one.member_id, points=120, now=NOW)
    held = loyalty.hold_points(actor=SYSTEM, member_id=other.member_id, points=10, now=NOW)
    assert people.person_id_by("phone", "13800138002") == other.person_id
    part(outcome)
    # 120 were spent by the one who had 100: 20 are owed, as if the two had never been one
    assert [row[:2] for row in books(one, other)] == [(0, 20), (80, 0)]
    loyalty.release_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW)
    assert books(one, other)[1][0] == 90
    sound()
    [line] = queries.redemptions(SYSTEM, one.member_id)
    assert line.points == 120
    assert not queries.redemptions(SYSTEM, other.member_id)


def test_a_return_after_parting_takes_from_who_bought(
    town: Town, base_rule: int, pair: tuple[Enrolled, Enrolled]
) -> None:
    one, other = pair
    outcome = merge(one, other)
    taken = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(5_000, person_id=other.person_id), now=NOW
    )
    part(outcome)
    assert [row[0] for row in books(one, other)] == [0, 50]
    loyalty.return_lines(
        actor=SYSTEM,
        receipt_id=taken.receipt_id,
        lines=[loyalty.ReturnLine(1)],
        till="01",
        number="X1",
        business_date=NOW.date(),
        occurred_at=NOW,
        now=NOW,
    )
    assert [row[0] for row in books(one, other)] == [0, 0]
    sound()


def test_spend_of_both_reaches_the_tier_and_leaves_with_its_side(
    town: Town, base_rule: int, pair: tuple[Enrolled, Enrolled]
) -> None:
    one, other = pair
    for member in pair:
        loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(60_000, person_id=member.person_id), now=NOW)
    outcome = merge(one, other)
    assert queries.member_file(SYSTEM, other.member_id, NOW).tier.code == "silver"
    assert loyalty.review_tiers(actor=SYSTEM, program_id=town.program_id, now=NOW) == 0
    part(outcome)
    assert [queries.member_file(SYSTEM, m.member_id, NOW).tier.code for m in pair] == ["basic", "basic"]
    assert [queries.member_file(SYSTEM, m.member_id, NOW).qualifying_fen for m in pair] == [60_000, 60_000]
    assert loyalty.review_tiers(actor=SYSTEM, program_id=town.program_id, now=NOW) == 0
    sound()


# --- who may, and what speaks against it -----------------------------------------------------------------------------


def test_only_who_may_and_nothing_happens_otherwise(town: Town, pair: tuple[Enrolled, Enrolled]) -> None:
    one, other = pair
    told = Event.objects.count()
    with pytest.raises(NotAllowed):
        merge(one, other, staff("members.view"))
    with pytest.raises(NotFound):
        merge(one, other, staff("members.merge", level="mall", ids=[town.other_mall_id]))
    assert Event.objects.count() == told
    colleague = staff("members.merge", level="mall", ids=[town.mall_id])
    outcome = merge(one, other, colleague)
    assert AuditEntry.objects.latest("id").action == "person.merge"
    again = merge(one, other, colleague)
    assert again == outcome
    with pytest.raises(NotFound):
        loyalty.unmerge_persons(
            actor=staff("members.merge", level="mall", ids=[town.other_mall_id]),
            merge_id=outcome.merge_id,
            reason="不对",
            now=NOW,
        )
    with pytest.raises(loyalty.MergeReasonMissing):
        loyalty.unmerge_persons(actor=colleague, merge_id=outcome.merge_id, reason=" ", now=NOW)


@pytest.mark.feature("D17")
def test_two_must_agree_where_caution_is_due(enroll: Callable[..., Enrolled]) -> None:
    mother = enroll(phone="13800138001", name="李梅", sex="female", birthday=dt.date(1980, 5, 1))
    child = enroll(phone="13800138002", name="李梅", sex="female", birthday=dt.date(2012, 5, 1))
    proposer = staff("members.merge")
    outcome = merge(mother, child, proposer)
    assert (outcome.state, outcome.guards) == ("proposed", ("birthday", "minor"))
    assert people.survivor_of(child.person_id) == child.person_id
    assert merge(mother, child, proposer) == outcome
    with pytest.raises(merging.SecondPersonNeeded):
        loyalty.agree_to_merge(actor=proposer, merge_id=outcome.merge_id, now=NOW)
    loyalty.agree_to_merge(actor=REVIEWER, merge_id=outcome.merge_id, now=NOW)
    assert people.survivor_of(child.person_id) == mother.person_id
    part(outcome)
    second = merge(mother, child, proposer)
    loyalty.decline_merge(actor=REVIEWER, merge_id=second.merge_id, now=NOW)
    with pytest.raises(merging.MergeHasEnded):
        loyalty.agree_to_merge(actor=REVIEWER, merge_id=second.merge_id, now=NOW)


@pytest.mark.feature("D17")
def test_a_number_that_passed_from_hand_to_hand_needs_two(pair: tuple[Enrolled, Enrolled]) -> None:
    one, other = pair
    phone = people.person(other.person_id).active("phone")
    assert phone is not None
    customers.retire_identifier(
        actor=SYSTEM, person_id=other.person_id, identifier_id=phone.id, reason="given_up", now=NOW
    )
    new = customers.NewIdentifier("phone", "13800138002")
    customers.add_identifier(actor=SYSTEM, person_id=one.person_id, identifier=new, now=NOW)
    assert merge(one, other).guards == ("shared_phone",)


def test_frozen_memberships_and_non_members_are_refused(
    enroll: Callable[..., Enrolled], town: Town, pair: tuple[Enrolled, Enrolled]
) -> None:
    one, other = pair
    stranger = customers.create_person(
        actor=SYSTEM, group_id=town.group_id, name="张三", identifiers=[], source="collection", now=NOW
    )
    with pytest.raises(loyalty.SurvivorNotMember):
        loyalty.merge_persons(
            actor=SYSTEM, survivor_id=stranger, merged_id=one.person_id, reason="同一人", now=NOW
        )
    loyalty.set_member_status(actor=SYSTEM, member_id=other.member_id, status="frozen", reason="查", now=NOW)
    with pytest.raises(loyalty.MembershipNotActive):
        merge(one, other)
    with pytest.raises(merging.NotMergeable):
        merge(one, one)


# --- everything about a person ---------------------------------------------------------------------------------------


@pytest.mark.feature("D16")
def test_old_ids_lead_to_who_goes_on(town: Town, base_rule: int, pair: tuple[Enrolled, Enrolled]) -> None:
    one, other = pair
    customers.update_profile(
        actor=SYSTEM, person_id=other.person_id, changes={"address": "南京西路 1 号", "sex": "male"}, now=NOW
    )
    loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(5_000, person_id=other.person_id), now=NOW)
    outcome = merge(one, other)
    found = people.person(other.person_id)
    assert (found.id, found.sex, found.has_address) == (one.person_id, "male", True)
    assert {i.masked for i in found.identifiers if i.kind == "phone"} == {"138****8001", "138****8002"}
    assert queries.member_id_by(SYSTEM, phone="13800138002") == other.member_id
    code = queries.qr_payload(other.member_id, NOW)
    scanned = loyalty.read_qr(actor=SYSTEM, payload=code, now=NOW)
    assert queries.member_file(SYSTEM, scanned, NOW).member_id == one.member_id
    [row] = queries.members_page(SYSTEM).items
    assert (row.member_id, row.balance) == (one.member_id, 50)
    [hit] = people.search(SYSTEM, "13800138002")
    assert hit.person_id == one.person_id
    types = [item.type for item in queries.timeline(SYSTEM, one.member_id).items]
    assert "sales.receipt_recorded" in types
    customers.update_profile(actor=SYSTEM, person_id=one.person_id, changes={"sex": "female"}, now=NOW)
    part(outcome)
    survivor = people.person(one.person_id)
    assert (survivor.sex, survivor.has_address) == ("female", False)
    assert people.person(other.person_id).sex == "male"


@pytest.mark.feature("D16")
def test_who_was_merged_comes_along_and_goes_back(
    enroll: Callable[..., Enrolled], pair: tuple[Enrolled, Enrolled]
) -> None:
    one, other = pair
    third = enroll(phone="13800138003")
    for member, points in ((one, 1), (other, 10), (third, 100)):
        give(member, points)
    first = merge(other, third)
    second = merge(one, other)
    assert people.survivor_of(third.person_id) == one.person_id
    assert [row[0] for row in books(one, other, third)] == [111, 0, 0]
    part(second)
    assert [row[0] for row in books(one, other, third)] == [1, 110, 0]
    assert people.survivor_of(third.person_id) == other.person_id
    with pytest.raises(merging.MergeHasEnded):
        part(first)
    sound()


def test_no_second_helping_of_what_one_member_gets_once(
    town: Town, publish: Callable[..., int], pair: tuple[Enrolled, Enrolled]
) -> None:
    publish(caps={"member_day": 100})
    one, other = pair
    for member in pair:
        loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(6_000, person_id=member.person_id), now=NOW)
    outcome = merge(one, other)
    more = loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(9_000, person_id=one.person_id), now=NOW)
    assert more.points == 0
    part(outcome)
    more = loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(9_000, person_id=one.person_id), now=NOW)
    assert more.points == 40
    sound()


# --- whatever happens, in whatever order -----------------------------------------------------------------------------

ACTS = st.one_of(
    st.tuples(st.just("buy"), st.integers(0, 2), st.integers(1, 300)),
    st.tuples(st.just("spend"), st.integers(0, 2), st.integers(1, 200)),
    st.tuples(st.just("give"), st.integers(0, 2), st.integers(1, 200)),
    st.tuples(st.just("hold"), st.integers(0, 2), st.integers(1, 100)),
    st.tuples(st.just("release"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("return"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("reverse"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("merge"), st.integers(0, 2), st.integers(1, 2)),
    st.tuples(st.just("part"), st.integers(0, 2), st.just(0)),
)


class _Life:
    """Three records of people, the real ones; and beside each what it would have if nobody had ever been merged."""

    def __init__(self, town: Town, members: list[Enrolled]) -> None:
        self.town, self.members = town, members
        self.net = [0, 0, 0]
        self.open: dict[int, tuple[int, Any]] = {}
        self.bought: list[tuple[int, Any, int]] = []
        self.spent: list[tuple[int, Any, int]] = []
        self.moment = NOW

    def act(self, what: str, who: int, number: int) -> None:
        self.moment += dt.timedelta(seconds=1)
        with contextlib.suppress(Problem):
            getattr(self, f"_{what}")(who, number)

    def _buy(self, who: int, yuan: int) -> None:
        receipt = self.town.receipt(yuan * 100, person_id=self.members[who].person_id)
        taken = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=self.moment)
        self.net[who] += taken.points
        self.bought.append((who, taken.receipt_id, taken.points))

    def _spend(self, who: int, points: int) -> None:
        spent = loyalty.redeem_points(
            actor=SYSTEM, member_id=self.members[who].member_id, points=points, now=self.moment
        )
        self.net[who] -= points
        self.spent.append((who, spent.redemption_id, points))

    def _give(self, who: int, points: int) -> None:
        day = (AUGUST, DECEMBER)[points % 2]
        give(self.members[who], points, day)
        self.net[who] += points

    def _hold(self, who: int, points: int) -> None:
        held = loyalty.hold_points(
            actor=SYSTEM, member_id=self.members[who].member_id, points=points, now=self.moment
        )
        self.net[who] -= points
        self.open[len(self.open)] = (who, (held.hold_id, points))

    def _release(self, who: int, _number: int) -> None:
        for key, (owner, (hold_id, points)) in list(self.open.items()):
            if owner == who:
                loyalty.release_hold(actor=SYSTEM, hold_id=hold_id, now=self.moment)
                self.net[who] += points
                del self.open[key]

    def _return(self, who: int, _number: int) -> None:
        for one in [one for one in self.bought if one[0] == who][:1]:
            self.bought.remove(one)
            back = loyalty.return_lines(
                actor=SYSTEM,
                receipt_id=one[1],
                lines=[loyalty.ReturnLine(1)],
                till="09",
                number=f"B{one[1]}"[:40],
                business_date=NOW.date(),
                occurred_at=NOW,
                now=self.moment,
            )
            self.net[who] -= back.clawed_points

    def _reverse(self, who: int, _number: int) -> None:
        for one in [one for one in self.spent if one[0] == who][:1]:
            self.spent.remove(one)
            loyalty.reverse_redemption(actor=SYSTEM, redemption_id=one[1], now=self.moment)
            self.net[who] += one[2]

    def _merge(self, who: int, step: int) -> None:
        merge(self.members[who], self.members[(who + step) % 3], at=self.moment)

    def _part(self, who: int, _number: int) -> None:
        found = known.merge_of(self.members[who].person_id)
        if found is not None:
            loyalty.unmerge_persons(actor=SYSTEM, merge_id=found.id, reason="并错了", now=self.moment)

    def part_all(self) -> None:
        for _ in range(3):
            for who in range(3):
                self._part(who, 0)


@settings(
    max_examples=int(os.environ.get("ZHIKE_SEARCH_SEQUENCES", "5")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(acts=st.lists(ACTS, min_size=4, max_size=14))
def test_in_the_end_each_has_what_came_by_its_own_identifiers(
    town: Town, base_rule: int, enroll: Callable[..., Enrolled], acts: list[tuple[str, int, int]]
) -> None:
    with transaction.atomic():
        life = _Life(town, [enroll(phone=f"1380013810{no}", name="张三") for no in range(3)])
        for what, who, number in acts:
            life.act(what, who, number)
            total = sum(row[0] - row[1] for row in books(*life.members))
            assert total == sum(life.net)
        life.part_all()
        assert [row[0] - row[1] for row in books(*life.members)] == life.net
        for balance, debt, lots in books(*life.members):
            assert sum(lots.values()) == balance and not (balance and debt)
        sound()
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_never_wait_for_ever_nor_lose() -> None:
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分", now=NOW, backdated=True,
        definition={"base": {"points": 1, "per_fen": 100}}, effective_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    )  # fmt: skip
    members = [
        loyalty.enroll_member(
            actor=SYSTEM,
            name="张三",
            phone=f"1380013820{no}",
            mall_id=town.mall_id,
            source="counter",
            now=NOW,
        )
        for no in range(4)
    ]
    for member in members:
        give(member, 1_000)
    receipts = [town.receipt(1_000, person_id=members[no % 4].person_id) for no in range(16)]
    jobs: list[Callable[[], object]] = [
        *(lambda one=one: loyalty.take_receipt(actor=SYSTEM, receipt=one, now=NOW) for one in receipts),  # type: ignore[misc]
        *(
            lambda no=no: loyalty.redeem_points(  # type: ignore[misc]
                actor=SYSTEM, member_id=members[no % 4].member_id, points=10, now=NOW
            )
            for no in range(10)
        ),
        lambda: merge(members[0], members[1]),
        lambda: merge(members[1], members[0]),
        lambda: merge(members[2], members[3]),
        lambda: merge(members[0], members[2]),
        lambda: merge(members[3], members[1]),
        lambda: merge(members[1], members[2]),
    ]
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> None:
        try:
            barrier.wait(30)
            with contextlib.suppress(Problem):
                job()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert sum(row[0] - row[1] for row in books(*members)) == 4_000 + 16 * 10 - 10 * 10
    roots = {people.survivor_of(member.person_id) for member in members}
    assert all(people.survivor_of(root) == root for root in roots)
    assert Member.objects.filter(survivor=None).count() == len(roots)
    sound()

"""Points are set aside while a purchase is paid: spent or given back, once, and never twice."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from uuid import uuid4

import pytest
from django.db import connection

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Hold, Redemption

Member = loyalty.EnrolledMember
AUGUST, DECEMBER = dt.date(2026, 8, 31), dt.date(2026, 12, 31)
LATER = NOW + dt.timedelta(minutes=16)


@pytest.fixture
def rich(town: Town, zhang: Member) -> Member:
    """100 points that lapse in August, 200 that lapse in December."""
    for points, day in ((200, DECEMBER), (100, AUGUST)):
        loyalty.adjust_points(
            actor=SYSTEM, member_id=zhang.member_id, points=points, reason="期初", expires_on=day, now=NOW
        )
    return zhang


def position(member: Member, at: dt.datetime = NOW) -> tuple[int, int, dict[dt.date | None, int]]:
    """(balance, held, lots)."""
    file = queries.member_file(SYSTEM, member.member_id, at)
    return file.balance, file.held, {lot.expires_on: lot.remaining for lot in file.lots}


def hold(member: Member, points: int, at: dt.datetime = NOW, **changes: object) -> loyalty.HoldOutcome:
    return loyalty.hold_points(actor=SYSTEM, member_id=member.member_id, points=points, now=at, **changes)  # type: ignore[arg-type]


@pytest.mark.feature("C099", "C100")
def test_held_then_spent_then_given_back_to_the_same_lots(rich: Member) -> None:
    held = hold(rich, 150)
    assert (held.status, held.value_fen, held.balance) == ("open", 150, 150)
    assert held.expires_at == NOW + dt.timedelta(minutes=15)
    assert position(rich) == (150, 150, {DECEMBER: 150})
    assert queries.verify_ledger().is_clean
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=151, now=NOW)

    spent = loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW)
    assert (spent.status, spent.used_points, spent.balance) == ("confirmed", 150, 150)
    assert position(rich) == (150, 0, {DECEMBER: 150})
    again = loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW)
    assert again.replayed
    assert Redemption.objects.count() == 1
    with pytest.raises(loyalty.HoldHasEnded):
        loyalty.release_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW)

    loyalty.reverse_redemption(actor=SYSTEM, redemption_id=held.hold_id, points=60, now=NOW)
    assert position(rich) == (210, 0, {AUGUST: 10, DECEMBER: 200})
    file = queries.member_file(SYSTEM, rich.member_id, NOW)
    assert file.lifetime_spent == 90
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("C099")
def test_only_a_part_is_spent(rich: Member) -> None:
    held = hold(rich, 250)
    spent = loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, points=80, now=NOW)
    assert (spent.used_points, spent.value_fen, spent.balance) == (80, 80, 220)
    assert position(rich) == (220, 0, {AUGUST: 20, DECEMBER: 200})
    with pytest.raises(loyalty.HoldHasEnded):
        loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, points=90, now=NOW)
    assert queries.verify_ledger().is_clean


def test_released_once(rich: Member) -> None:
    held = hold(rich, 250)
    assert loyalty.release_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW).status == "released"
    assert loyalty.release_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW).replayed
    assert position(rich) == (300, 0, {AUGUST: 100, DECEMBER: 200})
    with pytest.raises(loyalty.HoldHasEnded):
        loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW)
    assert queries.verify_ledger().is_clean


def test_a_hold_runs_out(rich: Member) -> None:
    held, longer = hold(rich, 120), hold(rich, 50, minutes=60)
    with pytest.raises(loyalty.HoldHasEnded):
        loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, now=LATER)
    assert loyalty.expire_holds(actor=SYSTEM, now=NOW) == 0
    assert loyalty.expire_holds(actor=SYSTEM, now=LATER) == 1
    assert loyalty.expire_holds(actor=SYSTEM, now=LATER) == 0
    assert position(rich) == (250, 50, {AUGUST: 100, DECEMBER: 150})
    assert loyalty.confirm_hold(actor=SYSTEM, hold_id=longer.hold_id, now=LATER).status == "confirmed"
    assert Event.objects.filter(type="zhike.loyalty.hold_ended").count() == 2
    assert queries.verify_ledger().is_clean


def test_held_points_do_not_lapse_but_what_comes_back_may(rich: Member, town: Town) -> None:
    held = hold(rich, 60, at=NOW, minutes=60)
    hold(rich, 10, at=NOW)
    september = dt.datetime(2026, 9, 1, 1, tzinfo=dt.UTC)
    assert loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=september) == 30
    loyalty.release_hold(actor=SYSTEM, hold_id=held.hold_id, now=september)
    loyalty.expire_holds(actor=SYSTEM, now=september)
    assert loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=september) == 70
    assert position(rich, september) == (200, 0, {DECEMBER: 200})
    assert queries.verify_ledger().is_clean


def test_what_comes_back_repays_debt_made_meanwhile(town: Town, base_rule: int, zhang: Member) -> None:
    receipt = town.receipt(10_000, person_id=zhang.person_id)
    sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    hold(zhang, 60)
    first = hold(zhang, 40)
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=sold.receipt_id, lines=[loyalty.ReturnLine(1)], till="01", number="T1",
        business_date=NOW.date(), occurred_at=NOW, now=NOW,
    )  # fmt: skip
    file = queries.member_file(SYSTEM, zhang.member_id, NOW)
    assert (file.balance, file.debt, file.held) == (0, 100, 100)
    loyalty.release_hold(actor=SYSTEM, hold_id=first.hold_id, now=NOW)
    loyalty.expire_holds(actor=SYSTEM, now=LATER)
    file = queries.member_file(SYSTEM, zhang.member_id, NOW)
    assert (file.balance, file.debt, file.held, file.lots) == (0, 0, 0, ())
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("B04")
def test_the_same_key_holds_once(rich: Member) -> None:
    once = loyalty.Once("api:1", "k", b"d")
    first, again = hold(rich, 200, once=once), hold(rich, 200, once=once)
    assert again.replayed
    assert (again.hold_id, Hold.objects.count()) == (first.hold_id, 1)


def test_what_cannot_be_held(rich: Member, town: Town) -> None:
    with pytest.raises(loyalty.InsufficientPoints):
        hold(rich, 301)
    with pytest.raises(loyalty.PointsOutOfRange):
        hold(rich, 0)
    with pytest.raises(loyalty.HoldTooLong):
        hold(rich, 1, minutes=0)
    with pytest.raises(loyalty.HoldNotFound):
        loyalty.confirm_hold(actor=SYSTEM, hold_id=uuid4(), now=NOW)
    held = hold(rich, 10, merchant_id=town.shop, mall_id=town.mall_id)
    with pytest.raises(loyalty.HoldNotFound):
        loyalty.release_hold(actor=SYSTEM, hold_id=held.hold_id, member_id=rich.member_id + 1, now=NOW)
    with pytest.raises(loyalty.MoreThanHeld):
        loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, points=11, now=NOW)
    loyalty.set_member_status(actor=SYSTEM, member_id=rich.member_id, status="frozen", reason="查", now=NOW)
    with pytest.raises(loyalty.MemberFrozen):
        hold(rich, 10)
    with pytest.raises(loyalty.MemberFrozen):
        loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW)
    assert position(rich)[:2] == (290, 10)


@pytest.mark.feature("C028", "C029")
def test_who_may_hold_and_confirm(rich: Member, town: Town) -> None:
    place = {"merchant_id": town.shop, "mall_id": town.mall_id}
    mine = staff("points.redeem", level="merchant", ids=[town.shop])
    neighbour = staff("points.redeem", level="merchant", ids=[town.cafe])
    for actor in (staff("points.view"), neighbour):
        with pytest.raises(NotAllowed):
            loyalty.hold_points(actor=actor, member_id=rich.member_id, points=10, now=NOW, **place)
    held = loyalty.hold_points(actor=mine, member_id=rich.member_id, points=10, now=NOW, **place)
    with pytest.raises(NotAllowed):
        loyalty.confirm_hold(actor=neighbour, hold_id=held.hold_id, now=NOW)
    assert loyalty.confirm_hold(actor=mine, hold_id=held.hold_id, now=NOW).used_points == 10


def test_tampering_with_a_hold_is_named(rich: Member) -> None:
    held = hold(rich, 100)
    for change in ({"points": 90}, {"status": "released"}, {"used_points": 1}):
        before = Hold.objects.filter(id=held.hold_id).values(*change).get()
        Hold.objects.filter(id=held.hold_id).update(**change)
        found = {(one.table, one.id) for one in queries.verify_ledger().findings}
        assert ("loyalty_hold", str(held.hold_id)) in found
        Hold.objects.filter(id=held.hold_id).update(**before)
    assert queries.verify_ledger().is_clean


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("B15", "C063")
def test_32_tills_hold_confirm_and_release_at_once() -> None:
    town = build_town()
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=1_000, reason="期初", now=NOW)
    outcomes: Counter[str] = Counter()
    barrier = threading.Barrier(32)

    def till(number: int) -> None:
        barrier.wait()
        try:
            held = hold(member, 50)
            act = loyalty.confirm_hold if number % 2 else loyalty.release_hold
            outcomes[act(actor=SYSTEM, hold_id=held.hold_id, now=NOW).status] += 1
        except loyalty.InsufficientPoints:
            outcomes["refused"] += 1
        connection.close()

    threads = [threading.Thread(target=till, args=[number]) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcomes.values()) == 32
    assert outcomes["confirmed"] <= 16
    assert position(member)[:2] == (1_000 - 50 * outcomes["confirmed"], 0)
    assert queries.verify_ledger().is_clean

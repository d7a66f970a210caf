"""Points are spent earliest expiry first, given back to the same lots, and never overdrawn."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Lot, Redemption, Transfer

Member = loyalty.EnrolledMember


def lots(member: Member) -> dict[dt.date | None, int]:
    return {lot.expires_on: lot.remaining for lot in queries.member_file(SYSTEM, member.member_id, NOW).lots}


@pytest.fixture
def rich(town: Town, zhang: Member) -> Member:
    """100 points that lapse in August, 200 that lapse in December."""
    for points, day in ((200, dt.date(2026, 12, 31)), (100, dt.date(2026, 8, 31))):
        loyalty.adjust_points(
            actor=SYSTEM, member_id=zhang.member_id, points=points, reason="期初", expires_on=day, now=NOW
        )
    return zhang


@pytest.mark.feature("B01")
def test_earliest_expiry_first_and_back_to_the_same_lots(rich: Member) -> None:
    spent = loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=150, now=NOW)
    assert (spent.value_fen, spent.balance) == (150, 150)
    assert lots(rich) == {dt.date(2026, 12, 31): 150}

    part = loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=60, now=NOW)
    assert part.balance == 210
    assert lots(rich) == {dt.date(2026, 8, 31): 10, dt.date(2026, 12, 31): 200}
    loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, now=NOW)
    assert lots(rich) == {dt.date(2026, 8, 31): 100, dt.date(2026, 12, 31): 200}
    with pytest.raises(loyalty.ReversalTooMuch):
        loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=1, now=NOW)
    assert queries.verify_ledger().is_clean


@pytest.mark.parametrize(
    ("points", "problem"),
    [(301, loyalty.InsufficientPoints), (0, loyalty.PointsOutOfRange), (-5, loyalty.PointsOutOfRange)],
)
def test_a_redemption_that_cannot_be(rich: Member, points: int, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=points, now=NOW)
    assert (Redemption.objects.count(), sum(lots(rich).values())) == (0, 300)


def test_the_step_is_kept(rich: Member, town: Town) -> None:
    loyalty.update_program(actor=SYSTEM, program_id=town.program_id, changes={"redeem_step": 50}, now=NOW)
    with pytest.raises(loyalty.PointsOutOfRange):
        loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=60, now=NOW)


@pytest.mark.feature("B04")
def test_the_same_key_spends_once(rich: Member) -> None:
    once = loyalty.Once("api:1", "k", b"d")
    first = loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=300, now=NOW, once=once)
    again = loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=300, now=NOW, once=once)
    assert again.replayed
    assert again.redemption_id == first.redemption_id
    assert again.balance == 0
    assert Redemption.objects.count() == 1


def test_overdue_points_cannot_be_spent_even_before_the_sweep(rich: Member) -> None:
    later = dt.datetime(2026, 9, 1, 1, tzinfo=dt.UTC)
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=201, now=later)
    loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=200, now=later)
    assert queries.member_file(SYSTEM, rich.member_id, later).balance == 0
    assert Transfer.objects.filter(reason="expire").values_list("points", flat=True).get() == 100
    assert queries.verify_ledger().is_clean


def test_the_sweep_lets_points_lapse_and_can_be_run_twice(rich: Member, town: Town) -> None:
    later = dt.datetime(2026, 9, 1, 1, tzinfo=dt.UTC)
    assert loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=later) == 100
    assert loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=later) == 0
    assert lots(rich) == {dt.date(2026, 12, 31): 200}
    assert queries.verify_ledger().is_clean


def test_a_correction_needs_a_reason_and_the_points(rich: Member) -> None:
    with pytest.raises(loyalty.ReasonMissing):
        loyalty.adjust_points(actor=SYSTEM, member_id=rich.member_id, points=1, reason=" ", now=NOW)
    with pytest.raises(loyalty.InsufficientPoints):
        loyalty.adjust_points(actor=SYSTEM, member_id=rich.member_id, points=-301, reason="错", now=NOW)
    assert sum(lots(rich).values()) == 300


@pytest.mark.feature("C028", "C029")
def test_who_may_redeem(rich: Member, town: Town) -> None:
    def redeem(actor: Any) -> Any:
        return loyalty.redeem_points(
            actor=actor,
            member_id=rich.member_id,
            points=10,
            merchant_id=town.shop,
            mall_id=town.mall_id,
            now=NOW,
        )

    for actor in (staff("points.view"), staff("points.redeem", level="merchant", ids=[town.cafe])):
        with pytest.raises(NotAllowed):
            redeem(actor)
    assert Redemption.objects.count() == 0
    assert redeem(staff("points.redeem", level="merchant", ids=[town.shop])).balance == 290


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("B15", "C063")
def test_32_tills_at_once_never_overdraw() -> None:
    town = build_town()
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=1_000, reason="期初", now=NOW)
    outcomes: Counter[str] = Counter()
    barrier = threading.Barrier(32)

    def till() -> None:
        barrier.wait()
        for _ in range(3):
            try:
                loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=30, now=NOW)
                outcomes["redeemed"] += 1
            except loyalty.InsufficientPoints:
                outcomes["refused"] += 1
        connection.close()

    threads = [threading.Thread(target=till) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"redeemed": 33, "refused": 63}
    assert Lot.objects.get().remaining == 10
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("N4")
def test_the_statement_tells_every_movement_in_one_sentence(rich: Member) -> None:
    spent = loyalty.redeem_points(actor=SYSTEM, member_id=rich.member_id, points=50, now=NOW)
    loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, now=NOW)
    entries = queries.statement(SYSTEM, rich.member_id).items
    assert [entry.points for entry in entries] == [50, -50, 100, 200]
    assert all(entry.sentence and "%(" not in entry.sentence for entry in entries)
    page = queries.statement(SYSTEM, rich.member_id, limit=3)
    rest = queries.statement(SYSTEM, rich.member_id, page.next_cursor, limit=3)
    assert [e.transfer_id for e in page.items + rest.items] == [e.transfer_id for e in entries]

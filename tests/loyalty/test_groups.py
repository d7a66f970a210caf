"""Receipts and redemptions that come at the same moment go to the database together, and each is answered as if alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection

from tests.loyalty.conftest import NOW, Town, build_town
from zhike.kernel.access import system_viewer
from zhike.kernel.idempotency import KeyReused
from zhike.kernel.ids import uuid7
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Account
from zhike.loyalty.operations import holding, spending, taking
from zhike.sales.models import Receipt

SYSTEM = system_viewer("tests")
Enroll = Callable[..., loyalty.EnrolledMember]


def call_of(receipt: object, *, key: str | None = None, member_id: int | None = None) -> taking._Call:
    once = loyalty.Once("api:1", key, key.encode()) if key else None
    return taking._Call(SYSTEM, receipt, NOW, once, member_id)  # type: ignore[arg-type]


def spend_of(member_id: int, points: int, key: str = "") -> spending._Call:
    once = loyalty.Once("api:1", key, key.encode()) if key else None
    return spending._Call(SYSTEM, member_id, points, None, "", NOW, once, uuid7())


@pytest.fixture
def members(enroll: Enroll, base_rule: int) -> list[loyalty.EnrolledMember]:
    return [enroll(name=f"张{n}", phone=f"1390000000{n}") for n in range(4)]


@pytest.mark.feature("C083", "N9")
def test_a_group_is_answered_one_by_one(town: Town, members: list[loyalty.EnrolledMember]) -> None:
    zhang, li, wang, zhao = members
    known = town.receipt(10000, person_id=zhao.person_id)
    first = loyalty.take_receipt(actor=SYSTEM, receipt=known, now=NOW)
    answers = taking._take_group(
        [
            call_of(town.receipt(3000, person_id=wang.person_id), key="a"),
            call_of(town.receipt(1000), member_id=zhang.member_id),
            call_of(town.receipt(2000, person_id=zhang.person_id)),
            call_of(town.receipt(4000)),
            call_of(town.receipt(5000), member_id=9_999_999),
            call_of(known),
            call_of(town.receipt(6000, person_id=li.person_id), key="b"),
        ]
    )
    points = [answer.points if isinstance(answer, loyalty.ReceiptOutcome) else None for answer in answers]
    assert points == [30, 10, 20, 0, None, 100, 60]
    assert isinstance(answers[4], loyalty.MemberNotFound)
    duplicate = answers[5]
    assert isinstance(duplicate, loyalty.ReceiptOutcome)
    assert (duplicate.status, duplicate.receipt_id) == ("duplicate", first.receipt_id)
    again = taking._take_group(
        [
            call_of(town.receipt(3000, person_id=wang.person_id), key="a"),
            call_of(town.receipt(500), member_id=li.member_id),
        ]
    )
    assert [answer.replayed for answer in again] == [True, False]  # type: ignore[union-attr]
    assert Receipt.objects.count() == 7
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("C083")
def test_a_group_with_a_reused_key_refuses_that_one_only(
    town: Town, members: list[loyalty.EnrolledMember]
) -> None:
    zhang, li, *_ = members
    loyalty.take_receipt(
        actor=SYSTEM,
        receipt=town.receipt(1000, person_id=zhang.person_id),
        now=NOW,
        once=loyalty.Once("api:1", "a", b"another request"),
    )
    refused, taken = taking._take_group(
        [
            call_of(town.receipt(2000, person_id=zhang.person_id), key="a"),
            call_of(town.receipt(3000, person_id=li.person_id), key="b"),
        ]
    )
    assert getattr(refused, "code", "") == "idempotency-key-reused"
    assert isinstance(taken, loyalty.ReceiptOutcome)
    assert taken.points == 30
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("B15")
def test_redemptions_of_a_group(town: Town, members: list[loyalty.EnrolledMember]) -> None:
    zhang, li, wang, _ = members
    for member in (zhang, li):
        loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=100, reason="期初", now=NOW)
    calls = [
        spend_of(li.member_id, 60, "k1"),
        spend_of(zhang.member_id, 70),
        spend_of(zhang.member_id, 70),
        spend_of(wang.member_id, 10),
        spend_of(9_999_999, 10),
    ]
    answers = spending._redeem_group(calls)
    balances = [getattr(answer, "balance", type(answer).__name__) for answer in answers]
    assert balances == [40, 30, "InsufficientPoints", "InsufficientPoints", "MemberNotFound"]
    again, other = spending._redeem_group([spend_of(li.member_id, 60, "k1"), spend_of(zhang.member_id, 30)])
    assert (again.replayed, again.balance) == (True, 40)  # type: ignore[union-attr]
    assert other.balance == 0  # type: ignore[union-attr]
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("B15", "C099")
def test_holds_of_a_group_end_one_by_one(members: list[loyalty.EnrolledMember]) -> None:
    """Two of one account, one that is spent already, one in part, one with a key that comes again, one nobody knows."""
    zhang, li, wang, _ = members
    for member in (zhang, li, wang):
        loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=100, reason="期初", now=NOW)

    def hold(member: loyalty.EnrolledMember, points: int) -> UUID:
        return loyalty.hold_points(actor=SYSTEM, member_id=member.member_id, points=points, now=NOW).hold_id

    def end(hold_id: UUID, points: int | None = None, key: str = "") -> holding._End:
        once = loyalty.Once("api:1", key, f"{points}".encode()) if key else None
        return holding._End(SYSTEM, hold_id, NOW, once, points=points)

    first, second, part, spent = hold(zhang, 30), hold(zhang, 20), hold(li, 50), hold(wang, 10)
    loyalty.confirm_hold(actor=SYSTEM, hold_id=spent, now=NOW)
    answers = holding._confirm.group(
        [end(first), end(second), end(part, 20, "k"), end(spent), end(uuid7()), end(part, 20, "k")]
    )
    told = [getattr(answer, "used_points", type(answer).__name__) for answer in answers]
    assert told == [30, 20, 20, 10, "HoldNotFound", 20]
    assert [getattr(answer, "replayed", None) for answer in answers] == [
        False,
        False,
        False,
        True,
        None,
        True,
    ]
    [reused, alone] = holding._confirm.group([end(part, 30, "k") for _ in range(2)])
    assert isinstance(reused, KeyReused) and type(alone) is type(reused)
    balances = Account.objects.filter(member__in=[zhang.member_id, li.member_id, wang.member_id])
    assert list(balances.order_by("id").values_list("balance", flat=True)) == [50, 80, 90]
    assert queries.verify_ledger().is_clean


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("B15", "N9")
def test_32_tills_at_once_on_8_members() -> None:
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM,
        program_id=town.program_id,
        code="base",
        name="消费积分",
        definition={"base": {"points": 1, "per_fen": 100}},
        effective_from=NOW.replace(year=2020),
        backdated=True,
        now=NOW,
    )
    members = [
        loyalty.enroll_member(
            actor=SYSTEM,
            name=f"张{n}",
            phone=f"1390000000{n}",
            mall_id=town.mall_id,
            source="counter",
            now=NOW,
        )
        for n in range(8)
    ]
    failed: list[Exception] = []
    barrier = threading.Barrier(32)

    def till(nth: int) -> None:
        barrier.wait()
        try:
            for turn in range(6):
                member = members[(nth + turn) % 8]
                receipt = town.receipt(1000, person_id=member.person_id, number=f"T{nth:02d}{turn}")
                assert loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW).points == 10
                loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=5, now=NOW)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=till, args=(nth,)) for nth in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    balances = list(
        Account.objects.order_by("id").filter(member_id__isnull=False).values_list("balance", flat=True)
    )
    assert balances == [32 * 6 // 8 * 5] * 8
    assert queries.verify_ledger().is_clean

"""The QR of a receipt: its points go to whoever scans it first, once, in time; every other case is said plainly."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from uuid import UUID, uuid4

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from tests.rewards.conftest import new_member
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import NotAllowed, Problem
from zhike.kernel.models import AuditEntry
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.sales.models import Receipt

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C106")]
Person = loyalty.EnrolledMember
DAY = dt.timedelta(days=1)


@pytest.fixture
def li(town: Town) -> Person:
    return new_member(town, "13800138001", "李四", 0)


def sell(town: Town, fen: int = 10_000, person_id: int | None = None) -> UUID:
    receipt = town.receipt(fen, person_id=person_id)
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW).receipt_id


def scan(member: Person, code: str, now: dt.datetime = NOW) -> loyalty.ReceiptOutcome:
    actor = viewer_of_person(member.person_id)
    return loyalty.scan_receipt(actor=actor, member_id=member.member_id, code=code, now=now)


def seen(member: Person, code: str, now: dt.datetime = NOW) -> str:
    viewer = viewer_of_person(member.person_id)
    return queries.scanned_receipt(viewer, member.member_id, code, now).state


def test_a_code_is_the_receipts_and_nobody_can_make_one() -> None:
    receipt_id = uuid4()
    code = queries.receipt_code(receipt_id)
    assert (len(code), queries.receipt_of_code(code)) == (35, receipt_id)
    assert code.replace("-", "").replace("_", "").isalnum()
    forged = ("B" if code[0] != "B" else "C") + code[1:]
    for wrong in (forged, code[:-1], code + "A", "", "二维码", "\x00" * 35, "!" * 35):
        assert queries.receipt_of_code(wrong) is None


def test_scanned_once_by_whoever_comes_first(town: Town, base_rule: int, zhang: Person, li: Person) -> None:
    code = queries.receipt_code(sell(town))
    assert (seen(zhang, code), seen(li, code)) == ("free", "free")
    outcome = scan(zhang, code)
    assert (outcome.points, outcome.balance) == (100, 100)
    assert AuditEntry.objects.latest("id").action == "receipt.scan"
    assert (seen(zhang, code), seen(li, code)) == ("own", "taken")
    with pytest.raises(loyalty.AlreadyYours):
        scan(zhang, code)
    with pytest.raises(loyalty.AlreadyClaimed):
        scan(li, code)
    own = queries.receipt_code(sell(town, person_id=li.person_id))
    with pytest.raises(loyalty.AlreadyClaimed):
        scan(zhang, own)
    assert queries.scanned_receipt(viewer_of_person(zhang.person_id), zhang.member_id, own, NOW).net_fen == 0
    assert queries.verify_ledger().is_clean


def test_late_forged_and_returned(town: Town, base_rule: int, zhang: Person) -> None:
    receipt_id = sell(town)
    code = queries.receipt_code(receipt_id)
    days = queries.member_file(SYSTEM, zhang.member_id, NOW).programme.claim_window_days
    late = NOW + DAY * (days + 1)
    assert (seen(zhang, code, late), seen(zhang, code, late - DAY)) == ("late", "free")
    with pytest.raises(loyalty.ClaimWindowClosed):
        scan(zhang, code, late)
    # not the last letter, some of whose bits say nothing
    forged = code[:9] + ("B" if code[9] != "B" else "C") + code[10:]
    assert seen(zhang, "x" * 35) == seen(zhang, forged) == "unknown"
    for wrong in ("x" * 35, forged, queries.receipt_code(uuid4())):
        with pytest.raises(loyalty.ReceiptCodeUnknown):
            scan(zhang, wrong)
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[loyalty.ReturnLine(1)], till="02", number="B1",
        business_date=NOW.date(), occurred_at=NOW, now=NOW,
    )  # fmt: skip
    assert seen(zhang, code) == "returned"
    with pytest.raises(loyalty.ReceiptCameBack):
        scan(zhang, code)
    back = Receipt.objects.get(kind="return")
    assert seen(zhang, queries.receipt_code(back.pk)) == "unknown"
    with pytest.raises(loyalty.ReceiptCodeUnknown):
        scan(zhang, queries.receipt_code(back.pk))
    assert queries.member_file(SYSTEM, zhang.member_id, NOW).balance == 0


def test_nobody_scans_for_another_and_staff_only_where_it_was_sold(
    town: Town, base_rule: int, zhang: Person, li: Person
) -> None:
    code = queries.receipt_code(sell(town))
    asked = {"member_id": zhang.member_id, "code": code, "now": NOW}
    with pytest.raises(NotAllowed):
        loyalty.scan_receipt(actor=viewer_of_person(li.person_id), **asked)
    elsewhere = staff("receipts.claim", level="mall", ids=[town.other_mall_id])
    with pytest.raises(NotAllowed):
        loyalty.scan_receipt(actor=elsewhere, **asked)
    assert not Receipt.objects.exclude(person=None).exists()
    desk = staff("receipts.claim", level="mall", ids=[town.mall_id])
    assert loyalty.scan_receipt(actor=desk, **asked).points == 100


@pytest.mark.django_db(transaction=True)
def test_many_phones_at_once_and_one_of_them_has_the_points(town: Town, base_rule: int) -> None:
    crowd = [new_member(town, f"1360000{n:04d}", f"会员{n}", 0) for n in range(8)]
    code = queries.receipt_code(sell(town))

    def try_it(member: Person) -> str:
        try:
            return str(scan(member, code).points)
        except Problem as problem:
            return problem.code

    got = Counter(run_threads([partial(try_it, crowd[n % 8]) for n in range(32)]))
    assert got["100"] == 1
    assert set(got) <= {"100", "receipt-already-claimed", "receipt-already-yours"}
    balances = [queries.member_file(SYSTEM, one.member_id, NOW).balance for one in crowd]
    assert sorted(balances) == [0] * 7 + [100]
    assert queries.verify_ledger().is_clean

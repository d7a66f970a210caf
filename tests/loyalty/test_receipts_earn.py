"""A receipt becomes points at once, exactly once, and says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.idempotency import KeyReused
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Award, Transfer
from zhike.sales import operations as sales
from zhike.sales.models import Receipt

Member = loyalty.EnrolledMember


def take(receipt: sales.NewReceipt, actor: Viewer = SYSTEM, **kwargs: Any) -> loyalty.ReceiptOutcome:
    return loyalty.take_receipt(actor=actor, receipt=receipt, now=NOW, **kwargs)


@pytest.mark.feature("C083", "C063")
def test_a_receipt_gives_points_at_once(town: Town, base_rule: int, zhang: Member) -> None:
    outcome = take(town.receipt(12_850, person_id=zhang.person_id))

    assert (outcome.status, outcome.points, outcome.balance) == ("accepted", 128, 128)
    file = queries.member_file(SYSTEM, zhang.member_id, NOW)
    assert (file.balance, file.qualifying_fen) == (128, 12_850)
    assert [(lot.expires_on, lot.remaining) for lot in file.lots] == [(dt.date(2028, 6, 30), 128)]
    assert queries.verify_ledger().is_clean


def test_settings_that_were_rolled_back_are_not_remembered(town: Town, base_rule: int, zhang: Member) -> None:
    """What a process knows of a programme is told from what comes later, also when a change before it came to nothing."""

    def points_when_rounding(how: str) -> int:
        change = {"rounding": how}
        loyalty.update_program(actor=SYSTEM, program_id=town.program_id, changes=change, now=NOW)
        return take(town.receipt(150, person_id=zhang.person_id)).points

    with transaction.atomic():
        assert points_when_rounding("up") == 2
        transaction.set_rollback(True)
    assert points_when_rounding("down") == 1


@pytest.mark.feature("C005", "B04")
def test_the_same_receipt_again_changes_nothing_and_says_so(
    town: Town, base_rule: int, zhang: Member
) -> None:
    first = take(town.receipt(10_000, person_id=zhang.person_id, number="A1"))
    again = take(town.receipt(10_000, person_id=zhang.person_id, number="A1"))

    assert (again.status, again.receipt_id, again.points) == ("duplicate", first.receipt_id, 100)
    assert (Receipt.objects.count(), Transfer.objects.count()) == (1, 1)


def test_another_receipt_under_the_same_number_is_refused(town: Town, base_rule: int, zhang: Member) -> None:
    take(town.receipt(10_000, person_id=zhang.person_id, number="A1"))
    with pytest.raises(sales.ReceiptConflict):
        take(town.receipt(20_000, person_id=zhang.person_id, number="A1"))
    assert Receipt.objects.count() == 1


@pytest.mark.feature("B04")
def test_the_same_key_replays_and_a_changed_request_is_refused(
    town: Town, base_rule: int, zhang: Member
) -> None:
    once = loyalty.Once("api:1", "key-1", b"digest")
    receipt = town.receipt(10_000, person_id=zhang.person_id)
    first = take(receipt, once=once)
    again = take(town.receipt(10_000, person_id=zhang.person_id), once=once)

    assert again.replayed
    assert again.receipt_id == first.receipt_id
    assert again.points == 100
    with pytest.raises(KeyReused):
        take(town.receipt(9, person_id=zhang.person_id), once=loyalty.Once("api:1", "key-1", b"other"))
    assert Receipt.objects.count() == 1


@pytest.mark.feature("N4", "B22")
def test_every_point_explains_itself(town: Town, publish: Callable[..., int], zhang: Member) -> None:
    publish(
        tiers={"bp": {str(town.tiers["basic"]): 15_000}},
        calendar=[{"name": "会员日", "bp": 20_000, "weekdays": [3]}],
        caps={"member_day": 350},
    )
    outcome = take(town.receipt([10_000, 2_000], person_id=zhang.person_id))

    assert outcome.points == 350  # 120.00 × 1.5 × 2 = 360, limited
    explained = queries.explain_award(outcome.receipt_id)
    assert "350" in explained.sentence
    assert "×1.5" in explained.sentence
    assert "会员日" in explained.sentence
    lines = outcome.explanation["rules"][0]["lines"]
    assert sum(points for *_, points in lines) == 350
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("B22")
@pytest.mark.parametrize(
    ("rule", "receipt", "refusal"),
    [
        ({"minimum_fen": 20_000}, {}, "below_minimum"),
        ({"excluded_tenders": ["voucher"]}, {"tenders": [("voucher", 10_000)]}, "tenders_excluded"),
        ({}, {"tenders": [("points", 10_000)]}, "tenders_excluded"),
        ({"caps": {"receipt": 0}}, {}, "cap_reached"),
        ({}, {"fen": 50}, "rounds_to_zero"),
        ({"malls": [999_999]}, {}, "no_rule"),
    ],
)
def test_no_points_say_why(
    town: Town,
    publish: Callable[..., int],
    zhang: Member,
    rule: dict[str, Any],
    receipt: dict[str, Any],
    refusal: str,
) -> None:
    publish(**rule)
    outcome = take(town.receipt(**{"fen": 10_000, "person_id": zhang.person_id, **receipt}))

    assert outcome.points == 0
    assert queries.explain_award(outcome.receipt_id).refusal == refusal
    assert Transfer.objects.count() == 0
    assert queries.verify_ledger().is_clean


def test_a_merchant_or_category_can_be_left_out(
    town: Town, publish: Callable[..., int], zhang: Member
) -> None:
    publish(merchants={"except": [town.shop], "bp": {str(town.cafe): 30_000}})
    assert take(town.receipt(10_000, person_id=zhang.person_id)).explanation["refusal"] == "merchant_excluded"
    assert take(town.receipt(10_000, person_id=zhang.person_id, merchant_id=town.cafe)).points == 300


def test_a_receipt_of_nobody_waits_to_be_claimed(town: Town, base_rule: int, zhang: Member) -> None:
    outcome = take(town.receipt(10_000, number="C1"))
    assert queries.explain_award(outcome.receipt_id).refusal == "no_member"

    claim = {"merchant_id": town.shop, "number": "C1", "business_date": NOW.date(), "now": NOW}
    with pytest.raises(loyalty.AmountDiffers):
        loyalty.claim_receipt(actor=SYSTEM, member_id=zhang.member_id, net_fen=9_999, **claim)
    claimed = loyalty.claim_receipt(actor=SYSTEM, member_id=zhang.member_id, net_fen=10_000, **claim)
    assert claimed.points == 100
    with pytest.raises(loyalty.AlreadyClaimed):
        loyalty.claim_receipt(actor=SYSTEM, member_id=zhang.member_id, net_fen=10_000, **claim)
    assert queries.verify_ledger().is_clean


def test_an_old_receipt_can_no_longer_be_claimed(town: Town, base_rule: int, zhang: Member) -> None:
    at = NOW - dt.timedelta(days=31)
    take(town.receipt(10_000, number="C1", at=at))
    with pytest.raises(loyalty.ClaimWindowClosed):
        loyalty.claim_receipt(
            actor=SYSTEM,
            member_id=zhang.member_id,
            merchant_id=town.shop,
            number="C1",
            business_date=at.date(),
            net_fen=10_000,
            now=NOW,
        )
    assert Award.objects.count() == 0


@pytest.mark.feature("C066", "C071")
def test_spend_lifts_the_tier_at_once_and_the_next_receipt_earns_by_it(
    town: Town, publish: Callable[..., int], zhang: Member
) -> None:
    publish(tiers={"bp": {str(town.tiers["silver"]): 20_000}})
    lifted = take(town.receipt(100_000, person_id=zhang.person_id))
    assert lifted.upgraded
    assert lifted.tier_id == town.tiers["silver"]
    assert lifted.points == 1_000
    assert take(town.receipt(10_000, person_id=zhang.person_id)).points == 200


@pytest.mark.parametrize(
    "change",
    [
        {"number": ""},
        {"business_date": dt.date(2030, 1, 1)},
        {"occurred_at": NOW + dt.timedelta(days=1)},
        {"lines": ()},
        {"tenders": [("cash", 1)]},
        {"tenders": [("gold bars", 10_000)]},
        {"kind": "return"},
    ],
)
def test_a_malformed_receipt_is_refused_and_changes_nothing(
    town: Town, base_rule: int, zhang: Member, change: dict[str, Any]
) -> None:
    with pytest.raises(sales.InvalidReceipt):
        take(town.receipt(10_000, person_id=zhang.person_id, **change))
    assert Receipt.objects.count() == 0


@pytest.mark.feature("C028", "C029")
def test_who_may_record(town: Town, base_rule: int, zhang: Member) -> None:
    stranger = staff("receipts.view")
    colleague = staff("receipts.record", level="merchant", ids=[town.cafe])
    owner = staff("receipts.record", level="merchant", ids=[town.shop])
    for actor in (stranger, colleague):
        with pytest.raises(NotAllowed):
            take(town.receipt(10_000, person_id=zhang.person_id), actor)
    assert Receipt.objects.count() == 0
    assert take(town.receipt(10_000, person_id=zhang.person_id), owner).points == 100


def test_a_frozen_member_earns_nothing(town: Town, base_rule: int, zhang: Member) -> None:
    loyalty.set_member_status(
        actor=SYSTEM, member_id=zhang.member_id, status="frozen", reason="盗刷", now=NOW
    )
    outcome = take(town.receipt(10_000, person_id=zhang.person_id))
    assert queries.explain_award(outcome.receipt_id).refusal == "member_frozen"


def test_a_new_rule_version_leaves_earlier_receipts_alone(
    town: Town, publish: Callable[..., int], zhang: Member
) -> None:
    publish()
    publish(base={"points": 2, "per_fen": 100}, since=dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
    before = take(town.receipt(10_000, person_id=zhang.person_id, at=dt.datetime(2026, 5, 31, tzinfo=dt.UTC)))
    assert before.points == 100
    assert take(town.receipt(10_000, person_id=zhang.person_id)).points == 200

"""Many receipts at once end exactly where the same receipts one by one do."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Account, Award, Lot, Transfer
from zhike.sales import operations as sales
from zhike.sales.models import Receipt, ReceiptLine

Member = loyalty.EnrolledMember
RULE: dict[str, Any] = {
    "caps": {"member_day": 900, "receipt": 800},
    "minimum_fen": 1_000,
    "excluded_tenders": ["voucher"],
}


def random_day(town: Town, people: list[int | None], seed: int, prefix: str) -> list[sales.NewReceipt]:
    """Sales and returns of some weeks, in random order of arrival."""
    rng = random.Random(seed)
    receipts: list[sales.NewReceipt] = []
    for number in range(120):
        at = NOW - dt.timedelta(minutes=rng.randrange(60 * 24 * 30))
        amounts = [rng.randrange(100, 60_000) for _ in range(rng.randrange(1, 4))]
        voucher = rng.choice([0, 0, sum(amounts) // 3])
        paid = [("cash", sum(amounts) - voucher)] + ([("voucher", voucher)] if voucher else [])
        person = rng.choice(people)
        receipt = town.receipt(amounts, person_id=person, at=at, tenders=paid, number=f"{prefix}{number}")
        receipts.append(receipt)
        if rng.random() < 0.3:
            line = rng.choice(receipt.lines)
            fen = line.net_fen
            back = town.receipt(
                [fen],
                person_id=person,
                at=min(NOW, at + dt.timedelta(hours=rng.randrange(1, 48))),
                number=f"{prefix}{number}-back",
                kind="return",
                original_id=receipt.id,
                lines=(
                    sales.NewLine(
                        1, line.sku, line.name, Decimal(1), fen, fen, original_line_no=line.line_no
                    ),
                ),
            )
            receipts.append(back)
    return receipts


def position(member: Member) -> dict[str, Any]:
    """What a member holds, without ids."""
    account = Account.objects.get(member_id=member.member_id)
    lots = (
        Lot.objects.filter(account=account)
        .order_by("expires_on")
        .values_list("expires_on", "remaining", "earned")
    )
    return {
        "balance": account.balance,
        "debt": account.debt,
        "qualifying": account.qualifying_fen,
        "lots": [row for row in lots if row[2]],
        "tier": queries.member_file(SYSTEM, member.member_id, NOW).tier.code,
    }


@pytest.mark.feature("N9", "C005")
def test_a_batch_ends_where_one_by_one_does(
    town: Town, publish: Callable[..., int], enroll: Callable[..., Member]
) -> None:
    publish(tiers={"bp": {str(town.tiers["silver"]): 15_000, str(town.tiers["gold"]): 20_000}}, **RULE)
    alone, together = enroll("13800000001", "赵一"), enroll("13800000002", "钱二")

    for receipt in sorted(random_day(town, [alone.person_id], 7, "a"), key=lambda r: r.occurred_at):
        if receipt.kind == "sale":
            loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
        else:
            loyalty.return_lines(
                actor=SYSTEM,
                receipt_id=receipt.original_id,
                lines=[loyalty.ReturnLine(receipt.lines[0].original_line_no or 0)],
                till=receipt.till,
                number=receipt.number,
                business_date=receipt.business_date,
                occurred_at=receipt.occurred_at,
                now=NOW,
            )
    outcomes = loyalty.take_receipts(
        actor=SYSTEM, receipts=random_day(town, [together.person_id], 7, "b"), now=NOW
    )

    assert {outcome.status for outcome in outcomes} == {"accepted"}
    assert position(together) == position(alone)
    assert queries.verify_ledger().findings == []


@pytest.mark.feature("B04")
def test_the_same_batch_again_adds_nothing(town: Town, base_rule: int, enroll: Callable[..., Member]) -> None:
    people = [enroll(f"1380000000{n}", "张三").person_id for n in range(4)]
    receipts = random_day(town, [*people, None], 3, "x")
    loyalty.take_receipts(actor=SYSTEM, receipts=receipts, now=NOW)
    before = (
        Receipt.objects.count(),
        ReceiptLine.objects.count(),
        Transfer.objects.count(),
        Award.objects.count(),
    )

    again = loyalty.take_receipts(actor=SYSTEM, receipts=random_day(town, [*people, None], 3, "x"), now=NOW)

    assert {outcome.status for outcome in again} <= {"duplicate", "refused"}
    after = (
        Receipt.objects.count(),
        ReceiptLine.objects.count(),
        Transfer.objects.count(),
        Award.objects.count(),
    )
    assert after == before
    assert queries.verify_ledger().findings == []


def test_returns_beyond_the_sale_are_refused_one_by_one(town: Town, base_rule: int, zhang: Member) -> None:
    sale = town.receipt(10_000, person_id=zhang.person_id)
    line = sales.NewLine(1, "SKU1", "商品1", Decimal(1), 10_000, 10_000, original_line_no=1)
    backs = [
        town.receipt(10_000, person_id=zhang.person_id, kind="return", original_id=sale.id, lines=(line,))
        for _ in range(2)
    ]
    outcomes = loyalty.take_receipts(actor=SYSTEM, receipts=[sale, *backs], now=NOW)
    assert sorted(outcome.status for outcome in outcomes) == ["accepted", "accepted", "refused"]
    assert queries.verify_ledger().findings == []


def test_a_return_without_its_sale_takes_back_what_the_goods_would_earn(
    town: Town, base_rule: int, zhang: Member
) -> None:
    back = town.receipt(3_000, person_id=zhang.person_id, kind="return")
    outcomes = loyalty.take_receipts(
        actor=SYSTEM,
        receipts=[town.receipt(10_000, person_id=zhang.person_id, at=NOW - dt.timedelta(1)), back],
        now=NOW,
    )
    assert [outcome.points for outcome in outcomes] == [100, -30]
    assert queries.verify_ledger().findings == []


def test_an_import_can_be_taken_out_again(town: Town, base_rule: int, zhang: Member) -> None:
    from zhike.kernel.ids import uuid7

    import_id = uuid7()
    receipts = [town.receipt(10_000, person_id=zhang.person_id, import_id=import_id) for _ in range(3)]
    loyalty.take_receipts(actor=SYSTEM, receipts=receipts, now=NOW)
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=250, now=NOW)

    assert loyalty.undo_import(actor=SYSTEM, import_id=import_id, now=NOW) == 3

    file = queries.member_file(SYSTEM, zhang.member_id, NOW)
    assert (file.balance, file.debt, Receipt.objects.count()) == (0, 250, 0)
    assert queries.verify_ledger().findings == []

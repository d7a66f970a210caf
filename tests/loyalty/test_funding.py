"""Who pays for points: divided when they are earned, carried by their lots, given back to the same parties."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.loyalty.conftest import NOW, SYSTEM, Town
from zhike.kernel.ids import uuid7
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Award, Lot, ReplayRun
from zhike.loyalty.rules.definition import DefinitionError, parse_definition
from zhike.loyalty.rules.funding import portions

Enroll = Callable[..., loyalty.EnrolledMember]
SPLIT = {"mall": 3_333, "merchant": 3_333, "bank:icbc": 3_334}


def paid_by(account_member: int) -> dict[str, int]:
    """Points that are left, by payer."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT f.code, sum(l.remaining) FROM loyalty_lot l JOIN loyalty_funding f ON f.id = l.funding_id
            JOIN loyalty_account a ON a.id = l.account_id WHERE a.member_id = %s GROUP BY 1 HAVING sum(l.remaining) > 0""",
            [account_member],
        )
        return {code: int(points) for code, points in cursor.fetchall()}


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=5))
@pytest.mark.feature("N6")
def test_portions_grow_one_point_at_a_time_and_end_complete(parts: list[int]) -> None:
    steps = sorted({0, *range(0, sum(parts), max(1, sum(parts) // 20)), sum(parts)})
    found = [portions(parts, upto) for upto in steps]
    assert [sum(portion) for portion in found] == steps
    assert found[-1] == parts
    for before, after in pairwise(found):
        assert all(then <= now for then, now in zip(before, after, strict=True))


@pytest.mark.feature("N6")
@pytest.mark.parametrize(
    ("funding", "reason"),
    [
        ({"mall": 9_999}, "not_ten_thousand"),
        ({"tenant": 10_000}, "unknown_payer"),
        ({"brand:x": 10_000}, "unknown_payer"),
        ({"mall": 10_000, "bank:icbc": 0}, "out_of_range"),
        ({f"bank:b{n}": 2_000 for n in range(5)}, "too_many_payers"),
    ],
)
def test_a_funding_that_does_not_add_up_is_refused(funding: dict[str, int], reason: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition({"base": {"points": 1, "per_fen": 100}, "funding": funding})
    assert (refused.value.path, refused.value.reason) == ("$.funding", reason)


@pytest.mark.feature("N6")
def test_points_are_divided_when_they_are_earned(
    town: Town, publish: Callable[..., Any], enroll: Enroll
) -> None:
    publish(funding=SPLIT)
    zhang = enroll()
    receipt = town.receipt(10_000, person_id=zhang.person_id)
    outcome = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    assert outcome.points == 100
    shares = {"mall": 33, f"merchant:{town.shop}": 33, "bank:icbc": 34}
    assert paid_by(zhang.member_id) == shares
    assert queries.payers_of_award(receipt.id) == shares
    assert Lot.objects.count() == 3
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=70, now=NOW)
    assert sum(paid_by(zhang.member_id).values()) == 30
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("N6")
def test_a_rule_that_names_nobody_is_paid_by_the_mall(
    town: Town, base_rule: int, publish: Callable[..., Any], enroll: Enroll
) -> None:
    publish("bonus", funding={"merchant": 10_000})
    zhang = enroll()
    receipt = town.receipt(5_000, person_id=zhang.person_id)
    loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    assert paid_by(zhang.member_id) == {"mall": 50, f"merchant:{town.shop}": 50}
    assert queries.payers_of_award(receipt.id) == {"mall": 50, f"merchant:{town.shop}": 50}


@pytest.mark.feature("N6", "C067")
def test_returns_give_back_to_the_same_parties_in_proportion(
    town: Town, publish: Callable[..., Any], enroll: Enroll
) -> None:
    publish(funding={"mall": 2_500, "merchant": 7_500})
    zhang = enroll()
    receipt = town.receipt([1_000] * 8, person_id=zhang.person_id)
    loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    shop = f"merchant:{town.shop}"
    assert paid_by(zhang.member_id) == {"mall": 20, shop: 60}
    left = []
    for line in range(1, 9):
        loyalty.return_lines(
            actor=SYSTEM,
            receipt_id=receipt.id,
            lines=[loyalty.ReturnLine(line)],
            till="01",
            number=f"B{line}",
            business_date=NOW.date(),
            occurred_at=NOW,
            now=NOW,
        )
        left.append(paid_by(zhang.member_id))
    assert left[3] == {"mall": 10, shop: 30}
    assert all(abs(one.get(shop, 0) - 3 * one.get("mall", 0)) <= 2 for one in left)
    assert left[-1] == {}
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("N6")
def test_points_that_wait_go_back_in_proportion_too(
    town: Town, publish: Callable[..., Any], enroll: Enroll
) -> None:
    publish(funding={"mall": 5_000, "merchant": 5_000})
    loyalty.update_program(
        actor=SYSTEM, program_id=town.program_id, changes={"return_window_days": 7}, now=NOW
    )
    zhang = enroll()
    receipt = town.receipt([4_000, 6_000], person_id=zhang.person_id)
    outcome = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    assert outcome.available_on == NOW.date() + dt.timedelta(days=7)
    loyalty.return_lines(
        actor=SYSTEM,
        receipt_id=receipt.id,
        lines=[loyalty.ReturnLine(2)],
        till="01",
        number="B1",
        business_date=NOW.date(),
        occurred_at=NOW,
        now=NOW,
    )
    loyalty.release_points(actor=SYSTEM, program_id=town.program_id, now=NOW + dt.timedelta(days=8))
    assert paid_by(zhang.member_id) == {"mall": 20, f"merchant:{town.shop}": 20}
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("N6", "N9")
def test_many_at_once_divide_as_one_does_and_the_replay_agrees(
    town: Town, publish: Callable[..., Any], enroll: Enroll
) -> None:
    publish(funding=SPLIT)
    alone, together = enroll(), enroll(name="李雷", phone="13900000001")
    fens = [333, 1_000, 10_099, 7]
    for fen in fens:
        loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(fen, person_id=alone.person_id), now=NOW)
    batch = [town.receipt(fen, person_id=together.person_id) for fen in fens]
    line = replace(batch[2].lines[0], line_no=1, original_line_no=batch[2].lines[0].line_no)
    back = replace(batch[2], id=uuid7(), kind="return", number="B9", original_id=batch[2].id, lines=(line,))
    loyalty.take_receipts(actor=SYSTEM, receipts=batch, now=NOW)
    assert paid_by(alone.member_id) == paid_by(together.member_id)
    loyalty.take_receipts(actor=SYSTEM, receipts=[back], now=NOW)
    assert sum(paid_by(together.member_id).values()) == 3 + 10
    assert queries.verify_ledger().is_clean
    run = loyalty.begin_replay(actor=SYSTEM, program_id=town.program_id, draft={}, days=None, now=NOW)
    loyalty.run_replay(actor=SYSTEM, run_id=run, now=NOW)
    shown = ReplayRun.objects.get(id=run)
    assert shown.state == "done", shown.failure
    assert shown.result is not None
    assert shown.result["differences"] == 0, shown.result
    assert Award.objects.count() == 8

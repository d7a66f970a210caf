"""How a member shops follows from the log, live and rebuilt alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.loyalty.test_batches import random_day
from tests.loyalty.test_returns import bring_back
from zhike.kernel.events import drain
from zhike.kernel.events.rebuild import rebuild
from zhike.kernel.ids import uuid7
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.handlers import member_activity
from zhike.loyalty.models import MemberActivity

Member = loyalty.EnrolledMember


@pytest.mark.feature("C020")
def test_purchases_returns_and_claims_are_counted(town: Town, base_rule: int, zhang: Member) -> None:
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt([10_000, 5_000], person_id=zhang.person_id), now=NOW
    )
    bring_back(sold.receipt_id, loyalty.ReturnLine(2))
    loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(7_000, number="C1", merchant_id=town.cafe), now=NOW
    )
    loyalty.claim_receipt(
        actor=SYSTEM,
        member_id=zhang.member_id,
        merchant_id=town.cafe,
        number="C1",
        business_date=NOW.date(),
        net_fen=7_000,
        now=NOW,
    )
    drain(member_activity)
    seen = queries.activity_of(zhang.member_id)
    assert (seen.visits, seen.purchases, seen.returns, seen.spent_fen) == (1, 2, 1, 17_000)
    assert seen.average_fen == 8_500


def test_a_rebuild_gives_the_same_rows(town: Town, base_rule: int, enroll: Callable[..., Member]) -> None:
    people: list[Any] = [enroll(f"1380000000{n}", "张三").person_id for n in range(4)]
    loyalty.take_receipts(actor=SYSTEM, receipts=random_day(town, [*people, None], 3, "x"), now=NOW)
    import_id = uuid7()
    undone = [town.receipt(10_000, person_id=people[0], import_id=import_id) for _ in range(3)]
    loyalty.take_receipts(actor=SYSTEM, receipts=undone, now=NOW)
    drain(member_activity)
    loyalty.undo_import(actor=SYSTEM, import_id=import_id, now=NOW)
    drain(member_activity)
    live = list(MemberActivity.objects.order_by("member_id").values())

    rebuild(member_activity)
    assert list(MemberActivity.objects.order_by("member_id").values()) == live

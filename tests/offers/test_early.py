"""优先领取: a part of a batch is kept for some tiers, who come first; exactly that part, and the rest as the rule says."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from tests.offers.conftest import make_batch
from tests.rewards.conftest import new_member
from zhike.kernel.errors import Problem
from zhike.loyalty.models import Member
from zhike.offers import operations as offers
from zhike.offers import queries
from zhike.offers.models import CouponBatch

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C077")]
OPENS = NOW + dt.timedelta(hours=2)
HOUR = dt.timedelta(hours=1)


def person(town: Town, number: int, tier: str = "basic") -> int:
    member_id = new_member(town, f"138{number:08d}", f"会员{number}", 0).member_id
    if tier != "basic":
        Member.objects.filter(id=member_id).update(tier_id=town.tiers[tier])
    return member_id


def batch(town: Town, stock: int = 10, quota: int = 3, **changes: Any) -> int:
    given = {
        "stock": stock, "is_public": True, "claim_from": OPENS, "claim_until": OPENS + 24 * HOUR, "early_from": NOW,
        "early_tier_ids": [town.tiers["gold"]], "early_quota": quota, **changes,
    }  # fmt: skip
    return make_batch(town, **given)


def claim(batch_id: int, member_id: int, now: dt.datetime = NOW) -> str:
    try:
        offers.claim_coupon(actor=SYSTEM, batch_id=batch_id, member_id=member_id, now=now)
    except Problem as problem:
        return problem.code
    return "got"


def seen(batch_id: int, member_id: int, now: dt.datetime = NOW) -> tuple[str | None, bool, int]:
    one = next(one for one in queries.claimable(SYSTEM, member_id, now) if one.batch.id == batch_id)
    return one.refusal, one.is_early, one.left


def test_first_the_tier_then_everybody(town: Town) -> None:
    batch_id = batch(town, stock=4, quota=2)
    gold = [person(town, number, "gold") for number in range(3)]
    plain = [person(town, number) for number in range(10, 14)]
    assert claim(batch_id, gold[0], NOW - HOUR) == "coupon-not-yet-open"
    assert claim(batch_id, plain[0]) == "coupon-not-yet-open"
    assert (seen(batch_id, gold[0]), seen(batch_id, plain[0])[:2]) == ((None, True, 2), ("early", False))
    assert [claim(batch_id, one) for one in gold] == ["got", "got", "coupon-early-quota"]
    assert seen(batch_id, gold[2])[0] == "early_quota"
    assert [claim(batch_id, one, OPENS) for one in plain] == [
        "got",
        "got",
        "coupons-sold-out",
        "coupons-sold-out",
    ]
    row = CouponBatch.objects.get()
    assert (row.issued, row.early_taken) == (4, 2)


@pytest.mark.parametrize(("stays", "plain_gets"), [(False, 4), (True, 2)])
def test_what_is_left_of_it(town: Town, stays: bool, plain_gets: int) -> None:
    batch_id = batch(town, stock=4, quota=2, early_stays=stays)
    gold = person(town, 1, "gold")
    plain = [person(town, number) for number in range(10, 15)]
    got = [claim(batch_id, one, OPENS) for one in plain]
    assert got.count("got") == plain_gets
    assert seen(batch_id, gold, OPENS)[0] == (None if stays else "stock")
    assert claim(batch_id, gold, OPENS) == ("got" if stays else "coupons-sold-out")


def test_nobody_else_hands_out_what_is_kept(town: Town) -> None:
    batch_id = batch(town, stock=3, quota=2)
    plain = [person(town, number) for number in range(10, 12)]
    with pytest.raises(offers.SoldOut):
        offers.issue_to_members(actor=SYSTEM, batch_id=batch_id, member_ids=plain, now=NOW)
    offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=plain[0], now=NOW)
    with pytest.raises(offers.SoldOut):
        offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=plain[1], now=NOW)
    assert claim(batch_id, person(town, 1, "gold")) == "got"


def test_all_of_it_or_nothing(town: Town) -> None:
    for wrong, field in (
        ({"early_from": OPENS}, "early_from"),
        ({"early_from": None}, "early_from"),
        ({"early_tier_ids": []}, "early_tiers"),
        ({"tier_ids": [town.tiers["silver"]]}, "early_tiers"),
        ({"early_quota": 0}, "early_quota"),
        ({"early_quota": 11}, "early_quota"),
        ({"is_public": False}, "early_from"),
    ):
        with pytest.raises(offers.BatchUnusable) as refused:
            batch(town, **wrong)
        assert field in refused.value.fields
    batch_id = batch(town)
    with pytest.raises(offers.BatchUnusable):
        offers.change_batch(actor=SYSTEM, batch_id=batch_id, changes={"stock": 2}, reason="少了", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_exact_under_32_threads() -> None:
    town = build_town()
    batch_id = batch(town, stock=9, quota=5)
    gold = [person(town, number, "gold") for number in range(8)]
    plain = [person(town, number) for number in range(20, 28)]
    before = Counter(run_threads([partial(claim, batch_id, one) for one in [*gold, *plain] * 2]))
    assert before["got"] == 5, before
    row = CouponBatch.objects.get()
    assert (row.issued, row.early_taken) == (5, 5)
    after = Counter(run_threads([partial(claim, batch_id, one, OPENS) for one in [*gold, *plain] * 2]))
    assert after["got"] == 4, after
    assert CouponBatch.objects.get().issued == 9

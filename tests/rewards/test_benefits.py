"""Benefits of a tier: exact in their quota, given back when cancelled, and what the next tier would bring."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.rewards.conftest import new_member
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import NotAllowed, Problem
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.rewards.models import BenefitUsage, BenefitUse

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C073")]


def make_benefit(town: Town, code: str = "PARK", **changes: Any) -> int:
    quotas = {str(town.tiers["basic"]): 2, str(town.tiers["silver"]): 6}
    values: dict[str, Any] = {
        "code": code, "name": "免费停车", "kind": "parking", "unit": "小时", "quotas": quotas, "cost_fen": 500,
        "funding": {"mall": 4_000, "merchant": 6_000}, **changes,
    }  # fmt: skip
    return rewards.save_benefit(
        actor=SYSTEM, group_id=town.group_id, benefit=rewards.NewBenefit(**values), now=NOW
    )


def use(
    town: Town, member: loyalty.EnrolledMember, benefit_id: int, **changes: Any
) -> rewards.BenefitOutcome:
    values = {
        "actor": SYSTEM, "member_id": member.member_id, "benefit_id": benefit_id, "mall_id": town.mall_id, "now": NOW,
    }  # fmt: skip
    return rewards.use_benefit(**{**values, **changes})


@pytest.mark.feature("C074")
def test_used_within_the_quota_given_back_and_anew_next_month(
    town: Town, zhang: loyalty.EnrolledMember
) -> None:
    benefit_id = make_benefit(town)
    first = use(town, zhang, benefit_id)
    assert (first.quantity, first.left) == (1, 1)
    with pytest.raises(rewards.QuotaUsedUp) as refused:
        use(town, zhang, benefit_id, quantity=2)
    assert refused.value.params["left"] == 1
    for _ in range(2):
        rewards.cancel_use(actor=SYSTEM, use_id=first.use_id, reason="未使用", now=NOW)
    assert BenefitUsage.objects.get().used == 0
    assert use(town, zhang, benefit_id, quantity=2).left == 0
    assert use(town, zhang, benefit_id, quantity=2, now=NOW + dt.timedelta(days=30)).left == 0
    own = queries.member_benefits(viewer_of_person(zhang.person_id), zhang.member_id, NOW)
    [item] = own.items
    assert (item.quota, item.left, item.refusal, item.next_quota) == (2, 0, "quota", 6)
    assert [(one.id, quota) for one, quota in own.added] == [(benefit_id, 6)]
    figures = queries.benefit_figures(SYSTEM, [benefit_id])[benefit_id]
    assert (figures.uses, figures.quantity, figures.cancelled, figures.cost_fen) == (2, 4, 1, 2_000)
    assert figures.shares == {"mall": 800, "merchant": 1_200}
    told = Event.objects.filter(type__startswith="zhike.rewards.benefit").values_list("type", flat=True)
    assert Counter(told) == {"zhike.rewards.benefit_used": 3, "zhike.rewards.benefit_use_cancelled": 1}


@pytest.mark.feature("C076")
def test_in_the_month_of_the_birthday_only(town: Town) -> None:
    born = loyalty.enroll_member(
        actor=SYSTEM, name="李四", phone="13900139000", mall_id=town.mall_id, source="counter", now=NOW,
        birthday=dt.date(1990, 6, 30),
    )  # fmt: skip
    gift = make_benefit(town, "GIFT", birth_month=True, period="year", quotas={str(town.tiers["basic"]): 1})
    with pytest.raises(rewards.NotTheirMonth):
        use(town, born, gift, now=NOW - dt.timedelta(days=20))
    assert use(town, born, gift).left == 0
    with pytest.raises(rewards.BirthdayUnknown):
        use(town, new_member(town), gift)


def test_why_not(town: Town, zhang: loyalty.EnrolledMember) -> None:
    gold = make_benefit(town, "LOUNGE", quotas={str(town.tiers["gold"]): 2})
    always = make_benefit(town, "FAST", quotas={str(town.tiers["basic"]): 0})
    for benefit_id, problem in ((gold, rewards.NotOfThisTier), (always, rewards.NothingCounted)):
        with pytest.raises(problem):
            use(town, zhang, benefit_id)
    elsewhere = staff("rewards.serve", level="mall", ids=[town.other_mall_id])
    park = make_benefit(town)
    with pytest.raises(NotAllowed):
        use(town, zhang, park, actor=elsewhere)
    done = use(town, zhang, park, actor=staff("rewards.serve", level="mall", ids=[town.mall_id]))
    with pytest.raises(NotAllowed):
        rewards.cancel_use(actor=elsewhere, use_id=done.use_id, reason="x", now=NOW)
    bad: tuple[dict[str, Any], ...] = ({"quotas": {}}, {"funding": {"mall": 1}}, {"kind": "x"})
    for changes in bad:
        with pytest.raises(rewards.BenefitUnusable):
            make_benefit(town, "BAD", **changes)
    rewards.retire_benefit(actor=SYSTEM, benefit_id=park, now=NOW)
    with pytest.raises(rewards.BenefitNotFound):
        use(town, zhang, park)


@pytest.mark.django_db(transaction=True)
def test_many_desks_at_once_give_what_the_quota_allows() -> None:
    town = build_town()
    zhang = new_member(town)
    benefit_id = make_benefit(town, quotas={str(town.tiers["basic"]): 5})

    def grab() -> str:
        try:
            use(town, zhang, benefit_id)
        except Problem as problem:
            return problem.code
        return "done"

    assert Counter(run_threads([grab] * 32)) == {"done": 5, "benefit-quota": 27}
    ids = list(BenefitUse.objects.values_list("id", flat=True)) * 6
    give_back = partial(rewards.cancel_use, actor=SYSTEM, reason="退", now=NOW)
    run_threads([partial(give_back, use_id=use_id) for use_id in ids])
    assert BenefitUsage.objects.get().used == 0

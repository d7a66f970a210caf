"""Some tiers may have a quota of a reward before everybody: never more of it, and it comes back when it is cancelled."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from tests.rewards.conftest import make_reward, new_member, spec
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.rewards.models import Reward

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C077")]
DAY = dt.timedelta(days=1)
PUBLIC = NOW + 3 * DAY


def early(town: Town, **changes: Any) -> dict[str, Any]:
    return {
        "opens_at": PUBLIC, "early_opens_at": NOW, "early_tier_ids": [town.tiers["gold"]], "early_quota": 2,
        "points": 100, **changes,
    }  # fmt: skip


def gold(town: Town, phone: str = "13800138000", name: str = "张三") -> Any:
    member = new_member(town, phone, name)
    until = NOW.date() + 60 * DAY
    loyalty.grant_tier(
        actor=SYSTEM,
        member_id=member.member_id,
        tier_id=town.tiers["gold"],
        until=until,
        reason="试",
        now=NOW,
    )
    return member


def exchange(member: Any, reward_id: int, now: dt.datetime = NOW, quantity: int = 1) -> rewards.Exchanged:
    return rewards.exchange_reward(
        actor=SYSTEM, member_id=member.member_id, reward_id=reward_id, quantity=quantity, now=now
    )


def seen(member: Any, reward_id: int, now: dt.datetime = NOW) -> tuple[str | None, bool, int]:
    item = queries.shop_item(SYSTEM, member.member_id, reward_id, now)
    return item.refusal, item.is_early, item.most


def test_quota_is_for_the_tier_until_everybody_may(town: Town) -> None:
    zhang, li = gold(town), new_member(town, "13900139000", "李四")
    reward_id = make_reward(town, stock=5, **early(town))
    with pytest.raises(rewards.NotYetOnSale):
        exchange(li, reward_id)
    with pytest.raises(rewards.NotYetOnSale):
        exchange(zhang, reward_id, NOW - DAY)
    assert (seen(zhang, reward_id), seen(li, reward_id)[0]) == ((None, True, 2), "early")
    with pytest.raises(rewards.EarlyQuotaGone):
        exchange(zhang, reward_id, quantity=3)
    made = exchange(zhang, reward_id, quantity=2)
    assert seen(zhang, reward_id)[0] == "early_quota"
    with pytest.raises(rewards.EarlyQuotaGone):
        exchange(zhang, reward_id)
    rewards.cancel_order(actor=SYSTEM, order_id=made.order_id, reason="不要了", now=NOW)
    row = Reward.objects.get()
    assert (row.taken, row.early_taken) == (0, 0)
    exchange(zhang, reward_id)
    for member in (zhang, li):
        assert seen(member, reward_id, PUBLIC)[:2] == (None, False)
    exchange(li, reward_id, PUBLIC, quantity=4)
    row.refresh_from_db()
    assert (row.taken, row.early_taken) == (5, 1)


def test_public_order_cancelled_does_not_touch_the_quota(town: Town) -> None:
    zhang = gold(town)
    reward_id = make_reward(town, stock=5, **early(town))
    exchange(zhang, reward_id)
    later = exchange(zhang, reward_id, PUBLIC)
    rewards.cancel_order(actor=SYSTEM, order_id=later.order_id, reason="不要了", now=PUBLIC)
    row = Reward.objects.get()
    assert (row.taken, row.early_taken) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"early_quota": 0}, {"early_quota": 11}, {"early_tier_ids": []}, {"early_opens_at": PUBLIC},
        {"early_opens_at": None},
    ],
)  # fmt: skip
def test_early_access_is_all_or_nothing(town: Town, wrong: dict[str, Any]) -> None:
    with pytest.raises(rewards.RewardUnusable):
        make_reward(town, **early(town, **wrong))


def test_quota_is_never_below_what_is_taken(town: Town) -> None:
    reward_id = make_reward(town, **early(town))
    exchange(gold(town), reward_id, quantity=2)
    for quota, tiers in ((1, [town.tiers["gold"]]), (0, [])):
        less = spec(
            town,
            **early(town, early_quota=quota, early_tier_ids=tiers, early_opens_at=NOW if quota else None),
        )
        with pytest.raises(rewards.RewardUnusable):
            rewards.change_reward(actor=SYSTEM, reward_id=reward_id, reward=less, now=NOW)
    more = spec(town, **early(town, early_quota=3))
    rewards.change_reward(actor=SYSTEM, reward_id=reward_id, reward=more, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_hands_reach_for_the_quota() -> None:
    town = build_town()
    crowd = [gold(town, f"1380013{number:04d}", f"会员{number}") for number in range(8)]
    reward_id = make_reward(town, stock=20, **early(town, early_quota=5))

    def grab(number: int) -> str:
        try:
            return exchange(crowd[number % 8], reward_id).state
        except Problem as problem:
            return problem.code

    done = Counter(run_threads([partial(grab, number) for number in range(32)]))
    assert done == {"ready": 5, "reward-early-quota": 27}
    row = Reward.objects.get()
    assert (row.taken, row.early_taken) == (5, 5)

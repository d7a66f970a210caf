"""A points mall for the tests of the doors: a mug, a service with a cash part, a code and a good deed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.people import Malls
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.rewards import operations as rewards
from zhike.rewards import queries

SYSTEM = system_viewer("tests")


def stock_the_mall(malls: Malls, now: dt.datetime) -> dict[str, int]:
    """Ids by code. All of 星河城's but the good deed, which is the group's."""
    shelf = rewards.save_category(
        actor=SYSTEM,
        group_id=malls.group,
        category=rewards.NewCategory("home", "居家好物", "armchair"),
        now=now,
    )
    plans: dict[str, dict[str, Any]] = {
        "CUP": {
            "name": "星河马克杯",
            "points": 100,
            "stock": 5,
            "needs_preparing": True,
            "market_fen": 5_900,
        },
        "COFFEE": {"name": "手冲一杯", "kind": "service", "points": 50, "cash_fen": 990, "stock": 20},
        "VIDEO": {"name": "视频月卡", "kind": "code", "points": 60},
        "BOOKS": {"name": "山村图书角", "kind": "donation", "points": 10, "goal_points": 1_000},
        "CAR": {"name": "洗车一次", "kind": "service", "points": 9_000, "stock": 3},
    }
    ids = {}
    for code, plan in plans.items():
        stock = plan.pop("stock", None)
        reward = rewards.NewReward(
            **{
                "code": code, "kind": "goods", "category_id": shelf, "opens_at": now - dt.timedelta(days=1),
                "cost_fen": 500, **plan,
            }
        )  # fmt: skip
        ids[code] = rewards.add_reward(
            actor=SYSTEM,
            group_id=malls.group,
            mall_id=None if code == "BOOKS" else malls.star,
            reward=reward,
            stock=stock,
            now=now,
        )
        rewards.set_reward_status(actor=SYSTEM, reward_id=ids[code], status="open", now=now)
    rewards.import_codes(actor=SYSTEM, reward_id=ids["VIDEO"], codes=["IQY-1234-5678"], now=now)
    return ids


def give(member_id: int, points: int, now: dt.datetime) -> None:
    loyalty.adjust_points(actor=SYSTEM, member_id=member_id, points=points, reason="赠送", now=now)


def sell_tier(malls: Malls, program_id: int, now: dt.datetime) -> int:
    """The highest tier for thirty days, for 80 points; the reward's id. The mall is stocked."""
    shelf = next(one.id for one in queries.categories(now) if one.code == "home")
    reward = rewards.NewReward(
        "TIER", "高等级体验", "tier", shelf, 80, now - dt.timedelta(days=1),
        tier_id=loyalty_queries.tiers(program_id)[-1].id, tier_length=30,
    )  # fmt: skip
    reward_id = rewards.add_reward(
        actor=SYSTEM, group_id=malls.group, mall_id=malls.star, reward=reward, now=now
    )
    rewards.set_reward_status(actor=SYSTEM, reward_id=reward_id, status="open", now=now)
    return reward_id

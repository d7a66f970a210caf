"""A town with a points mall, built through the operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from zhike.loyalty import operations as loyalty
from zhike.rewards import operations as rewards


@pytest.fixture
def town(db: None) -> Town:
    return build_town()


def new_member(
    town: Town, phone: str = "13800138000", name: str = "张三", points: int = 5_000
) -> loyalty.EnrolledMember:
    member = loyalty.enroll_member(
        actor=SYSTEM, name=name, phone=phone, mall_id=town.mall_id, source="counter", now=NOW
    )
    if points:
        loyalty.adjust_points(
            actor=SYSTEM, member_id=member.member_id, points=points, reason="活动赠送", now=NOW
        )
    return member


@pytest.fixture
def zhang(town: Town) -> loyalty.EnrolledMember:
    """张三 with 5,000 points."""
    return new_member(town)


def make_category(town: Town, code: str = "home", **changes: Any) -> int:
    values: dict[str, Any] = {"code": code, "name": "居家好物", **changes}
    return rewards.save_category(
        actor=SYSTEM, group_id=town.group_id, category=rewards.NewCategory(**values), now=NOW
    )


def spec(town: Town, code: str = "CUP", **changes: Any) -> rewards.NewReward:
    """A mug for 800 points, unless told otherwise."""
    values: dict[str, Any] = {
        "code": code, "name": "星河马克杯", "kind": "goods", "points": 800, "market_fen": 5_900, "cost_fen": 2_100,
        "opens_at": NOW - dt.timedelta(days=1), **changes,
    }  # fmt: skip
    if "category_id" not in values:
        values["category_id"] = make_category(town)
    return rewards.NewReward(**values)


def make_reward(
    town: Town, code: str = "CUP", *, stock: int | None = 10, mall_id: int | None = -1, **changes: Any
) -> int:
    reward_id = rewards.add_reward(
        actor=SYSTEM,
        group_id=town.group_id,
        mall_id=town.mall_id if mall_id == -1 else mall_id,
        reward=spec(town, code, **changes),
        stock=stock,
        now=NOW,
    )
    rewards.set_reward_status(actor=SYSTEM, reward_id=reward_id, status="open", now=NOW)
    return reward_id

"""Auctions of the made mall: one that ended under seal, one that is fought over, one to come."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.simulator.founding import World

MORNING, EVENING = dt.time(10), dt.time(20)
FIGHT = dt.timedelta(hours=30)
"""Bids are made so long from the morning of the first day on: always over by now."""


def seed_auctions(
    actor: Viewer,
    world: World,
    shelves: dict[str, int],
    plans: list[dict[str, Any]],
    bidders: list[int],
    now: dt.datetime,
    rng: Random,
) -> None:
    """Put them up, and let members with points bid. The shelves are by code."""
    local = ZoneInfo(organization.mall(world.mall_id).time_zone)
    today = now.astimezone(local).date()
    for plan in plans:
        opens, closes = (
            dt.datetime.combine(today + dt.timedelta(days), hour, tzinfo=local)
            for days, hour in zip(plan["days"], (MORNING, EVENING), strict=True)
        )
        auction_id = _put_up(actor, world, shelves[plan["shelf"]], plan, opens, closes)
        crowd = rng.sample(bidders, min(plan["bidders"], len(bidders)))
        for number in range(len(crowd) * 2):
            at = opens + FIGHT * ((number + 1) / (len(crowd) * 2 + 1))
            _bid(actor, auction_id, rng.choice(crowd), plan["step"] * rng.choice((0, 0, 1, 3)), at)
        if closes <= now:
            rewards.close_auctions(actor=actor, now=closes)


def _put_up(
    actor: Viewer,
    world: World,
    shelf: int,
    plan: dict[str, Any],
    opens: dt.datetime,
    closes: dt.datetime,
) -> int:
    before = opens - dt.timedelta(days=2)
    reward = rewards.NewReward(
        code=f"AUCTION-{plan['code']}", name=plan["reward"], kind="goods", category_id=shelf, points=plan["reserve"],
        opens_at=before, market_fen=plan["market"], cost_fen=plan["market"] // 2, summary=plan["summary"],
    )  # fmt: skip
    reward_id = rewards.add_reward(
        actor=actor,
        group_id=world.group_id,
        mall_id=world.mall_id,
        reward=reward,
        stock=plan["units"],
        now=before,
    )
    late = {"extension_minutes": 5, "extension_most": 60} if plan["kind"] == "open" else {}
    auction = rewards.NewAuction(
        code=plan["code"], name=plan["name"], kind=plan["kind"], reward_id=reward_id, units=plan["units"],
        reserve_points=plan["reserve"], step_points=plan["step"], opens_at=opens, closes_at=closes,
        description=plan["text"], **late,
    )  # fmt: skip
    auction_id = rewards.save_auction(actor=actor, auction=auction, now=before)
    rewards.publish_auction(actor=actor, auction_id=auction_id, now=before)
    return auction_id


def _bid(actor: Viewer, auction_id: int, member_id: int, more: int, at: dt.datetime) -> None:
    """The fewest points that do, or a little more; whoever has too few stays away."""
    try:
        points = queries.floor(actor, member_id, auction_id, at).least + more
        rewards.place_bid(actor=actor, member_id=member_id, auction_id=auction_id, points=points, now=at)
    except Problem:
        return

"""Missions of the made mall: what there is to do, and how far its members are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import Any

from django.db import transaction

from zhike.engagement import operations as engagement
from zhike.engagement import queries
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.simulator.founding import World
from zhike.simulator.loading import Loader

BEGAN = dt.timedelta(days=30)
PLAYERS, WRITERS = 60, 24
FOOD = ("dining", "tea_coffee")


def seed_missions(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> None:
    """Once; done before, it does nothing."""
    if queries.has_missions(loader.world.program_id):
        return
    members = sorted(member_id for member_id, _balance in loader.holdings.values())
    with transaction.atomic():
        _seed(actor, loader.world, members, now, Random(f"missions/{seed}"))


def _seed(actor: Viewer, world: World, members: Sequence[int], now: dt.datetime, rng: Random) -> None:
    began = now - BEGAN
    trades = {one.code: one.id for one in organization.trade_categories(world.group_id)}
    food = [trades[code] for code in FOOD if code in trades]
    page = offers.batches_page(actor, now=now, limit=200).items
    coupon = next((one.id for one in page if not one.is_bearer and one.state == "open"), None)
    published: list[int] = []
    for name, description, terms in _missions(food, coupon, now):
        published.append(
            engagement.save_mission(
                actor=actor,
                program_id=world.program_id,
                name=name,
                description=description,
                terms=terms,
                reason="秋季会员活动",
                now=began,
            )
        )
    players = rng.sample(members, min(PLAYERS, len(members)))
    persons = loyalty.person_ids_of(players)
    for place, member_id in enumerate(players[:WRITERS]):
        at = now - dt.timedelta(hours=rng.randint(2, 24 * 25))
        for number in range(1 + place % 3):
            engagement.record_deed(
                actor=actor,
                member_id=member_id,
                kind="review",
                reference=f"dianping:{70_000 + place * 10 + number}",
                merchant_id=rng.choice(world.merchant_ids),
                happened_at=at,
                now=at,
            )
    for member_id in players[::3]:
        engagement.accept_mission(
            actor=actor, member_id=member_id, mission_id=published[-1], now=now - dt.timedelta(days=12)
        )
    for member_id in players:
        engagement.review_missions(actor=actor, person_id=persons[member_id], now=now)


def _missions(food: list[int], coupon: int | None, now: dt.datetime) -> list[tuple[str, str, dict[str, Any]]]:
    ends_on = (now + dt.timedelta(days=30)).date().isoformat()
    return [
        (
            "一周逛两店", "一周内在两家不同的店消费，每次满 30 元。每周一重新开始。",
            {"steps": [{"kind": "purchase", "goal": 2, "minimum_fen": 3_000, "distinct": "merchant"}],
             "reward": {"points": 60}, "repeats": "week", "validity_days": 180, "wait_days": 0},
        ),
        (
            "本月美食家", "每月在餐饮与茶饮累计消费满 300 元。",
            {"steps": [{"kind": "spend", "goal": 30_000, "trade_categories": food}],
             "reward": {"points": 100, "batch_id": coupon}, "repeats": "month", "quota": 500},
        ),
        (
            "说说你的体验", "到店消费一次，再为去过的店写两条评价。",
            {"steps": [{"kind": "purchase", "goal": 1, "minimum_fen": 1_000}, {"kind": "review", "goal": 2}],
             "reward": {"points": 80}, "wait_days": 0, "ends_on": ends_on},
        ),
        (
            "新会员见面礼", "入会 30 天内：签到三天，完成首次满 100 元的消费。",
            {"steps": [{"kind": "check_in", "goal": 3}, {"kind": "purchase", "goal": 1, "minimum_fen": 10_000}],
             "reward": {"points": 120}, "starts": "enrolment", "days": 30},
        ),
        (
            "21 天签到挑战", "领取后 21 天内签到 15 天，再消费满 500 元。",
            {"steps": [{"kind": "check_in", "goal": 15}, {"kind": "spend", "goal": 50_000}],
             "reward": {"points": 200}, "starts": "accept", "days": 21, "ends_on": ends_on},
        ),
    ]  # fmt: skip

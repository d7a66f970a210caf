"""What points are worth in the made mall: a table in force, one planned, one withdrawn; and tills that asked for quotes."""

from __future__ import annotations

import datetime as dt
from random import Random

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.simulator.loading import Loader
from zhike.simulator.rhythm import ZONE

SINCE_DAYS, AHEAD_DAYS = 45, 10
DINING = "dining"
QUOTED, LEAST = 8, 300


def seed_rates(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> None:
    """Once; done before, it does nothing."""
    world = loader.world
    if queries.rate_versions(actor, world.program_id, now):
        return
    categories = {place.code: place.id for place in organization.trade_categories(world.group_id)}
    today = now.astimezone(ZONE).date()
    begun = _at(today - dt.timedelta(days=SINCE_DAYS), 10)
    dining = [categories[DINING]] if DINING in categories else []
    days = [
        {"from": f"{year}-{first}", "to": f"{year}-{last}"}
        for year in (today.year, today.year + 1)
        for first, last in (("01-01", "01-03"), ("05-01", "05-05"), ("10-01", "10-07"))
    ]
    lines = [
        *([{"name": "餐饮日", "points": 100, "fen": 120, "trade_categories": dining}] if dining else []),
        {"name": "周末", "premium_bp": 500, "weekdays": [6, 7]},
        {"name": "节假日", "premium_bp": 2_000, "dates": days},
    ]
    table = {"points": 100, "fen": 100, "lines": lines, "step": 1, "minimum": 1, "maximum": 1_000_000}

    def publish(definition: dict[str, object], begins: dt.datetime, at: dt.datetime, note: str) -> int:
        return loyalty.publish_rates(
            actor=actor, program_id=world.program_id, definition=definition, effective_from=begins, now=at,
            note=note, backdated=True,
        )  # fmt: skip

    with transaction.atomic():
        publish(table, begun, begun, "节假日上浮，餐饮常年更值")
        asked = _at(today - dt.timedelta(days=3), 10)
        cut = publish(table | {"fen": 95}, asked + dt.timedelta(days=60), asked, "测算：基准下调 5%")
        loyalty.withdraw_rates(actor=actor, version_id=cut, now=asked + dt.timedelta(hours=5))
        plan = [*lines, {"name": "会员月", "premium_bp": 1_000, "dates": _month(today, days)}]
        begins = _at(today + dt.timedelta(days=AHEAD_DAYS), 0)
        publish(table | {"lines": plan}, begins, asked + dt.timedelta(hours=6), "会员月：全场上浮 10%")
    _spend(actor, loader, today, Random(f"rates/{seed}"))


def _month(today: dt.date, holidays: list[dict[str, str]]) -> list[dict[str, str]]:
    """Thirty days but for the holidays among them, which are worth more: a plan that cuts none of them needs no notice."""
    first = today + dt.timedelta(days=AHEAD_DAYS)
    days = [(first + dt.timedelta(days=number)).isoformat() for number in range(30)]
    free = [day for day in days if not any(one["from"] <= day <= one["to"] for one in holidays)]
    return [{"from": day, "to": day} for day in free]


def _spend(actor: Viewer, loader: Loader, today: dt.date, rng: Random) -> None:
    """Lunches paid with points that a till quoted first."""
    rich = sorted(member_id for member_id, balance in loader.holdings.values() if balance >= LEAST)
    for back, member_id in enumerate(rng.sample(rich, min(QUOTED, len(rich))), start=1):
        at = _at(today - dt.timedelta(days=back), 12)
        merchant_id = rng.choice(loader.world.merchant_ids)
        try:
            with transaction.atomic():
                quote = loyalty.quote_redemption(
                    actor=actor,
                    member_id=member_id,
                    points=rng.choice((100, 200, 300)),
                    merchant_id=merchant_id,
                    now=at,
                )
                loyalty.redeem_points(
                    actor=actor, member_id=member_id, points=quote.points, merchant_id=merchant_id, quote_id=quote.quote_id,
                    reference=f"T1-{at:%m%d}", now=at + dt.timedelta(minutes=2),
                )  # fmt: skip
        except Problem:
            continue


def _at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, 30 if hour else 0), ZONE).astimezone(dt.UTC)

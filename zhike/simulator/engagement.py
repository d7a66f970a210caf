"""What members of the made mall do besides buying: they check in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random

from django.db import transaction

from zhike.engagement import operations as engagement
from zhike.engagement import queries
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.offers import queries as offers
from zhike.simulator.coupons import PLANS
from zhike.simulator.founding import World
from zhike.simulator.loading import Loader
from zhike.simulator.rhythm import ZONE

CHECK_IN_DAYS = 35
REGULARS = 170
"""Members who look in often; how often is each one's own."""

CHECK_INS = {"points": [1, 2, 3, 4, 5, 6, 10], "make_ups": 2, "make_up_days": 7, "month_max": 300}
BIRTHDAY_DAYS = 6
BIRTHDAY_POINTS = {"silver": 88, "gold": 188, "diamond": 388}
MILESTONES = ((7, 20, ""), (14, 30, ""), (30, 100, "CAFE80"))


class Seeder:
    """After the history; done before, it does nothing."""

    def __init__(
        self, actor: Viewer, world: World, members: Sequence[int], now: dt.datetime, rng: Random
    ) -> None:
        self.actor, self.world, self.members, self.now, self.rng = actor, world, members, now, rng
        self.today = now.astimezone(ZONE).date()

    def seed(self) -> None:
        if self.world.mall_id in queries.check_in_plans(self.actor):
            return
        with transaction.atomic():
            self._check_ins()
            self._birthdays()

    def _check_ins(self) -> None:
        began = self.now - dt.timedelta(days=CHECK_IN_DAYS)
        milestones = [
            {"day": day, "reward": {"points": points, "batch_id": self._batch(code) if code else None}}
            for day, points, code in MILESTONES
        ]
        engagement.save_check_in_plan(
            actor=self.actor,
            mall_id=self.world.mall_id,
            terms={**CHECK_INS, "milestones": milestones},
            is_open=True,
            now=began,
        )
        chosen = self.rng.sample(self.members, min(REGULARS, len(self.members)))
        keen = {member_id: self.rng.betavariate(2, 1.3) for member_id in chosen}
        days = {
            self.today - dt.timedelta(days=back): [
                member_id
                for member_id in chosen
                if self.rng.random()
                < keen[member_id] * (1.15 if back % 7 in (0, 6) else 0.8 + 0.2 / (1 + back / 20))
            ]
            for back in range(CHECK_IN_DAYS - 1, 0, -1)
        }
        engagement.bring_in_check_ins(actor=self.actor, mall_id=self.world.mall_id, days=days, now=self.now)

    def _birthdays(self) -> None:
        """Gifts of the last days, given on each of them."""
        began = self.now - dt.timedelta(days=BIRTHDAY_DAYS)
        engagement.save_birthday_plan(
            actor=self.actor,
            program_id=self.world.program_id,
            terms={"reward": {"points": 66}, "tier_points": self._tier_points(), "validity_days": 90},
            is_open=True,
            now=began,
        )
        for back in range(BIRTHDAY_DAYS, -1, -1):
            day = self.now - dt.timedelta(days=back)
            engagement.give_birthday_gifts(actor=self.actor, program_id=self.world.program_id, now=day)

    def _tier_points(self) -> dict[str, int]:
        tiers = {tier.code: tier.id for tier in loyalty.tiers(self.world.program_id)}
        return {str(tiers[code]): points for code, points in BIRTHDAY_POINTS.items() if code in tiers}

    def _batch(self, code: str) -> int:
        name = next(plan.name for plan in PLANS if plan.code == code)
        return next(
            one.id
            for one in offers.batches_page(self.actor, now=self.now, limit=200).items
            if one.name == name
        )


def seed_engagement(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> None:
    members = sorted(member_id for member_id, _balance in loader.holdings.values())
    Seeder(actor, loader.world, members, now, Random(f"engagement/{seed}")).seed()

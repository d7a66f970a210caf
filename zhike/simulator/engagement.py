"""What members of the made mall do besides buying: they check in."""

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
from zhike.simulator.coupons import PLANS
from zhike.simulator.founding import World
from zhike.simulator.loading import Loader
from zhike.simulator.rhythm import ZONE

CHECK_IN_DAYS = 35
REGULARS = 170
"""Members who look in often; how often is each one's own."""

CHECK_INS = {"points": [1, 2, 3, 4, 5, 6, 10], "make_ups": 2, "make_up_days": 7, "month_max": 300}
BIRTHDAY_DAYS = 3
REFERRAL_DAYS, INVITEES, INVITERS = 45, 14, 4
REFERRALS = {
    "inviter": {"points": 200}, "invitee": {"points": 100}, "minimum_fen": 10_000, "days_to_buy": 30, "daily_max": 8,
    "year_max": 5_000, "validity_days": 180,
}  # fmt: skip
WELCOME_DAYS, WELCOMED = 21, 15
STAMP_DAYS, STAMP_COLLECTORS = 60, 8
WELCOME = {
    "multiplier_bp": 20_000, "points_max": 2_000, "minimum_fen": 10_000, "days_to_buy": 30, "budget_points": 500_000,
    "validity_days": 365,
}  # fmt: skip
BIRTHDAY_POINTS = {"silver": 88, "gold": 188, "diamond": 388}
MILESTONES = ((7, 20, ""), (14, 30, ""), (30, 100, "CAFE80"))


class Seeder:
    """After the history; done before, it does nothing."""

    def __init__(
        self, actor: Viewer, world: World, members: Sequence[int], now: dt.datetime, rng: Random
    ) -> None:
        self.actor, self.world, self.members, self.now, self.rng = actor, world, members, now, rng
        self.regulars: Sequence[int] = ()
        self.today = now.astimezone(ZONE).date()

    def seed(self) -> None:
        if self.world.mall_id in queries.check_in_plans(self.actor):
            return
        with transaction.atomic():
            self._check_ins()
            self._birthdays()
            self._referrals()
            self._welcomes()
            self._stamps()

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

    def _referrals(self) -> None:
        """A few members brought friends lately; some of them have bought, one pair shares a phone."""
        began = self.now - dt.timedelta(days=REFERRAL_DAYS)
        engagement.save_referral_plan(
            actor=self.actor, program_id=self.world.program_id, terms=REFERRALS, is_open=True, now=began
        )
        newest = loyalty.members_page(self.actor, limit=200).items
        fresh = [row for row in newest if began < row.enrolled_at < self.now - dt.timedelta(hours=2)]
        invitees = fresh[:: max(1, len(fresh) // INVITEES)][:INVITEES]
        old = set(self.members) - {row.member_id for row in newest}
        inviters = self.rng.sample(sorted(old), min(INVITERS, len(old)))
        if not inviters:
            return
        for inviter_id in inviters:
            engagement.invite_code(actor=self.actor, member_id=inviter_id, now=began)
            engagement.see_device(
                actor=self.actor, member_id=inviter_id, device=f"phone-{inviter_id}", now=began
            )
        for place, row in enumerate(reversed(invitees)):
            inviter_id = inviters[min(int(self.rng.expovariate(0.5)), len(inviters) - 1)]
            code = engagement.invite_code(actor=self.actor, member_id=inviter_id, now=began)
            owner = inviter_id if place % 9 == 5 else row.member_id
            address = f"10.0.{place // 4}.1"
            at = row.enrolled_at + dt.timedelta(seconds=30)
            engagement.accept_invitation(
                actor=self.actor,
                code=code,
                member_id=row.member_id,
                device=f"phone-{owner}",
                address=address,
                now=at,
            )
            engagement.review_referral(actor=self.actor, person_id=row.person_id, now=self.now)
        engagement.settle_referrals(actor=self.actor, program_id=self.world.program_id, now=self.now)

    def _welcomes(self) -> None:
        """Money off and double points for a first purchase; the newest members each at their own place of the way."""
        began = self.now - dt.timedelta(days=WELCOME_DAYS)
        terms = WELCOME | {"batch_id": self._batch("NEW20")}
        offer: dict[str, Any] = {"actor": self.actor, "mall_id": self.world.mall_id}
        engagement.save_welcome_offer(**offer, terms=terms, now=began, reason="新店季拉新")
        engagement.save_welcome_offer(
            **offer, terms=terms | {"points": 100}, now=self.now, reason="冬季加码：首单再送 100 积分",
            effective_from=self.now + dt.timedelta(days=5),
        )  # fmt: skip
        newest = loyalty.members_page(self.actor, limit=100).items
        fresh = [row for row in newest if began < row.enrolled_at < self.now - dt.timedelta(hours=2)]
        for row in reversed(fresh[:: max(1, len(fresh) // WELCOMED)][:WELCOMED]):
            for at in (row.enrolled_at + dt.timedelta(minutes=1), self.now):
                engagement.review_welcome(actor=self.actor, person_id=row.person_id, now=at)

    def _stamps(self) -> None:
        """A card of the mall and one of a café, filled by what regulars bought lately."""
        began = self.now - dt.timedelta(days=STAMP_DAYS)
        trades = {one.code: one.id for one in organization.trade_categories(self.world.group_id)}
        cards = (
            ("咖啡茶饮集点卡", "买咖啡茶饮集点，集满换 8 折券", "CAFE80", {
                "stamps": 4, "minimum_fen": 1_500, "day_max": 2, "trade_categories": [trades["tea_coffee"]], "days": 90}),
            ("逛吃集点卡", "餐饮每满 50 元集 1 点", "", {
                "stamps": 6, "minimum_fen": 5_000, "each_fen": 5_000, "day_max": 4, "rounds_max": 3,
                "trade_categories": [trades["dining"]]}),
        )  # fmt: skip
        for name, text, code, terms in cards:
            reward = {"points": 0 if code else 200, "batch_id": self._batch(code) if code else None}
            engagement.save_stamp_card(
                actor=self.actor, mall_id=self.world.mall_id, name=name, description=text,
                terms=terms | {"reward": reward, "validity_days": None}, now=began,
            )  # fmt: skip
        for person_id in loyalty.person_ids_of(self.regulars[:STAMP_COLLECTORS]).values():
            engagement.review_stamps(actor=self.actor, person_id=person_id, now=self.now)

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
    seeder = Seeder(actor, loader.world, members, now, Random(f"engagement/{seed}"))
    richest = sorted(loader.holdings.values(), key=lambda held: (-held[1], held[0]))
    seeder.regulars = [member_id for member_id, _balance in richest]
    seeder.seed()

"""Coupons in the made mall: templates and batches, some claimed and used in the last weeks, some to be claimed now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.offers import operations as offers
from zhike.offers import queries
from zhike.organization import queries as organization
from zhike.simulator.founding import World
from zhike.simulator.history import History, SimReceipt
from zhike.simulator.loading import Loader, utc

DAYS = 28
USE_SHARE = 0.14
USES_MAX = 1_500
CLAIMED_UNUSED = 400
PRINTED = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """A template with its batch. ``trades`` are codes of trade categories; ``opens`` is days from now. ``early``: how many
    are kept for which tiers, who come a day before now; none where it opened before.
    """

    code: str
    name: str
    terms: dict[str, Any]
    stock: int
    trades: tuple[str, ...] = ()
    way: str = "public"
    opens: int = -DAYS
    closes: int = 30
    tiers: tuple[str, ...] = ()
    instructions: str = ""
    per_member: int = 2
    early: tuple[int, tuple[str, ...]] | None = None


PLANS = (
    Plan(
        "NEW20", "全场满 100 减 20", {"kind": "threshold", "value_fen": 2_000, "minimum_fen": 10_000}, 20_000,
        instructions="收银前出示券码。不与其他券同时使用。",
    ),
    Plan(
        "CAFE80", "咖啡茶饮 8 折", {"kind": "percent", "percent_bp": 2_000, "cap_fen": 1_500,
        "funding": {"mall": 5_000, "merchant": 5_000}}, 8_000, ("tea_coffee",), per_member=5,
    ),
    Plan(
        "LUNCH30", "工作日午市满 150 减 30", {"kind": "threshold", "value_fen": 3_000, "minimum_fen": 15_000,
        "scope": {"windows": [{"weekdays": [1, 2, 3, 4, 5], "from_minute": 660, "to_minute": 840}]},
        "funding": {"mall": 3_000, "merchant": 7_000}}, 5_000, ("dining",),
    ),
    Plan(
        "BEAUTY80", "美妆满 500 减 80", {"kind": "threshold", "value_fen": 8_000, "minimum_fen": 50_000,
        "funding": {"mall": 2_000, "merchant": 3_000, "brand": 5_000}, "grace_days": 3}, 2_000, ("beauty",),
        tiers=("silver", "gold", "diamond"),
    ),
    Plan("PARK2H", "停车 2 小时", {"kind": "parking", "minutes": 120, "value_fen": 1_000}, 3_000, way="desk"),
    Plan(
        "BIRTHDAY", "生日甜品兑换", {"kind": "gift", "item": "生日甜品一份", "value_fen": 2_800,
        "funding": {"merchant": 10_000}}, 1_000, ("dining", "tea_coffee"), way="desk", per_member=1,
    ),
    Plan("PAPER10", "10 元纸质代金券", {"kind": "cash", "value_fen": 1_000, "validity": {"days": 90}}, 1_000, way="codes"),
    Plan(
        "FLASH50", "周末秒杀 50 元券", {"kind": "cash", "value_fen": 5_000, "alone": True}, 200, opens=2, closes=4,
        per_member=1, instructions="先到先得，领完为止。", early=(60, ("gold", "diamond")),
    ),
)  # fmt: skip


PROMOTIONS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("P-BASE", "会员节满减", "", {"kind": "reach", "steps": [[30_000, 2_000], [60_000, 5_000]], "group": "会员节"}),
    ("P-DRINK", "第二杯半价", "tea_coffee", {"kind": "nth", "nth": 2, "percent_bp": 5_000, "group": "会员节"}),
    ("P-BEAUTY", "美妆两件 9 折三件 8 折", "beauty", {"kind": "pieces", "steps": [[2, 1_000], [3, 2_000]], "priority": 50}),
    ("P-GIFT", "满额赠帆布袋", "", {"kind": "gift", "minimum_fen": 80_000, "gift": "星河城帆布袋", "gift_value_fen": 1_500}),
)  # fmt: skip


@dataclass(slots=True)
class Seeder:
    actor: Viewer
    world: World
    history: History
    holdings: dict[int, tuple[int, int]]
    now: dt.datetime
    rng: Random
    batches: dict[str, int] = field(default_factory=dict)
    uses: int = 0

    def seed(self) -> int:
        """Open what was planned and let members use some of it; how many coupons were used. Done before: nothing."""
        if any(template.code == PLANS[0].code for template in queries.templates(self.actor)):
            return 0
        with transaction.atomic():
            self._open()
            self._use()
            self._claim()
            offers.make_codes(actor=self.actor, batch_id=self.batches["PAPER10"], count=PRINTED, now=self.now)
            offers.expire_coupons(actor=self.actor, now=self.now)
            self._promote()
        return self.uses

    def _open(self) -> None:
        trades = {place.code: place.id for place in organization.trade_categories(self.world.group_id)}
        tiers = {tier.code: tier.id for tier in loyalty.tiers(self.world.program_id)}
        began = self.now - dt.timedelta(days=DAYS + 1)
        for plan in PLANS:
            scope = dict(plan.terms.get("scope", {}))
            if plan.trades:
                scope["trade_categories"] = {"only": [trades[code] for code in plan.trades]}
            terms = {"validity": {"days": 14}, **plan.terms, "scope": scope}
            template_id = offers.save_template(
                actor=self.actor,
                group_id=self.world.group_id,
                mall_id=self.world.mall_id,
                code=plan.code,
                name=plan.name,
                terms=terms,
                instructions=plan.instructions,
                now=began,
            )
            batch = offers.NewBatch(
                code=f"{plan.code}-{self.now:%y%m}",
                name=plan.name,
                stock=plan.stock,
                claim_from=self.now + dt.timedelta(days=plan.opens),
                claim_until=self.now + dt.timedelta(days=plan.closes),
                per_member=plan.per_member,
                is_public=plan.way == "public",
                is_bearer=plan.way == "codes",
                tier_ids=[tiers[code] for code in plan.tiers],
                early_from=self.now - dt.timedelta(days=1) if plan.early else None,
                early_tier_ids=[tiers[code] for code in plan.early[1]] if plan.early else (),
                early_quota=plan.early[0] if plan.early else 0,
            )
            self.batches[plan.code] = offers.open_batch(
                actor=self.actor, template_id=template_id, batch=batch, now=began
            )

    def _promote(self) -> None:
        """Promotions that run now, as of the first of the weeks."""
        trades = {place.code: place.id for place in organization.trade_categories(self.world.group_id)}
        for code, name, trade, definition in PROMOTIONS:
            scope = {"trade_categories": {"only": [trades[trade]]}} if trade else {}
            offers.publish_promotion(
                actor=self.actor,
                group_id=self.world.group_id,
                mall_id=self.world.mall_id,
                code=code,
                name=name,
                definition={**definition, "scope": scope},
                effective_from=self.now - dt.timedelta(days=DAYS),
                note="夏日会员节",
                backdated=True,
                now=self.now - dt.timedelta(days=DAYS),
            )

    def _use(self) -> None:
        """A part of the last weeks' purchases had a coupon: taken some days before, used with the receipt."""
        since = (self.now - dt.timedelta(days=DAYS - 4)).replace(tzinfo=None)
        for sale in self.history.receipts:
            if (
                sale.at < since
                or sale.original is not None
                or utc(sale.at) > self.now
                or sale.person not in self.holdings
            ):
                continue
            if self.rng.random() < USE_SHARE and self.uses < USES_MAX:
                self._use_for(sale, self.holdings[sale.person][0])

    def _use_for(self, sale: SimReceipt, member_id: int) -> None:
        at = utc(sale.at)
        trade = self.history.catalogue.shops[sale.shop].trade.code
        fitting = [plan for plan in PLANS[:6] if not plan.trades or trade in plan.trades]
        plan = self.rng.choice(fitting)
        try:
            with transaction.atomic():
                coupon = offers.give_coupon(
                    actor=self.actor,
                    batch_id=self.batches[plan.code],
                    member_id=member_id,
                    source="claim" if plan.way == "public" else "desk",
                    now=at - dt.timedelta(hours=self.rng.randint(1, 72)),
                )
                offers.use_coupons(
                    actor=self.actor,
                    basket=self._basket(sale),
                    codes=[coupon.code],
                    receipt=offers.ReceiptKey(sale.till, sale.number, sale.at.date()),
                    now=at,
                )
        except (offers.CouponNotUsable, offers.LimitReached):
            return
        self.uses += 1

    def _basket(self, sale: SimReceipt) -> offers.BasketAsked:
        shop = self.history.catalogue.shops[sale.shop]
        lines = tuple(
            offers.BasketLine(
                no,
                line.net_fen,
                shop.articles[line.article].sku,
                self.world.category_ids[shop.articles[line.article].category],
            )
            for no, line in enumerate(sale.lines, start=1)
        )
        return offers.BasketAsked(self.world.merchant_ids[sale.shop], lines)

    def _claim(self) -> None:
        """Coupons that wait in members' phones."""
        members = sorted(member_id for member_id, _balance in self.holdings.values())
        for code in ("NEW20", "CAFE80", "PARK2H"):
            chosen = self.rng.sample(members, min(CLAIMED_UNUSED, len(members) // 3))
            if chosen:
                offers.issue_to_members(
                    actor=self.actor,
                    batch_id=self.batches[code],
                    member_ids=chosen,
                    source="claim" if code != "PARK2H" else "push",
                    reason="会员日发券",
                    now=self.now - dt.timedelta(days=2),
                )


def seed_coupons(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> int:
    """After the history: coupons for the mall, of whose members this process knows the holdings."""
    rng = Random(f"coupons/{seed}")
    return Seeder(actor, loader.world, loader.history, loader.holdings, now, rng).seed()

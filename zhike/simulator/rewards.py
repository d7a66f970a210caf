"""The points mall of the made mall: shelves, rewards, and weeks of exchanges collected, cancelled and forgotten."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from operator import itemgetter
from random import Random
from typing import Any

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.offers import operations as offers
from zhike.organization import queries as organization
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.simulator.auctions import seed_auctions
from zhike.simulator.catalogue import DATA
from zhike.simulator.founding import World
from zhike.simulator.history import History
from zhike.simulator.loading import Loader, utc

DAYS = 21
EXCHANGES = 60
USES = 70
TICKETS = 30
CODES = 240
MUCH = 1_500
SEASON = (dt.timedelta(days=30), dt.timedelta(days=40))


@dataclass(frozen=True, slots=True)
class Plan:
    """A reward as it stands in the mall; ``pull`` is how often members choose it."""

    code: str
    shelf: str
    name: str
    points: int
    pull: int
    stock: int | None = None
    kind: str = "goods"
    icon: str = ""
    summary: str = ""
    description: str = ""
    market: int = 0
    cost: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((DATA / "rewards.toml").read_text(encoding="utf-8"))


def planned() -> tuple[tuple[Plan, ...], tuple[dict[str, Any], ...]]:
    """What stands in rewards.toml: the rewards, and the shelves they stand on."""
    found = _read()
    return tuple(Plan(**one) for one in found["rewards"]), tuple(found["shelves"])


@dataclass(slots=True)
class Seeder:
    actor: Viewer
    world: World
    history: History
    holdings: dict[int, tuple[int, int]]
    now: dt.datetime
    rng: Random
    ids: dict[str, int] = field(default_factory=dict)
    benefits: list[int] = field(default_factory=list)
    shelves: dict[str, int] = field(default_factory=dict)
    done: int = 0

    def seed(self) -> int:
        """Fill the shelves and let members exchange; how many orders. Done before: nothing."""
        if queries.categories(self.now):
            return 0
        with transaction.atomic():
            self._fill()
            self._grant()
            self._draws()
        self._exchange()
        self._enjoy()
        rich = sorted(member_id for member_id, balance in self.holdings.values() if balance >= MUCH)
        plans = _read()["auctions"]
        seed_auctions(self.actor, self.world, self.shelves, plans, rich, self.now, self.rng)
        rewards.expire_orders(actor=self.actor, now=self.now)
        return self.done

    def _fill(self) -> None:
        began = self.now - dt.timedelta(days=DAYS + 2)
        tiers = {tier.code: tier.id for tier in loyalty.tiers(self.world.program_id)}
        shelves = self.shelves
        plans, shelves_planned = planned()
        for position, shelf in enumerate(shelves_planned):
            category = rewards.NewCategory(**shelf, position=position, **self._season(shelf["code"]))
            shelves[shelf["code"]] = rewards.save_category(
                actor=self.actor, group_id=self.world.group_id, category=category, now=began
            )
        for plan in plans:
            self._add(plan, shelves[plan.shelf], tiers, began)
        codes = [f"VIP-{self.rng.randrange(10**12):012d}" for _ in range(CODES)]
        rewards.import_codes(actor=self.actor, reward_id=self.ids["VIDEO"], codes=codes, now=began)

    def _grant(self) -> None:
        """The benefits of each tier."""
        tiers = {tier.code: tier.id for tier in loyalty.tiers(self.world.program_id)}
        for position, one in enumerate(_read()["benefits"]):
            quotas = {str(tiers[code]): quota for code, quota in one["quotas"].items() if code in tiers}
            benefit = rewards.NewBenefit(**{**one, "quotas": quotas}, position=position)
            self.benefits.append(
                rewards.save_benefit(
                    actor=self.actor,
                    group_id=self.world.group_id,
                    mall_id=self.world.mall_id,
                    benefit=benefit,
                    now=self.now - dt.timedelta(days=DAYS + 2),
                )
            )

    def _draws(self) -> None:
        """A draw that is on, from which members have drawn for some days."""
        prizes = [rewards.NewPrize(**{"stock": None, **one}) for one in _read()["prizes"]]
        began = self.now - dt.timedelta(days=5)
        draw = rewards.NewDraw(
            "SPIN", "冬日好运转盘", 50, 3, began, self.now + dt.timedelta(days=9), prizes,
            "每次 50 积分，人人有奖。奖品、数量与概率开始前已公示，结束后可验证每一次抽奖。",
        )  # fmt: skip
        draw_id = rewards.save_draw(
            actor=self.actor, group_id=self.world.group_id, mall_id=self.world.mall_id, draw=draw, now=began
        )
        rewards.publish_draw(actor=self.actor, draw_id=draw_id, now=began)
        rich = sorted(member_id for member_id, balance in self.holdings.values() if balance >= MUCH)
        for number in range(TICKETS if rich else 0):
            try:
                with transaction.atomic():
                    rewards.draw_ticket(
                        actor=self.actor,
                        member_id=self.rng.choice(rich),
                        draw_id=draw_id,
                        nonce=f"{self.rng.getrandbits(64):016x}",
                        now=self.now - dt.timedelta(hours=8) * (1 - number / TICKETS),
                    )
            except Problem:
                continue

    def _enjoy(self) -> None:
        """Uses at the desk in the last weeks; a few were recorded by mistake."""
        members = sorted(member_id for member_id, _balance in self.holdings.values())
        for number in range(USES if members else 0):
            at = self.now - dt.timedelta(days=DAYS) * (1 - number / USES)
            try:
                done = rewards.use_benefit(
                    actor=self.actor,
                    member_id=self.rng.choice(members),
                    benefit_id=self.rng.choice(self.benefits),
                    mall_id=self.world.mall_id,
                    quantity=self.rng.choice((1, 1, 2)),
                    now=at,
                )
            except Problem:
                continue
            if self.rng.random() < 0.05:
                rewards.cancel_use(actor=self.actor, use_id=done.use_id, reason="会员当天未使用", now=at)

    def _season(self, code: str) -> dict[str, Any]:
        if code != "season":
            return {}
        before, after = SEASON
        return {"season_from": (self.now - before).date(), "season_until": (self.now + after).date()}

    def _add(self, plan: Plan, shelf: int, tiers: dict[str, int], began: dt.datetime) -> None:
        extra = dict(plan.extra)
        prices = {
            str(tiers[code]): points for code, points in extra.pop("tiers", {}).items() if code in tiers
        }
        only = [tiers[code] for code in extra.pop("tier_ids", ()) if code in tiers]
        if "starts" in extra:
            hour = self.now.replace(hour=6, minute=0, second=0, microsecond=0)
            extra["starts_at"] = hour + dt.timedelta(days=extra.pop("starts"))
        if "early" in extra:
            extra["early_tier_ids"] = [tiers[code] for code in extra.pop("early") if code in tiers]
            extra |= {
                "early_opens_at": began,
                "opens_at": self.now + dt.timedelta(days=extra.pop("opens_in")),
            }
        if "tier" in extra:
            extra["tier_id"] = tiers[extra.pop("tier")]
        if plan.kind == "coupon":
            extra["coupon_batch_id"] = self._batch(plan, began)
        reward = rewards.NewReward(
            code=plan.code, name=plan.name, kind=plan.kind, category_id=shelf, points=plan.points,
            market_fen=plan.market, cost_fen=plan.cost, summary=plan.summary, icon=plan.icon, description=plan.description,
            tier_points=prices, tier_ids=only, **{"opens_at": began, **extra},
        )  # fmt: skip
        self.ids[plan.code] = rewards.add_reward(
            actor=self.actor,
            group_id=self.world.group_id,
            mall_id=self.world.mall_id,
            reward=reward,
            stock=plan.stock,
            now=began,
        )
        rewards.set_reward_status(actor=self.actor, reward_id=self.ids[plan.code], status="open", now=began)

    def _batch(self, plan: Plan, began: dt.datetime) -> int:
        trades = {place.code: place.id for place in organization.trade_categories(self.world.group_id)}
        scope = {"trade_categories": {"only": [trades["dining"]]}}
        terms = {
            "kind": "cash",
            "value_fen": 2_000,
            "minimum_fen": 5_000,
            "validity": {"days": 30},
            "scope": scope,
        }
        template_id = offers.save_template(
            actor=self.actor,
            group_id=self.world.group_id,
            mall_id=self.world.mall_id,
            code="MALL20",
            name=plan.name,
            terms=terms,
            now=began,
        )
        batch = offers.NewBatch(
            "MALL20-1", plan.name, 1_000, began, self.now + dt.timedelta(days=90), per_member=0
        )
        return offers.open_batch(actor=self.actor, template_id=template_id, batch=batch, now=began)

    def _exchange(self) -> None:
        """Members who can afford it, in the order of time and after their last purchase; most collect it, some change
        their minds, some forget. A tier is bought last of all, now: what was bought before counted without it."""
        plans, _shelves = planned()
        pulls = list(accumulate(one.pull for one in plans))
        drawn = [(self.rng.choices(plans, cum_weights=pulls)[0], at, one) for at, one in self._moments()]
        asked = [(self.now if "tier" in plan.extra else at, one, plan) for plan, at, one in drawn]
        for at, member_id, plan in sorted(asked, key=itemgetter(0)):
            quantity = self.rng.choice((1, 2, 5)) if plan.kind == "donation" else 1
            try:
                made = rewards.exchange_reward(
                    actor=self.actor,
                    member_id=member_id,
                    reward_id=self.ids[plan.code],
                    quantity=quantity,
                    now=at,
                )
            except Problem:
                continue
            self.done += 1
            self._follow(plan, made, at)

    def _moments(self) -> list[tuple[dt.datetime, int]]:
        """Who exchanges when: members with points, some time after the last thing that happened to them."""
        rich = {
            person: member_id for person, (member_id, balance) in self.holdings.items() if balance >= MUCH
        }
        last = dict.fromkeys(rich, self.now - dt.timedelta(days=DAYS))
        for sale in self.history.receipts:
            if sale.person in last and utc(sale.at) <= self.now:
                last[sale.person] = max(last[sale.person], utc(sale.at))
        persons = self.rng.choices(sorted(rich), k=EXCHANGES) if rich else []
        return sorted(
            (last[person] + (self.now - last[person]) * self.rng.uniform(0.05, 0.98), rich[person])
            for person in persons
        )

    def _follow(self, plan: Plan, made: rewards.Exchanged, at: dt.datetime) -> None:
        later, chance = at + dt.timedelta(hours=self.rng.randint(2, 96)), self.rng.random()
        if made.state == "collected" or later > self.now:
            return
        if chance < 0.08:
            rewards.cancel_order(actor=self.actor, order_id=made.order_id, reason="会员改变主意", now=later)
            return
        if made.state == "reserved":
            rewards.mark_ready(actor=self.actor, order_ids=[made.order_id], now=at + dt.timedelta(hours=1))
        if chance < 0.85 and "starts" not in plan.extra:
            rewards.collect_order(actor=self.actor, order_id=made.order_id, tender="wechat", now=later)


def seed_rewards(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> int:
    """After the history: the points mall, of whose members this process knows the holdings."""
    rng = Random(f"rewards/{seed}")
    return Seeder(actor, loader.world, loader.history, loader.holdings, now, rng).seed()

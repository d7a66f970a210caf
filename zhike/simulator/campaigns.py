"""Campaigns of the made mall: one finished, one running, one planned. Members react by a known amount, and the truth is kept.

The history knows what everybody buys without any campaign. Whoever is given something and would not have bought in the window buys
with a known chance; the receipts of those purchases are the planted effect, person by person, so the truth is exact.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from zhike.customers import queries as customers
from zhike.insight import operations as insight
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import operations as loyalty
from zhike.marketing import operations, queries
from zhike.messaging import operations as messaging
from zhike.messaging import queries as messages
from zhike.organization import queries as organization
from zhike.sales import operations as sales
from zhike.sales import queries as records
from zhike.simulator.founding import World
from zhike.simulator.rhythm import morning

BOSS = system_viewer("simulator_manager")
PLANTED = "planted_effects.json"
DAY = dt.timedelta(days=1)
RECENTLY = dt.timedelta(days=30)
OPENS, CLICKS = 60, 90
SPEND_FEN = (6_000, 38_000)
ZONE = "Asia/Shanghai"
PUSH: dict[str, Any] = {"field": "consent", "op": "is", "value": ["marketing.push"]}
REGULARS = (
    "app_regulars",
    "App 女性常客（半年 3 次以上）",
    [
        PUSH,
        {"field": "sex", "op": "is", "value": ["female"]},
        {"field": "purchases", "op": "at_least", "value": 3, "window": {"days": 180}},
    ],
)
RARE = ("app_rare", "App 男性会员（半年 1–2 次）", [
    PUSH,
    {"field": "sex", "op": "is", "value": ["male"]},
    {"field": "purchases", "op": "between", "value": [1, 2], "window": {"days": 180}},
])  # fmt: skip
WORDINGS = (
    ("autumn_gift", "回店礼", "到店有礼", "${name}您好，好久不见，本周到店消费即赠好礼一份：${link}"),
    ("autumn_points", "回店积分", "到店送积分", "${name}您好，本周到店消费加赠 200 积分：${link}"),
)


@dataclass(frozen=True, slots=True)
class Planted:
    """What a campaign really added: of ``people`` measured in the arms, ``extra_buyers`` bought only because of it, for ``extra_fen``.

    ``responsive`` of them had bought in the month before; they brought ``responsive_extra`` of the extra buyers.
    """

    code: str
    people: int
    extra_buyers: int
    extra_fen: int
    responsive: int = 0
    responsive_extra: int = 0

    @property
    def lift(self) -> float:
        """In the share that bought."""
        return self.extra_buyers / self.people if self.people else 0.0


def planted_effects(home: Path | None = None) -> dict[str, Planted]:
    """The truth, by the campaign's code; empty before there is any."""
    path = (home or settings.HOME) / PLANTED
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {code: Planted(**one) for code, one in found.items()}


def seed_campaigns(actor: Viewer, world: World, now: dt.datetime, seed: int) -> dict[str, Planted]:
    """Plan, carry out and measure them as of their days; done before, nothing. What was planted, by code."""
    if queries.campaigns_page(actor, now=now, limit=1).items:
        return {}
    return _Seeder(actor, world, now, Random(f"campaigns/{seed}")).seed()


def receipt_of(world: World, rng: Random, number: str, person_id: int, at: dt.datetime) -> sales.NewReceipt:
    """What somebody buys only because they were reached."""
    fen = rng.randrange(*SPEND_FEN, 100)
    return sales.NewReceipt(
        merchant_id=rng.choice(world.merchant_ids),
        mall_id=world.mall_id,
        kind="sale",
        till="C1",
        number=number,
        business_date=at.astimezone(ZoneInfo(organization.mall(world.mall_id).time_zone)).date(),
        occurred_at=at,
        lines=(sales.NewLine(1, "", "活动期间消费", Decimal(1), fen, fen),),
        tenders=(sales.NewTender("wechat", fen),),
        person_id=person_id,
        source="simulator",
    )


@dataclass(slots=True)
class _Seeder:
    actor: Viewer
    world: World
    now: dt.datetime
    rng: Random
    receipts: int = 0

    def seed(self) -> dict[str, Planted]:
        began = self.now - 30 * DAY
        operations.save_marketing_policy(
            actor=self.actor,
            group_id=self.world.group_id,
            global_holdout_bp=300,
            margin_bp=None,
            withdrawn_max_bp=200,
            complained_max_bp=100,
            now=began,
        )
        for wording in WORDINGS:
            self._write(*wording, began)
        regulars, rare = self._segment(*REGULARS, began), self._segment(*RARE, began)
        planted = [
            self._finished(regulars, morning(self.now, 20)),
            self._running(rare, morning(self.now, 4)),
        ]
        self._planned(regulars)
        found = {one.code: one for one in planted}
        path = settings.HOME / PLANTED
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({code: asdict(one) for code, one in found.items()}), encoding="utf-8")
        return found

    def _write(self, code: str, name: str, title: str, body: str, now: dt.datetime) -> None:
        template_id = messaging.create_template(
            actor=self.actor,
            group_id=self.world.group_id,
            code=code,
            name=name,
            kind="marketing",
            fallback=["inbox"],
            now=now,
        )
        version_id = messaging.write_version(
            actor=self.actor,
            template_id=template_id,
            channel="inbox",
            language="zh-hans",
            title=title,
            body=body,
            now=now,
        )
        messaging.approve_version(actor=self.actor, version_id=version_id, now=now)

    def _segment(self, code: str, name: str, conditions: list[dict[str, Any]], now: dt.datetime) -> int:
        return insight.save_segment(
            actor=self.actor,
            group_id=self.world.group_id,
            code=code,
            name=name,
            definition={"match": "all", "of": conditions},
            now=now,
        )

    def _finished(self, segment: int, at: dt.datetime) -> Planted:
        """A fortnight ago, its window is over; it added something."""
        plan = operations.Plan(
            name="秋日回店礼",
            goal="visit",
            theme="用一份小礼把 App 常客请回来，看看多来了多少。",
            arms=(operations.ArmPlan("A", WORDINGS[0][0]),),
            segment=segment,
            holdout_bp=4_000,
            window_days=10,
            budget={"mall": 2_000_000},
        )
        campaign_id = self._launch(plan, at)
        planted = self._react(campaign_id, at, 10 * DAY, {"A": 0.04}, {"A": 0.4})
        for days in (2, 4, 6, 8):
            operations.measure_campaign(actor=self.actor, campaign_id=campaign_id, now=at + days * DAY)
        operations.advance_campaigns(actor=self.actor, now=at + 10 * DAY + dt.timedelta(minutes=1))
        operations.note_lessons(
            actor=self.actor,
            campaign_id=campaign_id,
            lessons="常客对小礼有反应，周末到店最多。下次把对照组降到 10%，并试试改送积分。",
            now=at + 12 * DAY,
        )
        return planted

    def _running(self, segment: int, at: dt.datetime) -> Planted:
        """Two wordings against each other; half of its window is over."""
        plan = operations.Plan(
            name="低频会员唤醒：送礼还是送积分",
            goal="visit",
            theme="半年只来一两次的 App 会员，哪种说法更有效？",
            arms=(operations.ArmPlan("A", WORDINGS[0][0]), operations.ArmPlan("B", WORDINGS[1][0])),
            segment=segment,
            holdout_bp=2_000,
            window_days=14,
            budget={"mall": 1_000_000},
        )
        campaign_id = self._launch(plan, at)
        planted = self._react(campaign_id, at, self.now - at, {"A": 0.04, "B": 0.1})
        for days in (1, 2, 3):
            operations.measure_campaign(actor=self.actor, campaign_id=campaign_id, now=at + days * DAY)
        operations.measure_campaign(actor=self.actor, campaign_id=campaign_id, now=self.now)
        return planted

    def _planned(self, segment: int) -> None:
        """Waits for somebody to approve it; its reach is reckoned."""
        campaign_id = operations.plan_scenario(
            actor=self.actor, group_id=self.world.group_id, code="festival", now=self.now - 2 * DAY
        )
        known = queries.campaign(self.actor, campaign_id, self.now)
        plan = operations.Plan(
            **{name: getattr(known.plan, name) for name in operations.Plan.__dataclass_fields__}
            | {"segment": segment, "name": "岁末答谢季", "budget": {"mall": 500_000, "merchant": 300_000}}
        )
        operations.edit_campaign(actor=self.actor, campaign_id=campaign_id, plan=plan, now=self.now - 2 * DAY)
        operations.forecast_campaign(actor=self.actor, campaign_id=campaign_id, now=self.now - DAY)
        operations.submit_campaign(actor=self.actor, campaign_id=campaign_id, now=self.now - DAY)

    def _launch(self, plan: operations.Plan, at: dt.datetime) -> int:
        before = at - 2 * DAY
        campaign_id = operations.plan_campaign(
            actor=self.actor, group_id=self.world.group_id, plan=plan, now=before
        )
        operations.forecast_campaign(actor=self.actor, campaign_id=campaign_id, now=before)
        operations.submit_campaign(actor=self.actor, campaign_id=campaign_id, now=before)
        operations.approve_campaign(actor=BOSS, campaign_id=campaign_id, now=before)
        operations.launch_campaign(actor=self.actor, campaign_id=campaign_id, now=at)
        operations.advance_campaigns(actor=self.actor, now=at)
        while messaging.send_due(actor=self.actor, now=at).total:
            pass
        return campaign_id

    # --- what members do ---------------------------------------------------------------------------------------------

    def _react(
        self,
        campaign_id: int,
        at: dt.datetime,
        window: dt.timedelta,
        chances: dict[str, float],
        responsive: dict[str, float] | None = None,
    ) -> Planted:
        """``responsive``: the chances of whoever bought in the month before, where they are others."""
        given = queries.given_people(campaign_id)
        bought = records.purchases_of([person_id for person_id, _arm in given], at, at + window)
        recent = (
            set(records.purchases_of([one for one, _arm in given], at - RECENTLY, at))
            if responsive
            else set()
        )
        extra = [
            person_id
            for person_id, arm in given
            if not bought.get(person_id, (0, 0))[0]
            and self.rng.random() < ((responsive or chances) if person_id in recent else chances)[arm]
        ]
        fen = self._buy(extra, at, window)
        self._open(campaign_id, [person_id for person_id, _arm in given], at)
        return Planted(
            queries.code_of(campaign_id),
            len(given),
            len(extra),
            fen,
            len(recent),
            len(recent.intersection(extra)),
        )

    def _buy(self, person_ids: Sequence[int], at: dt.datetime, window: dt.timedelta) -> int:
        moments = sorted((at + window * self.rng.uniform(0.02, 0.96), person_id) for person_id in person_ids)
        receipts = [
            receipt_of(
                self.world, self.rng, f"C{moment:%y%m%d}{self.receipts + number:05d}", person_id, moment
            )
            for number, (moment, person_id) in enumerate(moments, start=1)
        ]
        self.receipts += len(receipts)
        if receipts:
            loyalty.take_receipts(actor=self.actor, receipts=receipts, now=at + window)
        return sum(receipt.lines[0].net_fen for receipt in receipts)

    def _open(self, campaign_id: int, person_ids: Sequence[int], at: dt.datetime) -> None:
        """Some open the message, some of them follow its link."""
        wanted = messages.Filter(
            at - DAY, at + DAY, channel="inbox", campaign=queries.code_of(campaign_id), status="delivered"
        )
        for one in messages.messages(self.actor, wanted, limit=OPENS).items:
            assert one.person_id is not None
            messaging.mark_read(
                actor=customers.viewer_of_person(one.person_id),
                message_id=one.id,
                now=at + dt.timedelta(minutes=self.rng.randint(5, 900)),
            )
        for person_id in self.rng.sample(list(person_ids), min(CLICKS, len(person_ids) // 3)):
            token = queries.link_of(campaign_id, person_id).rstrip("/").rsplit("/", 1)[1]
            moment = at + dt.timedelta(minutes=self.rng.randint(6, 2_000))
            operations.record_click(actor=self.actor, token=token, now=moment)

"""Who cheats in the made mall: a cashier with her own cards, a finder of receipts, a return farmer, a recruiter, and so on.

What was planted is written down as truth, so that anybody can measure what the detectors find.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from zhike.customers import operations as customers
from zhike.customers import queries as known
from zhike.engagement import operations as engagement
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.organization import queries as organization
from zhike.risk import operations as risk
from zhike.risk import queries
from zhike.sales import operations as sales
from zhike.simulator.founding import World

PLANTED = "planted_fraud.json"
DAY, HOUR, MINUTE = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(minutes=1)
PHONES = 19_100_000_000
NAMES = (
    "孟晓琴", "孟建国", "蒋志伟", "侯一帆", "单文静", "龙飞扬", "季海燕",
    "朱小满", "朱小雪", "朱小寒", "朱小暑", "朱立春", "朱立冬", "朱谷雨", "郝运来",
)  # fmt: skip
CASHIER, FINDER, FARMER, RECRUITER, SWIFT, ROBBED = (0, 1), 2, 3, 4, 5, 6
INVITED = range(7, 14)


@dataclass
class Fraud:
    """The truth: what the right detector must say of whom. Members by id, cashiers as the alerts name them."""

    planted: dict[str, list[str]] = field(default_factory=dict)
    persons: list[int] = field(default_factory=list)

    def add(self, detector: str, subject: str) -> None:
        self.planted.setdefault(detector, []).append(subject)


def planted_fraud(home: Path | None = None) -> Fraud:
    """The truth; empty before there is any."""
    path = (home or settings.HOME) / PLANTED
    return Fraud(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Fraud()


def seed_fraud(actor: Viewer, world: World, now: dt.datetime, seed: int) -> Fraud:
    """Let them cheat in the last weeks; done before, nothing. What was planted."""
    if known.person_ids_by("phone", [str(PHONES)]):
        return planted_fraud()
    with transaction.atomic():
        truth = _Seeder(actor, world, now, Random(f"fraud/{seed}")).seed()
        _follow_up(actor, truth, now)
    (settings.HOME / PLANTED).write_text(json.dumps(asdict(truth)), encoding="utf-8")
    return truth


def _follow_up(actor: Viewer, truth: Fraud, now: dt.datetime) -> None:
    """What the house made of it: somebody frozen and objecting, gains that wait for a second person, a false alarm."""
    risk.look_again(actor=actor, person_ids=truth.persons)
    risk.judge_deeds(actor=actor, now=now - 2 * DAY)
    found = {one.detector: one for one in queries.alerts(actor, limit=100).items}
    hired = {one.username: one.id for one in organization.staff_list(actor)}
    handler = organization.viewer_of_staff(hired["service"]) if "service" in hired else actor
    about: dict[str, Any] = {"actor": handler, "now": now - DAY}
    if own := found.get("cashier_self"):
        evidence = queries.alert(actor, own.id).evidence
        receipts = [str(one.receipt) for one in evidence if one.receipt and one.left]
        risk.take_alert(actor=handler, alert_id=own.id, now=now - DAY)
        risk.take_measure(
            alert_id=own.id, kind="withdraw", items=receipts, reason="监控显示收银员刷自己的会员码", **about
        )
    if robbed := found.get("takeover"):
        frozen = risk.take_measure(
            alert_id=robbed.id, kind="freeze", stops_earning=True, reason="换号后两小时内积分被清空", **about
        )
        risk.raise_objection(
            actor=actor,
            measure_id=frozen,
            text="手机丢了才换的号，积分是我自己换的咖啡机。",
            now=now - 20 * HOUR,
        )
    if farmer := found.get("return_farming"):
        risk.take_measure(alert_id=farmer.id, kind="freeze", reason="三次花光积分后退货", **about)
        risk.decide_alert(
            alert_id=farmer.id, confirmed=True, reason="三家店的退货记录与监控一致，已约谈。", **about
        )
    if swift := found.get("velocity"):
        risk.decide_alert(
            alert_id=swift.id, confirmed=False, reason="公司行政统一采购，已核对发票。",
            exempt_until=(now + 30 * DAY).date(), **about,
        )  # fmt: skip


@dataclass(slots=True)
class _Seeder:
    actor: Viewer
    world: World
    now: dt.datetime
    rng: Random
    truth: Fraud = field(default_factory=Fraud)
    zone: ZoneInfo = field(init=False)
    persons: list[int] = field(init=False)
    ids: list[int] = field(init=False)
    shops: list[int] = field(init=False)
    """Merchants whose points can be spent at once."""
    numbers: int = 0

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(organization.mall(self.world.mall_id).time_zone)
        program = self.world.program_id
        self.shops = [one for one in self.world.merchant_ids if not members.waiting_days(program, one)]

    def seed(self) -> Fraud:
        self._enrol()
        self._own_cards()
        self._strangers_receipts()
        self._spend_and_return()
        self._recruit()
        self._lend_the_card()
        self._rob()
        self.truth.persons = list(self.persons)
        return self.truth

    def at(self, days: int, hour: int, minute: int = 0) -> dt.datetime:
        """A local hour so many days ago."""
        local = self.now.astimezone(self.zone) - days * DAY
        return local.replace(hour=hour, minute=minute, second=0, microsecond=0).astimezone(dt.UTC)

    def _enrol(self) -> None:
        new = [
            loyalty.NewMember(
                name=name, enrolled_at=self.at(25, 10, place), phone=str(PHONES + place), mall_id=self.world.mall_id,
                source="counter",
            )
            for place, name in enumerate(NAMES)
        ]  # fmt: skip
        self.persons = loyalty.enroll_members(actor=self.actor, members=new, now=self.at(25, 11))
        found = members.member_ids_of_persons(self.persons)
        self.ids = [found[person] for person in self.persons]

    def _receipt(
        self, shop: int, fen: int, at: dt.datetime, person: int | None, cashier: str = "A1", **more: object
    ) -> sales.NewReceipt:
        self.numbers += 1
        return sales.NewReceipt(
            merchant_id=self.shops[shop % len(self.shops)], mall_id=self.world.mall_id,
            kind="sale", till="F1", number=f"F{self.numbers:05d}", business_date=at.astimezone(self.zone).date(),
            occurred_at=at, lines=(sales.NewLine(1, "", "店内消费", Decimal(1), fen, fen),),
            tenders=(sales.NewTender("wechat", fen),), person_id=None if person is None else self.persons[person],
            cashier=cashier, source="simulator", **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def _take(self, receipts: Sequence[sales.NewReceipt]) -> None:
        now = max(receipt.occurred_at for receipt in receipts)
        loyalty.take_receipts(actor=self.actor, receipts=receipts, now=now)

    def _own_cards(self) -> None:
        """A cashier swipes her own card, and her husband's, when a customer has none."""
        swiped = [
            self._receipt(2, self.rng.randrange(8_000, 60_000, 100), self.at(back, 11 + card * 7, back), card, "孟")
            for card in CASHIER for back in range(2, 16)
        ]  # fmt: skip
        self._take(sorted(swiped, key=lambda one: one.occurred_at))
        self.truth.add("cashier_self", f"{self.shops[2 % len(self.shops)]}/孟")

    def _strangers_receipts(self) -> None:
        """Somebody picks receipts out of the bins and hands them in days later."""
        lost = [
            self._receipt(
                shop, self.rng.randrange(40_000, 160_000, 100), self.at(9, 13 + shop % 6, shop), None
            )
            for shop in range(5, 11)
        ]
        self._take(sorted(lost, key=lambda one: one.occurred_at))
        for place, receipt in enumerate(lost):
            loyalty.claim_receipt(
                actor=self.actor, member_id=self.ids[FINDER], merchant_id=receipt.merchant_id, number=receipt.number,
                business_date=receipt.business_date, net_fen=receipt.net_fen, now=self.at(6, 15, place),
            )  # fmt: skip
        self.truth.add("lent_receipts", f"member:{self.ids[FINDER]}")

    def _spend_and_return(self) -> None:
        """Bought for much, the points spent as soon as they can be, the goods brought back."""
        for nth, fen in enumerate((80_000, 200_000, 450_000)):
            at = self.at(12 - 3 * nth, 13)
            receipt = self._receipt(20 + nth, fen, at - HOUR, FARMER)
            self._take([receipt])
            points = max(0, members.balance_of(self.ids[FARMER])) // 100 * 100
            if points:
                loyalty.redeem_points(
                    actor=self.actor, member_id=self.ids[FARMER], points=points, mall_id=self.world.mall_id, now=at
                )  # fmt: skip
            loyalty.return_lines(
                actor=self.actor, receipt_id=receipt.id, lines=[loyalty.ReturnLine(1, None)], till="F1",
                number=f"FR{nth}", business_date=at.astimezone(self.zone).date(), occurred_at=at + HOUR, now=at + HOUR,
            )  # fmt: skip
        self.truth.add("return_farming", f"member:{self.ids[FARMER]}")

    def _recruit(self) -> None:
        """Seven cousins join by one invitation, and buy a cup of tea for the reward."""
        began = self.at(24, 9)
        code = engagement.invite_code(actor=self.actor, member_id=self.ids[RECRUITER], now=began)
        for place in INVITED:
            engagement.accept_invitation(
                actor=self.actor, code=code, member_id=self.ids[place], device=f"phone-{self.ids[place]}",
                address=f"10.9.{place}.1", now=self.at(25, 10, place) + 10 * MINUTE,
            )  # fmt: skip
        self._take([self._receipt(30, 2_000, self.at(20, 16, place), place) for place in INVITED])
        self.truth.add("referral_ring", f"member:{self.ids[RECRUITER]}")

    def _lend_the_card(self) -> None:
        """One card goes from hand to hand on a Saturday afternoon."""
        start = self.at(4, 15)
        self._take(
            [
                self._receipt(40 + nth, 15_000 + 1_000 * nth, start + nth * 6 * MINUTE, SWIFT)
                for nth in range(8)
            ]
        )
        self.truth.add("velocity", f"member:{self.ids[SWIFT]}")

    def _rob(self) -> None:
        """A new phone number in the morning, all points gone at noon."""
        loyalty.adjust_points(
            actor=self.actor,
            member_id=self.ids[ROBBED],
            points=4_200,
            reason="老系统积分迁移",
            now=self.at(20, 20),
        )
        phone = customers.NewIdentifier("phone", str(PHONES + 900), self.at(3, 10))
        customers.add_identifier(
            actor=self.actor, person_id=self.persons[ROBBED], identifier=phone, now=self.at(3, 10)
        )
        loyalty.redeem_points(
            actor=self.actor,
            member_id=self.ids[ROBBED],
            points=4_000,
            mall_id=self.world.mall_id,
            now=self.at(3, 12),
        )
        self.truth.add("takeover", f"member:{self.ids[ROBBED]}")

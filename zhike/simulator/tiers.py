"""Tiers of the made mall are held for a year; some members try a higher one, and two exceptions were asked for."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.simulator.founding import World
from zhike.simulator.loading import Loader
from zhike.simulator.rhythm import morning

RULES = """适用于星河城全部门店，含线上商城。储值卡充值、团购代金券及积分抵扣部分不计入升级消费。
权益凭会员码在服务台或相关场所使用，每项权益的次数与有效期见“我的权益”。"""
SETTINGS = {"period": "anniversary", "grace_days": 30, "fall": "one_step", "text": RULES}
HELD, TRIED = "等级有效期改为一年，保级只需升级消费的六成", "测算：金卡升级门槛上调两成"
GROWS = "启用成长值：消费、到店、签到和完成任务都能积累"
GROWTH: dict[str, Any] = {
    "growth": 1,
    "per_fen": 100,
    "visit": 10,
    "deeds": {"check_in": 2, "mission": 20, "referral": 50},
}
COMING = "金卡新增生日月免费洗车，保级消费降至升级消费的一半"
KEEP_SHARE, KEEP_VISITS = 60, 24
HELD_DAYS, GROWN_DAYS, ASKED_DAYS, AHEAD_DAYS, GOLD = 75, 20, 5, 20, 2
TRIALS = ("周年庆体验金卡", "宝妈会员日体验金卡", "新店开业体验金卡")
ASKED, AGREED = "海外工作一年，请保留金卡", "投诉补偿：系统故障导致未能保级"
MANAGER = system_viewer("manager")


def seed_tiers(actor: Viewer, loader: Loader, now: dt.datetime) -> None:
    """Once; done before, it does nothing."""
    world = loader.world
    ladder = queries.tiers(world.program_id)
    if ladder[-1].keep_fen is not None:
        return
    _hold(actor, world, now)
    silver = next(tier.id for tier in ladder if tier.code == "silver")
    gold = next(tier.id for tier in ladder if tier.code == "gold")
    known: dict[str, Any] = {
        "tier_id": silver,
        "status": "active",
        "enrolled_to": now - dt.timedelta(days=35),
    }
    members = queries.members_page(actor, limit=len(TRIALS) + 2, **known).items
    for place, member in enumerate(members):
        about: dict[str, Any] = {"member_id": member.member_id, "tier_id": gold}
        try:
            with transaction.atomic():
                if place < len(TRIALS):
                    until = (now + dt.timedelta(days=10 * (place + 1))).date()
                    loyalty.grant_tier(
                        actor=actor, until=until, reason=TRIALS[place], source="campaign", now=now, **about
                    )
                else:
                    _ask(actor, about, is_agreed=place == len(TRIALS), now=now)
        except Problem:
            continue


def _hold(actor: Viewer, world: World, now: dt.datetime) -> None:
    """Tiers have been held for some weeks, and growth value is gathered; gold was to take more, which was withdrawn before
    anybody was told; soon it gives more and is kept with less."""
    about: dict[str, Any] = {"actor": actor, "program_id": world.program_id}
    begun, asked = morning(now, HELD_DAYS), morning(now, ASKED_DAYS)
    terms = queries.plain_policy(queries.policy_now(world.program_id)) | SETTINGS
    for term in terms["tiers"][1:]:
        term |= {"keep_fen": term["threshold_fen"] * KEEP_SHARE // 100, "keep_visits": KEEP_VISITS}
    loyalty.publish_tier_policy(
        definition=terms, effective_from=begun, texts_only_add=True, note=HELD, now=begun, backdated=True, **about
    )  # fmt: skip
    loyalty.open_tier_periods(now=now, **about)
    grown = morning(now, GROWN_DAYS)
    terms |= {"growth": GROWTH}
    loyalty.publish_tier_policy(
        definition=terms, effective_from=grown, note=GROWS, now=grown, backdated=True, **about
    )
    loyalty.settle_growth(now=now, **about)
    gold = terms["tiers"][GOLD]
    harder = {"threshold_fen": gold["threshold_fen"] * 12 // 10}
    tried = terms | {"tiers": [term | (harder if term is gold else {}) for term in terms["tiers"]]}
    version_id = loyalty.publish_tier_policy(
        definition=tried, effective_from=asked + dt.timedelta(days=60), note=TRIED, now=asked, **about
    )
    later = asked + dt.timedelta(hours=5)
    loyalty.withdraw_tier_policy(actor=actor, version_id=version_id, now=later)
    gold |= {"keep_fen": gold["threshold_fen"] // 2, "benefits": f"{gold['benefits']}、生日月免费洗车"}
    begins = morning(now, 0) + dt.timedelta(days=AHEAD_DAYS)
    loyalty.publish_tier_policy(
        definition=terms, effective_from=begins, texts_only_add=True, note=COMING, now=later, **about
    )


def _ask(actor: Viewer, about: dict[str, Any], *, is_agreed: bool, now: dt.datetime) -> None:
    """One exception waits for somebody; the other has just been agreed on. What is lent counts from now: the receipts of
    the history were given their points without it."""
    until = (now + dt.timedelta(days=300)).date()
    asked = loyalty.ask_tier_exception(
        actor=actor, until=until, reason=AGREED if is_agreed else ASKED, now=morning(now, 4), **about
    )
    if is_agreed:
        loyalty.decide_tier_exception(actor=MANAGER, grant_id=asked, approve=True, now=now)

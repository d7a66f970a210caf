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

SETTINGS = {"tier_period": "anniversary", "tier_grace_days": 30, "tier_fall": "one_step"}
KEEP_SHARE, KEEP_VISITS = 60, 24
TRIALS = ("周年庆体验金卡", "宝妈会员日体验金卡", "新店开业体验金卡")
ASKED, AGREED = "海外工作一年，请保留金卡", "投诉补偿：系统故障导致未能保级"
MANAGER = system_viewer("manager")


def seed_tiers(actor: Viewer, loader: Loader, now: dt.datetime) -> None:
    """Once; done before, it does nothing."""
    world = loader.world
    ladder = queries.tiers(world.program_id)
    if ladder[-1].keep_fen is not None:
        return
    _hold(actor, world, ladder, now)
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


def _hold(actor: Viewer, world: World, ladder: list[queries.TierView], now: dt.datetime) -> None:
    loyalty.update_program(actor=actor, program_id=world.program_id, changes=SETTINGS, now=now)
    for tier in ladder[1:]:
        loyalty.save_tier(
            actor=actor,
            program_id=world.program_id,
            code=tier.code,
            name=tier.name,
            rank=tier.rank,
            threshold_fen=tier.threshold_fen,
            colour=tier.colour,
            benefits=tier.benefits,
            keep_fen=tier.threshold_fen * KEEP_SHARE // 100,
            keep_visits=KEEP_VISITS,
            now=now,
        )
    loyalty.open_tier_periods(actor=actor, program_id=world.program_id, now=now)


def _ask(actor: Viewer, about: dict[str, Any], *, is_agreed: bool, now: dt.datetime) -> None:
    """One exception waits for somebody; the other has just been agreed on. What is lent counts from now: the receipts of
    the history were given their points without it."""
    until = (now + dt.timedelta(days=300)).date()
    asked = loyalty.ask_tier_exception(
        actor=actor, until=until, reason=AGREED if is_agreed else ASKED, now=morning(now, 4), **about
    )
    if is_agreed:
        loyalty.decide_tier_exception(actor=MANAGER, grant_id=asked, approve=True, now=now)

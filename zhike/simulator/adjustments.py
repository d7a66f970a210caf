"""Points corrected by hand in the made mall: small ones at once, large ones by two people, some waiting, one refused."""

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

SMALL = (("收银系统故障漏积", 120), ("活动积分补发", 200), ("重复积分扣回", -60), ("线下小票补录", 88))
LARGE = (
    ("团购订单漏积补录", 6_800, True),
    ("珠宝大单积分补录", 9_600, True),
    ("顾客自称漏积，无小票", 8_000, False),
)
LEAST = 200
WAITING = (("婚庆季大额消费漏积", 7_200), ("停电当日小票统一补录", 5_600))


def seed_adjustments(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> None:
    """Once; done before, it does nothing."""
    if queries.adjustments(actor, now):
        return
    hired = [organization.viewer_of_staff(one.id) for one in organization.staff_list(actor)]
    clerks = [one for one in hired if one.may("points.adjust") and not one.may("adjustments.approve")]
    heads = [one for one in hired if one.may("adjustments.approve")]
    rng = Random(f"adjustments/{seed}")
    members = sorted(member_id for member_id, balance in loader.holdings.values() if balance >= LEAST)
    wanted = len(SMALL) + len(LARGE) + len(WAITING)
    if not clerks or not heads or len(members) < wanted:
        return
    people = iter(rng.sample(members, wanted))
    today = now.astimezone(ZONE).date()

    def ask(reason: str, points: int, at: dt.datetime) -> int:
        part = loyalty.AdjustmentPart(next(people), points)
        return loyalty.ask_adjustment(actor=clerks[0], parts=[part], reason=reason, now=at).adjustment_id

    try:
        with transaction.atomic():
            for back, (reason, points) in enumerate(SMALL, start=3):
                ask(reason, points, _at(today - dt.timedelta(days=back), 11))
            for back, (reason, points, approve) in enumerate(LARGE, start=2):
                asked = ask(reason, points, _at(today - dt.timedelta(days=back), 14))
                loyalty.decide_adjustment(
                    actor=heads[0], adjustment_id=asked, approve=approve, note="" if approve else "无小票，证据不足",
                    now=_at(today - dt.timedelta(days=back), 16),
                )  # fmt: skip
            for reason, points in WAITING:
                ask(reason, points, _at(today - dt.timedelta(days=1), 15))
    except Problem:
        return


def _at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, 30), ZONE).astimezone(dt.UTC)

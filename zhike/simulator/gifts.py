"""Gifts for purchases of the made mall: a campaign that ran, one that runs, what was fetched and what has to come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.sales import queries as sales
from zhike.simulator.founding import World
from zhike.simulator.loading import Loader

FETCHED_AT = dt.time(20)
WINNERS = 24
PAST, RUNNING = "GIFT-AUTUMN", "GIFT-ANNIVERSARY"
ITEMS = (
    ("GIFT-BAG", "星河帆布袋", "shopping-bag", 400, 60, 3_900, 1_500, 300, {"mall": 10_000}),
    ("GIFT-CUP", "联名保温杯", "cup-soda", 180, 0, 12_900, 4_600, 900, {"mall": 6_000, "brand": 4_000}),
    (
        "GIFT-UMBRELLA",
        "晴雨两用伞",
        "umbrella",
        60,
        0,
        19_900,
        7_800,
        1_500,
        {"mall": 5_000, "merchant": 5_000},
    ),
)
STEPS = ((50_000, "GIFT-BAG"), (100_000, "GIFT-CUP"), (200_000, "GIFT-UMBRELLA"))
SMALL_STEPS = ((15_000, "GIFT-BAG"), (30_000, "GIFT-CUP"), (60_000, "GIFT-UMBRELLA"))


def seed_gifts(actor: Viewer, loader: Loader, now: dt.datetime) -> None:
    """Once; done before, it does nothing."""
    world = loader.world
    if queries.has_gifts(world.group_id, now):
        return
    zone = ZoneInfo(organization.mall(world.mall_id).time_zone)
    today = business_date(now, zone)
    with transaction.atomic():
        ids = _items(actor, world, now - dt.timedelta(days=40))
        past = (today - dt.timedelta(days=30), today - dt.timedelta(days=9), today - dt.timedelta(days=2))
        running = (today - dt.timedelta(days=8), today + dt.timedelta(days=12), today + dt.timedelta(days=15))
        first = _campaign(actor, world, PAST, "金秋满额赠", ids, SMALL_STEPS, past, now)
        second = _campaign(actor, world, RUNNING, "周年庆满额赠", ids, STEPS, running, now)
        members = sorted(member_id for member_id, _balance in loader.holdings.values())
        _fetch(actor, world, first, members, past, zone, 2)
        rewards.lapse_gifts(actor=actor, now=now)
        _fetch(actor, world, second, members, running, zone, 1, until=today - dt.timedelta(days=1))


def _items(actor: Viewer, world: World, now: dt.datetime) -> dict[str, int]:
    ids = {}
    for code, name, icon, stock, per_day, value, cost, points, funding in ITEMS:
        item = rewards.NewGiftItem(code, name, icon, per_day, value, cost, points, funding)
        ids[code] = rewards.save_gift_item(
            actor=actor, mall_id=world.mall_id, item=item, stock=stock, now=now
        )
    return ids


def _campaign(
    actor: Viewer,
    world: World,
    code: str,
    name: str,
    ids: dict[str, int],
    steps: Sequence[tuple[int, str]],
    days: tuple[dt.date, dt.date, dt.date],
    now: dt.datetime,
) -> int:
    terms: dict[str, Any] = {
        "steps": [{"threshold_fen": fen, "item_id": ids[item]} for fen, item in steps],
        "adds_up": "campaign", "per_member": 2, "per_member_day": 1, "tenders_out": ["voucher", "stored_value"],
        "keep_days": 5, "ask_back_days": 7,
    }  # fmt: skip
    text = "活动期内多张小票可累计，每一元只计一次；凭会员码或赠礼码到一楼服务台领取，送完即止。"
    campaign = rewards.NewGiftCampaign(code, name, terms, *days, description=text)
    at = now - dt.timedelta(days=35)
    campaign_id = rewards.save_gift_campaign(actor=actor, mall_id=world.mall_id, campaign=campaign, now=at)
    rewards.publish_gift_campaign(actor=actor, campaign_id=campaign_id, now=at)
    return campaign_id


def _fetch(
    actor: Viewer,
    world: World,
    campaign_id: int,
    members: Sequence[int],
    days: tuple[dt.date, dt.date, dt.date],
    zone: ZoneInfo,
    waiting: int,
    until: dt.date | None = None,
) -> None:
    """Those who spent enough fetch theirs in the evening of the last day; a few reserve and have yet to come."""
    persons = loyalty.person_ids_of(members)
    last = min(days[1], until or days[1])
    since, before = (
        dt.datetime.combine(day, dt.time.min, tzinfo=zone) for day in (days[0], last + dt.timedelta(days=1))
    )
    spent = sales.purchases_of(list(persons.values()), since, before)
    able = sorted(members, key=lambda one: (-spent.get(persons.get(one, 0), (0, 0))[1], one))[:WINNERS]
    at = dt.datetime.combine(last, FETCHED_AT, tzinfo=zone).astimezone(dt.UTC)
    thresholds = [step.threshold_fen for step in queries.gift_campaign(actor, campaign_id, at).steps]
    newest: tuple[int, int] | None = None
    for place, member_id in enumerate(able):
        fen = spent.get(persons[member_id], (0, 0))[1]
        steps = [number for number, step in enumerate(thresholds) if step <= fen]
        if not steps:
            break
        try:
            with transaction.atomic():
                made = rewards.reserve_gift(
                    actor=actor,
                    member_id=member_id,
                    campaign_id=campaign_id,
                    step=steps[-1 - place % len(steps)],
                    source="app" if place % 3 == 0 else "desk",
                    hand_out=place % 8 >= waiting,
                    now=at + dt.timedelta(seconds=40 * place),
                )
        except Problem:
            continue
        if made.state == "handed_out" and place % 11 == 10:
            rewards.take_back_gift(
                actor=actor,
                right_id=made.right_id,
                reason="拉链损坏，换货时退回",
                is_good=False,
                now=at + dt.timedelta(hours=1),
            )
        elif made.state == "handed_out":
            newest = (made.right_id, persons[member_id])
    if newest is not None and until is not None:  # who spent least has nothing else that would stand in
        _goods_come_back(actor, *newest, at + dt.timedelta(minutes=30))


def _goods_come_back(actor: Viewer, right_id: int, person_id: int, at: dt.datetime) -> None:
    """What stood behind a gift is returned the same evening, so the gift is asked back."""
    for number, share in enumerate(queries.gift_right(actor, right_id).shares):
        lines = [loyalty_operations.ReturnLine(line.line_no) for line in sales.lines_of(share.receipt_id)]
        try:
            with transaction.atomic():
                loyalty_operations.return_lines(
                    actor=actor, receipt_id=share.receipt_id, lines=lines, till="01", number=f"GT{number}-{share.number}",
                    business_date=share.day, occurred_at=at, now=at,
                )  # fmt: skip
        except Problem:
            continue
    rewards.review_gifts(actor=actor, person_id=person_id, now=at)

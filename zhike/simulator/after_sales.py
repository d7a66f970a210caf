"""What members brought back lately: sent in by app or over the counter, taken through the operations as far as each is known to be."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.rewards import operations as rewards
from zhike.sales import queries as sales
from zhike.service import operations as service
from zhike.service import queries
from zhike.simulator.founding import World
from zhike.simulator.rhythm import ZONE

GOODS = ("apparel", "shoes", "sports", "kids", "digital", "home")
LOOKED_AT = 100
BOUGHT_BEFORE = 6
"""Days at most between purchase and request: most terms give seven."""
WORKSHOPS = ("星河综合维修中心", "匠心维修工坊", "品牌授权维修站")
_COMING = (("approve", 0, 11), ("receive", 1, 14))
_MENDED = (("receive", 1, 14), ("send", 1, 16))
ROADS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "applied": (),
    "approved": _COMING[:1],
    "received": _COMING,
    "done": (*_COMING, ("pass", 1, 15), ("settle", 1, 16)),
    "refused": (("refuse", 0, 15),),
    "rejected": (*_COMING, ("reject", 1, 15), ("hand_back", 3, 18)),
    "workshop": _MENDED,
    "ready": (*_MENDED, ("finish", 4, 17)),
    "collected": (*_MENDED, ("finish", 4, 17), ("hand_back", 5, 19)),
}
"""(step, days after the request, hour of the mall)."""


@dataclass(frozen=True, slots=True)
class Case:
    """``days`` is how long ago it was asked for; ``by_app`` by the member, otherwise at the desk."""

    days: int
    kind: str
    reason: str
    condition: str
    text: str
    road: str
    note: str = ""
    by_app: bool = True


@dataclass(frozen=True, slots=True)
class Bought:
    receipt_id: UUID
    person_id: int


_Choice = tuple[Bought, int]

CASES = (
    Case(1, "return", "size", "sealed", "尺码偏大，吊牌还在，想退掉。", "applied"),
    Case(1, "exchange", "size", "sealed", "想换小一码，颜色不变。", "applied"),
    Case(2, "repair", "quality", "used", "拉链卡住了，拉不上。", "workshop", by_app=False),
    Case(2, "return", "dislike", "sealed", "家里已经有一件差不多的了。", "approved"),
    Case(3, "return", "quality", "opened", "打开发现有划痕。", "received", by_app=False),
    Case(5, "repair", "quality", "used", "穿了两次鞋底开胶。", "ready", by_app=False),
    Case(6, "exchange", "quality", "used", "洗过一次就起球，要求换新。", "done", "同款全新一件", by_app=False),
    Case(8, "return", "mismatch", "opened", "颜色和店里展示的不一样。", "done", by_app=False),
    Case(11, "return", "dislike", "sealed", "送人的，对方不喜欢。", "refused", "吊牌已剪，不影响使用的商品不支持无理由退货"),
    Case(12, "exchange", "size", "sealed", "换大一码。", "done", "同款大一码"),
    Case(14, "return", "quality", "used", "用了三天就不工作了。", "rejected", "检测为进水损坏，不属于质量问题", by_app=False),
    Case(16, "repair", "quality", "used", "扣子掉了一颗，想配原装的。", "collected", by_app=False),
)  # fmt: skip


def seed_after_sales(actor: Viewer, world: World, now: dt.datetime) -> Counter[str]:
    """Terms with two benefits, and the cases above on real purchases; nothing when there are terms already."""
    done: Counter[str] = Counter()
    if queries.after_sales_terms(world.group_id) is not None:
        return done
    today = now.astimezone(ZONE).date()
    _publish(actor, world, _at(today, 60, 10))
    agent = next(
        (
            organization.viewer_of_staff(one.id)
            for one in organization.staff_list(actor)
            if one.username == "service"
        ),
        actor,
    )
    taken: set[int] = set()
    wanted = {world.category_ids[code] for code in GOODS if code in world.category_ids}
    for case in CASES:
        day = today - dt.timedelta(days=case.days)
        chosen = _choose(actor, world, day, wanted, taken)
        if chosen is None:
            continue
        try:
            _live(case, *chosen, agent, today, now)
        except Problem:
            continue  # a purchase that was returned meanwhile, or whose points are spent
        done[case.road] += 1
    return done


def _publish(actor: Viewer, world: World, now: dt.datetime) -> None:
    """The usual terms; the upper half of the ladder returns longer, its benefits are counted by the year."""
    ladder = [
        tier
        for programme in loyalty.programs(actor)
        if programme.group_id == world.group_id
        for tier in loyalty.tiers(programme.id)
    ]
    upper = ladder[len(ladder) // 2 :]
    for position, (code, name, words, often) in enumerate(
        (
            ("NOWORRY", "无忧退换", "未使用的商品，购买后 30 天内可退换，拆封也可以。", 3),
            ("FREEFIX", "免费维修", "保修期过后，维修的人工与配件由商场承担。", 1),
        )
    ):
        benefit = rewards.NewBenefit(
            code,
            name,
            "service",
            "次",
            {str(tier.id): often for tier in upper},
            period="year",
            description=words,
            how_to_use="在消费记录里申请退换或维修，自动使用。",
            position=50 + position,
        )
        rewards.save_benefit(actor=actor, group_id=world.group_id, benefit=benefit, now=now)
    policy = queries.usual_terms(world.group_id)
    extensions = (
        service.Extension("benefit:NOWORRY", extra_days=23, opened_ok=True),
        service.Extension("benefit:FREEFIX", free_repair=True),
    )
    service.publish_after_sales(
        actor=actor,
        group_id=world.group_id,
        policy=service.AfterSalesTerms(policy.terms, extensions, 0, policy.photo_for_faults),
        note="三包与七天无理由，会员权益延长",
        now=now,
    )


def _choose(actor: Viewer, world: World, day: dt.date, wanted: set[int], taken: set[int]) -> _Choice | None:
    """A member's purchase of the days before with something that can come back, and its line; one a person."""
    page = sales.receipts_page(
        actor,
        mall_id=world.mall_id,
        kind="sale",
        date_from=day - dt.timedelta(days=BOUGHT_BEFORE),
        date_to=day - dt.timedelta(days=1),
        has_person=True,
        limit=LOOKED_AT,
    )
    for row in page.items:
        if row.person_id is None or row.person_id in taken:
            continue
        for line in sales.lines_of(row.id):
            if line.category_id in wanted and line.returned_quantity == 0 and line.quantity >= 1:
                taken.add(row.person_id)
                return Bought(row.id, row.person_id), line.line_no
    return None


def _at(today: dt.date, days_ago: int, hour: int) -> dt.datetime:
    return dt.datetime.combine(today - dt.timedelta(days=days_ago), dt.time(hour, 30), ZONE)


def _live(case: Case, bought: Bought, line_no: int, agent: Viewer, today: dt.date, now: dt.datetime) -> None:
    """Ask, then every step whose hour has come."""
    number = service.apply_after_sale(
        actor=customers.viewer_of_person(bought.person_id) if case.by_app else agent,
        receipt_id=bought.receipt_id,
        kind=case.kind,
        reason=case.reason,
        condition=case.condition,
        quantities={line_no: Decimal(1)},
        text=case.text,
        channel="app" if case.by_app else "counter",
        now=_at(today, case.days, 10),
    )
    for act, days, hour in ROADS[case.road]:
        at = _at(today, case.days - days, hour)
        if at > now:
            return
        service.take_step(
            actor=agent, number=number, act=act, note=_note(case, act), plan=_plan(case, act, at), now=at
        )
    _call_back(agent, number, now)


def _note(case: Case, act: str) -> str:
    """What is said with a step: why not, or what was given."""
    said = case.note if act in ("refuse", "reject", "settle") and case.note else ""
    return said or ("同款全新一件" if act == "settle" and case.kind == "exchange" else "")


def _plan(case: Case, act: str, at: dt.datetime) -> service.RepairPlan | None:
    if act != "send":
        return None
    part = service.Part("原装配件", 1, 1_800)
    promised = at.astimezone(ZONE).date() + dt.timedelta(days=4)
    return service.RepairPlan(WORKSHOPS[case.days % len(WORKSHOPS)], promised, [part], 3_000, 0)


def _call_back(agent: Viewer, number: str, now: dt.datetime) -> None:
    """Whoever's matter ended some days ago was called."""
    shown = queries.after_sale(agent, number)
    if shown.row.ended_at is None:
        return
    at = shown.row.ended_at + dt.timedelta(days=1)
    for task in queries.tasks_of(agent, shown.row.ticket.id):
        if task.kind == "call_back" and task.status == "open" and at <= now:
            service.finish_task(
                actor=agent, task_id=task.id, outcome="satisfied", result="会员表示满意。", now=at
            )

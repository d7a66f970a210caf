"""A mall group at work: programme, tiers, a rule, members with receipts, a return and a redemption."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.people import PASSWORD, Hired, Malls, build_malls, publish_policy
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import operations as loyalty
from zhike.sales import operations as sales

SYSTEM = system_viewer("tests")
LADDER = [
    ("basic", "普卡", 0, "slate", ""),
    ("silver", "银卡", 100_000, "silver", "生日双倍积分"),
    ("gold", "金卡", 500_000, "gold", "生日双倍积分\n每月两小时免费停车"),
]


@dataclass
class World:
    malls: Malls
    program_id: int
    tiers: dict[str, int]
    rule_id: int
    zhang_san: int
    li_si: int
    sale: UUID
    now: dt.datetime


class Desks(Hired):
    """Staff who can log in with PASSWORD."""

    admin: Viewer
    wang: Viewer  # mall manager of 星河城
    qian: Viewer  # mall manager of 云港汇
    sun: Viewer  # service desk of 星河城
    chen: Viewer  # marketer: sees members, changes nothing
    li: Viewer  # cashier of the café
    tang: Viewer  # no role

    HOW = {
        "admin": ("admin", "管理员", ("admin", "all", "")),
        "wang": ("wang", "王店总", ("mall_manager", "mall", "star")),
        "qian": ("qian", "钱店总", ("mall_manager", "mall", "cloud")),
        "sun": ("sun", "孙客服", ("service_agent", "mall", "star")),
        "chen": ("chen", "陈营销", ("marketer", "all", "")),
        "li": ("li", "李收银", ("cashier", "merchant", "cafe")),
        "tang": ("tang", "唐新人", None),
    }


def build_desks(malls: Malls, now: dt.datetime) -> Desks:
    return Desks(malls, now, PASSWORD)


def build_world(now: dt.datetime) -> World:
    """`now` is when everything was set up; receipts lie in the days before it."""
    malls = build_malls(now)
    publish_policy(malls, now=now)
    program = loyalty.create_program(
        actor=SYSTEM, group_id=malls.group, code="main", name="知客会员", now=now
    )
    tiers = {
        code: loyalty.save_tier(
            actor=SYSTEM, program_id=program, code=code, name=name, rank=rank, threshold_fen=threshold,
            colour=colour, benefits=benefits, now=now,
        )
        for rank, (code, name, threshold, colour, benefits) in enumerate(LADDER)
    }  # fmt: skip
    loyalty.publish_rule_version(
        actor=SYSTEM, program_id=program, code="base", name="消费积分",
        definition={"base": {"points": 1, "per_fen": 100}, "tiers": {"bp": {str(tiers["gold"]): 15_000}}},
        effective_from=now - dt.timedelta(days=60), now=now, backdated=True,
    )  # fmt: skip
    zhang = enroll(malls, "张三", "13800138000", malls.star, malls.cafe, now)
    li = enroll(malls, "李四", "13900139000", malls.cloud, malls.noodles, now)
    sale = sell(malls.star, malls.cafe, 128_00, now - dt.timedelta(days=1), zhang.person_id, now)
    sell(malls.star, malls.fashion, 90, now - dt.timedelta(days=1), zhang.person_id, now)
    sell(malls.star, malls.jeweller, 990_00, now - dt.timedelta(days=2), zhang.person_id, now)
    sell(malls.cloud, malls.noodles, 36_00, now - dt.timedelta(days=1), li.person_id, now)
    sell(malls.star, malls.cafe, 45_00, earlier_today(now), None, now)
    return World(malls, program, tiers, _rule_id(program, now), zhang.member_id, li.member_id, sale, now)


def earlier_today(now: dt.datetime) -> dt.datetime:
    """An hour ago, or the beginning of the mall's day where it is younger than that."""
    local = now + dt.timedelta(hours=8)
    begun = local - local.replace(hour=0, minute=0, second=0, microsecond=0)
    return now - min(dt.timedelta(hours=1), begun)


def enroll(
    malls: Malls, name: str, phone: str, mall_id: int, merchant_id: int, now: dt.datetime
) -> loyalty.EnrolledMember:
    return loyalty.enroll_member(
        actor=SYSTEM, name=name, phone=phone, sex="female", birthday=dt.date(1990, 5, 12), mall_id=mall_id,
        merchant_id=merchant_id, source="counter", method="counter", policy_version="2026-01",
        consents=[("membership", "any", "granted"), ("marketing", "sms", "refused")],
        evidence={"screen": "enrolment"}, now=now - dt.timedelta(days=30),
    )  # fmt: skip


_numbers = iter(range(1, 10**9))


def sell(
    mall_id: int, merchant_id: int, fen: int, at: dt.datetime, person_id: int | None, now: dt.datetime
) -> UUID:
    """One receipt with one line, paid in cash."""
    line = sales.NewLine(1, "SKU-1", "示例商品", Decimal(2), fen // 2, fen // 2 * 2)
    receipt = sales.NewReceipt(
        merchant_id=merchant_id, mall_id=mall_id, kind="sale", till="01", number=f"T{next(_numbers):06d}",
        business_date=(at + dt.timedelta(hours=8)).date(), occurred_at=at, lines=(line,),
        tenders=(sales.NewTender("cash", line.net_fen),), person_id=person_id, cashier="李收银", source="api",
    )  # fmt: skip
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=now).receipt_id


def _rule_id(program_id: int, now: dt.datetime) -> int:
    from zhike.loyalty import queries

    rules: list[Any] = queries.rules(SYSTEM, program_id, now)
    return int(rules[0].rule_id)

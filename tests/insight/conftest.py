"""Members who differ: what they bought, where, when, and what they agreed to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.people import NOW, Malls, publish_policy
from zhike.insight import operations, queries
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import operations as loyalty
from zhike.sales import operations as sales

SYSTEM = system_viewer("tests")
DAY = dt.timedelta(days=1)
_numbers = iter(range(1, 10**9))


@dataclass(frozen=True)
class Audience:
    """Members of 星河城: 安 buys coffee often and agreed to SMS; 白 bought jewels long ago; 陈 never bought; 冬 is a
    child of twelve. 俄 is 云港汇's."""

    malls: Malls
    program: int
    tier: int
    an: int
    bai: int
    chen: int
    dong: int
    e: int
    persons: dict[int, int]

    @property
    def all(self) -> set[int]:
        return {self.an, self.bai, self.chen, self.dong, self.e}


def join(
    malls: Malls, number: int, name: str, *consents: tuple[str, str, str], **given: Any
) -> loyalty.EnrolledMember:
    values: dict[str, Any] = {
        "sex": "female",
        "birthday": dt.date(1990, 5, 12),
        "mall_id": malls.star,
        "merchant_id": malls.cafe,
    }
    joined_at = given.pop("joined_at", NOW - 200 * DAY)
    return loyalty.enroll_member(
        actor=SYSTEM, name=name, phone=f"1380013{number:04d}", source="counter", method="counter",
        policy_version="2026-01", consents=[("membership", "any", "granted"), *consents],
        evidence={"screen": "enrolment"}, now=joined_at, **values | given,
    )  # fmt: skip


def buy(
    malls: Malls, person_id: int, merchant_id: int, fen: int, at: dt.datetime, now: dt.datetime = NOW
) -> None:
    mall_id = malls.cloud if merchant_id == malls.noodles else malls.star
    line = sales.NewLine(1, "SKU-1", "示例商品", Decimal(1), fen, fen)
    receipt = sales.NewReceipt(
        merchant_id=merchant_id, mall_id=mall_id, kind="sale", till="01", number=f"I{next(_numbers):06d}",
        business_date=(at + dt.timedelta(hours=8)).date(), occurred_at=at, lines=(line,),
        tenders=(sales.NewTender("cash", fen),), person_id=person_id, cashier="李收银", source="api",
    )  # fmt: skip
    loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=now)


@pytest.fixture
def audience(malls: Malls) -> Audience:
    publish_policy(malls, now=NOW - 400 * DAY)
    program = loyalty.create_program(
        actor=SYSTEM, group_id=malls.group, code="main", name="知客会员", now=NOW - 400 * DAY
    )
    tier = loyalty.save_tier(
        actor=SYSTEM, program_id=program, code="basic", name="普卡", rank=0, threshold_fen=0, colour="slate", benefits="",
        now=NOW - 400 * DAY,
    )  # fmt: skip
    an = join(malls, 1, "安", ("marketing", "sms", "granted"), ("personalisation", "any", "granted"))
    bai = join(
        malls,
        2,
        "白",
        ("marketing", "any", "granted"),
        ("marketing", "sms", "refused"),
        sex="male",
        birthday=dt.date(1960, 3, 9),
    )
    chen = join(
        malls, 3, "陈", ("personalisation", "any", "refused"), birthday=None, joined_at=NOW - 10 * DAY
    )
    dong = join(malls, 4, "冬", ("marketing", "sms", "granted"), birthday=dt.date(2014, 3, 7))
    e = join(malls, 5, "俄", ("marketing", "sms", "granted"), mall_id=malls.cloud, merchant_id=malls.noodles)
    for days in (1, 5, 20, 50):
        buy(malls, an.person_id, malls.cafe, 30_00, NOW - days * DAY)
    buy(malls, an.person_id, malls.fashion, 500_00, NOW - 100 * DAY)
    buy(malls, bai.person_id, malls.jeweller, 9_000_00, NOW - 150 * DAY)
    buy(malls, e.person_id, malls.noodles, 40_00, NOW - 2 * DAY)
    buy(malls, e.person_id, malls.cafe, 25_00, NOW - 2 * DAY)
    persons = {one.member_id: one.person_id for one in (an, bai, chen, dong, e)}
    ids = (an.member_id, bai.member_id, chen.member_id, dong.member_id, e.member_id)
    return Audience(malls, program, tier, ids[0], ids[1], ids[2], ids[3], ids[4], persons)


@pytest.fixture
def save(audience: Audience) -> Callable[..., int]:
    """Save conditions under "all" as a segment; its id."""

    def _save(*conditions: dict[str, Any], actor: Viewer = SYSTEM, **given: Any) -> int:
        values: dict[str, Any] = {
            "code": f"s{next(_numbers)}",
            "name": "试验",
            "definition": {"match": "all", "of": list(conditions)},
        }
        return operations.save_segment(actor=actor, group_id=audience.malls.group, now=NOW, **values | given)

    return _save


@pytest.fixture
def who(audience: Audience) -> Callable[..., set[int]]:
    """Ids of the members a definition fits, whatever they agreed to: conditions are under "all"."""

    def _who(
        *conditions: dict[str, Any], viewer: Viewer = SYSTEM, mall_id: int | None = None, match: str = "all"
    ) -> set[int]:
        from zhike.insight.queries.audiences import fitting

        tree = queries.parse({"match": match, "of": list(conditions)})
        return set(fitting(viewer, tree, mall_id, NOW))

    return _who

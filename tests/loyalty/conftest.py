"""A small mall with a programme, built through the operations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from zhike.kernel.access import Grant, Viewer, system_viewer
from zhike.loyalty import operations as loyalty
from zhike.organization.operations import structure
from zhike.sales import operations as sales

NOW = dt.datetime(2026, 6, 10, 4, 0, tzinfo=dt.UTC)
SYSTEM = system_viewer("tests")
BASE_RULE: dict[str, Any] = {"base": {"points": 1, "per_fen": 100}}


@dataclass
class Town:
    """星河城 with two merchants, the neighbour 云港汇 with one, a programme of three tiers and a base rule."""

    group_id: int
    mall_id: int
    other_mall_id: int
    shop: int
    cafe: int
    far_shop: int
    program_id: int
    tiers: dict[str, int]
    numbers: int = 0

    def receipt(
        self,
        fen: int | Sequence[int] = 10_000,
        *,
        person_id: int | None = None,
        merchant_id: int | None = None,
        number: str | None = None,
        at: dt.datetime = NOW,
        tenders: Sequence[tuple[str, int]] | None = None,
        category_id: int | None = None,
        **changes: Any,
    ) -> sales.NewReceipt:
        """A sale with one line per amount, paid in cash unless told otherwise."""
        self.numbers += 1
        amounts = [fen] if isinstance(fen, int) else list(fen)
        paid = tenders if tenders is not None else [("cash", sum(amounts))]
        return sales.NewReceipt(
            **{
                "merchant_id": merchant_id or self.shop,
                "mall_id": self.mall_id if merchant_id != self.far_shop else self.other_mall_id,
                "kind": "sale",
                "till": "01",
                "number": f"R{self.numbers:05d}" if number is None else number,
                "business_date": at.date(),
                "occurred_at": at,
                "lines": tuple(
                    sales.NewLine(
                        no, f"SKU{no}", f"商品{no}", Decimal(1), amount, amount, category_id=category_id
                    )
                    for no, amount in enumerate(amounts, start=1)
                ),
                "tenders": tuple(sales.NewTender(kind, amount) for kind, amount in paid),
                "person_id": person_id,
                **changes,
            }
        )


@pytest.fixture
def town(db: None) -> Town:
    return build_town()


def build_town() -> Town:
    group = structure.create_group(actor=SYSTEM, code="zk", name="知客商业", now=NOW)
    mall = structure.create_mall(actor=SYSTEM, group_id=group, code="xhc", name="星河城", now=NOW)
    other = structure.create_mall(actor=SYSTEM, group_id=group, code="ygh", name="云港汇", now=NOW)
    shop = structure.create_merchant(actor=SYSTEM, mall_id=mall, code="M1", name="青禾服饰", now=NOW)
    cafe = structure.create_merchant(actor=SYSTEM, mall_id=mall, code="M2", name="拾光咖啡", now=NOW)
    far = structure.create_merchant(actor=SYSTEM, mall_id=other, code="M1", name="远山书店", now=NOW)
    program = loyalty.create_program(actor=SYSTEM, group_id=group, code="main", name="知客会员", now=NOW)
    ladder = [("basic", "普卡", 0), ("silver", "银卡", 100_000), ("gold", "金卡", 500_000)]
    tiers = {
        code: loyalty.save_tier(
            actor=SYSTEM,
            program_id=program,
            code=code,
            name=name,
            rank=rank,
            threshold_fen=threshold,
            colour="silver",
            now=NOW,
        )
        for rank, (code, name, threshold) in enumerate(ladder, start=1)
    }
    return Town(group, mall, other, shop, cafe, far, program, tiers)


@pytest.fixture
def publish(town: Town) -> Callable[..., int]:
    """Publish a rule that has been in force since the year began."""

    def _publish(
        code: str = "base", since: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), **parts: Any
    ) -> int:
        return loyalty.publish_rule_version(
            actor=SYSTEM,
            program_id=town.program_id,
            code=code,
            name="消费积分",
            definition=BASE_RULE | parts,
            effective_from=since,
            now=NOW,
            backdated=True,
        )

    return _publish


@pytest.fixture
def base_rule(publish: Callable[..., int]) -> int:
    return publish()


@pytest.fixture
def enroll(town: Town) -> Callable[..., loyalty.EnrolledMember]:
    def _enroll(phone: str = "13800138000", name: str = "张三", **kwargs: Any) -> loyalty.EnrolledMember:
        return loyalty.enroll_member(
            actor=SYSTEM, name=name, phone=phone, mall_id=town.mall_id, source="counter", now=NOW, **kwargs
        )

    return _enroll


@pytest.fixture
def zhang(enroll: Callable[..., loyalty.EnrolledMember]) -> loyalty.EnrolledMember:
    return enroll()


def staff(*permissions: str, level: str = "all", ids: Sequence[int] = ()) -> Viewer:
    return Viewer("staff", 1, "李", (Grant(frozenset(permissions), level, frozenset(ids)),))

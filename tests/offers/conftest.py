"""A town with a programme and coupons, built through the operations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from zhike.loyalty import operations as loyalty
from zhike.offers import operations as offers

BASE: dict[str, Any] = {"kind": "cash", "value_fen": 2000, "validity": {"days": 7}}
SHARED = {"mall": 5000, "merchant": 3333, "brand": 1667}


@pytest.fixture
def town(db: None) -> Town:
    return build_town()


def new_member(town: Town, phone: str = "13800138000", name: str = "张三") -> loyalty.EnrolledMember:
    return loyalty.enroll_member(
        actor=SYSTEM, name=name, phone=phone, mall_id=town.mall_id, source="counter", now=NOW
    )


@pytest.fixture
def zhang(town: Town) -> loyalty.EnrolledMember:
    return new_member(town)


def make_template(town: Town, code: str = "T1", *, mall_id: int | None = None, **terms: Any) -> int:
    return offers.save_template(
        actor=SYSTEM,
        group_id=town.group_id,
        mall_id=town.mall_id if mall_id is None else mall_id,
        code=code,
        name=f"券 {code}",
        terms=BASE | terms,
        now=NOW,
    )


def make_batch(town: Town, terms: dict[str, Any] | None = None, code: str = "B1", **changes: Any) -> int:
    template_id = make_template(town, f"T-{code}", **(terms or {}))
    values: dict[str, Any] = {
        "code": code,
        "name": f"批次 {code}",
        "stock": 100,
        "claim_from": NOW - dt.timedelta(days=1),
        "claim_until": NOW + dt.timedelta(days=30),
        "is_public": True,
    }
    return offers.open_batch(
        actor=SYSTEM, template_id=template_id, batch=offers.NewBatch(**{**values, **changes}), now=NOW
    )


def basket(town: Town, *amounts: int, merchant_id: int | None = None, **changes: Any) -> offers.BasketAsked:
    lines = tuple(offers.BasketLine(no, fen) for no, fen in enumerate(amounts, start=1))
    return offers.BasketAsked(**{"merchant_id": merchant_id or town.shop, "lines": lines, **changes})


@pytest.fixture
def held(town: Town, zhang: loyalty.EnrolledMember) -> Callable[..., offers.Issued]:
    """A coupon of 张三's with these terms."""
    count = 0

    def _held(**terms: Any) -> offers.Issued:
        nonlocal count
        count += 1
        batch_id = make_batch(town, terms, f"H{count}")
        return offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)

    return _held

"""A town with a programme, and members who may look after themselves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from zhike.customers.queries import viewer_of_person
from zhike.engagement import operations
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty


@pytest.fixture
def town(db: None) -> Town:
    return build_town()


def new_member(
    town: Town, phone: str = "13800138000", name: str = "张三", at: dt.datetime = NOW, **changes: Any
) -> loyalty.EnrolledMember:
    values: dict[str, Any] = {"mall_id": town.mall_id, "source": "counter"}
    return loyalty.enroll_member(actor=SYSTEM, name=name, phone=phone, now=at, **values | changes)


@pytest.fixture
def zhang(town: Town) -> loyalty.EnrolledMember:
    return new_member(town)


def themselves(member: loyalty.EnrolledMember) -> Viewer:
    return viewer_of_person(member.person_id)


def plan_check_ins(town: Town, mall_id: int | None = None, **terms: Any) -> int:
    return operations.save_check_in_plan(
        actor=SYSTEM, mall_id=mall_id or town.mall_id, terms=terms, is_open=True, now=NOW
    )

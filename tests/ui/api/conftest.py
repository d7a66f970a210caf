"""A mall that is open, a programme, one member, and the keys of several callers."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.people import Malls
from tests.ui.api.client import ApiClient

TILL_SCOPES = ["receipts.record", "receipts.return", "members.lookup", "points.redeem"]
EVERYTHING = [
    *TILL_SCOPES,
    "members.enroll",
    "members.view",
    "members.merge",
    "receipts.view",
    "points.view",
    "events.view",
    "organization.view",
    "tickets.view",
    "tickets.open",
    "tickets.answer",
    "tickets.handle",
]
PHONE, CARD = "13800138000", "VIP0001"


@dataclass(frozen=True)
class Shop:
    """The café of 星河城 with 张三 as its member. A point per yuan."""

    malls: Malls
    program_id: int
    member_id: int
    person_id: int

    def sale(self, fen: int = 12_800, **changes: Any) -> dict[str, Any]:
        """A receipt of one line that nobody has seen before."""
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        return {
            "merchant_id": self.malls.cafe,
            "till": "T1",
            "number": f"R-{uuid.uuid4().hex[:12]}",
            "occurred_at": now.isoformat(),
            "member": {"member_id": self.member_id},
            "lines": [
                {"sku": "LATTE", "name": "拿铁", "quantity": "2", "unit_price_fen": fen // 2, "net_fen": fen}
            ],
            "tenders": [{"kind": "wechat", "amount_fen": fen}],
        } | changes


def build_shop(malls: Malls, now: dt.datetime) -> Shop:
    from zhike.kernel.access import system_viewer
    from zhike.loyalty import operations as loyalty

    actor = system_viewer("tests")
    program_id = loyalty.create_program(
        actor=actor, group_id=malls.group, code="ZK", name="知客会员", now=now
    )
    for rank, (code, name, threshold) in enumerate([("silver", "银卡", 0), ("gold", "金卡", 500_000)]):
        loyalty.save_tier(
            actor=actor,
            program_id=program_id,
            code=code,
            name=name,
            rank=rank,
            threshold_fen=threshold,
            colour="gold",
            now=now,
        )
    loyalty.publish_rule_version(
        actor=actor,
        program_id=program_id,
        code="base",
        name="消费积分",
        definition={"base": {"points": 1, "per_fen": 100}},
        effective_from=now - dt.timedelta(days=400),
        backdated=True,
        now=now,
    )
    member = loyalty.enroll_member(
        actor=actor,
        name="张三",
        phone=PHONE,
        card=CARD,
        mall_id=malls.star,
        merchant_id=malls.cafe,
        source="till",
        now=now,
    )
    return Shop(malls, program_id, member.member_id, member.person_id)


def make_key(scopes: list[str], level: str = "all", target_id: int = 0, rate: int = 600_000) -> str:
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.organization.operations.api_keys import create_api_key

    _key, raw = create_api_key(
        actor=system_viewer("tests"),
        name="tests",
        scopes=scopes,
        level=level,
        target_id=target_id,
        rate_per_minute=rate,
        now=clock.now(),
    )
    return raw


@pytest.fixture
def shop(malls: Malls) -> Shop:
    return build_shop(malls, dt.datetime.now(dt.UTC))


@pytest.fixture
def till(shop: Shop) -> ApiClient:
    """The café's own till: it may do what a till does, at the café."""
    return ApiClient(make_key(TILL_SCOPES, "merchant", shop.malls.cafe))


@pytest.fixture
def office(shop: Shop) -> ApiClient:
    """A program of the head office that may do everything."""
    return ApiClient(make_key(EVERYTHING))


@pytest.fixture
def other_mall(shop: Shop) -> ApiClient:
    """A colleague: the same scopes as the till, in the other mall."""
    return ApiClient(make_key(TILL_SCOPES, "mall", shop.malls.cloud))


@pytest.fixture
def stranger(shop: Shop) -> ApiClient:
    """Nobody: no key at all."""
    return ApiClient()


COUNTED = [
    "sales_receipt",
    "sales_receiptline",
    "sales_tender",
    "loyalty_transfer",
    "loyalty_lot",
    "loyalty_award",
    "loyalty_redemption",
    "loyalty_member",
    "loyalty_capusage",
    "customers_person",
    "customers_identifier",
    "privacy_consentrecord",
    "service_ticket",
    "service_entry",
    "kernel_event",
    "kernel_audit",
    "kernel_idempotency",
]


def row_counts() -> dict[str, int]:
    """How many rows there are of everything a call could write, and what the accounts hold."""
    from django.db import connection

    counts = {}
    with connection.cursor() as cursor:
        for table in COUNTED:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[table] = cursor.fetchone()[0]
        cursor.execute("SELECT coalesce(sum(balance * 1000003 + debt * 7 + version), 0) FROM loyalty_account")
        counts["accounts"] = int(cursor.fetchone()[0])
    return counts

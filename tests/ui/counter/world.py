"""A programme in 星河城 and members who come to its tills, built through the operations; for the browser tests too."""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client

from tests.people import Malls
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.messaging import queries as messaging
from zhike.organization.operations import sessions
from zhike.privacy import operations as privacy
from zhike.sales import operations as sales

SYSTEM = system_viewer("tests")
ZHANG_PHONE, LI_PHONE = "13800138000", "13900139000"
PURPOSES = ("membership", "marketing", "personalisation", "sharing")
BASE_RULE = {"base": {"points": 1, "per_fen": 100}, "minimum_fen": 1000, "excluded_tenders": ["voucher"]}


@dataclass
class World:
    """张三丰 was enrolled at the café of 星河城, 李小龙 at the noodle bar of 云港汇. A point a yuan, from ¥10 on."""

    malls: Malls
    program_id: int
    zhang: loyalty.EnrolledMember
    li: loyalty.EnrolledMember
    now: dt.datetime
    numbers: int = 0

    def buy(
        self,
        fen: int = 12_800,
        *,
        member: loyalty.EnrolledMember | None = None,
        merchant_id: int | None = None,
        mall_id: int | None = None,
        at: dt.datetime | None = None,
        lines: list[tuple[str, str, int]] | None = None,
        tender: str = "wechat",
    ) -> loyalty.ReceiptOutcome:
        self.numbers += 1
        moment = at or self.now
        sold = lines or [("手冲咖啡", "1", fen)]
        receipt = sales.NewReceipt(
            merchant_id=merchant_id or self.malls.cafe,
            mall_id=mall_id or self.malls.star,
            kind="sale",
            till="T1",
            number=f"X{self.numbers:05d}",
            business_date=moment.date(),
            occurred_at=moment,
            lines=tuple(
                sales.NewLine(no, "", name, Decimal(quantity), int(amount / Decimal(quantity)), amount)
                for no, (name, quantity, amount) in enumerate(sold, start=1)
            ),
            tenders=(sales.NewTender(tender, sum(amount for *_, amount in sold)),),
            person_id=member.person_id if member else None,
        )
        return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=self.now)

    def redeem(self, member: loyalty.EnrolledMember, points: int) -> UUID:
        outcome = loyalty.redeem_points(
            actor=SYSTEM,
            member_id=member.member_id,
            points=points,
            merchant_id=self.malls.cafe,
            mall_id=self.malls.star,
            now=self.now,
        )
        return outcome.redemption_id


def build_world(malls: Malls, now: dt.datetime) -> World:
    begin = now - dt.timedelta(days=100)
    privacy.publish_policy(
        actor=SYSTEM,
        group_id=malls.group,
        version="2026-01",
        title="会员隐私政策",
        text="我们为会员服务处理您的手机号与消费记录。",
        terms={purpose: {"categories": ["phone"], "retention_days": 365} for purpose in PURPOSES},
        now=begin,
    )
    program_id = loyalty.create_program(
        actor=SYSTEM, group_id=malls.group, code="main", name="星河会员", now=begin
    )
    ladder = [
        ("basic", "普卡", 0, "slate"),
        ("silver", "银卡", 100_000, "silver"),
        ("gold", "金卡", 500_000, "gold"),
    ]
    for rank, (code, name, threshold, colour) in enumerate(ladder, start=1):
        loyalty.save_tier(
            actor=SYSTEM,
            program_id=program_id,
            code=code,
            name=name,
            rank=rank,
            threshold_fen=threshold,
            colour=colour,
            benefits="生日礼遇",
            now=begin,
        )
    loyalty.publish_rule_version(
        actor=SYSTEM,
        program_id=program_id,
        code="base",
        name="消费积分",
        definition=BASE_RULE,
        effective_from=begin,
        now=begin,
        backdated=True,
    )
    zhang = enroll("张三丰", ZHANG_PHONE, malls.star, malls.cafe, begin)
    li = enroll("李小龙", LI_PHONE, malls.cloud, malls.noodles, begin)
    return World(malls, program_id, zhang, li, now)


def world_of_site(malls: Malls, now: dt.datetime) -> World:
    """The world of the browser tests: built by whichever of them comes first, for they share a site."""
    programmes = queries.programs(SYSTEM)
    if not programmes:
        return build_world(malls, now)
    zhang, li = (_known(phone) for phone in (ZHANG_PHONE, LI_PHONE))
    return World(malls, programmes[0].id, zhang, li, now, numbers=time.time_ns() // 1_000_000 % 10**9)


def _known(phone: str) -> loyalty.EnrolledMember:
    member_id = queries.member_id_by(SYSTEM, phone=phone)
    return loyalty.EnrolledMember(member_id, queries.person_id_of(member_id), "")


def enroll(name: str, phone: str, mall_id: int, merchant_id: int, now: dt.datetime) -> loyalty.EnrolledMember:
    return loyalty.enroll_member(
        actor=SYSTEM,
        name=name,
        phone=phone,
        sex="female",
        birthday=dt.date(1990, 5, 12),
        mall_id=mall_id,
        merchant_id=merchant_id,
        source="counter",
        consents=[
            ("membership", "any", "granted"),
            ("marketing", "sms", "granted"),
            ("marketing", "wechat", "refused"),
        ],
        policy_version="2026-01",
        method="counter",
        now=now,
    )


def log_in_staff(client: Client, viewer: Viewer, now: dt.datetime) -> Client:
    """The client becomes the browser of this member of staff."""
    session = client.session
    session[SESSION_KEY] = str(viewer.id)
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
    sessions.start_session(
        actor=viewer, session_key=session.session_key or "", address="127.0.0.1", agent="tests", now=now
    )
    return client


def last_code(viewer: Viewer) -> str:
    """The one-time code of the newest message, as staff with outbox.view read it in a demonstration."""
    body = messaging.outbox(viewer).messages[0].body or ""
    found = re.search(r"[0-9]{4,8}", body)
    assert found is not None, body
    return found[0]


def token_of(page: Any) -> str:
    """The token of the form on a page."""
    found = re.search(r'name="token"\s+value="([0-9a-f-]{36})"', page.content.decode())
    assert found is not None
    return found[1]

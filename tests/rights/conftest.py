"""欧阳望舒 has left traces everywhere; 张三 and 李四 are there to stay untouched."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from tests.people import hire
from tests.ui.console.world import World, build_world, enroll, sell
from zhike.collection.events import BehaviourObserved
from zhike.collection.models import Visitor
from zhike.customers import operations as customers
from zhike.customers.queries import viewer_of_person
from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.models import IdempotencyRecord
from zhike.loyalty import operations as loyalty
from zhike.messaging import operations as messaging
from zhike.privacy import operations as privacy
from zhike.service import operations as service

NOW = dt.datetime(2026, 3, 8, 2, 0, tzinfo=dt.UTC)
SYSTEM = system_viewer("tests")
NAME, PHONE, EMAIL, PLATE = "欧阳望舒", "13977654321", "wangshu.ouyang@example.com", "沪A7X9K2"
OPENID, ACCOUNT, ADDRESS = "oX7wErTyUiOpAsDfGhJkLzXcVbNm", "shop:user-778812", "明月路一千零一号"
WORDS = (NAME, PHONE, "+8613977654321", "139-7765-4321", EMAIL, PLATE, OPENID, ACCOUNT, ADDRESS)


@dataclass
class Desk:
    """``wang`` manages 星河城, ``sun`` is its service desk, ``qian`` manages the other mall."""

    world: World
    wang: Viewer
    sun: Viewer
    qian: Viewer
    lin: Viewer
    person_id: int
    member_id: int
    card: str

    @property
    def own(self) -> Viewer:
        return viewer_of_person(self.person_id)

    @property
    def words(self) -> tuple[str, ...]:
        return (*WORDS, self.card)


def build_desk(now: dt.datetime = NOW) -> Desk:
    world = build_world(now)
    malls = world.malls
    member = enroll(malls, NAME, PHONE, malls.star, malls.cafe, now)
    return Desk(
        world=world,
        wang=hire(malls, "wang", "王店总", ("mall_manager", "mall", malls.star)),
        sun=hire(malls, "sun", "孙客服", ("service_agent", "mall", malls.star)),
        qian=hire(malls, "qian", "钱店总", ("mall_manager", "mall", malls.cloud)),
        lin=hire(malls, "lin", "林总", ("group_manager", "all", 0)),
        person_id=member.person_id,
        member_id=member.member_id,
        card=member.number,
    )


def leave_traces(desk: Desk, now: dt.datetime = NOW) -> None:
    """Everything a busy member leaves behind, in every place where it can stand."""
    malls, person_id = desk.world.malls, desk.person_id
    for kind, value in (("email", EMAIL), ("plate", PLATE), ("openid", OPENID), ("account", ACCOUNT)):
        given = customers.NewIdentifier(kind, value)
        customers.add_identifier(actor=SYSTEM, person_id=person_id, identifier=given, now=now)
    customers.update_profile(
        actor=SYSTEM, person_id=person_id, changes={"address": ADDRESS, "occupation": "教师"}, now=now
    )
    sell(malls.star, malls.cafe, 300_00, now - dt.timedelta(days=2), person_id, now)
    loyalty.grant_points(
        actor=SYSTEM, member_id=desk.member_id, points=50, reference="test:1", note="开业补发", now=now
    )
    decisions = [
        privacy.Decision("marketing", "sms", "granted"),
        privacy.Decision("personalisation", "any", "granted"),
    ]
    privacy.record_consents(
        actor=SYSTEM, person_id=person_id, decisions=decisions, policy_version="2026-01", method="member-app",
        evidence={"screen": "consents"}, now=now,
    )  # fmt: skip
    _talk(desk, now)
    with transaction.atomic():
        _log(desk, now)


def _talk(desk: Desk, now: dt.datetime) -> None:
    malls = desk.world.malls
    own = desk.own
    messaging.send_one_time_code(actor=SYSTEM, phone=PHONE, purpose="log_in", language="zh-hans", now=now)
    service.write_as_member(
        actor=own, person_id=desk.person_id, mall_id=malls.star, text=f"我是{NAME}，电话 {PHONE}", key=uuid.uuid4(),
        now=now,
    )  # fmt: skip
    number = service.open_ticket(
        actor=desk.sun, type="complaint", title=f"{NAME}的投诉", text=f"车牌 {PLATE} 被多收费，联系 {PHONE}",
        channel="counter", mall_id=malls.star, person_id=desk.person_id, now=now,
    )  # fmt: skip
    service.resolve_ticket(actor=desk.sun, number=number, text=f"已致电{NAME}", now=now)
    service.close_ticket(actor=desk.sun, number=number, now=now)


def _log(desk: Desk, now: dt.datetime) -> None:
    """In the log, the audit trail, kept answers, sessions and a file's rejected row."""
    person_id = desk.person_id
    fact = BehaviourObserved(
        1,
        "track",
        "searched",
        "Search",
        "consent",
        now,
        person_id,
        None,
        {"q": NAME, "email": EMAIL},
        {"ip": "1.2.3.4"},
    )
    events.publish(fact, actor=SYSTEM, now=now)
    _browse(desk, now)
    audit.record(
        actor=desk.sun,
        action="note",
        subject=("ticket", 1),
        after={"text": PHONE},
        reason=f"为 {NAME} {EMAIL} 查询",
        now=now,
    )
    IdempotencyRecord.objects.create(
        scope="api", key="k1", request_hash=b"h", status=200, body={"name": NAME, "masked": "139****4321"}
    )
    session = SessionStore()
    session["person_id"], session["phone"] = person_id, PHONE
    session.create()
    run = ImportRun.objects.create(
        id=uuid.uuid4(), mall_id=desk.world.malls.star, file_name="客户.csv", path="nowhere", size=1, digest="0",
        created_at=now, actor="system:tests",
    )  # fmt: skip
    QuarantinedRow.objects.create(run=run, row_no=2, cells=[NAME, PHONE, "不是日期"], reason="bad-date")


def _browse(desk: Desk, now: dt.datetime) -> None:
    """On a browser before signing in; on another one that somebody else used afterwards."""
    group = desk.world.malls.group
    for number, until in ((1, None), (2, now)):
        visitor = Visitor.objects.create(
            group_id=group, space="web", digest=bytes([number]), first_seen_at=now, person_id=desk.person_id,
            stitched_until=until,
        )  # fmt: skip
        for at in (now, now + dt.timedelta(days=1)):
            said = {"q": f"visitor {number} {at:%d}"}
            fact = BehaviourObserved(
                1, "track", "searched", "Search", "consent", at, None, visitor.pk, said, {}
            )
            events.publish(fact, actor=SYSTEM, now=at)


@pytest.fixture
def desk(db: None) -> Desk:
    return build_desk()

"""A form about a visit to 星河城, and a sign-up for a family day whose phone must be proved."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.people import NOW, Crew, Malls, publish_policy
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.service import operations as service
from zhike.webforms import operations, queries
from zhike.webforms.queries import Condition, Definition, EnrolDeed, Field, TicketDeed

SYSTEM = system_viewer("tests")
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64

VISIT = Definition(
    title="商场满意度",
    thanks="谢谢您，祝您购物愉快。",
    fields=(
        Field("q1", "rating", "今天的逛店体验如何？", is_required=True),
        Field(
            "q2", "many", "哪里没有做好？", options=("停车", "洗手间", "服务态度"), is_required=True,
            when=Condition("q1", "at_most", "3"),
        ),
        Field("q3", "long", "请告诉我们详情", when=Condition("q2", "contains", "服务态度")),
        Field("q4", "nps", "您会向朋友推荐我们吗？"),
        Field("q5", "matrix", "各项打分", rows=("卫生", "温度"), options=("好", "一般", "差")),
        Field("q6", "single", "您的职业", options=("白领", "学生", "其他"), profile="occupation"),
        Field("q7", "consent", "愿意接收优惠短信", purpose="marketing", channel="sms"),
    ),
    ticket=TicketDeed("complaint", "high", Condition("q1", "at_most", "2")),
)  # fmt: skip
SIGN_UP = Definition(
    title="亲子活动报名",
    fields=(
        Field("q1", "text", "姓名", is_required=True),
        Field("q2", "phone", "手机号", is_required=True),
        Field("q3", "number", "孩子几岁？", low=0, high=14),
        Field("q4", "single", "想参加的场次", options=("上午场", "下午场"), is_required=True, suggests=True),
        Field("q5", "consent", "愿意接收活动短信", purpose="marketing", channel="sms"),
    ),
    enrol=EnrolDeed("q1", "q2"),
)


Publish = Callable[..., "queries.OpenForm"]


@pytest.fixture
def mall(malls: Malls) -> Malls:
    """星河城 with a policy, a programme and a service desk."""
    publish_policy(malls)
    program = loyalty.create_program(
        actor=SYSTEM, group_id=malls.group, code="main", name="知客会员", now=NOW
    )
    loyalty.save_tier(
        actor=SYSTEM, program_id=program, code="basic", name="普卡", rank=0, threshold_fen=0, colour="slate",
        benefits="", now=NOW,
    )  # fmt: skip
    service.found_service(actor=SYSTEM, group_id=malls.group, time_zone="Asia/Shanghai", now=NOW)
    return malls


@pytest.fixture
def publish(mall: Malls, crew: Crew) -> Publish:
    """Make and publish a form; how it takes answers by name."""

    def _publish(draft: Definition = VISIT, **taking: Any) -> queries.OpenForm:
        form_id = operations.create_form(
            actor=crew.wang, group_id=mall.group, name=draft.title, mall_id=mall.star, draft=draft, now=NOW
        )
        operations.set_taking(
            actor=crew.wang,
            form_id=form_id,
            taking=replace(operations.Taking(draft.title), **taking),
            now=NOW,
        )
        operations.publish_form(actor=crew.wang, form_id=form_id, now=NOW)
        return queries.open_form(queries.form(crew.wang, form_id, NOW).code, NOW)

    return _publish


def send(form: queries.OpenForm, given: dict[str, Any], *, now: dt.datetime = NOW, **more: Any) -> UUID:
    values: dict[str, Any] = {
        "channel": "link",
        "nonce": uuid.uuid4().hex,
        "shown_at": now - dt.timedelta(minutes=1),
    }
    return operations.answer_form(
        actor=SYSTEM, code=form.code, version=form.version, given=given, now=now, **values | more
    )

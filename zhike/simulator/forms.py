"""Two forms of the made mall: how content visitors are, and a family day that people sign up for; with a month of answers.

Everything happens at fixed hours of past days, so that it is the same at every hour and on every day of the year.
"""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import queries as loyalty
from zhike.simulator.founding import World
from zhike.simulator.rhythm import ZONE
from zhike.webforms import operations, queries
from zhike.webforms.queries import Condition, Definition, EnrolDeed, Field, TicketDeed

LINK = system_viewer("form-link")
DEEDS = system_viewer("forms")
BEGAN_DAYS_AGO = 24
VISIT_ANSWERS, SIGN_UPS = 34, 14
WRONG = ("停车", "洗手间卫生", "服务态度", "餐饮选择", "排队时间")
WORDS = (
    "停车场出口只开了一个，周末排了二十分钟。", "三楼洗手间地面湿滑，希望及时清理。", "有的店员一直看手机，问了两遍才理。",
    "儿童活动区很好，孩子玩得开心。", "餐饮品牌可以再多一些，尤其是清淡一点的。", "导视牌不清楚，找电梯绕了一圈。",
)  # fmt: skip
NAMES = (
    "周敏",
    "吴佳怡",
    "郑凯",
    "王雪",
    "冯晨",
    "陈思琪",
    "褚亮",
    "卫兰",
    "蒋文",
    "沈悦",
    "韩东",
    "杨帆",
    "朱琳",
    "秦朗",
)
VISIT = Definition(
    title="星河城满意度调查",
    intro="只需一分钟，您的意见会直接送到商场负责人手中。",
    thanks="感谢您的反馈，祝您购物愉快！",
    fields=(
        Field("q1", "rating", "您对本次逛店体验满意吗？", is_required=True),
        Field(
            "q2", "many", "哪些方面需要改进？", options=WRONG, is_required=True, when=Condition("q1", "at_most", "3"),
            suggests=True,
        ),
        Field("q3", "matrix", "请为以下方面打分", rows=("环境卫生", "商品品类", "停车便利"), options=("满意", "一般", "不满意")),
        Field("q4", "nps", "您愿意向朋友推荐我们吗？"),
        Field("q5", "single", "您通常和谁一起来？", options=("自己", "家人孩子", "朋友", "同事")),
        Field("q6", "long", "还有什么想告诉我们的？"),
    ),
    ticket=TicketDeed("complaint", "normal", Condition("q1", "at_most", "1")),
)  # fmt: skip
FAMILY_DAY = Definition(
    title="周末亲子手工坊报名",
    intro="本周六 10:00 与 14:00 两场，地点：三层中庭。每场限二十个家庭。",
    thanks="我们会尽快电话与您确认场次，期待您和宝贝的到来！",
    fields=(
        Field("q1", "text", "家长姓名", is_required=True),
        Field("q2", "phone", "手机号", help="用于确认场次", is_required=True),
        Field("q3", "number", "孩子年龄", is_required=True, low=2, high=14),
        Field("q4", "single", "想参加的场次", options=("上午 10:00", "下午 14:00"), is_required=True),
        Field("q5", "long", "过敏或特别需要"),
        Field("q6", "consent", "愿意接收后续亲子活动的短信通知", purpose="marketing", channel="sms"),
    ),
    enrol=EnrolDeed("q1", "q2", needs_code=False),
)


def seed_forms(actor: Viewer, world: World, now: dt.datetime, seed: int) -> None:
    """Nothing when there are forms already."""
    if queries.forms(actor, now):
        return
    rng = Random(f"forms/{seed}")
    began = _at(now, BEGAN_DAYS_AGO)
    visit = _publish(actor, world, "商场满意度", VISIT, began)
    family = _publish(actor, world, "亲子活动报名", FAMILY_DAY, began, answers_max=40)
    persons = [
        row.person_id
        for row in loyalty.members_page(actor, mall_id=world.mall_id, limit=VISIT_ANSWERS // 3).items
    ]
    moments = sorted(
        _at(now, rng.randrange(1, BEGAN_DAYS_AGO), rng.randrange(0, 480)) for _ in range(VISIT_ANSWERS)
    )
    for number, moment in enumerate(moments):
        person_id = persons[number // 3] if number % 3 == 0 and number // 3 < len(persons) else None
        channel = "member" if person_id else rng.choice(("link", "link", "kiosk"))
        _answer(visit, number, channel, _visit(rng), moment, person_id)
    for number in range(SIGN_UPS):
        moment = _at(now, 1 + number % 6, 7 * number)
        _answer(family, number, "link", _sign_up(rng, number), moment, None)
    waiting = queries.answers_page(actor, family.id, lead="open", limit=SIGN_UPS).items
    for number, lead in enumerate(waiting[SIGN_UPS // 2 :]):
        operations.settle_lead(
            actor=actor, form_id=family.id, answer_id=lead.id, is_real=number % 4 != 3, now=_at(now, 1, 400)
        )


def _at(now: dt.datetime, days_ago: int, minutes: int = 0) -> dt.datetime:
    """So many minutes after half past ten of a past day in the mall."""
    day = now.astimezone(ZONE).date() - dt.timedelta(days=days_ago)
    return dt.datetime.combine(day, dt.time(10, 30), ZONE) + dt.timedelta(minutes=minutes)


def _publish(
    actor: Viewer, world: World, name: str, draft: Definition, at: dt.datetime, answers_max: int = 0
) -> queries.OpenForm:
    form_id = operations.create_form(
        actor=actor, group_id=world.group_id, name=name, mall_id=world.mall_id, draft=draft, now=at
    )
    taking = operations.Taking(name, answers_max=answers_max)
    operations.set_taking(actor=actor, form_id=form_id, taking=taking, now=at)
    operations.publish_form(actor=actor, form_id=form_id, now=at)
    return queries.open_form(queries.form(actor, form_id, at).code, at)


def _visit(rng: Random) -> dict[str, Any]:
    stars = rng.choices((1, 2, 3, 4, 5), weights=(2, 3, 6, 14, 12))[0]
    given: dict[str, Any] = {
        "q1": stars,
        "q3": {
            row: rng.choices(VISIT.fields[2].options, weights=(stars, 3, 6 - stars))[0]
            for row in VISIT.fields[2].rows
        },
        "q4": min(10, max(0, stars * 2 + rng.choice((-2, -1, 0, 0, 1)))),
        "q5": rng.choices(VISIT.fields[4].options, weights=(2, 5, 3, 1))[0],
    }
    if stars <= 3:
        given["q2"] = rng.sample(WRONG, rng.choice((1, 1, 2)))
    if rng.random() < 0.4:
        given["q6"] = rng.choice(WORDS)
    return given


def _sign_up(rng: Random, number: int) -> dict[str, Any]:
    given: dict[str, Any] = {
        "q1": NAMES[number],
        "q2": f"1990000{7100 + number}",
        "q3": rng.randrange(3, 11),
        "q4": rng.choice(FAMILY_DAY.fields[3].options),
    }
    if number % 5 == 0:
        given["q5"] = "对花生过敏"
    return given | ({"q6": "1"} if number % 2 == 0 else {})


def _answer(
    form: queries.OpenForm,
    number: int,
    channel: str,
    given: dict[str, Any],
    at: dt.datetime,
    person_id: int | None,
) -> None:
    made = operations.answer_form(
        actor=LINK, code=form.code, version=form.version, nonce=f"made-{number}", channel=channel, given=given,
        person_id=person_id, now=at,
    )  # fmt: skip
    operations.carry_out(actor=DEEDS, answer_id=str(made), now=at)

"""Members who wrote to the desk in the chat: conversations of the last days, and some that are going on now. Repeatable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.organization import queries as organization
from zhike.service import operations as service
from zhike.service import queries
from zhike.simulator.founding import World
from zhike.simulator.history import History
from zhike.simulator.quality import live_through_weeks, seed_quality

MEMBERS = 14
MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said, by turns, the member first. ``note`` is for colleagues; ``ends``: the desk closed it."""

    turns: tuple[str, ...]
    note: str = ""
    ends: bool = False


PAST = (
    Talk(
        (
            "你好，我周六在二楼买鞋的积分怎么还没到？",
            "您好，我帮您查一下，请稍等。",
            "好的",
            "查到了，这笔是次日入账，现在已经到账，请刷新看看。",
            "看到了，谢谢！",
        ),
        ends=True,
    ),
    Talk(("请问母婴室在几楼？", "您好，三楼和五楼的洗手间旁边都有母婴室。", "谢谢"), ends=True),
    Talk(
        (
            "我想退一件衣服，吊牌还在",
            "您好，请带小票和商品到原店办理，七天内都可以。",
            "店员说要找商场盖章",
            "我帮您联系店铺，您直接过去就可以了，不用盖章。",
            "好，谢谢你",
        ),
        "已电话联系店长，直接退。",
        ends=True,
    ),
    Talk(("银卡升金卡还差多少？", "您好，再消费两千多就能升级了，会员端首页能看到进度。"), ends=True),
    Talk(
        (
            "优惠券用不了，店员说系统里没有",
            "您好，请问是哪一张券？",
            "满两百减三十那张",
            "这张券餐饮不参加，其他店铺都能用，给您添麻烦了。",
        ),
        ends=True,
    ),
    Talk(
        (
            "我买的蛋糕里吃出异物，再不处理我就打12315",
            "非常抱歉，我马上请店长联系您，方便把照片发给我吗？",
            "照片发了",
            "收到，我个人保证退款，请您放心。",
            "行吧，等你们消息",
        ),
        ends=True,
    ),
    Talk(("周末有亲子活动吗", "您好，周六下午两点中庭有手工课，服务台报名。", "太好了"), ends=True),
)
NOW_GOING_ON = (
    Talk(
        (
            "咖啡店排队四十分钟了，只开一个收银台，能不能管管？",
            "非常抱歉让您久等，我马上联系店铺增开收银台。",
            "快点吧，孩子都饿了",
        ),
        "@王经理 麻烦帮忙催一下一楼咖啡店。",
    ),
    Talk(("昨天买的耳机右边没声音", "您好，请问小票还在吗？我帮您登记换货。", "在的，我拍给你")),
    Talk(("我生日是今天，有礼遇吗？",)),
    Talk(("会员手机号换了，怎么改？",)),
    Talk(("积分快到期了，怎么用最划算",)),
)
PHRASES = (
    ("hi", "问候", "{member}您好，我是{mall}客服{agent}，很高兴为您服务。"),
    ("wait", "请稍等", "好的，我帮您查一下，请稍等。"),
    ("points", "积分余额", "{member}您好，您目前有 {points} 积分，等级为{tier}。"),
    ("late", "积分次日到账", "积分在消费后次日到账，如仍未到账请把小票拍照发给我，我为您补登。"),
    ("return", "退换货", "请携带小票与商品（吊牌完整）在七天内到原店办理，如遇问题我来协调。"),
    ("sorry", "致歉", "非常抱歉给您带来不好的体验，我们会立即核实处理，并给您答复。"),
    ("bye", "结束语", "感谢您的咨询，祝您购物愉快！"),
)


def seed_chats(actor: Viewer, world: World, history: History, seed: int, now: dt.datetime) -> int:
    """How many conversations; nothing when there are some already."""
    if queries.inbox_page(actor, queue="all", mall_id=world.mall_id, limit=1).items:
        return 0
    service.found_knowledge(actor=actor, group_id=world.group_id, now=now)
    service.found_sensitive_words(actor=actor, group_id=world.group_id, now=now)
    for code, title, text in PHRASES:
        service.save_phrase(actor=actor, group_id=world.group_id, code=code, title=title, text=text, now=now)
    rng = Random(f"chats/{seed}")
    bought = sorted({one.person for one in history.receipts if one.person is not None})
    phones = [history.people[index].phone for index in rng.sample(bought, min(MEMBERS, len(bought)))]
    known = customers.person_ids_by("phone", phones)
    persons = [known[phone] for phone in phones if phone in known]
    agents = {one.label: one for one in _agents(actor)}
    agent = agents.get("孙客服") or next(iter(agents.values()))
    service.set_seat(actor=actor, staff_id=agent.id or 0, skills=[], places=6, now=now - dt.timedelta(days=3))

    def say(turns: Sequence[str], place: int, at: dt.datetime) -> None:
        _live(Talk(tuple(turns), ends=True), persons[place % len(persons)], world.mall_id, agent, at, rng)

    if persons:
        live_through_weeks(world.mall_id, now, say)
    talks = [(talk, now - dt.timedelta(hours=5 + 9 * at)) for at, talk in enumerate(PAST)]
    talks += [(talk, now - (2 + 3 * at) * MINUTE) for at, talk in enumerate(NOW_GOING_ON)]
    for (talk, at), person_id in zip(talks, persons, strict=False):
        _live(talk, person_id, world.mall_id, agent, at, rng)
    seed_quality(actor, world, agents, seed, now)
    return min(len(talks), len(persons))


def _agents(actor: Viewer) -> Sequence[Viewer]:
    wanted = ("service", "manager", "operations")
    staff = [one for one in organization.staff_list(actor) if one.username in wanted]
    return [organization.viewer_of_staff(one.id) for one in staff]


def _live(talk: Talk, person_id: int, mall_id: int, agent: Viewer, at: dt.datetime, rng: Random) -> None:
    member = customers.viewer_of_person(person_id)
    number = ""
    for place, text in enumerate(talk.turns):
        if place % 2 == 0:
            number = service.write_as_member(
                actor=member,
                person_id=person_id,
                mall_id=mall_id,
                text=text,
                key=UUID(int=rng.getrandbits(128)),
                now=at,
            )
        else:
            service.write_as_staff(actor=agent, number=number, text=text, now=at)
            if talk.note and place == 1:
                service.write_as_staff(actor=agent, number=number, text=talk.note, audience="staff", now=at)
        at += dt.timedelta(seconds=rng.randint(15, 40))
    if talk.ends:
        service.close_conversation(actor=agent, number=number, now=at)

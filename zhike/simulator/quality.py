"""Three weeks of chats that were drawn and reviewed: scores, evidence, an appeal, a coaching note. Repeatable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from random import Random
from zoneinfo import ZoneInfo

from zhike.kernel.access import Viewer
from zhike.organization import queries as organization
from zhike.service import operations as service
from zhike.service import queries
from zhike.simulator.founding import World

WEEKS = 3
DAY = dt.timedelta(days=1)
TALKS: tuple[tuple[str, ...], ...] = (
    ("上周的停车券怎么没到账？", "您好，停车券需在离场前核销，我帮您补发一张，祝您购物愉快。"),
    ("会员日几点开始双倍积分", "您好，会员日全天双倍，以小票时间为准。感谢您的咨询。"),
    (
        "我的手机号换了，积分还在吗",
        "您好，请先核实一下您的姓名和原手机号后四位。",
        "尾号3320",
        "已核实，积分都在，祝您生活愉快。",
    ),
    ("你们客服到底管不管，等了两天了", "包您满意，今天一定处理好。"),
    ("礼品兑换能改到周末领吗", "可以的，保留到周日晚上九点。"),
    ("儿童乐园的券能退吗", "您好，未使用的可以退，我已为您申请，三个工作日内原路退回。感谢您的理解。"),
)
FAULTS: tuple[Mapping[str, str], ...] = (
    {"proposal": "no", "beyond": "partly"},
    {"farewell": "no", "beyond": "no", "proposal": "na"},
    {"greeting": "no", "solved": "partly", "proposal": "no"},
    {"polite": "no", "empathy": "no", "solved": "partly"},
    {"first_answer": "no", "record": "partly", "beyond": "no"},
)
NOTES = {
    "polite": "“包您满意”属于过度承诺，且没有回应顾客等候两天的不满。",
    "farewell": "结束时没有确认是否还有其他问题。",
    "greeting": "开头没有问候。",
    "solved": "没有说明由谁、何时答复。",
    "first_answer": "接手后没有及时回复。",
}

Say = Callable[[Sequence[str], int, dt.datetime], None]
"""Lets a conversation happen: its turns, the number of the person, when."""


def monday_of(mall_id: int, now: dt.datetime, back: int) -> dt.datetime:
    """Monday at ten, so many weeks back, where the mall is."""
    zone = ZoneInfo(organization.mall(mall_id).time_zone)
    day = queries.week_of(mall_id, now) - dt.timedelta(weeks=back)
    return dt.datetime.combine(day, dt.time(10), zone)


def live_through_weeks(mall_id: int, now: dt.datetime, say: Say) -> None:
    """Four chats in each of the last weeks."""
    for back in range(WEEKS, 0, -1):
        monday = monday_of(mall_id, now, back)
        for place in range(4):
            at = (back * 4 + place) % len(TALKS)
            say(
                TALKS[at], (WEEKS - back) * 4 + place, monday + place * DAY + dt.timedelta(minutes=37 * place)
            )


def seed_quality(
    actor: Viewer, world: World, agents: Mapping[str, Viewer], seed: int, now: dt.datetime
) -> None:
    """A plan, the weeks drawn on their Mondays, reviewed a day later; of the last week half is still to be done."""
    reviewers = [one for one in agents.values() if one.may("quality.review")]
    if not reviewers:
        return
    begun = monday_of(world.mall_id, now, WEEKS + 1)
    service.found_quality(actor=actor, group_id=world.group_id, now=begun)
    plan = service.QualityPlan(
        percent=30,
        at_least=3,
        double_percent=40,
        reviewers=tuple((one.id or 0, 20) for one in reviewers),
    )
    service.publish_quality_plan(actor=actor, mall_id=world.mall_id, plan=plan, now=begun)
    rng = Random(f"quality/{seed}")
    for back in range(WEEKS, 0, -1):
        drawn_at = monday_of(world.mall_id, now, back - 1) - dt.timedelta(hours=9, minutes=40)
        if drawn_at > now:
            continue
        service.draw_quality(
            actor=actor,
            mall_id=world.mall_id,
            week=queries.week_of(world.mall_id, now) - dt.timedelta(weeks=back),
            now=drawn_at,
            seed=f"{rng.getrandbits(128):032x}",
        )
        _review(actor, world, agents, back, drawn_at + 1.4 * DAY, now)
    _afterwards(actor, world, agents, now)


def _review(
    actor: Viewer, world: World, agents: Mapping[str, Viewer], back: int, at: dt.datetime, now: dt.datetime
) -> None:
    """Everybody writes what is theirs; of the last week only every second conversation has had its turn."""
    week = queries.week_of(world.mall_id, now) - dt.timedelta(weeks=back)
    picks = queries.picks_page(actor, queue="waiting", mall_id=world.mall_id, week=week).items
    for place, pick in enumerate(picks if back > 1 else picks[::2]):
        moment = at + place * dt.timedelta(minutes=20)
        if moment > now:
            return
        file = queries.pick_file(actor, pick.id, now)
        said = [one for one in file.messages if one.author_kind == "staff" and one.kind == "text"]
        is_bad = any("包您满意" in one.text for one in said)
        faults = FAULTS[3] if is_bad else FAULTS[(back + place) % 3]
        known = {one.code for one in file.items}
        mine = {code: answer for code, answer in faults.items() if code in known}
        cited = {code: [service.Quote(said[0].number)] for code in mine if code in NOTES and said}
        for seat, name in (("first", pick.first), ("second", pick.second)):
            if name not in agents:
                continue
            other = {"empathy": "partly"} if seat == "second" and place % 2 else {}
            findings = service.Findings(
                answers=dict.fromkeys(known, "yes") | mine | other,
                notes={code: NOTES[code] for code in mine if code in NOTES},
                quotes=cited,
                comment="承诺要有依据，先回应情绪。" if is_bad else "整体规范，可多提醒权益。",
            )
            service.review_conversation(actor=agents[name], pick_id=pick.id, findings=findings, now=moment)


def _afterwards(actor: Viewer, world: World, agents: Mapping[str, Viewer], now: dt.datetime) -> None:
    """The agent appeals against the newest reviews of theirs, one is decided; something is agreed."""
    done = [
        one
        for one in queries.picks_page(actor, queue="done", mall_id=world.mall_id).items
        if one.agent in agents and one.done_at and one.done_at + DAY <= now
    ]
    for place, one in enumerate(done[:2]):
        moment = (one.done_at or now) + DAY
        agent = agents[one.agent]
        reason = ("顾客当时已经离场，无法继续确认，请复核。", "承诺时间内已答复，系统计时应从转人工算起。")[
            place
        ]
        service.appeal_review(actor=agent, pick_id=one.id, reason=reason, now=moment)
        judge = next(
            (who for name, who in agents.items() if name not in (one.first, one.second, one.agent)), None
        )
        if place == 1 and judge is not None and judge.may("quality.review"):
            service.decide_quality_appeal(
                actor=judge, pick_id=one.id, decision="已复核聊天记录，原评价无误，维持。", now=moment
            )
    reviewer = next(one for one in agents.values() if one.may("quality.review"))
    coached = next((one for one in done if one.agent), None)
    if coached is not None and coached.agent_id is not None:
        service.note_coaching(
            actor=reviewer,
            mall_id=world.mall_id,
            coached_id=coached.agent_id,
            text="约定：投诉类会话先复述诉求再给时限；不用“包您满意”这类承诺；结束前确认是否还有其他问题。下周一起听两条会话。",
            pick_id=coached.id,
            now=(coached.done_at or now) + DAY,
        )

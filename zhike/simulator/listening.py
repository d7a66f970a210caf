"""What visitors of the made mall say: scores at places with codes, and a wave of recommendation among members."""

from __future__ import annotations

import datetime as dt
from random import Random

from zhike.kernel.access import Viewer, system_viewer
from zhike.organization import queries as organization
from zhike.service import operations as service
from zhike.service import queries
from zhike.simulator.founding import World

LINK = system_viewer("survey-link")
ANSWERS = 42
PERCENT_ASKED = 2
WAVE_AGO = dt.timedelta(days=12)
PLACES: tuple[tuple[str, str, str, float, tuple[str, ...]], ...] = (
    (
        "restroom",
        "三层洗手间",
        "operations",
        0.45,
        ("地面全是水，老人容易滑倒。", "没有纸了。", "味道有点大。", "很干净，点赞。"),
    ),
    ("restroom", "一层洗手间", "operations", 0.85, ("干净整洁。", "有母婴台，很贴心。", "")),
    (
        "till",
        "负一层超市收银台",
        "",
        0.55,
        ("排队太久，只开了两个台。", "自助收银很快。", "收银员很热情。", ""),
    ),
    ("floor", "二层中庭", "operations", 0.8, ("座椅再多一点就好了。", "空调太冷。", "环境很舒服。", "")),
    ("service", "一楼服务台", "service", 0.9, ("小姐姐很耐心，帮我查到了积分。", "办理很快。", "")),
    ("goods", "生鲜区货架", "", 0.65, ("价签和实际不一样。", "水果很新鲜。", "")),
)
"""(kind, name, department, how likely a visitor is content, what they write)"""
OPTIONS = ("清洁", "排队", "温度", "指引", "服务态度", "设施损坏")
NPS_WORDS = {
    "low": (
        "停车太难找，出场还要排队。",
        "积分兑换的东西越来越少。",
        "客服电话打不通。",
        "餐饮太贵，选择少。",
    ),
    "": ("还可以，活动多一点更好。", "中规中矩。", ""),
    "high": (
        "品牌齐全，服务也好。",
        "亲子活动很棒，孩子喜欢。",
        "会员权益实在，停车方便。",
        "环境好，逛着舒服。",
    ),
}
NPS_WEIGHTS = (1, 1, 1, 1, 2, 4, 5, 9, 14, 16, 15)


def seed_listening(actor: Viewer, world: World, now: dt.datetime, seed: int) -> None:
    """Nothing when there are places already."""
    if queries.touchpoints(actor):
        return
    service.found_surveys(actor=actor, group_id=world.group_id, now=now)
    by_code = {one.code: one.id for one in queries.surveys(actor, world.group_id)}
    rng = Random(f"listening/{seed}")
    _places(actor, world, by_code["places"], now, rng)
    _recommendation(actor, by_code["member-nps"], now, rng)
    _contacts(actor, world, now)


def _places(actor: Viewer, world: World, survey_id: int, now: dt.datetime, rng: Random) -> None:
    departments = {ref.code: ref.id for ref in queries.departments(world.group_id)}
    merchants = [ref for ref in organization.merchants(actor, world.mall_id) if ref.is_open]
    market = next((ref for ref in merchants if "超市" in ref.name), merchants[0])
    made = []
    for kind, name, department, content, words in PLACES:
        pk = service.save_touchpoint(
            actor=actor,
            survey_id=survey_id,
            mall_id=world.mall_id,
            kind=kind,
            name=name,
            department_id=departments.get(department),
            merchant_id=None if department else market.id,
            now=now - dt.timedelta(days=30),
        )
        made.append((queries.touchpoint(actor, pk).code, content, words))
    moments = sorted(now - dt.timedelta(minutes=rng.randint(20, 20_000)) for _ in range(ANSWERS))
    for number, at in enumerate(moments):
        code, content, words = rng.choice(made)
        is_content = rng.random() < content
        score = rng.choice((4, 5, 5)) if is_content else rng.choice((1, 2, 2, 3))
        for _ in range(rng.choice((1, 1, 2, 3))):
            service.open_touchpoint(actor=LINK, code=code, now=at)
        service.answer_touchpoint(
            actor=LINK,
            code=code,
            nonce=f"simulated-{number}",
            device=number.to_bytes(4),
            score=score,
            comment=rng.choice(words[2:] if is_content else words[:2]) if rng.random() < 0.7 else "",
            answers={} if is_content else {"0": rng.sample(OPTIONS, rng.randint(1, 2))},
            now=at,
        )


def _recommendation(actor: Viewer, survey_id: int, now: dt.datetime, rng: Random) -> None:
    """A wave that was sent twelve days ago, with whatever came back."""
    sent = now - WAVE_AGO
    service.invite_sample(
        actor=actor, survey_id=survey_id, percent=PERCENT_ASKED, wave=f"{sent:%Y-%m}", now=sent
    )
    service.send_invitations(actor=system_viewer("surveys"), now=sent + dt.timedelta(hours=14))
    for token in queries.waiting_tokens(actor, survey_id):
        if rng.random() < 0.4:
            continue
        at = sent + dt.timedelta(hours=15, minutes=rng.randint(1, 10_000))
        service.open_invitation(actor=LINK, token=token, now=at)
        if rng.random() < 0.2:
            continue
        score = rng.choices(range(11), weights=NPS_WEIGHTS)[0]
        verdict = "low" if score <= 6 else "high" if score >= 9 else ""
        words = rng.choice(NPS_WORDS[verdict]) if rng.random() < 0.6 else ""
        service.answer_invitation(
            actor=LINK, token=token, score=score, comment=words, answers={}, now=at + dt.timedelta(minutes=2)
        )


def _contacts(actor: Viewer, world: World, now: dt.datetime) -> None:
    """Phones of who is told of alerts, and who is told first."""
    people = queries.alert_people(world.mall_id)
    for number, staff_id in enumerate(people):
        service.save_alert_contact(
            actor=actor,
            staff_id=staff_id,
            channel="sms",
            address=f"1391000{number:04d}",
            quiet_from=dt.time(22),
            quiet_until=dt.time(8),
            now=now,
        )
    for chain in queries.chains(actor, world.mall_id, now):
        if chain.role == "mall_manager":
            ids = [one.staff_id for one in chain.people]
            service.save_alert_chain(
                actor=actor, mall_id=world.mall_id, role=chain.role, staff_ids=ids, patience=15, now=now
            )

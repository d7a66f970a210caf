"""Members who joined twice: with a new number, under a name that sounds alike, or a mother and her child."""

from __future__ import annotations

import datetime as dt

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty
from zhike.organization import queries as organization
from zhike.privacy import operations as privacy
from zhike.simulator.founding import POLICY_VERSION, World
from zhike.simulator.history import History
from zhike.simulator.loading import utc
from zhike.simulator.people import Person

TWINS = 12
REASONS = (
    "换了手机号，带身份证到服务台核对过",
    "旧卡丢失后重新办过卡，本人要求合并",
    "会员来电，报出两个手机号与近期小票",
    "小程序与实体卡各注册一次",
)
SOUNDS_ALIKE = {
    "张": "章",
    "李": "黎",
    "陈": "程",
    "黄": "王",
    "周": "邹",
    "刘": "柳",
    "林": "凌",
    "杨": "阳",
}


def seed_twins(actor: Viewer, world: World, history: History, now: dt.datetime) -> int:
    """Second records of some members, some merged already; how many. Nothing when they are there."""
    originals = history.people[3 : 3 + TWINS]
    phones = [_second_phone(one) for one in originals]
    if not originals or customers.person_ids_by("phone", phones):
        return 0
    joined = now - dt.timedelta(days=20)
    twins = [
        loyalty.NewMember(
            name=_second_name(one, place),
            enrolled_at=max(joined, utc(dt.datetime.combine(one.joined_on, dt.time(11)))),
            phone=phone,
            sex=one.sex if place % 5 else "unknown",
            birthday=None if place % 4 == 3 else one.birthday,
            mall_id=world.mall_id,
            source="h5",
        )
        for place, (one, phone) in enumerate(zip(originals, phones, strict=True))
    ]
    ids = loyalty.enroll_members(actor=actor, members=twins, now=now)
    privacy.record_consents_bulk(
        actor=actor,
        group_id=world.group_id,
        persons=[
            privacy.PersonDecisions(
                pk,
                (privacy.Decision("membership", "any", "granted"),),
                "member_app",
                {"screen": "enrol"},
                joined,
            )
            for pk in ids
        ],
        policy_version=POLICY_VERSION,
        now=now,
    )
    known = customers.person_ids_by("phone", [one.phone for one in originals])
    pairs = [(known[one.phone], twin) for one, twin in zip(originals, ids, strict=True) if one.phone in known]
    _merge(actor, pairs, now)
    loyalty.look_for_twins(actor=actor, now=now)
    return len(ids)


def _merge(actor: Viewer, pairs: list[tuple[int, int]], now: dt.datetime) -> None:
    """Three are one by now, one of them was taken apart again; the others wait for somebody to notice."""
    hired = {one.username: organization.viewer_of_staff(one.id) for one in organization.staff_list(actor)}
    desk = hired.get("service", actor)
    for place, (survivor, merged) in enumerate(pairs[:4]):
        outcome = loyalty.merge_persons(
            actor=desk, survivor_id=survivor, merged_id=merged, reason=REASONS[place % len(REASONS)], now=now
        )
        if place == 2 and outcome.state == "merged":
            reason = "会员说明这是她妹妹的号码"
            loyalty.unmerge_persons(actor=desk, merge_id=outcome.merge_id, reason=reason, now=now)
    if len(pairs) > 6:
        loyalty.merge_persons(
            actor=desk,
            survivor_id=pairs[5][0],
            merged_id=pairs[6][1],
            reason="同名，电话里说是同一人",
            now=now,
        )


def _second_phone(one: Person) -> str:
    return f"199{int(one.phone[-8:]) % 10_000:04d}{one.index % 10_000:04d}"


def _second_name(one: Person, place: int) -> str:
    """Every third is written as it sounds."""
    other = SOUNDS_ALIKE.get(one.name[0])
    return other + one.name[1:] if other and place % 3 == 2 else one.name

"""Customers who write to the demonstration's official account: one answered, two who wait."""

from __future__ import annotations

import datetime as dt

from zhike.kernel.access import system_viewer
from zhike.organization import queries as organization
from zhike.service import operations as service
from zhike.service.ports import Incoming

ACTOR = system_viewer("simulator")
NAME = "微信公众号"
MINUTE = dt.timedelta(minutes=1)
TALKS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (190, ("请问周末停车券可以叠加吗？", "您好，会员停车券每天限用一张，可与消费减免叠加。", "明白了，谢谢")),
    (26, ("公众号里的优惠券点不开，一直转圈", "[图片]")),
    (7, ("三楼的影院今天最晚一场是几点？",)),
)
"""How many minutes ago, and what was said by turns; those that wait say it all themselves."""


def seed_wechat_desk(account_id: int, person_ids: list[int], now: dt.datetime) -> None:
    """Once, when the account is opened; the last one is nobody we know."""
    mall_id = organization.first_mall_id()
    staff = [one for one in organization.staff_list(ACTOR) if one.username == "service"]
    if mall_id is None or not staff or not person_ids:
        return
    line_id = service.save_line(
        actor=ACTOR,
        line_id=None,
        mall_id=mall_id,
        channel="wechat",
        name=NAME,
        values={},
        account_id=account_id,
        now=now,
    )
    agent = organization.viewer_of_staff(staff[0].id)
    openids = [f"oDEMO{person_id:023d}" for person_id in [*person_ids[:2], 0]]
    for (minutes, turns), openid in zip(TALKS, openids, strict=False):
        at = now - minutes * MINUTE
        is_answered, number = len(turns) == 3, ""
        for place, text in enumerate(turns):
            if is_answered and place == 1:
                service.write_as_staff(actor=agent, number=number, text=text, now=at)
            else:
                incoming = Incoming(f"demo:{minutes}:{place}", openid, "", text, at, is_proven=True)
                number = service.hear(actor=ACTOR, line_id=line_id, incoming=incoming, now=at) or ""
            at += MINUTE

"""The demonstration's official account: an emulated WeChat, members who follow it and some who no more do, a service message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from zhike.customers import operations as customers
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations, queries
from zhike.organization import queries as organization
from zhike.simulator.wechat_desk import seed_wechat_desk

ACTOR = system_viewer("simulator")
NAME = "微信公众号（演示）"
PEOPLE, FOLLOWERS = 40, 30
TEMPLATE_ID = "demo-dJ8bYwq2rXk5vTn1sLz7cGm4hPe9aQf3uRi6oB"
WORDING = "thing1：${name}您好\nnumber2：${points}\nthing3：点击查看积分明细"
INBOX = ("积分到账", "${name}您好，您的 ${points} 积分已到账。")


def open_demo_wechat(values: Mapping[str, str], now: dt.datetime) -> None:
    """Called at every start: the emulator's address in ``values`` changes, the rest stays."""
    known = next((one for one in queries.accounts(ACTOR) if one.name == NAME), None)
    account_id = operations.save_account(
        actor=ACTOR,
        account_id=known.id if known else None,
        group_id=organization.default_group().id,
        vendor="wechat_mp",
        name=NAME,
        values=values,
        price=0,
        position=0,
        is_active=True,
        now=now,
    )
    if known is None:
        person_ids = [row.person_id for row in loyalty.members_page(ACTOR, limit=PEOPLE).items]
        _write(account_id, now)
        _follow(account_id, person_ids[:FOLLOWERS], now)
        seed_wechat_desk(account_id, person_ids, now)
        operations.send_messages(
            actor=ACTOR,
            template="points_arrived",
            person_ids=person_ids,
            own_values={person_id: {"points": str(20 + person_id % 7 * 15)} for person_id in person_ids},
            once="demo-points-arrived",
            now=now,
        )


def _write(account_id: int, now: dt.datetime) -> None:
    template_id = operations.create_template(
        actor=ACTOR,
        group_id=organization.default_group().id,
        code="points_arrived",
        name="积分到账通知",
        kind="service",
        fallback=("wechat", "inbox"),
        now=now,
    )
    for channel, title, body in (("wechat", "", WORDING), ("inbox", *INBOX)):
        version_id = operations.write_version(
            actor=ACTOR,
            template_id=template_id,
            channel=channel,
            language="zh-hans",
            title=title,
            body=body,
            now=now,
        )
        operations.approve_version(actor=ACTOR, version_id=version_id, now=now)
        if channel == "wechat":
            operations.tell_vendor(
                actor=ACTOR,
                version_id=version_id,
                account_id=account_id,
                vendor_code=TEMPLATE_ID,
                state="approved",
                now=now,
            )


def _follow(account_id: int, person_ids: Sequence[int], now: dt.datetime) -> None:
    """Each some days ago; every tenth has left since."""
    for place, person_id in enumerate(person_ids):
        openid = f"oDEMO{person_id:023d}"
        began = now - dt.timedelta(days=1 + place % 20)
        identifier = customers.NewIdentifier("openid", openid)
        try:
            customers.add_identifier(actor=ACTOR, person_id=person_id, identifier=identifier, now=began)
        except Problem:
            continue  # whoever has many already keeps them
        for is_following, at in ((True, began), (False, began + dt.timedelta(hours=20)))[
            : 2 if place % 10 == 9 else 1
        ]:
            operations.record_following(
                actor=ACTOR, account_id=account_id, openid=openid, is_following=is_following, at=at, now=at
            )

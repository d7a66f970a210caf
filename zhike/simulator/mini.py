"""The demonstration's mini-program: members who accepted its messages or not, and messages that use the acceptances up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction

from zhike.customers import operations as customers
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations, queries
from zhike.organization import queries as organization
from zhike.simulator.rhythm import morning

ACTOR = system_viewer("simulator")
NAME = "微信小程序（演示）"
PEOPLE = 12
PICK_UP, POINTS = "demoPickUp7K3xq2rXk5vTn1sLz7cGm4hPe9aQf3uR", "demoPoints5vTn1sLz7cGm4hPe9aQf3uRi6oB8bYw"
TEMPLATES = {
    "mini_order_ready": (PICK_UP, "到店取货提醒", "thing1：您的商品已到店\nthing2：请凭会员码到服务台领取\nurl：pages/orders"),
    "mini_points_expiring": (POINTS, "积分到期提醒", "thing1：您有积分即将到期\nthing2：点击查看可兑换的礼品\nurl：pages/points"),
}  # fmt: skip
ANSWERS = ("accept", "accept", "reject", "accept", "accept", "accept", "accept", "ban")
"""Of one member after the other, for the second template; the first is accepted by nearly all."""


def open_demo_mini(values: Mapping[str, str], now: dt.datetime) -> None:
    """Called at every start: the emulator's address in ``values`` changes, the rest stays."""
    known = next((one for one in queries.accounts(ACTOR) if one.name == NAME), None)
    account_id = operations.save_account(
        actor=ACTOR,
        account_id=known.id if known else None,
        group_id=organization.default_group().id,
        vendor="wechat_mini",
        name=NAME,
        values=values,
        price=0,
        position=0,
        is_active=True,
        now=now,
    )
    if known is not None:
        return
    for code in TEMPLATES:
        _write(account_id, code, now)
    person_ids = [row.person_id for row in loyalty.members_page(ACTOR, limit=PEOPLE).items]
    with transaction.atomic():
        asked = [
            person_id
            for place, person_id in enumerate(person_ids)
            if _answers(account_id, person_id, place, now)
        ]
    operations.send_messages(
        actor=ACTOR,
        template="mini_order_ready",
        person_ids=asked[: len(asked) * 2 // 3],
        once="demo-order-ready",
        now=now,
    )


def _answers(account_id: int, person_id: int, place: int, now: dt.datetime) -> bool:
    """Taps at half past ten of past days: each member one to three times; whether they have an openid."""
    openid = f"oMINI{person_id:023d}"
    began = morning(now, 28)
    identifier = customers.NewIdentifier("openid", openid)
    try:
        customers.add_identifier(actor=ACTOR, person_id=person_id, identifier=identifier, now=began)
    except Problem:
        return False  # whoever has many already keeps them
    for tap in range(1 + place % 3):
        at = morning(now, 26 - 9 * tap - place % 8)
        first = "reject" if place % 11 == 10 else "accept"
        operations.report_subscription(
            actor=ACTOR,
            person_id=person_id,
            openid=openid,
            answers=[(PICK_UP, first), (POINTS, ANSWERS[(place + tap) % len(ANSWERS)])],
            key=f"demo-{place}-{tap}",
            at=at,
            now=at,
        )
        if place % 2:  # WeChat tells of it too
            operations.record_subscription_answers(
                actor=ACTOR,
                account_id=account_id,
                openid=openid,
                answers=[(PICK_UP, first)],
                source="popup",
                key=str(int(at.timestamp())),
                at=at + dt.timedelta(seconds=2),
                now=at,
            )
    return True


def _write(account_id: int, code: str, now: dt.datetime) -> None:
    number, name, body = TEMPLATES[code]
    template_id = operations.create_template(
        actor=ACTOR,
        group_id=organization.default_group().id,
        code=code,
        name=name,
        kind="service",
        fallback=("mini", "inbox"),
        now=now,
    )
    texts: Sequence[tuple[str, str, str]] = (
        ("mini", "", body),
        ("inbox", name, f"{name}：请打开会员中心查看。"),
    )
    for channel, title, text in texts:
        version_id = operations.write_version(
            actor=ACTOR,
            template_id=template_id,
            channel=channel,
            language="zh-hans",
            title=title,
            body=text,
            now=now,
        )
        operations.approve_version(actor=ACTOR, version_id=version_id, now=now)
        if channel == "mini":
            operations.tell_vendor(
                actor=ACTOR, version_id=version_id, account_id=account_id, vendor_code=number, state="approved", now=now
            )  # fmt: skip

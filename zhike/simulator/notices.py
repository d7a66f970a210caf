"""Notifications of the demonstration: an emulated push service, members whose browsers listen, a service message and an offer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from zhike.kernel.access import system_viewer
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations, queries
from zhike.messaging.ports import Device
from zhike.organization import queries as organization

ACTOR = system_viewer("simulator")
NAME = "浏览器通知（演示）"
CAMPAIGN = "周末亲子市集"
LISTENERS = 40
"""Members whose browsers listen; every third has two."""
PEOPLE = 60
"""Members who are written to: those who listen and some who do not, so that the next channel is seen at work."""
BROWSERS = ("Chrome · Android", "Safari · iPhone", "Edge · Windows", "Chrome · Mac", "Firefox · Android")
WORDINGS = (
    (
        "parking_hours",
        "停车权益提醒",
        "service",
        ("push", "inbox"),
        ("停车时长已到账", "${name}您好，本月会员停车时长 2 小时已到账，离场前在会员卡里即可使用。"),
    ),
    (
        "weekend_fair",
        "周末市集通知",
        "marketing",
        ("push", "inbox"),
        ("周末亲子市集", "${name}您好，本周六日一楼中庭有亲子市集，会员凭码领取手作材料包一份。"),
    ),
)


def open_demo_notices(emulator: str, browser: Callable[[str], Device], now: dt.datetime) -> None:
    """Called at every start: the emulator's address changes, the rest stays. ``browser`` gives an emulated browser's keys."""
    known = next((one for one in queries.accounts(ACTOR) if one.name == NAME), None)
    operations.save_account(
        actor=ACTOR,
        account_id=known.id if known else None,
        group_id=organization.default_group().id,
        vendor="web_push",
        name=NAME,
        values={"contact": "mailto:service@zhike.example", "emulator": emulator},
        price=0,
        position=0,
        is_active=True,
        now=now,
    )
    if known is None:
        person_ids = [row.person_id for row in loyalty.members_page(ACTOR, limit=PEOPLE).items]
        _write(now)
        _listen(person_ids[:LISTENERS], browser, now)
        for code, campaign in (("parking_hours", ""), ("weekend_fair", CAMPAIGN)):
            operations.send_messages(
                actor=ACTOR,
                template=code,
                person_ids=person_ids,
                campaign=campaign,
                once=f"demo-{code}",
                now=now,
            )


def _write(now: dt.datetime) -> None:
    group_id = organization.default_group().id
    for code, name, kind, fallback, (title, body) in WORDINGS:
        template_id = operations.create_template(
            actor=ACTOR, group_id=group_id, code=code, name=name, kind=kind, fallback=fallback, now=now
        )
        for channel in fallback:
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


def _listen(person_ids: Sequence[int], browser: Callable[[str], Device], now: dt.datetime) -> None:
    for place, person_id in enumerate(person_ids):
        for copy in range(2 if place % 3 == 0 else 1):
            device = browser(f"{person_id}-{copy}")
            operations.add_push_device(
                actor=ACTOR,
                person_id=person_id,
                endpoint=device.endpoint,
                p256dh=device.p256dh,
                auth=device.auth,
                name=BROWSERS[(place + copy) % len(BROWSERS)],
                now=now,
            )

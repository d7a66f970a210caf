"""The demonstration's way to the outside: an emulated vendor, wordings, and a first campaign that has passed the gates."""

from __future__ import annotations

import datetime as dt

from zhike.kernel.access import system_viewer
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations, queries
from zhike.organization import queries as organization

ACTOR = system_viewer("simulator")
NAME = "阿里云短信（演示）"
CAMPAIGN = "周三会员日"
PEOPLE = 400
WORDINGS = (
    (
        "member_day",
        "会员日通知",
        "marketing",
        ("sms", "inbox"),
        {
            "sms": ("", "${name}您好，周三会员日餐饮积分加倍，欢迎光临。拒收请回复R"),
            "inbox": ("周三会员日", "${name}您好，周三会员日餐饮消费积分加倍，用餐时出示会员码即可。"),
        },
    ),
    (
        "points_expiring",
        "积分到期提醒",
        "service",
        ("inbox", "sms"),
        {
            "inbox": ("积分即将到期", "${name}您好，您有 ${points} 积分将于 ${day} 到期，请尽快使用。"),
            "sms": ("", "${name}您好，您有 ${points} 积分将于 ${day} 到期，请尽快使用。"),
        },
    ),
)


def open_demo_channels(emulator: str, now: dt.datetime) -> None:
    """Called at every start: the emulator's address changes, the rest stays."""
    group = organization.default_group()
    known = next((one for one in queries.accounts(ACTOR) if one.name == NAME), None)
    account_id = operations.save_account(
        actor=ACTOR,
        account_id=known.id if known else None,
        group_id=group.id,
        vendor="aliyun_sms",
        name=NAME,
        values={
            "key_id": "demo-key",
            "key_secret": "demo-secret",
            "sign_name": group.name,
            "endpoint": emulator,
        },
        price=4_500,
        position=0,
        is_active=True,
        now=now,
    )
    if known is None:
        _write(group.id, now)
        _tell(account_id, now)
        _send(now)


def _write(group_id: int, now: dt.datetime) -> None:
    known = {template.code for template in queries.templates(ACTOR)}
    for code, name, kind, fallback, bodies in WORDINGS:
        if code in known:
            continue
        template_id = operations.create_template(
            actor=ACTOR, group_id=group_id, code=code, name=name, kind=kind, fallback=fallback, now=now
        )
        for channel, (title, body) in bodies.items():
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


def _tell(account_id: int, now: dt.datetime) -> None:
    """The vendor's numbers of all wordings for text messages."""
    for template in queries.templates(ACTOR):
        for version in queries.versions(ACTOR, template.id):
            if version.channel == "sms" and version.state == "approved":
                operations.tell_vendor(
                    actor=ACTOR,
                    version_id=version.id,
                    account_id=account_id,
                    vendor_code=f"SMS_{100_000 + version.id}",
                    state="approved",
                    now=now,
                )


def _send(now: dt.datetime) -> None:
    """One offer to some members: the worker takes it through the gates as soon as it runs."""
    rows = loyalty.members_page(ACTOR, limit=PEOPLE).items
    operations.send_messages(
        actor=ACTOR,
        template="member_day",
        person_ids=[row.person_id for row in rows],
        campaign=CAMPAIGN,
        once="demo-member-day",
        now=now,
    )

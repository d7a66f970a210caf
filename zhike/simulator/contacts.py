"""The demonstration's WeCom: associates who are bound, members who added them, a message that is confirmed and one that is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from zhike.customers import operations as customers
from zhike.customers.queries import associates
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.messaging import operations, queries
from zhike.organization import queries as organization
from zhike.simulator.rhythm import morning

ACTOR = system_viewer("simulator")
NAME = "企业微信（演示）"
PEOPLE, CONTACTS = 3, 8
WELCOME = "您好，欢迎添加${house}的专属导购！新品到店、养护预约随时找我，祝您生活愉快。"
WORDING = "您好，您上次选购的衣物可以到店免费做一次换季护理，本周任意一天都可以来，到店前跟我说一声就好。"
INBOX = ("换季护理提醒", "您上次选购的衣物可以到店免费做一次换季护理，欢迎本周到店。")
OPENS_AFTER = dt.timedelta(minutes=2)
"""By then the worker has found out whose contacts they are."""


def open_demo_contacts(values: Mapping[str, str], now: dt.datetime) -> None:
    """Called at every start: the emulator's address in ``values`` changes, the rest stays."""
    known = next((one for one in queries.accounts(ACTOR) if one.name == NAME), None)
    account_id = operations.save_account(
        actor=ACTOR,
        account_id=known.id if known else None,
        group_id=organization.default_group().id,
        vendor="wecom",
        name=NAME,
        values=values,
        price=0,
        position=0,
        is_active=True,
        now=now,
    )
    if known is not None:
        return
    found = [one for one in associates.associates(ACTOR) if one.is_active and one.members]
    staff_ids = [one.staff_id for one in sorted(found, key=lambda one: -one.members)[:PEOPLE]]
    person_ids = [
        person_id
        for place, staff_id in enumerate(staff_ids, start=1)
        for person_id in _bound(account_id, staff_id, f"guide-{place}", now)
    ]
    if person_ids:
        _write(person_ids, now)


def _bound(account_id: int, staff_id: int, userid: str, now: dt.datetime) -> list[int]:
    """One associate with the members who added them, each at half past ten of a past day; every fifth left since."""
    began = morning(now, 40)
    operations.bind_staff(
        actor=ACTOR, account_id=account_id, staff_id=staff_id, userid=userid, welcome=WELCOME, now=began
    )
    binding = queries.own_binding(staff_id)
    with transaction.atomic():
        return _added(account_id, staff_id, userid, f"zhike-{binding.id}" if binding else "", now)


def _added(account_id: int, staff_id: int, userid: str, code: str, now: dt.datetime) -> list[int]:
    added = []
    for place, person_id in enumerate(associates.persons_of(staff_id)[:CONTACTS]):
        outside = f"wmDEMO{person_id:022d}"
        at = morning(now, 30 - 2 * place % 28)
        identifier = customers.NewIdentifier("unionid", f"oDEMOU{person_id:022d}")
        try:
            customers.add_identifier(actor=ACTOR, person_id=person_id, identifier=identifier, now=at)
        except Problem:
            continue  # whoever has many already keeps them
        state = code if place % 3 else ""
        told: dict[str, Any] = {
            "actor": ACTOR,
            "account_id": account_id,
            "userid": userid,
            "outside": outside,
        }
        operations.record_contact_added(**told, state=state, welcome_code="", at=at, now=at)
        if place % 5 == 4:
            later = at + dt.timedelta(hours=20)
            operations.record_contact_ended(**told, why="left", at=later, now=later)
        else:
            added.append(person_id)
    return added


def _write(person_ids: Sequence[int], now: dt.datetime) -> None:
    template_id = operations.create_template(
        actor=ACTOR,
        group_id=organization.default_group().id,
        code="season_care",
        name="换季护理提醒",
        kind="service",
        fallback=("wecom", "inbox"),
        now=now,
    )
    for channel, title, body in (("wecom", "", WORDING), ("inbox", *INBOX)):
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
    operations.send_messages(
        actor=ACTOR,
        template="season_care",
        person_ids=person_ids,
        once="demo-season-care",
        due_at=now + OPENS_AFTER,
        now=now,
    )

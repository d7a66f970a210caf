"""Customers who have one of us as a contact, as sending needs them: who writes to whom, and how often the vendor lets them."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from django.db.models import Count

from zhike.customers.queries import associates
from zhike.kernel import crypto
from zhike.messaging.models import ChannelAccount, Dispatch, OutboundMessage, StaffContact, StaffTask
from zhike.messaging.ports import Account, Answer, Gateway, StaffGateway
from zhike.messaging.queries import sent

Sides = Mapping[int, Sequence[int]]
"""Every id by which persons are known, with those asked for that it means."""


@dataclass(slots=True)
class Allowed:
    """How many messages a vendor lets one customer get (by account), and how many they got since (by channel and person)."""

    caps: dict[int, int] = field(default_factory=dict)
    got: Counter[tuple[str, int]] = field(default_factory=Counter)


def opened_outside(row: StaffContact) -> str:
    """For the vendor's client only."""
    return crypto.decrypt(bytes(row.outside), field=sent.OUTSIDE_FIELD, row=row.pk)


def of_persons(sides: Sides) -> dict[int, dict[int, StaffContact]]:
    """The contact by which each person is written to, by account: that with who looks after them, else the newest."""
    found: dict[int, dict[int, StaffContact]] = defaultdict(dict)
    if not sides:
        return found
    cared_by = associates.associates_by_person(sorted({pk for asked in sides.values() for pk in asked}))
    rows = StaffContact.objects.filter(
        person_id__in=sorted(sides), state=StaffContact.State.LINKED, binding__ended_at=None
    ).select_related("binding")
    for row in rows.order_by("began_at", "id"):
        for person_id in sides[row.person_id or 0]:
            known = found[person_id].get(row.binding.account_id)
            if known is None or known.binding.staff_id != cared_by.get(person_id):
                found[person_id][row.binding.account_id] = row
    return found


def allowed(
    sides: Mapping[str, Sides],
    accounts: Mapping[str, Sequence[tuple[ChannelAccount, Gateway]]],
    counted: Sequence[str],
    now: dt.datetime,
) -> Allowed:
    """What the vendors of these channels let each person get; nothing for those that have no such rule."""
    found = Allowed()
    for channel, asked in sides.items():
        begins = []
        for account, gateway in accounts.get(channel, ()) if asked else ():
            since, found.caps[account.pk] = cast(StaffGateway, gateway).limit(
                Account(account.pk, account.settings, {}), now
            )
            begins.append(since)
        if not begins:
            continue
        rows = OutboundMessage.objects.filter(
            person_id__in=sorted(asked), channel=channel, status__in=counted, sent_at__gte=min(begins)
        )
        for side_id, count in rows.values_list("person_id").annotate(n=Count("id")).order_by():
            for person_id in asked[side_id or 0]:
                found.got[channel, person_id] += count
    return found


def begin_task(
    dispatch: Dispatch,
    rows: Sequence[OutboundMessage],
    contact: StaffContact,
    gateway: Gateway,
    now: dt.datetime,
) -> None:
    """In the open transaction: written down before the vendor is asked for it."""
    hours = cast(StaffGateway, gateway).hours_to_confirm(
        Account(dispatch.account_id, dispatch.account.settings, {})
    )
    ends = [now + dt.timedelta(hours=hours), *(row.expires_at for row in rows if row.expires_at)]
    StaffTask.objects.create(
        dispatch=dispatch,
        binding=contact.binding,
        campaign=rows[0].campaign,
        template=rows[0].template,
        count=len(rows),
        made_at=now,
        expires_at=min(ends),
    )


def settle_task(dispatch: Dispatch, answers: Sequence[Answer], now: dt.datetime) -> None:
    """In the open transaction: the vendor gave the task a number, or took nothing."""
    taken = [answer for answer in answers if answer.is_tasked]
    tasks = StaffTask.objects.filter(dispatch=dispatch, state=StaffTask.State.CALLING)
    if taken:
        tasks.update(
            state=StaffTask.State.OPEN, reference=taken[0].reference[:80], count=len(taken), asked_at=now
        )
    else:
        tasks.update(state=StaffTask.State.FAILED, ended_at=now)

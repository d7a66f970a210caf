"""Browsers in which members want notifications."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import cast

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require_touch
from zhike.messaging.models import ChannelAccount, PushDevice, WechatFollower
from zhike.messaging.ports import Account, PushGateway
from zhike.messaging.queries.vendor_accounts import MANAGE, gateways, opened

PUSH = "push"


@dataclass(frozen=True, slots=True)
class DeviceView:
    """``name`` is what the browser says it is."""

    id: int
    name: str
    added_at: dt.datetime


def push_account() -> tuple[Account, PushGateway] | None:
    """The account through which browsers subscribe: the first in use that carries notifications."""
    known = gateways()
    for row in ChannelAccount.objects.filter(channel=PUSH, is_active=True).order_by("position", "id"):
        if row.vendor in known:
            return opened(row), cast(PushGateway, known[row.vendor])
    return None


def push_key() -> str:
    """The public key that a browser subscribes with; "" where notifications are not offered."""
    found = push_account()
    return found[1].public_key(found[0]) if found else ""


def push_devices(viewer: Viewer, person_id: int) -> list[DeviceView]:
    """The browsers of a member, newest first. Raises NotFound."""
    customers.visible_person(person_id, viewer)
    rows = PushDevice.objects.filter(person_id__in=customers.family(person_id))
    return [DeviceView(row.pk, row.name, row.added_at) for row in rows.order_by("-added_at", "-id")]


@dataclass(frozen=True, slots=True)
class PushState:
    """Of an account: the key that browsers are told, how many browsers listen, and of how many people."""

    public_key: str
    devices: int
    people: int


def follower_count(viewer: Viewer, account_id: int) -> int:
    """How many members follow an official account. Raises NotAllowed."""
    require_touch(viewer, MANAGE)
    return WechatFollower.objects.filter(account_id=account_id, is_following=True).count()


def push_state(viewer: Viewer, account_id: int) -> PushState | None:
    """None for an account that does not carry notifications. Raises NotAllowed."""
    require_touch(viewer, MANAGE)
    row = ChannelAccount.objects.filter(pk=account_id, channel=PUSH).first()
    known = gateways()
    if row is None or row.vendor not in known:
        return None
    devices = PushDevice.objects.filter(account_id=account_id)
    key = cast(PushGateway, known[row.vendor]).public_key(opened(row))
    return PushState(key, devices.count(), devices.values("person_id").distinct().count())

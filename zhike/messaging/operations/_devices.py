"""Addresses that accounts have of their own for a person, as sending needs them: browsers, openids."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.messaging.events import PushDeviceRemoved
from zhike.messaging.models import PushDevice, WechatFollower
from zhike.messaging.ports import Device
from zhike.messaging.queries import sent


def opened_device(row: PushDevice) -> Device:
    """For the vendor's client only."""
    keys = json.loads(crypto.decrypt(bytes(row.keys), field=sent.KEYS_FIELD, row=row.pk))
    endpoint = crypto.decrypt(bytes(row.endpoint), field=sent.ENDPOINT_FIELD, row=row.pk)
    return Device(row.pk, endpoint, keys["p256dh"], keys["auth"])


def opened_openid(row: WechatFollower) -> str:
    """For the vendor's client only."""
    return crypto.decrypt(bytes(row.openid), field=sent.OPENID_FIELD, row=row.pk)


def forget(actor: Viewer, rows: Iterable[PushDevice], why: str, now: dt.datetime) -> None:
    """In the open transaction: they get nothing from now on."""
    for row in rows:
        after = {"device": row.name, "why": why}
        subject = ("person", row.person_id)
        audit.record(actor=actor, action="push_device.remove", subject=subject, after=after, now=now)
        events.publish(PushDeviceRemoved(row.pk, row.person_id, why), actor=actor, now=now)
        PushDevice.objects.filter(pk=row.pk).delete()


def forget_gone(actor: Viewer, device_ids: Iterable[int], now: dt.datetime) -> None:
    """In the open transaction: devices that the push service says are no more."""
    wanted = sorted(set(device_ids))
    if wanted:
        rows = PushDevice.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("id")
        forget(actor, rows, "gone", now)

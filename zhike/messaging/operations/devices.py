"""Browsers in which members want notifications, and what they tell of those: shown, tapped."""

from __future__ import annotations

import datetime as dt
import json

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid, NotFound
from zhike.kernel.events import Fact
from zhike.messaging.events import MessageDelivered, MessageRead, MessageSent, PushDeviceAdded
from zhike.messaging.models import OutboundMessage, PushDevice
from zhike.messaging.operations._devices import forget
from zhike.messaging.ports import Device
from zhike.messaging.queries import devices as queries
from zhike.messaging.queries import sent
from zhike.messaging.rules import wording

DEVICES_MAX = 10
"""As many browsers as a person may want notifications in; one more takes the place of the oldest."""
ENDPOINT_LENGTH_MAX = 2_000
Status = OutboundMessage.Status


class DeviceUnusable(Invalid):
    code = "push-device-unusable"
    title = _("This browser cannot be written to.")


class NotificationsClosed(Invalid):
    code = "notifications-closed"
    title = _("Notifications are not offered here.")


def add_push_device(
    *, actor: Viewer, person_id: int, endpoint: str, p256dh: str, auth: str, name: str, now: dt.datetime
) -> int:
    """Notifications for this person go to this browser too; the device's id. Done again, it only renews the keys.

    A browser is one person's: another member's device at the same endpoint goes. ``endpoint``, ``p256dh`` and ``auth`` as the
    browser's PushSubscription has them. Raises NotFound, NotificationsClosed, DeviceUnusable.
    """
    customers.require_visible(person_id, actor, "members.edit")
    found = queries.push_account()
    if found is None:
        raise NotificationsClosed
    account, gateway = found
    too_long = len(endpoint) > ENDPOINT_LENGTH_MAX or len(p256dh) > 200 or len(auth) > 100
    if too_long or gateway.device_fault(account, Device(0, endpoint, p256dh, auth)):
        raise DeviceUnusable
    with transaction.atomic(), connection.cursor() as cursor:
        key = sent.address_index(endpoint)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(key[1:9], "big", signed=True)])
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7064))", [str(person_id)])
        known = PushDevice.objects.filter(address__in=sent.address_indexes(endpoint)).first()
        if known is not None and (known.person_id, known.account_id) != (person_id, account.id):
            forget(actor, [known], "moved", now)
            known = None
        pk = known.pk if known else _next_id()
        keys = json.dumps({"p256dh": p256dh, "auth": auth})
        kept = {
            "endpoint": crypto.encrypt(endpoint, field=sent.ENDPOINT_FIELD, row=pk),
            "keys": crypto.encrypt(keys, field=sent.KEYS_FIELD, row=pk),
            "name": name.strip()[:60] or "Web",
        }
        if known is not None:
            PushDevice.objects.filter(pk=pk).update(**kept)
            return pk
        mine = PushDevice.objects.filter(person_id=person_id).order_by("-added_at", "-id")
        forget(actor, mine[DEVICES_MAX - 1 :], "crowded", now)
        PushDevice.objects.create(
            pk=pk, person_id=person_id, account_id=account.id, address=key, added_at=now, **kept
        )
        after = {"device": kept["name"]}
        subject = ("person", person_id)
        audit.record(actor=actor, action="push_device.add", subject=subject, after=after, now=now)
        events.publish(PushDeviceAdded(pk, person_id), actor=actor, now=now)
    return pk


def remove_push_device(
    *, actor: Viewer, person_id: int, device_id: int, why: str = "member", now: dt.datetime
) -> None:
    """No more notifications in this browser; ``why`` is member or log_out. Raises NotFound."""
    customers.require_visible(person_id, actor, "members.edit")
    with transaction.atomic():
        rows = PushDevice.objects.select_for_update(of=("self",)).filter(
            pk=device_id, person_id__in=customers.family(person_id)
        )
        found = list(rows)
        if not found:
            raise NotFound
        forget(actor, found, why, now)


def record_notice(*, actor: Viewer, token: str, is_opened: bool, now: dt.datetime) -> str:
    """A browser showed a notification, or the member tapped it; each counts once. The path it leads to within the member app,
    "" when its words name none. Raises NotFound for a token that is not ours.
    """
    message_id = sent.message_of_notice(token)
    with transaction.atomic():
        row = (
            OutboundMessage.objects.select_for_update(of=("self",))
            .filter(pk=message_id, channel="push")
            .first()
        )
        if row is None:
            raise NotFound
        facts: list[Fact] = []
        if row.status == Status.SENDING:  # the browser was faster than the answer of the push service
            facts.append(MessageSent(row.pk, row.person_id, row.channel, row.template, row.campaign))
        if row.status in (Status.SENDING, Status.SENT, Status.UNKNOWN):
            row.status, row.delivered_at, row.reason = Status.DELIVERED, now, ""
            facts.append(MessageDelivered(row.pk, row.person_id, row.channel, row.campaign))
        if is_opened and row.read_at is None and row.status == Status.DELIVERED and row.person_id is not None:
            row.read_at = now
            facts.append(MessageRead(row.pk, row.person_id, row.channel, row.campaign))
        if facts:
            row.save(update_fields=["status", "delivered_at", "reason", "read_at"])
            events.publish(*facts, actor=actor, now=now)
    if not row.body:  # erased
        return ""
    text = crypto.decrypt(bytes(row.body), field=sent.BODY_FIELD, row=row.pk)
    return wording.own_path(text, settings.PUBLIC_URL)


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('messaging_pushdevice', 'id'))")
        return int(cursor.fetchone()[0])

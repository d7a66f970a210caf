"""What members say about our messages: quiet hours of their own, no more offers, and that they read one."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid, NotFound
from zhike.messaging.events import MessageRead
from zhike.messaging.models import OutboundMessage, OwnQuietHours, Suppression
from zhike.messaging.operations._gating import CONSENT_CHANNEL
from zhike.messaging.operations._queue import IDENTIFIER_OF
from zhike.messaging.operations.hearing import suppress
from zhike.messaging.queries import sent
from zhike.privacy import operations as privacy
from zhike.privacy import queries as consents


class QuietHoursUnusable(Invalid):
    code = "quiet-hours-unusable"
    title = _("Quiet hours need a beginning and an end, at most 20 hours apart.")


def set_own_quiet_hours(
    *, actor: Viewer, person_id: int, quiet: tuple[dt.time, dt.time] | None, now: dt.datetime
) -> None:
    """Hours without offers, in the zone of the member's mall; None ends them. Raises NotFound, QuietHoursUnusable."""
    customers.require_visible(person_id, actor, "members.edit")
    with transaction.atomic():
        after = None
        if quiet is None:
            OwnQuietHours.objects.filter(person_id=person_id).delete()
        else:
            begin, end = quiet
            minutes = (end.hour * 60 + end.minute - begin.hour * 60 - begin.minute) % 1440
            if not 0 < minutes <= 20 * 60:
                raise QuietHoursUnusable
            OwnQuietHours.objects.update_or_create(
                person_id=person_id, defaults={"quiet_from": begin, "quiet_until": end, "updated_at": now}
            )
            after = {"from": begin.isoformat("minutes"), "until": end.isoformat("minutes")}
        subject = ("person", person_id)
        audit.record(actor=actor, action="quiet_hours.set", subject=subject, after=after, now=now)


def refuse_by_link(*, actor: Viewer, token: str, now: dt.datetime) -> None:
    """End offers to whoever got the message with this link, without any log-in; done again, it changes nothing.

    Raises NotFound for a link that is not ours.
    """
    message_id = sent.message_of_refusal(token)
    with transaction.atomic():
        row = OutboundMessage.objects.filter(pk=message_id).first()
        if row is None:
            raise NotFound
        kind = IDENTIFIER_OF.get(row.channel)
        if kind and row.address is not None:
            normal = crypto.decrypt(bytes(row.recipient), field=sent.RECIPIENT_FIELD, row=row.pk)
            suppress(actor, normal, kind, row.person_id, "link", {"message": row.pk}, now)
        channel = CONSENT_CHANNEL[row.channel]
        if row.person_id is not None and consents.has_grant(row.person_id, "marketing", channel):
            privacy.withdraw_consent(
                actor=actor,
                person_id=row.person_id,
                purpose="marketing",
                channel=channel,
                method="refusal_link",
                reason=f"message {row.pk}",
                now=now,
            )


def mark_read(*, actor: Viewer, message_id: int, now: dt.datetime) -> None:
    """The member opened a message of their inbox; the first time counts. Raises NotFound."""
    with transaction.atomic():
        row = (
            OutboundMessage.objects.select_for_update(of=("self",))
            .filter(pk=message_id, channel="inbox", status=OutboundMessage.Status.DELIVERED)
            .first()
        )
        if row is None or row.person_id is None:
            raise NotFound
        customers.require_visible(row.person_id, actor, "members.edit")
        if row.read_at is None:
            row.read_at = now
            row.save(update_fields=["read_at"])
            events.publish(
                MessageRead(row.pk, row.person_id, row.channel, row.campaign), actor=actor, now=now
            )


def lift_suppression(*, actor: Viewer, person_id: int, channel: str, now: dt.datetime) -> None:
    """The member wants offers again and said so in the app; their address is no longer suppressed. Raises NotFound."""
    customers.require_visible(person_id, actor, "members.edit")
    card = customers.contact_cards([person_id]).get(person_id)
    address = getattr(card, IDENTIFIER_OF.get(channel, ""), "") if card else ""
    if not address:
        return
    with transaction.atomic():
        rows = Suppression.objects.select_for_update().filter(
            address__in=sent.address_indexes(address), lifted_at=None
        )
        for row in rows:
            row.lifted_at = now
            row.save(update_fields=["lifted_at"])
            subject = ("suppression", row.pk)
            audit.record(actor=actor, action="contact.allow", subject=subject, now=now)

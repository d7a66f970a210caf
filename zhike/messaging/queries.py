"""Reads of messages."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings

from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require
from zhike.kernel.paging import Keyset
from zhike.kernel.reencryption import EncryptedColumn
from zhike.messaging.models import OutboundMessage

BODY_FIELD = "messaging.outbound_message.body"
RECIPIENT_FIELD = "messaging.outbound_message.recipient"
_NEWEST = Keyset((("created_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class MessageView:
    """``body`` is None where it may not be read."""

    id: int
    person_id: int | None
    channel: str
    purpose: str
    template: str
    masked: str
    body: str | None
    status: str
    created_at: dt.datetime
    sent_at: dt.datetime | None


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(RECIPIENT_FIELD, "messaging_outboundmessage", "recipient"),
        EncryptedColumn(BODY_FIELD, "messaging_outboundmessage", "body"),
    ]


@dataclass(frozen=True, slots=True)
class Outbox:
    messages: list[MessageView]
    next_cursor: str | None
    previous_cursor: str | None


def outbox(viewer: Viewer, cursor: str | None = None, limit: int = 50) -> Outbox:
    """Messages, newest first. Bodies hold codes that log people in, so only a demonstration shows them.

    Raises NotAllowed without outbox.view, BadCursor.
    """
    require(viewer, "outbox.view")
    page = _NEWEST.page(OutboundMessage.objects.all(), cursor, limit)
    return Outbox([_view(row) for row in page.items], page.next_cursor, page.previous_cursor)


def _view(row: OutboundMessage) -> MessageView:
    body = crypto.decrypt(bytes(row.body), field=BODY_FIELD, row=row.pk) if settings.DEMO else None
    return MessageView(
        id=row.pk,
        person_id=row.person_id,
        channel=row.channel,
        purpose=row.purpose,
        template=row.template,
        masked=row.masked,
        body=body,
        status=row.status,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )

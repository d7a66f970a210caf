"""What was sent, and the encrypted columns of this context."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, may_touch, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset
from zhike.kernel.reencryption import EncryptedColumn
from zhike.messaging.models import OutboundMessage
from zhike.messaging.ports import Received

BODY_FIELD = "messaging.outbound_message.body"
RECIPIENT_FIELD = "messaging.outbound_message.recipient"
TITLE_FIELD = "messaging.outbound_message.title"
VALUES_FIELD = "messaging.outbound_message.values"
SECRET_FIELD = "messaging.channel_account.secret"
SENDER_FIELD = "messaging.inbound_message.sender"
INBOUND_FIELD = "messaging.inbound_message.body"
SUPPRESSED_FIELD = "messaging.suppression.value"
ADDRESS_FIELD = "messaging.outbound_message.address"
ENDPOINT_FIELD = "messaging.push_device.endpoint"
KEYS_FIELD = "messaging.push_device.keys"
OPENID_FIELD = "messaging.wechat_follower.openid"
SUBSCRIBER_FIELD = "messaging.subscription_answer.openid"
OUTSIDE_FIELD = "messaging.staff_contact.outside"
PHONE_FIELD = "messaging.one_time_code.phone"
COLUMNS = {level: f"person__{column}" for level, column in customers.COLUMNS.items()}
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


def address_index(address: str) -> bytes:
    """The blind index of a phone in E.164 or an e-mail address, to store."""
    return crypto.blind_index(address, field=ADDRESS_FIELD)


def address_indexes(address: str) -> list[bytes]:
    """The blind indexes to look for."""
    return crypto.blind_indexes(address, field=ADDRESS_FIELD)


def every_index(address: str) -> list[bytes]:
    """All blind indexes under which anything of messaging may know an address."""
    return [*address_indexes(address), *crypto.blind_indexes(address, field=PHONE_FIELD)]


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(
            RECIPIENT_FIELD,
            "messaging_outboundmessage",
            "recipient",
            index_column="address",
            index_of=address_index,
        ),
        EncryptedColumn(BODY_FIELD, "messaging_outboundmessage", "body"),
        EncryptedColumn(TITLE_FIELD, "messaging_outboundmessage", "title"),
        EncryptedColumn(VALUES_FIELD, "messaging_outboundmessage", "values"),
        EncryptedColumn(SECRET_FIELD, "messaging_channelaccount", "secret"),
        EncryptedColumn(SENDER_FIELD, "messaging_inboundmessage", "sender"),
        EncryptedColumn(INBOUND_FIELD, "messaging_inboundmessage", "body"),
        EncryptedColumn(
            SUPPRESSED_FIELD,
            "messaging_suppression",
            "value",
            index_column="address",
            index_of=address_index,
        ),
        EncryptedColumn(
            ENDPOINT_FIELD,
            "messaging_pushdevice",
            "endpoint",
            index_column="address",
            index_of=address_index,
        ),
        EncryptedColumn(
            OPENID_FIELD,
            "messaging_wechatfollower",
            "openid",
            index_column="address",
            index_of=address_index,
        ),
        EncryptedColumn(KEYS_FIELD, "messaging_pushdevice", "keys"),
        EncryptedColumn(
            SUBSCRIBER_FIELD,
            "messaging_subscriptionanswer",
            "openid",
            index_column="address",
            index_of=address_index,
        ),
        EncryptedColumn(
            OUTSIDE_FIELD,
            "messaging_staffcontact",
            "outside",
            index_column="address",
            index_of=address_index,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Outbox:
    messages: list[MessageView]
    next_cursor: str | None
    previous_cursor: str | None


def outbox(viewer: Viewer, cursor: str | None = None, limit: int = 50) -> Outbox:
    """Messages to whom the viewer may see, newest first. Bodies hold codes that log people in, so only a demonstration
    shows them.

    Raises NotAllowed without outbox.view, BadCursor.
    """
    require(viewer, "outbox.view")
    rows = visible(OutboundMessage.objects.all(), viewer, "outbox.view", COLUMNS)
    page = _NEWEST.page(rows, cursor, limit)
    return Outbox([_view(row) for row in page.items], page.next_cursor, page.previous_cursor)


def demo_phone(viewer: Viewer, limit: int = 50) -> list[Received]:
    """What the emulated vendors of a demonstration have delivered, newest first; empty when none runs.

    Whoever may not see everything sees none of it. Raises NotAllowed without outbox.view.
    """
    require(viewer, "outbox.view")
    if not settings.DEMO or not may_touch(viewer, "outbox.view"):
        return []
    return list(import_string(settings.DEMO_PHONE)(limit))


def _view(row: OutboundMessage) -> MessageView:
    is_readable = settings.DEMO and bool(row.body)  # an erasure empties it
    body = crypto.decrypt(bytes(row.body), field=BODY_FIELD, row=row.pk) if is_readable else None
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


def refusal_token(message_id: int) -> str:
    """What a link in a message carries: it names the message and cannot be guessed from another one."""
    return _token("refusal", message_id)


def message_of_refusal(token: str) -> int:
    """The message whose link this is. Raises NotFound."""
    return _message_of("refusal", token)


def notice_path(message_id: int) -> str:
    """What a notification opens, and where the browser says that it was shown; it can do no more than that."""
    return f"/m/n/{_token('notice', message_id)}/"


def message_of_notice(token: str) -> int:
    """The message whose notification this is. Raises NotFound."""
    return _message_of("notice", token)


def _token(purpose: str, message_id: int) -> str:
    digest = salted_hmac(f"zhike.messaging.{purpose}", str(message_id), algorithm="sha256").hexdigest()[:24]
    return f"{message_id}-{digest}"


def _message_of(purpose: str, token: str) -> int:
    number, _dash, _digest = token.partition("-")
    if not number.isascii() or not number.isdecimal() or len(number) > 18:
        raise NotFound
    if not hmac.compare_digest(_token(purpose, int(number)).encode(), token.encode()):
        raise NotFound
    return int(number)


def refusal_path(message_id: int) -> str:
    """The page that ends offers to whoever got this message."""
    return f"/m/no/{refusal_token(message_id)}/"


def refusal_url(message_id: int) -> str:
    """The same, as a whole address."""
    return settings.PUBLIC_URL + refusal_path(message_id)

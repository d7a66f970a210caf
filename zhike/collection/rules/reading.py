"""A message as it came becomes what it means: its kind, who, what, when. Pure.

The forms are Segment's HTTP tracking API; RudderStack's SDKs speak the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from zhike.collection.rules import consent, names, scrub
from zhike.kernel import ids

MESSAGE_BYTES_MAX = 32 * 1024
BATCH_BYTES_MAX = 500 * 1024
BATCH_MESSAGES_MAX = 2_500
MESSAGE_ID_LENGTH_MAX = 100
ID_LENGTH_MAX = 200
OLDEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
AHEAD_MAX = dt.timedelta(days=1)
BEHAVIOUR = ("track", "page", "screen", "group")
KINDS = (*BEHAVIOUR, "identify", "alias")
_VIEWS = {"page": "page_viewed", "screen": "screen_viewed", "group": "group_joined"}
_SHORT = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch"}


class Unusable(Exception):
    """The message cannot be used: a stable reason, and what it concerns."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Message(msgspec.Struct, rename="camel"):
    """The fields of a call, not judged yet."""

    type: Any = None
    message_id: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    event: Any = None
    name: Any = None
    category: Any = None
    properties: Any = None
    traits: Any = None
    context: Any = None
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None


class Reading(msgspec.Struct, gc=False):
    """What a message means. Ids are "" where there are none; ``traits`` are as they came, all else is scrubbed."""

    kind: str
    name: str
    said: str
    user_id: str
    anonymous_id: str
    previous_id: str
    at: dt.datetime
    consent: bool | None
    properties: dict[str, Any]
    context: dict[str, Any]
    traits: dict[str, Any]


_DECODER = msgspec.json.Decoder(Message)


def call_named(path: str) -> str:
    """The kind of call an address names: "track", its short form "t", "batch", "import"; "" for none."""
    name = {"import": "batch"}.get(path, _SHORT.get(path, path))
    return name if name == "batch" or name in KINDS else ""


def decode(raw: bytes | memoryview) -> Message:
    """Raises Unusable for what is no JSON object."""
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable("not-a-message") from error


def message_key(message: Message) -> uuid.UUID:
    """What makes a message the same as another: its id; without one, every message is a new one.

    Raises Unusable for an id that is too long.
    """
    given = message.message_id
    if given is None or given == "":
        return ids.uuid7()
    text = str(given)
    if len(text) > MESSAGE_ID_LENGTH_MAX:
        raise Unusable("message-id-too-long")
    return uuid.UUID(bytes=hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest())


def read(
    message: Message,
    *,
    kind: str,
    context: Mapping[str, Any],
    sent_at: Any,
    category: str,
    received_at: dt.datetime,
) -> Reading:
    """``kind`` is that of the address, "" in a batch; ``context`` and ``sent_at`` are the batch's. Raises Unusable."""
    kind = kind or _kind(message.type)
    user_id, anonymous_id = _id(message.user_id, "userId"), _id(message.anonymous_id, "anonymousId")
    previous_id = _id(message.previous_id, "previousId")
    if not user_id and not anonymous_id:
        raise Unusable("no-id")
    if kind == "alias" and not (user_id and (previous_id or anonymous_id)):
        raise Unusable("no-previous-id")
    if message.context is not None:
        context = {**context, **_object(message.context, "context")}
    said = _said(kind, message)
    name = _VIEWS.get(kind) or names.canonical(said)
    return Reading(
        kind,
        name,
        said,
        user_id,
        anonymous_id,
        previous_id,
        moment(message, sent_at, received_at),
        consent.said_consent(context, category) if context else None,
        _properties(kind, name, message),
        _context(context) if context else {},
        _traits(message, context) if kind == "identify" else {},
    )


def _kind(given: Any) -> str:
    if isinstance(given, str) and given.lower() in KINDS:
        return given.lower()
    raise Unusable("unknown-type", str(given)[:40] if given else "")


def _id(given: Any, field: str) -> str:
    if given is None:
        return ""
    if isinstance(given, str | int) and not isinstance(given, bool):
        text = str(given).strip().replace("\x00", "")
        if len(text) <= ID_LENGTH_MAX:
            return text
    raise Unusable("bad-id", field)


def _object(given: Any, field: str) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    raise Unusable("not-an-object", field)


def _traits(message: Message, context: Mapping[str, Any]) -> dict[str, Any]:
    """RudderStack sends them inside the context."""
    given = message.traits if message.traits is not None else context.get("traits")
    return {} if given is None else _object(given, "traits")


def _said(kind: str, message: Message) -> str:
    if kind == "track":
        if not isinstance(message.event, str) or not message.event.strip():
            raise Unusable("no-event")
        said = message.event
    else:
        parts = (part for part in (message.category, message.name) if isinstance(part, str) and part.strip())
        said = " · ".join(parts)
    return str(scrub.scrub(said))[: names.NAME_LENGTH_MAX]


def _properties(kind: str, name: str, message: Message) -> dict[str, Any]:
    if kind == "group":
        given = _object(message.traits, "traits") if message.traits is not None else {}
        return {"group_id": scrub.scrub(_id(message.group_id, "groupId")), **scrub.scrub(given)}
    if message.properties is None or kind not in BEHAVIOUR:
        return {}
    properties: dict[str, Any] = scrub.scrub(_object(message.properties, "properties"))
    return names.with_fen(properties) if name in names.COMMERCE_NAMES else properties


def _context(context: Mapping[str, Any]) -> dict[str, Any]:
    """The few things about page, campaign, app and device that may be kept; no address of the network, no agent."""
    kept: dict[str, Any] = {}
    for part, fields in _KEPT.items():
        given = context.get(part)
        if isinstance(given, Mapping):
            found = {
                field: scrub.scrub(given[field], field)
                for field in fields
                if isinstance(given.get(field), str)
            }
            if found:
                kept[part] = found
    return kept


_KEPT = {
    "page": ("path", "url", "title", "referrer"),
    "campaign": ("name", "source", "medium", "term", "content"),
    "app": ("name", "version"),
    "device": ("type", "manufacturer", "model"),
    "os": ("name",),
    "library": ("name",),
    "screen": ("name",),
}


def moment(message: Message, sent_at: Any, received_at: dt.datetime) -> dt.datetime:
    """When it happened by our clock: receivedAt − (sentAt − originalTimestamp), so a device's wrong clock does not matter.

    Source: Segment's common fields. Raises Unusable for what is no moment, or lies before 2000 or more than a day ahead.
    """
    given = message.original_timestamp or message.timestamp
    if not given:
        return received_at
    original = _time(given)
    sent = message.sent_at or sent_at
    try:
        at = received_at - (_time(sent) - original) if sent else original
    except OverflowError as error:
        raise Unusable("bad-timestamp", str(given)[:40]) from error
    if not OLDEST <= at <= received_at + AHEAD_MAX:
        raise Unusable("bad-timestamp", str(given)[:40])
    return at


def _time(given: Any) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(given)
        return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise Unusable("bad-timestamp", str(given)[:40]) from error

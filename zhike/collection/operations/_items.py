"""Messages on their way through one request."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zhike.collection.queries import SourceRef
from zhike.collection.rules import reading, scrub
from zhike.collection.rules.reading import Message, Reading, Unusable
from zhike.kernel import ids

Outcome = Literal["taken", "anonymised", "refused", "duplicate", "set_aside"]


@dataclass(slots=True, eq=False)
class Item:
    """One message; ``reading`` None when it could not be read, ``reason`` then says why."""

    raw: bytes
    key: uuid.UUID
    kind: str
    message: Message | None = None
    reading: Reading | None = None
    outcome: Outcome = "taken"
    reason: str = ""
    detail: str = ""

    def fail(self, reason: str, detail: str = "") -> None:
        self.outcome, self.reason, self.detail = "set_aside", reason, str(scrub.scrub(detail))[:120]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the messages of a request share. ``kind`` is that of the address, "" in a batch."""

    source: SourceRef
    received_at: dt.datetime
    kind: str = ""
    context: Mapping[str, Any] | None = None
    sent_at: Any = None
    library: str = ""
    largest: int = reading.MESSAGE_BYTES_MAX


def read_items(raws: Sequence[bytes], envelope: Envelope) -> list[Item]:
    """Every message judged by itself."""
    return [_item(raw, envelope) for raw in raws]


def _item(raw: bytes, envelope: Envelope) -> Item:
    item = Item(raw, ids.uuid7(), envelope.kind)
    try:
        if len(raw) > envelope.largest:
            raise Unusable("message-too-large")
        message = item.message = reading.decode(raw)
        item.key = reading.message_key(message)
        item.reading = reading.read(
            message,
            kind=envelope.kind,
            context=envelope.context or {},
            sent_at=envelope.sent_at,
            category=envelope.source.consent_category,
            received_at=envelope.received_at,
        )
        item.kind = item.reading.kind
    except Unusable as fault:
        if item.message is not None and item.message.type in reading.KINDS:
            item.kind = item.kind or str(item.message.type)
        item.fail(fault.reason, fault.detail)
    return item

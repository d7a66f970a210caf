"""Messages taken in: each once, cleaned, on a lawful basis, in one transaction with the log. The hot path of collection."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import OperationalError, connection, transaction

from zhike.collection.events import BehaviourObserved
from zhike.collection.models import SetAside
from zhike.collection.operations import _people, _visitors
from zhike.collection.operations._items import Envelope, Item, read_items
from zhike.collection.queries import SourceRef
from zhike.collection.queries.quarantine import BODY_FIELD
from zhike.collection.rules import scrub
from zhike.collection.rules.reading import BEHAVIOUR, MESSAGE_BYTES_MAX
from zhike.kernel import crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.events import Fact

SAMPLED_MAX = 10
TRIES = 3
DEADLOCK = "40P01"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the messages of one request."""

    taken: int
    anonymised: int
    refused: int
    duplicates: int
    set_aside: int


def take_messages(
    *,
    actor: Viewer,
    source: SourceRef,
    messages: Sequence[bytes],
    kind: str = "",
    context: Mapping[str, Any] | None = None,
    sent_at: Any = None,
    library: str = "",
    largest: int = MESSAGE_BYTES_MAX,
    now: dt.datetime,
) -> Taken:
    """Take in the messages of one request, each as the JSON it came as; whoever calls has checked the write key.

    ``kind`` is the call when it stands in the address; ``context`` and ``sent_at`` are those of the batch. A message that was
    taken before changes nothing; one that cannot be used is set aside with its reason; the others take effect together.
    """
    envelope = Envelope(source, now, kind, context, sent_at, library.replace("\x00", "")[:60], largest)
    for tries_left in reversed(range(TRIES)):
        items = read_items(messages, envelope)
        try:
            with transaction.atomic():
                _drop_duplicates(source, items, now)
                carry_out(actor, envelope, items)
                _put_aside(envelope, items)
                return _record_delivery(envelope, items)
        except OperationalError as error:
            if not tries_left or getattr(error.__cause__, "sqlstate", "") != DEADLOCK:
                raise
    raise AssertionError


def carry_out(actor: Viewer, envelope: Envelope, items: Sequence[Item]) -> None:
    """Recognise people, stitch visitors, tell behaviour; says in each item what became of it."""
    current = [item for item in items if item.outcome == "taken"]
    known = _people.recognise(actor, envelope.source, current, envelope.received_at)
    observed = [item for item in current if item.kind in BEHAVIOUR and item.outcome == "taken"]
    facts = list(_facts(envelope, known, observed))
    if facts:
        events.publish_many(facts, actor=actor, now=envelope.received_at)


def _drop_duplicates(source: SourceRef, items: Sequence[Item], now: dt.datetime) -> None:
    """The first of equal ids counts, in this request and over the last eight days."""
    keys = sorted({item.key for item in items})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO collection_seenmessage (source_id, key, received_at)"
            " SELECT %s, key, %s FROM unnest(%s::uuid[]) AS key ON CONFLICT DO NOTHING RETURNING key",
            [source.id, now, keys],
        )
        fresh: set[uuid.UUID] = {row[0] for row in cursor.fetchall()}
    for item in items:
        if item.key in fresh:
            fresh.discard(item.key)
        else:
            item.outcome = "duplicate"


# --- behaviour -----------------------------------------------------------------------------------------------------


def _facts(envelope: Envelope, known: _people.Known, items: Sequence[Item]) -> Iterator[Fact]:
    source = envelope.source
    kept: list[tuple[Item, str, int | None, _visitors.Name | None]] = []
    for item in items:
        reading = item.reading
        assert reading is not None
        person_id = known.persons.get(reading.user_id) if reading.user_id else None
        basis = known.basis(source, reading, person_id)
        name: _visitors.Name | None = None
        if person_id is None and basis == "consent":
            if reading.user_id:
                name = ("user", reading.user_id)
            elif source.kind != "kiosk":
                name = ("anonymous", reading.anonymous_id)
            else:
                basis = "anonymous"
        if basis == "refused":
            item.outcome = "refused"
        else:
            item.outcome = "anonymised" if basis == "anonymous" else "taken"
            kept.append((item, basis, person_id, name))
    visitors = _visitors.ids_of(source, {name for *_rest, name in kept if name}, envelope.received_at)
    for item, basis, person_id, name in kept:
        yield _fact(source, item, basis, person_id, visitors[name] if name else None)


def _fact(
    source: SourceRef, item: Item, basis: str, person_id: int | None, visitor_id: int | None
) -> BehaviourObserved:
    reading = item.reading
    assert reading is not None
    is_anonymous = basis == "anonymous"
    return BehaviourObserved(
        source.id,
        reading.kind,
        reading.name,
        reading.said,
        basis,
        reading.at.replace(minute=0, second=0, microsecond=0) if is_anonymous else reading.at,
        None if is_anonymous else person_id,
        visitor_id,
        reading.properties,
        {} if is_anonymous else reading.context,
    )


# --- what is set aside, and the account of the request -------------------------------------------------------------


def _put_aside(envelope: Envelope, items: Sequence[Item]) -> None:
    bad = [item for item in items if item.outcome == "set_aside"]
    if not bad:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('collection_setaside', 'id')) FROM generate_series(1, %s)",
            [len(bad)],
        )
        ids = [row[0] for row in cursor.fetchall()]
    SetAside.objects.bulk_create(
        SetAside(
            pk=pk,
            source_id=envelope.source.id,
            kind=item.kind,
            reason=item.reason,
            detail=item.detail,
            body=crypto.encrypt(_whole(envelope, item), field=BODY_FIELD, row=pk),
            received_at=envelope.received_at,
        )
        for pk, item in zip(ids, bad, strict=True)
    )


def _whole(envelope: Envelope, item: Item) -> str:
    """The message with what it had from its batch, so that it can be tried again by itself."""
    text = bytes(item.raw).decode("utf-8", "replace")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(message, dict):
        return text
    shared = {"type": item.kind or None, "sentAt": envelope.sent_at}
    message = {name: value for name, value in shared.items() if value} | message
    if envelope.context:
        own = message.get("context")
        message["context"] = {**envelope.context, **(own if isinstance(own, dict) else {})}
    return json.dumps(message, ensure_ascii=False)


def _record_delivery(envelope: Envelope, items: Sequence[Item]) -> Taken:
    count = Counter(item.outcome for item in items)
    done = Taken(
        count["taken"], count["anonymised"], count["refused"], count["duplicate"], count["set_aside"]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO collection_delivery (source_id, received_at, library, taken, anonymised, refused, duplicates,"
            " set_aside, sample) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                envelope.source.id, envelope.received_at, envelope.library, done.taken, done.anonymised, done.refused,
                done.duplicates, done.set_aside, json.dumps(_sample(items), ensure_ascii=False),
            ],
        )  # fmt: skip
    return done


def _sample(items: Sequence[Item]) -> list[dict[str, Any]]:
    """A few messages as people may see them, those with faults first."""
    bad = [item for item in items if item.outcome == "set_aside"][: SAMPLED_MAX // 2]
    good = [item for item in items if item.outcome != "set_aside"][: SAMPLED_MAX - len(bad)]
    return [
        {"outcome": item.outcome, "reason": item.reason, "message": _shown(item)} for item in [*bad, *good]
    ]


def _shown(item: Item) -> Any:
    if len(item.raw) > 4096:
        return {"bytes": len(item.raw)}
    try:
        return scrub.masked(msgspec.json.decode(item.raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""Writing messages into the outbox; they leave it later, through the gates."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.messaging.events import MessageQueued
from zhike.messaging.models import OutboundMessage
from zhike.messaging.operations._store import insert
from zhike.messaging.queries import sent

IDENTIFIER_OF = {"sms": "phone", "email": "email"}
"""Which identifier is the address of a channel; the inbox is the person's own."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is written. ``to`` is normalised, "" when the person has no such address."""

    channel: str
    kind: str
    purpose: str
    template: str
    to: str
    body: str
    due_at: dt.datetime
    title: str = ""
    person_id: int | None = None
    version_id: int | None = None
    language: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    expires_at: dt.datetime | None = None
    campaign: str = ""
    once: str | None = None
    fallback: tuple[str, ...] = ()
    first: int | None = None
    tried: tuple[int, ...] = ()


def queue(actor: Viewer, drafts: Sequence[Draft], now: dt.datetime) -> list[OutboundMessage]:
    """Write them in the open transaction, with one fact each and one entry of the audit trail.

    A draft whose ``once`` is known is left out: it was queued before.
    """
    known = set(
        OutboundMessage.objects.filter(once__in=[d.once for d in drafts if d.once]).values_list(
            "once", flat=True
        )
    )
    wanted = [draft for draft in drafts if draft.once is None or draft.once not in known]
    if not wanted:
        return []
    rows = [_row(pk, draft, now) for pk, draft in zip(_ids(len(wanted)), wanted, strict=True)]
    insert(rows)
    first = rows[0]
    after = {"to": first.masked, "purpose": first.purpose, "template": first.template}
    if len(rows) > 1:
        after = {"messages": str(len(rows)), "purpose": first.purpose, "template": first.template}
    audit.record(actor=actor, action="message.queue", subject=("message", first.pk), after=after, now=now)
    facts = [
        MessageQueued(row.pk, row.person_id, row.channel, row.purpose, row.template, row.campaign)
        for row in rows
    ]
    events.publish_many(facts, actor=actor, now=now) if len(facts) > 1 else events.publish(
        *facts, actor=actor, now=now
    )
    return rows


def _ids(count: int) -> list[int]:
    """The ids are known before, because what is encrypted is bound to them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('messaging_outboundmessage', 'id'))"
            " FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]


def _row(pk: int, draft: Draft, now: dt.datetime) -> OutboundMessage:
    kind = IDENTIFIER_OF.get(draft.channel)
    values = json.dumps(dict(draft.values), ensure_ascii=False) if draft.values else ""
    return OutboundMessage(
        pk=pk,
        person_id=draft.person_id,
        channel=draft.channel,
        kind=draft.kind,
        purpose=draft.purpose,
        template=draft.template,
        version_id=draft.version_id,
        language=draft.language,
        recipient=crypto.encrypt(draft.to, field=sent.RECIPIENT_FIELD, row=pk),
        address=sent.address_index(draft.to) if draft.to else None,
        masked=customers.masked(kind, draft.to) if kind and draft.to else "",
        title=crypto.encrypt(draft.title, field=sent.TITLE_FIELD, row=pk) if draft.title else None,
        body=crypto.encrypt(draft.body, field=sent.BODY_FIELD, row=pk),
        values=crypto.encrypt(values, field=sent.VALUES_FIELD, row=pk) if values else None,
        campaign=draft.campaign,
        once=draft.once,
        fallback=list(draft.fallback),
        first=draft.first,
        tried=list(draft.tried),
        created_at=now,
        due_at=draft.due_at,
        expires_at=draft.expires_at,
    )

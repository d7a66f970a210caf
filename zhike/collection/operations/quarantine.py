"""Messages set aside: opened, mended, tried again, or given up."""

from __future__ import annotations

import datetime as dt
import json

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.collection.models import SetAside
from zhike.collection.operations._items import Envelope, read_items
from zhike.collection.operations.receiving import carry_out
from zhike.collection.queries.quarantine import BODY_FIELD, body_of, reason_sentence
from zhike.collection.queries.sources import COLUMNS, EDIT, ref_of
from zhike.collection.rules.reading import MESSAGE_BYTES_MAX
from zhike.kernel import audit, crypto
from zhike.kernel.access import Viewer, load_visible, system_viewer
from zhike.kernel.errors import Conflict, Invalid

_COLUMNS = {level: f"source__{column}" for level, column in COLUMNS.items()}


class StillUnusable(Invalid):
    code = "still-unusable"
    title = _("It still cannot be used. %(sentence)s")


class AlreadySettled(Conflict):
    code = "already-settled"
    title = _("This message was settled already.")


def open_set_aside(*, actor: Viewer, set_aside_id: int, now: dt.datetime) -> str:
    """The whole message in clear, for mending; looking is audited. Raises NotFound."""
    with transaction.atomic():
        row = load_visible(SetAside.objects.all(), set_aside_id, actor, EDIT, _COLUMNS)
        audit.record(actor=actor, action="source.message_open", subject=("set_aside", row.pk), now=now)
    return body_of(row)


def replay_set_aside(*, actor: Viewer, set_aside_id: int, body: str | None = None, now: dt.datetime) -> None:
    """Try a message again, mended when ``body`` is given; its time still counts from when it came.

    It has the effect it would have had when it came, whoever replays it.

    Raises NotFound, AlreadySettled, StillUnusable (nothing is changed then).
    """
    with transaction.atomic():
        row = _lock(actor, set_aside_id)
        text = body_of(row) if body is None else body
        if len(text.encode()) > MESSAGE_BYTES_MAX:
            raise StillUnusable(sentence=reason_sentence("message-too-large"))
        envelope = Envelope(ref_of(row.source), row.received_at)
        items = read_items([_plain(text)], envelope)
        sender = system_viewer(envelope.source.audit_label, request_id=actor.request_id)
        carry_out(sender, envelope, items)
        if items[0].outcome == "set_aside":
            raise StillUnusable(sentence=f"{reason_sentence(items[0].reason)} {items[0].detail}".strip())
        row.status, row.settled_at = SetAside.Status.TAKEN, now
        if body is not None and body != body_of(row):
            row.is_mended = True
            row.body = crypto.encrypt(body, field=BODY_FIELD, row=row.pk)
        row.save(update_fields=["status", "settled_at", "is_mended", "body"])
        after = {"mended": row.is_mended, "outcome": items[0].outcome}
        audit.record(
            actor=actor, action="source.message_replay", subject=("set_aside", row.pk), after=after, now=now
        )


def discard_set_aside(*, actor: Viewer, set_aside_id: int, reason: str = "", now: dt.datetime) -> None:
    """Give a message up. Raises NotFound, AlreadySettled."""
    with transaction.atomic():
        row = _lock(actor, set_aside_id)
        row.status, row.settled_at = SetAside.Status.DISCARDED, now
        row.save(update_fields=["status", "settled_at"])
        audit.record(
            actor=actor,
            action="source.message_discard",
            subject=("set_aside", row.pk),
            reason=reason,
            now=now,
        )


def _lock(actor: Viewer, set_aside_id: int) -> SetAside:
    rows = SetAside.objects.select_for_update(of=("self",)).select_related("source")
    row = load_visible(rows, set_aside_id, actor, EDIT, _COLUMNS)
    if row.status != SetAside.Status.OPEN:
        raise AlreadySettled
    return row


def _plain(text: str) -> bytes:
    """The same message without white space that people typed for reading."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return text.encode()

"""Messages set aside: why, and what they say."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from zhike.collection.models import SetAside, Source
from zhike.collection.queries.sources import COLUMNS, VIEW
from zhike.collection.rules import scrub
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.paging import Keyset, Listing
from zhike.kernel.reencryption import EncryptedColumn

BODY_FIELD = "collection.set_aside.body"
_NEWEST = Keyset(order=(("id", "desc"),))

REASONS: Mapping[str, Any] = {
    "not-a-message": _("It is not a JSON object."),
    "message-too-large": _("It is larger than 32 KB."),
    "message-id-too-long": _("Its messageId has more than 100 characters."),
    "unknown-type": _("Its type is not one of identify, track, page, screen, group, alias."),
    "no-id": _("It has neither a userId nor an anonymousId."),
    "bad-id": _("An id is not a text of at most 200 characters."),
    "no-previous-id": _("An alias needs a userId and a previousId."),
    "no-event": _("A track call has no name of an event."),
    "not-an-object": _("A part that holds fields is not an object."),
    "bad-timestamp": _("Its time is not a date in ISO 8601, or lies too far away."),
    "invalid-identifier": _("An identifier is not valid."),
    "invalid-profile": _("A part of the profile is not valid."),
    "unknown-user": _("Nobody is known under these ids yet."),
}
"""Why a message was set aside, as a sentence."""


@dataclass(frozen=True, slots=True)
class SetAsideView:
    """``message`` has personal data hidden; it is None for what is no JSON."""

    id: int
    source_id: int
    kind: str
    reason: str
    sentence: str
    detail: str
    received_at: dt.datetime
    status: str
    is_mended: bool
    settled_at: dt.datetime | None
    message: Any


def reason_sentence(reason: str) -> str:
    return str(REASONS.get(reason, reason))


def set_aside_page(
    viewer: Viewer,
    source_id: int,
    *,
    reason: str = "",
    status: str = "open",
    cursor: str | None = None,
    limit: int = 25,
) -> Listing[SetAsideView]:
    """What a source's messages were set aside for, newest first. Raises NotAllowed, NotFound, BadCursor."""
    load_visible(Source.objects.all(), source_id, viewer, VIEW, COLUMNS)
    rows = SetAside.objects.filter(source_id=source_id, status=status)
    if reason:
        rows = rows.filter(reason=reason)
    page = _NEWEST.page(rows, cursor, limit)
    return Listing([_view(row) for row in page.items], page.next_cursor, page.previous_cursor)


def reasons(viewer: Viewer, source_id: int, status: str = "open") -> list[tuple[str, str, int]]:
    """(code, sentence, how many), most frequent first. Raises NotFound."""
    load_visible(Source.objects.all(), source_id, viewer, VIEW, COLUMNS)
    rows = SetAside.objects.filter(source_id=source_id, status=status).values_list("reason")
    counted = rows.annotate(count=Count("id")).order_by("-count", "reason")
    return [(code, reason_sentence(code), count) for code, count in counted]


def set_aside(viewer: Viewer, set_aside_id: int) -> SetAsideView:
    """One of them. Raises NotFound."""
    columns = {level: f"source__{column}" for level, column in COLUMNS.items()}
    return _view(load_visible(SetAside.objects.all(), set_aside_id, viewer, VIEW, columns))


def body_of(row: SetAside) -> str:
    """The message as it came; whoever shows it audits that."""
    return crypto.decrypt(bytes(row.body), field=BODY_FIELD, row=row.pk)


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [EncryptedColumn(BODY_FIELD, "collection_setaside", "body")]


def _view(row: SetAside) -> SetAsideView:
    try:
        message = scrub.masked(json.loads(body_of(row)))
    except ValueError:
        message = None
    return SetAsideView(
        row.pk, row.source_id, row.kind, row.reason, reason_sentence(row.reason), row.detail, row.received_at,
        row.status, row.is_mended, row.settled_at, message,
    )  # fmt: skip

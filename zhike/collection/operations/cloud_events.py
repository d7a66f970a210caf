"""CloudEvents taken in: each becomes a message like those of the SDKs and goes the same way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.collection.operations.receiving import Taken, take_messages
from zhike.collection.queries import SourceRef
from zhike.collection.rules import cloud_events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid

SENTENCES = {
    "required": _("This attribute is missing."),
    "not-a-text": _("This attribute is no text of at most 1,024 characters."),
    "not-1.0": _("Only version 1.0 of CloudEvents is understood."),
    "bad-name": _("Names of attributes are small letters and digits, at most twenty."),
    "not-a-time": _("The time is not written as RFC 3339 says."),
    "twice": _("An event has data or data_base64, not both."),
}


class NotACloudEvent(Invalid):
    code = "not-a-cloud-event"
    title = _("This is not a CloudEvent 1.0.")


def take_cloud_events(
    *,
    actor: Viewer,
    source: SourceRef,
    events: Sequence[Mapping[str, Any]],
    library: str = "",
    now: dt.datetime,
) -> Taken:
    """Take in the events of one request; whoever calls has checked the write key. The same source and id count once.

    One that is no CloudEvent refuses the whole request, and nothing is taken. One that is, but cannot be used (it names
    nobody), is set aside with its reason. Raises NotACloudEvent naming the attributes ("1.id": of the second event).
    """
    faults: dict[str, list[Any]] = {}
    for place, event in enumerate(events):
        try:
            cloud_events.check(event)
        except cloud_events.Malformed as fault:
            name = fault.attribute if len(events) == 1 else f"{place}.{fault.attribute}"
            faults.setdefault(name, []).append(SENTENCES[fault.code])
    if faults:
        raise NotACloudEvent(fields=faults)
    messages = [cloud_events.message(event, source.consent_category) for event in events]
    return take_messages(
        actor=actor,
        source=source,
        messages=messages,
        library=library,
        largest=2 * cloud_events.EVENT_BYTES_MAX,
        now=now,
    )

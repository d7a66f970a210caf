"""What insight does when something happened below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from zhike.insight.operations.standing import refresh_standings
from zhike.insight.operations.tags import running
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.loyalty.events import MemberEnrolled
from zhike.privacy.events import ConsentRecorded
from zhike.sales.events import ReceiptClaimed, ReceiptRecorded, ReceiptsTakenOut

ACTOR = system_viewer("standing")
TAGGER = system_viewer("tags")


def on_change(event: StoredEvent) -> None:
    """A purchase, a return, a new member, a refusal to be profiled: one person's standing, at once."""
    person_id = event.data.get("person_id")
    if person_id is not None:
        refresh_standings(actor=ACTOR, now=event.recorded_at, person_ids=[int(person_id)])


# From now on: what was before is worked out by the hourly job, for all at once.
standing = Consumer(
    "standing",
    {
        MemberEnrolled: on_change,
        ReceiptRecorded: on_change,
        ReceiptClaimed: on_change,
        ReceiptsTakenOut: on_change,
        ConsentRecorded: on_change,
    },
    start="end",
)


def on_batch(batch: Sequence[StoredEvent]) -> None:
    """Whatever rules of tags may speak of."""
    running.take_events(actor=TAGGER, batch=batch)


def on_time(now: dt.datetime) -> dt.datetime | None:
    """What time alone gives and takes."""
    return running.ring_timers(actor=TAGGER, now=now)


def reset() -> None:
    """Before everything is derived anew."""
    running.forget_everything(actor=TAGGER)


tags = Consumer("tags", {}, batch=on_batch, timers=on_time, reset=reset, batch_size=2_000)

"""What marketing does when something happened below: journeys hear every event of the log."""

from __future__ import annotations

from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.marketing.operations.journeys.listening import hear_event

ACTOR = system_viewer("journey")
OWN = "zhike.marketing."


def on_anything(event: StoredEvent) -> None:
    """A journey may be entered by, wait for, or end with any event but marketing's own."""
    if not event.type.startswith(OWN):
        hear_event(actor=ACTOR, event=event, now=event.recorded_at)


# From now on: nobody enters a journey for what happened before it was there.
journeys = Consumer("journeys", {}, others=on_anything, start="end", batch_size=200)

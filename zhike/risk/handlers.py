"""What oversight does when something happened below."""

from __future__ import annotations

from collections.abc import Sequence

from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.risk.operations import recording

ACTOR = system_viewer("risk")


def on_batch(batch: Sequence[StoredEvent]) -> None:
    """Whatever detectors may weigh becomes a deed; they are judged by the job, every minute."""
    recording.take_deeds(actor=ACTOR, batch=batch)


def reset() -> None:
    """Before everything is derived anew."""
    recording.forget_deeds(actor=ACTOR)


risk_deeds = Consumer("risk_deeds", {}, batch=on_batch, reset=reset, batch_size=2_000)

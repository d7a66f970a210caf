"""What an answer sets off."""

from __future__ import annotations

from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.webforms import operations
from zhike.webforms.events import FormAnswered

ACTOR = system_viewer("forms")


def on_answer(event: StoredEvent) -> None:
    operations.carry_out(actor=ACTOR, answer_id=str(event.data["answer_id"]), now=event.recorded_at)


# One at a time: a deed locks what live operations lock too.
form_deeds = Consumer("form_deeds", {FormAnswered: on_answer}, batch_size=1)

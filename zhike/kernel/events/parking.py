"""Events that a consumer could not handle: looking after them by hand, once the cause is gone."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, NotFound
from zhike.kernel.events import cursor as log_cursor
from zhike.kernel.events.registry import consumer_named
from zhike.kernel.models import ParkedEvent

REPAIR_PERMISSION = "events.replay"


class AlreadySettled(Conflict):
    code = "parked-event-settled"
    title = _("This event was already replayed or discarded.")


class ReplayFailed(Conflict):
    code = "replay-failed"
    title = _("It failed again: %(error)s")


def replay_parked(*, actor: Viewer, parked_id: int, now: dt.datetime) -> None:
    """Handle a parked event now, in one transaction with its being settled.

    Raises NotAllowed, NotFound, AlreadySettled; ReplayFailed with the new error, which is kept.
    """
    require_touch(actor, REPAIR_PERMISSION)
    failure: Exception | None = None
    with transaction.atomic():
        parked = _lock(parked_id)
        consumer = consumer_named(parked.consumer)
        event = log_cursor.read_one(parked.position)
        if event is None:
            raise NotFound
        try:
            with transaction.atomic():
                consumer.handle(event)
        except Exception as error:  # any handler may fail in any way; the sentence goes to the person
            failure = error
            parked.error = f"{type(error).__name__}: {error}"[:2000]
            parked.tries += 1
            parked.save(update_fields=["error", "tries"])
        else:
            _settle(parked, ParkedEvent.Status.REPLAYED, now)
            audit.record(actor=actor, action="events.replay", subject=("parked_event", parked_id), now=now)
    if failure:
        raise ReplayFailed(error=parked.error) from failure


def discard_parked(*, actor: Viewer, parked_id: int, reason: str, now: dt.datetime) -> None:
    """Leave a parked event unhandled for good, with a reason. Raises NotAllowed, NotFound, AlreadySettled."""
    require_touch(actor, REPAIR_PERMISSION)
    with transaction.atomic():
        parked = _lock(parked_id)
        _settle(parked, ParkedEvent.Status.DISCARDED, now)
        audit.record(
            actor=actor,
            action="events.discard",
            subject=("parked_event", parked_id),
            before={"consumer": parked.consumer, "event": str(parked.event_id), "error": parked.error},
            reason=reason,
            now=now,
        )


def _lock(parked_id: int) -> ParkedEvent:
    parked = ParkedEvent.objects.select_for_update().filter(pk=parked_id).first()
    if parked is None:
        raise NotFound
    if parked.status != ParkedEvent.Status.PARKED:
        raise AlreadySettled
    return parked


def _settle(parked: ParkedEvent, status: ParkedEvent.Status, now: dt.datetime) -> None:
    parked.status = status
    parked.settled_at = now
    parked.save(update_fields=["status", "settled_at"])

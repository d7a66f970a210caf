"""Events sent, each endpoint in the order of the log. The request goes out between two transactions.

Whoever sends holds a lease on the endpoint. A sender that dies leaves the cursor where it was: the next one sends the same event
again under the same id, once the lease has run out.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Q

from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.events import cursor as log_cursor
from zhike.kernel.events.base import StoredEvent
from zhike.kernel.events.cursor import Place
from zhike.kernel.events.feed import to_cloudevent
from zhike.webhooks import queries, rules
from zhike.webhooks.events import EndpointGone, LetterDied
from zhike.webhooks.models import Attempt, DeadLetter, Endpoint
from zhike.webhooks.ports import Answer, Post

LEASE = dt.timedelta(seconds=60)
BATCH = 50
IDLE_SAVE_S = 1.0
Clock = Callable[[], dt.datetime]


def deliver_due(*, actor: Viewer, post: Post, clock: Clock) -> int:
    """One round over all endpoints that may be told something now; how many requests were sent."""
    now = clock()
    ready = Endpoint.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=now), is_active=True)
    ids = list(ready.order_by("id").values_list("pk", flat=True))
    return sum(deliver(actor=actor, endpoint_id=endpoint_id, post=post, clock=clock) for endpoint_id in ids)


def deliver(*, actor: Viewer, endpoint_id: int, post: Post, clock: Clock) -> int:
    """Send what waits for one endpoint, up to 50 events, until one fails; how many requests were sent."""
    lease = _take_lease(endpoint_id, clock())
    if lease is None:
        return 0
    try:
        return _send_letters(actor, endpoint_id, lease, post, clock) + _send_events(
            actor, endpoint_id, lease, post, clock
        )
    finally:
        Endpoint.objects.filter(pk=endpoint_id, lease=lease).update(lease=None, leased_until=None)


def _take_lease(endpoint_id: int, now: dt.datetime) -> UUID | None:
    lease = uuid.uuid4()
    free = Endpoint.objects.filter(
        Q(leased_until=None) | Q(leased_until__lt=now), pk=endpoint_id, is_active=True
    )
    return lease if free.update(lease=lease, leased_until=now + LEASE) else None


def _send_events(actor: Viewer, endpoint_id: int, lease: UUID, post: Post, clock: Clock) -> int:
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    if endpoint.next_try_at is not None and endpoint.next_try_at > clock():
        return 0
    name = queries.consumer_of(endpoint_id)
    reading = log_cursor.read_place(name, "end")
    place, until = reading.place, reading.place.until or reading.current
    found = log_cursor.read_between(place, until, types=list(endpoint.types) or None, limit=BATCH)
    if not found:
        if place.until is not None or reading.age_s > IDLE_SAVE_S:
            _move_on(endpoint_id, lease, Place(until))
        return 0
    for sent, event in enumerate(found, start=1):
        answer = _send(endpoint, event, post, clock)
        is_last = sent == len(found) < BATCH
        after = Place(until) if is_last else Place(place.seen, until, event.position)
        if not _record(actor, endpoint_id, lease, event, answer, after, clock()):
            return sent
    return len(found)


def _send(endpoint: Endpoint, event: StoredEvent, post: Post, clock: Clock) -> Answer:
    """The event as it stands in the log, signed with every live secret."""
    now = clock()
    told = to_cloudevent(event)
    body = msgspec.json.encode({**told, "timestamp": told["time"]})
    headers = rules.headers(queries.live_secrets(endpoint.pk, now), str(event.id), now, body)
    return post(endpoint.url, body, headers)


def _record(
    actor: Viewer,
    endpoint_id: int,
    lease: UUID,
    event: StoredEvent,
    answer: Answer,
    after: Place,
    now: dt.datetime,
) -> bool:
    """Keep what came of a try, and move on or not; whether to go on with the next event at once."""
    with transaction.atomic():
        row = Endpoint.objects.select_for_update().filter(pk=endpoint_id, lease=lease).first()
        if row is None:
            return False  # it took too long and somebody else sends now
        verdict = rules.verdict(answer.status, row.tries, answer.retry_after_s, random.random(), now)
        _note(row.pk, event, row.tries + 1, answer, now)
        is_over = verdict.outcome == "taken" or (verdict.outcome == "failed" and verdict.next_try_at is None)
        if verdict.outcome == "failed" and is_over:
            _bury(actor, row, event, answer, now)
        if verdict.outcome == "gone":
            row.is_active, row.stopped_because = False, "gone"
            events.publish(EndpointGone(row.pk), actor=actor, now=now)
        if is_over:
            log_cursor.save_place(queries.consumer_of(row.pk), after, handled=1)
        row.tries = 0 if is_over or not row.is_active else row.tries + 1
        row.next_try_at = verdict.next_try_at
        row.leased_until = now + LEASE
        row.save(update_fields=["tries", "next_try_at", "leased_until", "is_active", "stopped_because"])
    return is_over and row.is_active


def _bury(actor: Viewer, row: Endpoint, event: StoredEvent, answer: Answer, now: dt.datetime) -> None:
    DeadLetter.objects.create(
        endpoint=row, position=event.position, event_id=event.id, event_type=event.type, tries=row.tries + 1,
        error=answer.error[:200], died_at=now,
    )  # fmt: skip
    events.publish(LetterDied(row.pk, event.position, event.type), actor=actor, now=now)


def _note(endpoint_id: int, event: StoredEvent, number: int, answer: Answer, now: dt.datetime) -> None:
    Attempt.objects.create(
        endpoint_id=endpoint_id, position=event.position, event_id=event.id, event_type=event.type, number=number,
        status=answer.status, error=answer.error[:200], took_ms=answer.took_ms, sent_at=now,
    )  # fmt: skip


def _move_on(endpoint_id: int, lease: UUID, place: Place) -> None:
    with transaction.atomic():
        if Endpoint.objects.select_for_update().filter(pk=endpoint_id, lease=lease).exists():
            log_cursor.save_place(queries.consumer_of(endpoint_id), place)


def _send_letters(actor: Viewer, endpoint_id: int, lease: UUID, post: Post, clock: Clock) -> int:
    """Dead letters that somebody wants sent once more, oldest first. One that fails again stays a dead letter."""
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    waiting = DeadLetter.objects.filter(endpoint_id=endpoint_id, status=DeadLetter.Status.WAITING).order_by(
        "id"
    )
    letters = list(waiting[:BATCH])
    for letter in letters:
        event = log_cursor.read_one(letter.position)
        answer = (
            _send(endpoint, event, post, clock) if event else Answer(0, "the event is no longer in the log")
        )
        now = clock()
        is_taken = 200 <= answer.status < 300
        with transaction.atomic():
            if not Endpoint.objects.filter(pk=endpoint_id, lease=lease).update(leased_until=now + LEASE):
                break
            letter.status = DeadLetter.Status.REPLAYED if is_taken else DeadLetter.Status.OPEN
            letter.tries, letter.error, letter.settled_at = letter.tries + 1, answer.error[:200], now
            letter.save(update_fields=["status", "tries", "error", "settled_at"])
            if event:
                _note(endpoint_id, event, letter.tries, answer, now)
    return len(letters)

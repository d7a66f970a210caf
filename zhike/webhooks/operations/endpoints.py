"""Endpoints, their secrets and their dead letters."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.events import cursor as log_cursor
from zhike.webhooks import _transport, queries, rules
from zhike.webhooks.events import EndpointSaved, SecretRotated
from zhike.webhooks.models import Attempt, DeadLetter, Endpoint, EndpointSecret

OVERLAP_MAX = dt.timedelta(days=30)
ATTEMPTS_KEPT = dt.timedelta(days=7)
_CHANGEABLE = frozenset({"name", "url", "types", "is_active"})


class EndpointNameTaken(Conflict):
    code = "endpoint-name-taken"
    title = _("There is an endpoint of this name already.")


class AddressUnusable(Invalid):
    code = "address-unusable"
    title = _(
        "Give a public address that begins with https://. Private ones must be opened by the operator first."
    )


def create_endpoint(
    *, actor: Viewer, name: str, url: str, types: Sequence[str] = (), now: dt.datetime
) -> tuple[int, str]:
    """The new endpoint's id and, this once, its secret. It is told what is committed from now on.

    Raises NotAllowed unless the actor may also see all events, AddressUnusable, Invalid, EndpointNameTaken.
    """
    _require(actor)
    values = {"name": " ".join(name.split()), "url": url.strip(), "types": sorted(set(types))}
    _require_fits(values)
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = Endpoint.objects.create(created_at=now, created_by=actor.label[:80], **values)
        except IntegrityError as error:
            raise EndpointNameTaken from error
        log_cursor.read_place(queries.consumer_of(row.pk), "end")
        secret = _add_secret(row, now)
        audit.record(actor=actor, action="webhook.create", subject=("webhook", row.pk), after=values, now=now)
        events.publish(EndpointSaved(row.pk, True), actor=actor, now=now)
    return row.pk, secret


def update_endpoint(*, actor: Viewer, endpoint_id: int, changes: dict[str, Any], now: dt.datetime) -> None:
    """Change name, address, types, or switch it off and on; switched on again it goes on where it stopped.

    Raises NotFound, NotAllowed, AddressUnusable, Invalid, EndpointNameTaken.
    """
    _require(actor)
    if set(changes) - _CHANGEABLE:
        raise Invalid
    _require_fits(changes)
    with transaction.atomic():
        row = _lock(endpoint_id)
        before = {name: getattr(row, name) for name in changes if getattr(row, name) != changes[name]}
        if not before:
            return
        for name in before:
            setattr(row, name, changes[name])
        if "is_active" in before:
            row.stopped_because, row.tries, row.next_try_at = "", 0, None
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            raise EndpointNameTaken from error
        subject, after = ("webhook", endpoint_id), {name: changes[name] for name in before}
        audit.record(
            actor=actor, action="webhook.update", subject=subject, before=before, after=after, now=now
        )
        events.publish(EndpointSaved(endpoint_id, row.is_active), actor=actor, now=now)


def rotate_secret(*, actor: Viewer, endpoint_id: int, overlap: dt.timedelta, now: dt.datetime) -> str:
    """A new secret, shown this once. The older one signs along for ``overlap``, so that nothing is refused meanwhile.

    Raises NotFound, NotAllowed, Invalid for an overlap beyond 30 days.
    """
    _require(actor)
    if not dt.timedelta() <= overlap <= OVERLAP_MAX:
        raise Invalid
    with transaction.atomic():
        row = _lock(endpoint_id)
        older = EndpointSecret.objects.filter(endpoint_id=endpoint_id)
        older.filter(expires_at=None).update(expires_at=now + overlap)
        older.filter(expires_at__lte=now).delete()
        secret = _add_secret(row, now)
        after = {"older_ends_at": (now + overlap).isoformat()}
        audit.record(
            actor=actor, action="webhook.rotate", subject=("webhook", endpoint_id), after=after, now=now
        )
        events.publish(SecretRotated(endpoint_id), actor=actor, now=now)
    return secret


def try_now(*, actor: Viewer, endpoint_id: int, now: dt.datetime) -> None:
    """Do not wait for the next try. Raises NotFound, NotAllowed."""
    _require(actor)
    with transaction.atomic():
        row = _lock(endpoint_id)
        row.next_try_at = None
        row.save(update_fields=["next_try_at"])
        audit.record(actor=actor, action="webhook.try_now", subject=("webhook", endpoint_id), now=now)


def replay_dead_letters(
    *, actor: Viewer, endpoint_id: int, letter_ids: Sequence[int] | None = None, now: dt.datetime
) -> int:
    """Have dead letters sent once more, all open ones or these; how many. Raises NotFound, NotAllowed."""
    return _settle(actor, endpoint_id, letter_ids, DeadLetter.Status.WAITING, "webhook.replay", now)


def discard_dead_letters(
    *, actor: Viewer, endpoint_id: int, letter_ids: Sequence[int] | None = None, now: dt.datetime
) -> int:
    """Give dead letters up, all open ones or these; how many. Raises NotFound, NotAllowed."""
    return _settle(actor, endpoint_id, letter_ids, DeadLetter.Status.DISCARDED, "webhook.discard", now)


def prune_attempts(*, actor: Viewer, now: dt.datetime) -> int:
    """Forget requests of more than a week ago; how many."""
    require_touch(actor, queries.MANAGE)
    return Attempt.objects.filter(sent_at__lt=now - ATTEMPTS_KEPT).delete()[0]


def _settle(
    actor: Viewer,
    endpoint_id: int,
    letter_ids: Sequence[int] | None,
    status: DeadLetter.Status,
    action: str,
    now: dt.datetime,
) -> int:
    _require(actor)
    with transaction.atomic():
        _lock(endpoint_id)
        rows = DeadLetter.objects.filter(endpoint_id=endpoint_id, status=DeadLetter.Status.OPEN)
        if letter_ids is not None:
            rows = rows.filter(pk__in=letter_ids)
        count = rows.update(status=status, settled_at=now)
        after = {"letters": count}
        audit.record(actor=actor, action=action, subject=("webhook", endpoint_id), after=after, now=now)
    return count


def _add_secret(row: Endpoint, now: dt.datetime) -> str:
    secret = secrets.token_bytes(rules.SECRET_BYTES)
    kept = EndpointSecret.objects.create(endpoint=row, value=b"", created_at=now)
    kept.value = crypto.encrypt(secret.hex(), field=queries.SECRET_FIELD, row=kept.pk)
    kept.save(update_fields=["value"])
    return rules.secret_text(secret)


def _require(actor: Viewer) -> None:
    """Whoever has others told everything may see everything."""
    require_touch(actor, queries.MANAGE)
    require_touch(actor, "events.view")


def _lock(endpoint_id: int) -> Endpoint:
    row = Endpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if row is None:
        raise NotFound
    return row


def _require_fits(values: dict[str, Any]) -> None:
    if not 0 < len(values.get("name", "x")) <= 60:
        raise Invalid(fields={"name": [_("This value does not fit.")]})
    if set(values.get("types", ())) - set(queries.event_types()):
        raise Invalid(fields={"types": [_("There is no such type of event.")]})
    if "url" in values and rules.url_fault(values["url"], _transport.networks()):
        raise AddressUnusable(fields={"url": [AddressUnusable.title]})

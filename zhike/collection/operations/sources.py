"""Sources and their write keys."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.collection.events import SourceSaved, WriteKeyEnded, WriteKeyMade
from zhike.collection.models import Source, WriteKey
from zhike.collection.queries import forget_sources
from zhike.collection.queries.sources import COLUMNS, EDIT
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound

PREFIX_BYTES = 4
SECRET_BYTES = 20
OVERLAP_MAX = dt.timedelta(days=90)
RATE_MAX = 10_000_000
_SPACE = re.compile(r"[a-z0-9_-]{1,20}")
USER_ID_KINDS = ("account", "phone", "card", "email", "unionid", "openid")
_CHANGEABLE = frozenset(
    {
        "name",
        "is_trusted",
        "consent_category",
        "consent_assumed",
        "rate_per_minute",
        "is_active",
        "user_id_kind",
    }
)


class SourceNameTaken(Conflict):
    code = "source-name-taken"
    title = _("There is a source of this name already.")


def create_source(
    *,
    actor: Viewer,
    group_id: int,
    name: str,
    kind: str,
    mall_id: int | None = None,
    space: str = "default",
    user_id_kind: str = "account",
    is_trusted: bool = False,
    consent_category: str = "Analytics",
    consent_assumed: bool = False,
    rate_per_minute: int = 60_000,
    now: dt.datetime,
) -> int:
    """The new source's id; it has no key yet. Raises NotAllowed, Invalid, SourceNameTaken."""
    require_touch(actor, EDIT, mall=mall_id)
    values: dict[str, Any] = {
        "name": " ".join(name.split()), "is_trusted": is_trusted, "consent_category": consent_category.strip(),
        "consent_assumed": consent_assumed, "rate_per_minute": rate_per_minute, "user_id_kind": user_id_kind,
    }  # fmt: skip
    _require_fits(values | {"kind": kind, "space": space})
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = Source.objects.create(
                    group_id=group_id, mall_id=mall_id, kind=kind, space=space, created_at=now,
                    created_by=actor.label[:80], **values,
                )  # fmt: skip
        except IntegrityError as error:
            raise SourceNameTaken from error
        _record(actor, row, "source.create", None, values | {"kind": kind, "space": space}, now)
    return row.pk


def update_source(*, actor: Viewer, source_id: int, changes: dict[str, Any], now: dt.datetime) -> None:
    """Change name, trust, consent, rate, or switch it off. Raises NotFound, NotAllowed, Invalid, SourceNameTaken."""
    if unknown := set(changes) - _CHANGEABLE:
        raise Invalid(fields={name: [_("This field cannot be changed.")] for name in unknown})
    _require_fits(changes)
    with transaction.atomic():
        row = _lock(actor, source_id)
        before = {name: getattr(row, name) for name in changes if getattr(row, name) != changes[name]}
        if not before:
            return
        for name in before:
            setattr(row, name, changes[name])
        try:
            with transaction.atomic():
                row.save(update_fields=list(before))
        except IntegrityError as error:
            raise SourceNameTaken from error
        _record(actor, row, "source.update", before, {name: changes[name] for name in before}, now)
        transaction.on_commit(forget_sources)
    forget_sources()


def make_write_key(
    *, actor: Viewer, source_id: int, overlap: dt.timedelta = dt.timedelta(), now: dt.datetime
) -> tuple[int, str]:
    """A new key of a source: its id and, this once, its text. Its older keys end after ``overlap`` (a rotation).

    Raises NotFound, NotAllowed, Invalid for an overlap beyond 90 days.
    """
    if not dt.timedelta() <= overlap <= OVERLAP_MAX:
        raise Invalid
    prefix = secrets.token_hex(PREFIX_BYTES)
    raw = f"wk_{prefix}_{secrets.token_hex(SECRET_BYTES)}"
    with transaction.atomic():
        row = _lock(actor, source_id)
        older = WriteKey.objects.filter(source_id=source_id, revoked_at=None, expires_at=None)
        ended = list(older.order_by("id"))
        older.update(expires_at=now + overlap)
        key = WriteKey.objects.create(
            source=row, prefix=prefix, digest=hashlib.sha256(raw.encode()).digest(), created_at=now,
            created_by=actor.label[:80],
        )  # fmt: skip
        after = {"key": prefix, "older_end_at": (now + overlap).isoformat() if ended else None}
        audit.record(
            actor=actor, action="source.key_make", subject=("source", source_id), after=after, now=now
        )
        facts = [WriteKeyEnded(source_id, one.pk, now + overlap) for one in ended]
        events.publish(WriteKeyMade(source_id, key.pk), *facts, actor=actor, now=now)
        transaction.on_commit(forget_sources)
    return key.pk, raw


def revoke_write_key(*, actor: Viewer, key_id: int, reason: str = "", now: dt.datetime) -> int:
    """The key stops: here at once, in other processes within 20 s; its source's id. Idempotent. Raises NotFound."""
    with transaction.atomic():
        key = WriteKey.objects.filter(pk=key_id).first()
        if key is None:
            raise NotFound
        _lock(actor, key.source_id)
        if WriteKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=now):
            subject = ("source", key.source_id)
            before = {"key": key.prefix}
            audit.record(
                actor=actor,
                action="source.key_revoke",
                subject=subject,
                before=before,
                reason=reason,
                now=now,
            )
            events.publish(WriteKeyEnded(key.source_id, key_id, now), actor=actor, now=now)
        transaction.on_commit(forget_sources)
    forget_sources()
    return key.source_id


def _lock(actor: Viewer, source_id: int) -> Source:
    rows = Source.objects.select_for_update(of=("self",))
    return load_visible(rows, source_id, actor, EDIT, COLUMNS)


def _record(
    actor: Viewer,
    row: Source,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    now: dt.datetime,
) -> None:
    audit.record(actor=actor, action=action, subject=("source", row.pk), before=before, after=after, now=now)
    events.publish(SourceSaved(row.pk, row.kind, row.is_trusted, row.is_active), actor=actor, now=now)


def _require_fits(values: dict[str, Any]) -> None:
    faults = {
        "name": not 0 < len(values.get("name", "x")) <= 60,
        "kind": values.get("kind", "web") not in Source.Kind.values,
        "space": not _SPACE.fullmatch(values.get("space", "default")),
        "user_id_kind": values.get("user_id_kind", "account") not in USER_ID_KINDS,
        "consent_category": not 0 < len(values.get("consent_category", "x")) <= 40,
        "rate_per_minute": not 0 < values.get("rate_per_minute", 1) <= RATE_MAX,
    }
    if any(faults.values()):
        raise Invalid(fields={field: [_("This value does not fit.")] for field, bad in faults.items() if bad})

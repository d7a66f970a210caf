"""Keys for programs that call the API."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, may_touch, require_touch
from zhike.kernel.errors import Invalid, NotAllowed, NotFound
from zhike.organization import queries, rules
from zhike.organization.events import ApiKeyCreated, ApiKeyRevoked
from zhike.organization.models import ApiKey

PREFIX_BYTES = 5
SECRET_BYTES = 32
RATE_MAX = 1_000_000
NOTED_EVERY_S = 60.0


class UnknownScope(Invalid):
    code = "unknown-scope"
    title = _("There is no scope “%(scope)s”.")


class ScopeBeyondOwn(NotAllowed):
    code = "scope-beyond-own"
    title = _("A key cannot do more than you may do yourself.")


def create_api_key(
    *,
    actor: Viewer,
    name: str,
    scopes: Sequence[str],
    level: str = "all",
    target_id: int = 0,
    rate_per_minute: int = 6000,
    now: dt.datetime,
) -> tuple[ApiKey, str]:
    """The key and, this once, its text ``zk_<prefix>_<secret>``; only a digest is kept.

    Raises NotAllowed, UnknownScope, ScopeBeyondOwn.
    """
    _require_fits(name, scopes, level, target_id, rate_per_minute)
    place = queries.levels_of(level, target_id)
    require_touch(actor, "apikeys.manage", **place)
    if not all(may_touch(actor, scope, **place) for scope in scopes):
        raise ScopeBeyondOwn
    prefix = secrets.token_hex(PREFIX_BYTES)
    raw = f"{rules.API_KEY_PREFIX}_{prefix}_{secrets.token_hex(SECRET_BYTES)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name.strip(),
            prefix=prefix,
            digest=hashlib.sha256(raw.encode()).digest(),
            scopes=sorted(set(scopes)),
            level=level,
            target_id=target_id,
            rate_per_minute=rate_per_minute,
            created_at=now,
            created_by=actor.label[:80],
        )
        after = {"name": key.name, "scopes": key.scopes, "level": level, "target_id": target_id}
        audit.record(actor=actor, action="api_key.create", subject=("api_key", key.pk), after=after, now=now)
        events.publish(ApiKeyCreated(key.pk, tuple(key.scopes)), actor=actor, now=now)
    return key, raw


def revoke_api_key(*, actor: Viewer, key_id: int, reason: str = "", now: dt.datetime) -> None:
    """The key stops working: here at once, in other processes within 20 seconds; idempotent.

    Raises NotFound, NotAllowed.
    """
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
        if key is None:
            raise NotFound
        require_touch(actor, "apikeys.manage", **queries.levels_of(key.level, key.target_id))
        if key.revoked_at is not None:
            return
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        audit.record(
            actor=actor, action="api_key.revoke", subject=("api_key", key_id), reason=reason, now=now
        )
        events.publish(ApiKeyRevoked(key_id), actor=actor, now=now)
        queries.forget_api_callers()
        transaction.on_commit(queries.forget_api_callers)


_noted_at: dict[int, float] = {}


def note_api_key_use(*, actor: Viewer, key_id: int, now: dt.datetime) -> None:
    """Remember that a key is in use; writes at most once a minute per key and process, so call it at every request."""
    moment = time.monotonic()
    if actor.kind != "api" or moment - _noted_at.get(key_id, float("-inf")) < NOTED_EVERY_S:
        return
    _noted_at[key_id] = moment
    ApiKey.objects.filter(pk=key_id).update(last_used_at=now)


def _require_fits(name: str, scopes: Sequence[str], level: str, target_id: int, rate_per_minute: int) -> None:
    for scope in scopes:
        if scope not in rules.PERMISSIONS:
            raise UnknownScope(scope=scope[:60])
    faults = {
        "name": not 0 < len(name.strip()) <= 80,
        "scopes": not scopes,
        "level": level not in rules.LEVELS or level == "own" or (level == "all") != (target_id == 0),
        "rate_per_minute": not 0 < rate_per_minute <= RATE_MAX,
    }
    if any(faults.values()):
        raise Invalid(fields={field: [_("This value does not fit.")] for field, bad in faults.items() if bad})

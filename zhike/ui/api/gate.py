"""The gate: who is calling, may they, and how often."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from zhike.kernel import clock, idempotency, ratelimit
from zhike.kernel.access import Viewer
from zhike.organization import queries as organization
from zhike.organization.operations.api_keys import note_api_key_use
from zhike.ui.api.problems import RateLimited, ScopeMissing, Unauthenticated

if TYPE_CHECKING:
    import datetime as dt

    from zhike.ui.api.handler import ApiRequest

KEY_LENGTH_MAX = 200


def admit(request: ApiRequest, *scopes: str) -> dt.datetime:
    """Let the caller in, or raise Unauthenticated, RateLimited or ScopeMissing; returns the moment of the call.

    Afterwards `request.viewer` is who is calling. Whether they may touch this object is the operation's to decide.
    """
    now = clock.now()
    scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not raw.isascii() or len(raw) > KEY_LENGTH_MAX:
        raise Unauthenticated
    caller = organization.viewer_of_api_key(raw.strip(), now)
    if caller is None:
        raise Unauthenticated
    decision = ratelimit.check(f"api:{caller.key_id}", caller.rate_per_minute, now=now)
    request.allowance, request.rate_per_minute = decision, caller.rate_per_minute
    if not decision.allowed:
        raise RateLimited(limit=caller.rate_per_minute, retry_after=decision.retry_after)
    viewer = caller.viewer
    for scope in scopes:
        if not viewer.may(scope):
            raise ScopeMissing(scope=scope)
    request.key_id = caller.key_id
    request.viewer = Viewer(viewer.kind, viewer.id, viewer.label, viewer.grants, request.request_id)
    note_api_key_use(actor=request.viewer, key_id=caller.key_id, now=now)
    return now


def idempotency_key(request: ApiRequest) -> str | None:
    """The caller's Idempotency-Key, if any. Raises BadKey."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    return None if key is None else idempotency.check_key(key)


def digest_of(request: ApiRequest, payload: bytes) -> bytes:
    """What makes two requests the same: method, address and body."""
    query = request.META.get("QUERY_STRING", "")
    head = f"{request.method} {request.path}{'?' if query else ''}{query}\n"
    return hashlib.sha256(head.encode() + payload).digest()


def scope_of(request: ApiRequest) -> str:
    """Whose idempotency keys these are: one caller never meets another's."""
    return f"api:{request.key_id}"

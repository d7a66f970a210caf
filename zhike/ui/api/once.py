"""One key, one effect: how an `Idempotency-Key` is honoured (the semantics of Stripe's)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from zhike.kernel import idempotency
from zhike.loyalty.operations import Once
from zhike.ui.api import gate
from zhike.ui.api.responses import JsonResponse

if TYPE_CHECKING:
    import datetime as dt

    from zhike.kernel.idempotency import Outcome
    from zhike.ui.api.handler import ApiRequest

REPLAYED = "Idempotent-Replayed"
ENCODER = msgspec.json.Encoder()


def once_of(request: ApiRequest, payload: bytes) -> Once | None:
    """For an operation that keeps the answer in its own statement; None without a key. Raises BadKey."""
    key = gate.idempotency_key(request)
    return None if key is None else Once(gate.scope_of(request), key, gate.digest_of(request, payload))


def run_once(
    request: ApiRequest, payload: bytes, now: dt.datetime, execute: Callable[[], Outcome]
) -> JsonResponse:
    """Answer with what `execute` makes, or made the first time the key came; one transaction either way."""
    outcome = idempotency.run_once(
        scope=gate.scope_of(request),
        key=gate.idempotency_key(request),
        request_hash=gate.digest_of(request, payload),
        now=now,
        execute=execute,
    )
    return answer(ENCODER.encode(outcome.body), outcome.status, replayed=outcome.replayed)


def answer(body: bytes, status: int, *, replayed: bool) -> JsonResponse:
    response = JsonResponse(body, status)
    if replayed:
        response.headers[REPLAYED] = "true"
    return response

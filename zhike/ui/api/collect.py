"""`/v1/track`, `/v1/batch` …: behaviour as Segment's and RudderStack's SDKs send it; point them here and change nothing else.

They expect other manners than our own API: the write key as Basic user name or in the body, gzip or not, JSON under any
content type (a browser avoids the preflight with text/plain), 200 for whatever was understood, 400 for what was too large or no
JSON, 429 with Retry-After, and every refusal as {code, message}.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext_lazy as _

from zhike.collection import operations, queries
from zhike.kernel import clock, ratelimit
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Invalid, NotFound, Problem
from zhike.ui.api import body
from zhike.ui.api.problems import (
    BrokenBody,
    MalformedJson,
    MethodNotAllowed,
    NotUtf8,
    RateLimited,
    TooLarge,
    UnsupportedEncoding,
)
from zhike.ui.api.responses import JsonResponse

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest

DONE = b'{"success":true}'
PREFLIGHT_KEPT_S = 86_400
"""The browser asks again after a day."""


class UnknownWriteKey(Problem):
    status = 401
    code = "unknown-write-key"
    title = _("This write key is not known, or no longer works.")


class TooManyMessages(Problem):
    code = "too-many-messages"
    title = _("A batch has at most %(limit)s messages.")


_TOO_LARGE_OR_NO_JSON = (TooLarge, MalformedJson, NotUtf8, BrokenBody, UnsupportedEncoding, Invalid)


class Batch(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    write_key: Any = None
    context: dict[str, Any] | None = None
    sent_at: Any = None


class Single(msgspec.Struct, rename="camel"):
    write_key: Any = None
    context: Any = None


_BATCH = msgspec.json.Decoder(Batch)
_SINGLE = msgspec.json.Decoder(Single)


def collect(request: ApiRequest, call: str) -> JsonResponse:
    """One call or a batch. Every answer may be read by a page of any origin: the write key is the authority, no cookie is."""
    try:
        response = _collect(request, call)
    except _TOO_LARGE_OR_NO_JSON as problem:
        response = _refused(problem, 400)
    except Problem as problem:
        response = _refused(problem, problem.status)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _collect(request: ApiRequest, call: str) -> JsonResponse:
    kind = queries.call_named(call)
    if not kind:
        raise NotFound
    if request.method == "OPTIONS":
        return _preflight()
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, allowed=["POST", "OPTIONS"])
    now = clock.now()
    payload = body.read(
        request,
        any_type=True,
        limit=queries.BATCH_BYTES_MAX if kind == "batch" else queries.MESSAGE_BYTES_MAX,
    )
    whole = body.decode(payload, _BATCH) if kind == "batch" else body.decode(payload, _SINGLE)
    source = queries.source_of_key(_write_key(request, whole.write_key), now)
    if source is None:
        raise UnknownWriteKey
    decision = ratelimit.check(f"collection:{source.id}", source.rate_per_minute, now=now)
    if not decision.allowed:
        raise RateLimited(limit=source.rate_per_minute, retry_after=decision.retry_after)
    is_batch = isinstance(whole, Batch)
    messages = [bytes(one) for one in whole.batch] if isinstance(whole, Batch) else [payload]
    if len(messages) > queries.BATCH_MESSAGES_MAX:
        raise TooManyMessages(limit=queries.BATCH_MESSAGES_MAX)
    operations.take_messages(
        actor=system_viewer(source.audit_label, request_id=request.request_id),
        source=source,
        messages=messages,
        kind="" if is_batch else kind,
        context=whole.context if isinstance(whole, Batch) else None,
        sent_at=whole.sent_at if isinstance(whole, Batch) else None,
        library=_library(request, whole.context),
        now=now,
    )
    return JsonResponse(DONE)


def _write_key(request: ApiRequest, given: Any) -> str:
    """The user name of Basic, else ``writeKey`` in the body (beside an OAuth token, which says nothing to us)."""
    return basic_key(request) or (given if isinstance(given, str) else "")


def basic_key(request: ApiRequest) -> str:
    """The user name of Basic, "" without one."""
    scheme, _space, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode("ascii").partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _library(request: ApiRequest, context: Any) -> str:
    """Which SDK it was, for the debugger."""
    library = context.get("library") if isinstance(context, dict) else None
    if isinstance(library, dict) and isinstance(library.get("name"), str):
        return f"{library['name']} {library.get('version') or ''}".strip()[:60]
    return str(request.META.get("HTTP_USER_AGENT", ""))[:60]


def _preflight() -> JsonResponse:
    response = JsonResponse(b"", 204)
    response.headers |= {
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, anonymousid, x-retry-count",
        "Access-Control-Max-Age": str(PREFLIGHT_KEPT_S),
    }
    return response


def _refused(problem: Problem, status: int) -> JsonResponse:
    """What the SDKs read of a refusal."""
    told = {"success": False, "code": problem.code, "message": problem.sentence}
    response = JsonResponse(msgspec.json.encode(told), status)
    if isinstance(problem, RateLimited):
        response.headers["Retry-After"] = str(problem.retry_after)
    return response

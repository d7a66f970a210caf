"""`/v1/cloudevents`: the HTTP binding of CloudEvents 1.0, in its three modes, and the handshake of its web hooks.

The write key of a source is the authority, as Bearer or as Basic user name. Structured `application/cloudevents+json`, batch
`application/cloudevents-batch+json`, binary `ce-…` headers with JSON data; every other type is 415.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from django.utils.translation import gettext_lazy as _

from zhike.collection import operations, queries
from zhike.kernel import clock, ratelimit
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Invalid
from zhike.ui.api import body
from zhike.ui.api.collect import TooManyMessages, UnknownWriteKey, basic_key
from zhike.ui.api.problems import MalformedJson, MethodNotAllowed, RateLimited, UnsupportedMediaType
from zhike.ui.api.responses import JsonResponse

if TYPE_CHECKING:
    import datetime as dt

    from zhike.collection.queries import SourceRef
    from zhike.ui.api.handler import ApiRequest

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
PREFIX = "HTTP_CE_"

_EVENT = msgspec.json.Decoder(dict[str, Any])
_EVENTS = msgspec.json.Decoder(list[dict[str, Any]])
_ANY = msgspec.json.Decoder(Any)


class UnknownEventFormat(UnsupportedMediaType):
    code = "unknown-event-format"
    title = _(
        "Send application/cloudevents+json, application/cloudevents-batch+json, or JSON with ce- headers."
    )


def receive(request: ApiRequest) -> JsonResponse:
    """One event or a batch; says what became of them."""
    if request.method not in ("POST", "OPTIONS"):
        raise MethodNotAllowed(method=request.method, allowed=["POST", "OPTIONS"])
    now = clock.now()
    source = _source(request, now)
    if request.method == "OPTIONS":
        return _handshake(request, source)
    events = _events(request)
    if len(events) > queries.BATCH_MESSAGES_MAX:
        raise TooManyMessages(limit=queries.BATCH_MESSAGES_MAX)
    taken = operations.take_cloud_events(
        actor=system_viewer(source.audit_label, request_id=request.request_id),
        source=source,
        events=events,
        library=str(request.META.get("HTTP_USER_AGENT", ""))[:60],
        now=now,
    )
    return JsonResponse(msgspec.json.encode(taken))


def _source(request: ApiRequest, now: dt.datetime) -> SourceRef:
    """Whose key it is. Raises UnknownWriteKey, RateLimited."""
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else basic_key(request)
    source = queries.source_of_key(key, now)
    if source is None:
        raise UnknownWriteKey
    decision = ratelimit.check(f"collection:{source.id}", source.rate_per_minute, now=now)
    if not decision.allowed:
        raise RateLimited(limit=source.rate_per_minute, retry_after=decision.retry_after)
    return source


def _handshake(request: ApiRequest, source: SourceRef) -> JsonResponse:
    """Whoever asks with the key of a source may send to it, as often as the source allows."""
    response = JsonResponse(b"")
    response.headers["Allow"] = "POST, OPTIONS"
    if origin := request.META.get("HTTP_WEBHOOK_REQUEST_ORIGIN"):
        response.headers["WebHook-Allowed-Origin"] = "".join(
            one for one in origin[:255] if " " < one < "\x7f"
        )
        response.headers["WebHook-Allowed-Rate"] = str(source.rate_per_minute)
    return response


def _events(request: ApiRequest) -> list[dict[str, Any]]:
    """Raises UnknownEventFormat, and what reading a body does."""
    kind = _media_type(request.META.get("CONTENT_TYPE", ""))
    limit = queries.BATCH_BYTES_MAX if kind == BATCH else queries.EVENT_BYTES_MAX
    if kind == BATCH:
        return [
            _plain(event) for event in body.decode(body.read(request, any_type=True, limit=limit), _EVENTS)
        ]
    if kind == STRUCTURED:
        return [_plain(body.decode(body.read(request, any_type=True, limit=limit), _EVENT))]
    if f"{PREFIX}SPECVERSION" not in request.META:
        raise UnknownEventFormat
    return [_binary(request, kind, limit)]


def _binary(request: ApiRequest, kind: str, limit: int) -> dict[str, Any]:
    """Attributes from the headers, percent-encoded; the body is the data."""
    event: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): unquote(value.strip().strip('"'))
        for name, value in request.META.items()
        if name.startswith(PREFIX) and isinstance(value, str)
    }
    payload = body.read(request, any_type=True, limit=limit)
    if payload:
        if kind and not _is_json(kind):
            raise UnknownEventFormat
        event["data"] = body.decode(payload, _ANY)
    return event


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    """With its data as a value, however it was packed. Raises UnknownEventFormat for data that is no JSON."""
    said = event.get("datacontenttype")
    if isinstance(said, str) and not _is_json(_media_type(said)):
        raise UnknownEventFormat
    packed = event.get("data_base64")
    if packed is None or "data" in event:
        return {name: value for name, value in event.items() if value is not None}
    try:
        data = _ANY.decode(base64.b64decode(str(packed), validate=True))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise Invalid(fields={"data_base64": [MalformedJson.title]}) from error
    return {name: value for name, value in event.items() if name != "data_base64"} | {"data": data}


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _is_json(kind: str) -> bool:
    return kind in ("application/json", "text/json") or kind.endswith("+json")

"""Reading a body: how large, how packed, in which alphabet. Nothing is unpacked beyond the limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from zhike.kernel.errors import Invalid
from zhike.ui.api.problems import (
    BrokenBody,
    MalformedJson,
    NotUtf8,
    TooLarge,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from zhike.ui.api.sentences import field_of

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest

T = TypeVar("T")

BODY_MAX = 1024 * 1024
_GZIP = 31


def read(request: ApiRequest, *, limit: int = BODY_MAX, any_type: bool = False) -> bytes:
    """The body as UTF-8 bytes, unpacked. It is read once; `request.payload` keeps it.

    `any_type`: take it for JSON whatever it is said to be.

    Raises UnsupportedMediaType, UnsupportedEncoding, TooLarge, BrokenBody.
    """
    if request.payload is not None:
        return request.payload
    meta = request.META
    if not any_type:
        _require_json(meta.get("CONTENT_TYPE", ""))
    raw = _read_raw(request, limit)
    encoding = meta.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding == "gzip":
        raw = gunzip(raw, limit)
    elif encoding not in ("", "identity"):
        raise UnsupportedEncoding
    request.payload = raw
    return raw


def decode(payload: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The payload in its declared form. Raises NotUtf8, MalformedJson, Invalid (naming the field)."""
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        name, sentence = field_of(str(error))
        raise Invalid(fields={name: [sentence]}) from error
    except msgspec.DecodeError as error:
        raise MalformedJson from error
    except UnicodeDecodeError as error:
        raise NotUtf8 from error
    except RecursionError as error:
        raise MalformedJson from error


def gunzip(raw: bytes, limit: int) -> bytes:
    """Unpack one gzip member of at most `limit` bytes. Raises BrokenBody, TooLarge."""
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        body = unpacker.decompress(raw, limit + 1)
    except zlib.error as error:
        raise BrokenBody from error
    if len(body) > limit:
        raise TooLarge(limit=limit)
    if not unpacker.eof or unpacker.unused_data:
        raise BrokenBody
    return body


def _require_json(content_type: str) -> None:
    if content_type == "application/json":
        return
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise UnsupportedMediaType
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType


def _read_raw(request: ApiRequest, limit: int) -> bytes:
    """At most `limit` bytes from the wire, whether the length was announced or the body comes in chunks."""
    stream = request.META["wsgi.input"]
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced:
        length = int(announced) if announced.isascii() and announced.isdigit() else limit + 1
        if length > limit:
            raise TooLarge(limit=limit)
        raw: bytes = stream.read(length)
        if len(raw) < length:
            raise BrokenBody
        return raw
    if not request.META.get("HTTP_TRANSFER_ENCODING"):
        return b""
    raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise TooLarge(limit=limit)
    return raw

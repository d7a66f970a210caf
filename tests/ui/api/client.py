"""A caller of the API: real WSGI requests through the very handler that serves tills, without a network."""

from __future__ import annotations

import gzip
import io
import json as jsonlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.json["status"] == self.status
        return str(self.json["code"])


@cache
def _handler() -> Any:
    from zhike.ui.api.handler import ApiHandler

    return ApiHandler()


class ApiClient:
    """`ApiClient(key).post("/api/v1/receipts", {...})`."""

    def __init__(self, key: str | None = None, language: str = "en") -> None:
        self.key = key
        self.language = language

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Reply:
        return self.call("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path, **headers)

    def post(self, path: str, json: Any = None, **headers: str) -> Reply:
        body = b"" if json is None else jsonlib.dumps(json).encode()
        return self.call("POST", path, body, **{"content_type": "application/json"} | headers)

    def post_gzip(self, path: str, body: bytes, **headers: str) -> Reply:
        packed = {"content_type": "application/json", "content_encoding": "gzip"}
        return self.call("POST", path, gzip.compress(body), **packed | headers)

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """`headers` by name with underscores; `content_length=""` sends the body in chunks."""
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        path, _, query = path.partition("?")
        environ |= {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "REMOTE_ADDR": "203.0.113.9",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_ACCEPT_LANGUAGE": self.language,
        }
        if self.key is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.key}"
        for name, value in headers.items():
            name = name.upper()
            environ[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH", "REMOTE_ADDR") else f"HTTP_{name}"] = (
                value
            )
        return _send(environ)


def _send(environ: dict[str, Any]) -> Reply:
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        answered[:] = [int(status.split()[0]), {name.lower(): value for name, value in headers}]

    with _transaction_kept():
        result = _handler()(environ, start_response)
        body = b"".join(result)
        if hasattr(result, "close"):
            result.close()
    return Reply(answered[0], answered[1], body)


@contextmanager
def _transaction_kept() -> Iterator[None]:
    """A request ends with giving its connection back; inside a test's transaction it must not (as in Django's client)."""
    from django.core import signals
    from django.db import close_old_connections, connection

    if not connection.in_atomic_block:
        yield
        return
    around = (signals.request_started, signals.request_finished)
    for signal in around:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in around:
            signal.connect(close_old_connections)

"""The lane: the busiest calls of tills, many at a time in one thread.

A call that waits for the database in a thread of its own costs a dozen changes of thread. Here the calls that have come
are begun one after another in one thread, wait for the same statement, and are answered together; see `kernel.grouping`.
Only calls whose work is small and grouped belong here, for while one of them waits for anything else, all wait.
"""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache, partial
from queue import Empty, SimpleQueue
from typing import Any

from django.urls import URLPattern

from zhike.kernel.grouping import Lane
from zhike.ui.api.body import BODY_MAX

SIZE_MAX = 32

Scope = dict[str, Any]
Environ = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Handler = Callable[[Environ, Any], list[bytes]]
Headers = list[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)


def laned(view: Any) -> Any:
    """A view whose calls go through the lane."""
    view.goes_in_lane = True
    return view


class TillLane:
    """An ASGI application for the calls to laned views; `handler` is the WSGI handler that answers each of them.

    The thread begins with the first call and lives as long as the process.
    """

    def __init__(self, handler: Handler, urlpatterns: Iterable[Any]) -> None:
        self._handler = handler
        self._addresses = [
            pattern.pattern.regex
            for pattern in urlpatterns
            if isinstance(pattern, URLPattern) and hasattr(pattern.callback, "goes_in_lane")
        ]
        self._asked: SimpleQueue[tuple[Environ, asyncio.Future[_Answer]]] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None

    def takes(self, scope: Scope) -> bool:
        """Whether this call belongs here."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        address = scope["path"].lstrip("/")
        return any(regex.search(address) for regex in self._addresses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._work, name="lane", daemon=True).start()
        waiting: asyncio.Future[_Answer] = self._loop.create_future()
        self._asked.put((_environ_of(scope, body), waiting))
        status, headers, content = await waiting
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _work(self) -> None:
        lane, loop = Lane(), self._loop
        assert loop is not None
        while True:
            group = [self._asked.get()]
            while len(group) < SIZE_MAX:
                try:
                    group.append(self._asked.get_nowait())
                except Empty:
                    break
            try:
                answers = lane.run([partial(self._answer, environ) for environ, _ in group])
            except (
                BaseException
            ) as fault:  # the thread outlives whatever a call does, or all later ones would wait
                logger.exception("a call broke the lane")
                lane, answers = Lane(), [RuntimeError(repr(fault))] * len(group)
            loop.call_soon_threadsafe(_hand_out, [waiting for _, waiting in group], answers)

    def _answer(self, environ: Environ) -> _Answer:
        started: list[Any] = []
        parts = self._handler(environ, lambda *head: started.extend(head))
        status, headers = started
        return (
            int(status[:3]),
            [(_wire_name(name), value.encode("latin-1")) for name, value in headers],
            parts[0],
        )


_Answer = tuple[int, Headers, bytes]


def _hand_out(waiting: list[asyncio.Future[_Answer]], answers: list[_Answer | Exception]) -> None:
    """In the thread of the loop. Who has hung up meanwhile waits no longer."""
    for future, answer in zip(waiting, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


async def _read(receive: Receive) -> bytes | None:
    """The body, of one that is too large only so much that this shows; None when the caller has hung up."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > BODY_MAX or not message.get("more_body", False):
            return b"".join(parts)


def _environ_of(scope: Scope, body: bytes) -> Environ:
    """What the handler reads of a request (PEP 3333)."""
    client = scope.get("client")
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in scope["headers"]:
        key, text = _variable(name), value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


@lru_cache(maxsize=500)
def _variable(name: bytes) -> str:
    """The name under which a header stands in the environment of a request."""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


@lru_cache(maxsize=500)
def _wire_name(name: str) -> bytes:
    return name.lower().encode("latin-1")

"""WSGI in threads behind ASGI: a thread is taken by a call that is here, not by one that is still on its way.

A body of up to `GATHERED_MAX` bytes is complete before the application is called: half a form, from a phone that lost its
network, must not look like a shorter form. A larger body is read while it comes; there the application's read fails when
the caller goes or falls silent for `SILENCE_S`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from a2wsgi import WSGIMiddleware

GATHERED_MAX = 256 * 1024
SILENCE_S = 30.0

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TOO_SLOW: Message = {
    "type": "http.response.start",
    "status": 408,
    "headers": [(b"content-length", b"0"), (b"connection", b"close")],
}


class Threaded:
    """An ASGI application of a WSGI application and `threads` threads. When the server ends, calls under way are finished."""

    def __init__(self, application: Any, threads: int) -> None:
        self._wsgi: Any = WSGIMiddleware(application, workers=threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            heard = await gather(receive)
        except TimeoutError:
            await send(_TOO_SLOW)
            await send({"type": "http.response.body", "body": b""})
            return
        except ConnectionError:
            return

        async def hear() -> Message:
            return heard.pop() if heard else await _next(receive)

        await self._wsgi(scope, hear, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        # A call whose caller has gone still waits to hand over its answer, for which it needs this loop.
        await asyncio.to_thread(self._wsgi.executor.shutdown)
        await send({"type": "lifespan.shutdown.complete"})


async def gather(receive: Receive) -> list[Message]:
    """The body as one message, which says itself whether more is to come.

    Raises ConnectionError when the caller has gone, TimeoutError when they send nothing for `SILENCE_S`.
    """
    first = await _next(receive)
    if not first.get("more_body", False):
        return [first]
    parts, size, more = [first.get("body", b"")], len(first.get("body", b"")), True
    while more and size <= GATHERED_MAX:
        message = await _next(receive)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return [{"type": "http.request", "body": b"".join(parts), "more_body": more}]


async def _next(receive: Receive) -> Message:
    async with asyncio.timeout(SILENCE_S):
        message = await receive()
    if message["type"] != "http.request":
        raise ConnectionResetError("the caller has gone")
    return message

"""The stream as an ASGI program: GET /live/?pass=…&after=12 is answered for as long as the pass holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

from zhike.kernel import broadcast
from zhike.kernel.connections import close_connection, drop_broken_connection
from zhike.service import queries
from zhike.ui.components.chat import PASS_SECONDS, read_pass
from zhike.ui.live.hub import Hub, Watcher, frames_of

SIGN_OF_LIFE_S = 20.0
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def read_messages(marks: Sequence[tuple[int, int]]) -> list[queries.MessageView]:
    drop_broken_connection()
    return queries.messages_after(marks)


def read_last_numbers(ids: Sequence[int]) -> dict[int, int]:
    drop_broken_connection()
    return queries.last_numbers(ids)


class LiveStream:
    """An ASGI application. Its hub begins with the first request and lives as long as the loop."""

    def __init__(self) -> None:
        self.hub: Hub | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, hub = scope["path"], self._begin()
        if path.endswith("/health"):
            await _answer(send, 200, f"{len(hub)}\n".encode())
            return
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = read_pass(query.get("pass", [""])[0])
        if given is None or not path.endswith("/live/"):
            await _answer(send, 403 if given is None else 404, b"")
            return
        await _stream(hub, Watcher(given, _after(scope, query)), receive, send)

    async def close(self) -> None:
        """End what runs beside the requests."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.hub is not None:
            await self.hub.run_in_tables(close_connection)
            self.hub.close()

    def _begin(self) -> Hub:
        if self.hub is None:
            self.hub = Hub(read_messages, read_last_numbers)
            parts = (
                self.hub.deliver(),
                self.hub.look_again(),
                broadcast.listen(self.hub.hear, self.hub.look_at_everything),
            )
            self._tasks = [asyncio.create_task(part) for part in parts]
        return self.hub


def _after(scope: Scope, query: dict[str, list[str]]) -> int:
    """The newest message the caller has: by the address, or by what the browser remembers when it comes back."""
    headers = dict(scope.get("headers", ()))
    known = [query.get("after", ["0"])[0], headers.get(b"last-event-id", b"0").decode("latin-1")]
    return max(
        (int(text) for text in known if text.isascii() and text.isdecimal() and len(text) < 10), default=0
    )


async def _stream(hub: Hub, watcher: Watcher, receive: Receive, send: Send) -> None:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        (b"access-control-allow-origin", b"*"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    until = asyncio.get_running_loop().time() + PASS_SECONDS
    gone = asyncio.create_task(_gone(receive, watcher))
    try:
        with hub.watching(watcher):
            async for told in frames_of(watcher, until, SIGN_OF_LIFE_S):
                await send({"type": "http.response.body", "body": told, "more_body": True})
    finally:
        gone.cancel()
    with contextlib.suppress(Exception):  # whoever has gone does not mind
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive, watcher: Watcher) -> None:
    """Wait until the caller hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass
    watcher.put(None)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"access-control-allow-origin", b"*")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

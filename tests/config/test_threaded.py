"""WSGI in threads: whole bodies only, large ones in pieces, nobody left behind at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from zhike.config import threaded
from zhike.config.threaded import GATHERED_MAX, Threaded

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "query_string": b"",
    "http_version": "1.1",
    "headers": [],
}


class Caller:
    """Sends prepared messages, then `at_the_end`, or nothing more."""

    def __init__(self, *parts: bytes, ends: bool = True, at_the_end: str = "") -> None:
        self._heard = [
            {"type": "http.request", "body": part, "more_body": not ends or index < len(parts)}
            for index, part in enumerate(parts, 1)
        ]
        self._at_the_end = at_the_end
        self.said: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self._heard:
            return self._heard.pop(0)
        if self._at_the_end:
            return {"type": self._at_the_end}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: dict[str, Any]) -> None:
        self.said.append(message)

    @property
    def status(self) -> int | None:
        return next((one["status"] for one in self.said if "status" in one), None)


def echo(lengths: list[int]) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        lengths.append(len(environ["wsgi.input"].read()))
        start("200 OK", [])
        return [b"ok"]

    return application


def run(caller: Caller, lengths: list[int]) -> None:
    asyncio.run(Threaded(echo(lengths), 2)(SCOPE, caller.receive, caller.send))


def test_a_body_in_pieces_arrives_whole() -> None:
    caller, lengths = Caller(b"points=", b"1000"), list[int]()
    run(caller, lengths)
    assert (caller.status, lengths) == (200, [11])


@pytest.mark.feature("B04")
def test_half_a_form_is_no_form() -> None:
    caller, lengths = Caller(b"points=1", ends=False, at_the_end="http.disconnect"), list[int]()
    run(caller, lengths)
    assert (caller.status, lengths) == (None, [])


def test_who_falls_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "SILENCE_S", 0.01)
    caller, lengths = Caller(b"points=1", ends=False), list[int]()
    run(caller, lengths)
    assert (caller.status, lengths) == (408, [])


def test_a_large_body_is_read_while_it_comes() -> None:
    parts = [b"x" * 100_000] * 10
    assert sum(map(len, parts)) > GATHERED_MAX
    caller, lengths = Caller(*parts), list[int]()
    run(caller, lengths)
    assert (caller.status, lengths) == (200, [1_000_000])


def test_half_a_large_body_fails_where_it_is_read() -> None:
    caller = Caller(b"x" * (GATHERED_MAX + 1), ends=False, at_the_end="http.disconnect")
    lengths = list[int]()
    with pytest.raises(ConnectionError):
        run(caller, lengths)
    assert (caller.status, lengths) == (None, [])


def test_the_end_waits_for_an_answer_that_nobody_hears() -> None:
    """The server takes a call for over when its caller has gone; the thread still needs the loop to say so."""
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        begun.set()
        may_end.wait(30)
        start("200 OK", [])
        yield b"late"
        ended.set()

    async def serve() -> list[dict[str, Any]]:
        application, caller, server = Threaded(slow, 1), Caller(b""), Caller()
        orders: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        life = asyncio.create_task(application({"type": "lifespan"}, orders.get, server.send))
        await orders.put({"type": "lifespan.startup"})
        call = asyncio.create_task(application(SCOPE, caller.receive, caller.send))
        await asyncio.to_thread(begun.wait, 30)
        await orders.put({"type": "lifespan.shutdown"})
        may_end.set()
        await asyncio.wait_for(life, 30)
        assert ended.is_set()
        await call
        return server.said

    said = asyncio.run(serve())
    assert [one["type"] for one in said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

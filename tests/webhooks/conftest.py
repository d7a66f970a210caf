"""A listener as another system would run one: it checks signatures with the official library and keeps what it was told."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.people import Malls
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.organization.operations import structure
from zhike.webhooks import _transport, operations

SYSTEM = system_viewer("tests")


class Listener:
    """Answers with the next of ``answers``, then 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.told: list[dict[str, Any]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.requests.append((dict(self.headers.items()), body))
                status = listener.answers.pop(0) if listener.answers else 200
                if status == 200:
                    listener.told.append(json.loads(body))
                self.send_response(status)
                for name, value in listener.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hooks?tenant=1"

    def verified(self, secret: str) -> list[Any]:
        """Every request, checked as the standard's own library checks it."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.requests]

    @property
    def types(self) -> list[str]:
        return [one["type"] for one in self.told]


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    found = Listener()
    yield found
    found.server.shutdown()
    found.server.server_close()


class Clock:
    """A clock that is moved by hand, for pauses of hours."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return clock.now() + self.ahead

    def move(self, **passed: float) -> None:
        self.ahead += dt.timedelta(**passed)


@pytest.fixture
def hand() -> Clock:
    return Clock()


def send(hand: Any = clock.now) -> int:
    """What the worker's thread does, until there is nothing more to send."""
    total = 0
    while sent := operations.deliver_due(actor=SYSTEM, post=_transport.post, clock=hand):
        total += sent
    return total


def happen(malls: Malls, *names: str) -> None:
    """One event each: a merchant changes its name."""
    for name in names:
        structure.update_merchant(
            actor=SYSTEM, merchant_id=malls.cafe, changes={"name": name}, now=clock.now()
        )

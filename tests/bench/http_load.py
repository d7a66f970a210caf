"""A small load generator: keep-alive connections, prepared requests, one thread that waits for all of them.

What it costs is counted as ours.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

RequestMaker = Callable[[], bytes]


@dataclass
class Load:
    """What came back: seconds of each answer, and how often each status came."""

    elapsed_s: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.elapsed_s

    def require_only(self, *statuses: int) -> None:
        if unexpected := {status: count for status, count in self.statuses.items() if status not in statuses}:
            raise AssertionError(f"unexpected answers: {unexpected}")


def request_bytes(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.received = b""

    def send(self, request: bytes) -> None:
        self.received = b""
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The status once the whole answer is here."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.received += part
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else None


def run_load(
    port: int, make: RequestMaker, *, connections: int, seconds: float, requests: int | None = None
) -> Load:
    """Keep every connection busy for `seconds`, or until `requests` have been answered."""
    load = Load()
    selector = selectors.DefaultSelector()
    opened = [_Connection(port) for _ in range(connections)]
    for connection in opened:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    began = time.perf_counter()
    end, left = began + seconds, requests if requests is not None else 10**12
    for connection in opened:
        connection.send(make())
        left -= 1
    busy = len(opened)
    while busy:
        for key, _events in selector.select(30):
            connection = key.data
            status = connection.receive()
            if status is None:
                continue
            now = time.perf_counter()
            load.seconds.append(now - connection.began)
            load.statuses[status] = load.statuses.get(status, 0) + 1
            if now < end and left > 0:
                left -= 1
                connection.send(make())
            else:
                busy -= 1
    load.elapsed_s = time.perf_counter() - began
    for connection in opened:
        connection.socket.close()
    selector.close()
    return load

"""The shell of an emulated vendor: a small HTTP server on 127.0.0.1."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class LocalServer:
    """Starts on a free port, or on ``port``; ``url`` is its address. A ``with`` runs it beside the caller."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self) -> None:
        """Until the process ends."""
        self._server.serve_forever(0.05)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class QuietHandler(BaseHTTPRequestHandler):
    """Reads bodies, writes answers, and says nothing on the console."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self.on_get()

    def do_POST(self) -> None:
        self.on_post()

    def on_get(self) -> None:
        """Nothing is to be seen."""
        self.answer(b"", 404)

    def on_post(self) -> None:
        """Nothing is to be had."""
        self.answer(b"", 404)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, raw: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def answer_json(self, told: object, status: int = 200) -> None:
        self.answer(
            json.dumps(told, ensure_ascii=False).encode(), status, {"Content-Type": "application/json"}
        )

    def hang_up(self) -> None:
        """The line goes dead without an answer."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def push_xml(url: str, body: bytes) -> int:
    """A vendor's POST to us; the status of the answer, 0 when nobody answers."""
    request = urllib.request.Request(url, body, {"Content-Type": "text/xml"})  # noqa: S310  an address of this machine
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0

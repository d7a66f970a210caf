"""The program as people meet it: granian in a process of its own, on a database of its own that is not rolled back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.databases import inside

START_SECONDS_MAX = 60


@dataclass(frozen=True)
class Site:
    """A running server. `committed()` lets a test write what the server then shows."""

    url: str
    database: str
    blocker: Any

    @contextmanager
    def committed(self) -> Iterator[None]:
        """Inside, this process works on the server's database, and what it writes stays for the following tests too."""
        with inside(self.database, self.blocker):
            yield


@contextmanager
def serve(database_url: str, log: Path) -> Iterator[str]:
    """Start granian on a free port and give its address once it answers."""
    port = _free_port()
    environment = os.environ | {"DATABASE_URL": database_url, "ZHIKE_POOL": "5", "ZHIKE_THREADS": "4"}
    options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    command = [
        sys.executable,
        "-m",
        "granian",
        *options,
        "--no-ws",
        "--log-level",
        "warning",
        "zhike.config.web:application",
    ]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as process:
        try:
            yield _when_ready(f"http://127.0.0.1:{port}", process, log)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _when_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health/live", timeout=2).close()
            return url
        except urllib.error.HTTPError:
            return url
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text()[-4000:]}")

"""Keeps child processes going: restarts one that dies, ends all when told to, leaves nothing behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

STOP_TIMEOUT_S = 15.0
RESTART_PAUSE_S = 0.5
RESTART_PAUSE_MAX_S = 15.0
HEALTHY_AFTER_S = 10.0
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass
class Child:
    """One process to keep going. `critical` ones end the whole when they refuse to start five times running; those that
    are not `first` are started when whoever waits for the others has them (see `Supervisor.run`)."""

    name: str
    command: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    reload: bool = False
    critical: bool = True
    first: bool = True
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    due_at: float = 0.0


class Supervisor:
    """Runs children until SIGINT or SIGTERM, each in a process group of its own."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        watch: Sequence[Path] = (),
        guard: Callable[[], object] | None = None,
    ) -> None:
        """`watch` folders make children with `reload` start again; `guard` is called every second or so."""
        self.children = list(children)
        self._watch = watch
        self._guard = guard
        self._stopping = threading.Event()
        self._exit_code = 0

    def run(self, when_started: Callable[[], None] | None = None) -> int:
        """Start the first, when ``when_started`` returns the others; keep them going, end them.

        Returns the exit code: 0 when asked to stop.
        """
        previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            for child in self.children:
                if child.first or not when_started:
                    self._start(child)
            if when_started:
                when_started()
            self._keep_going()
        finally:
            self._end_all()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return self._exit_code

    def stop(self, exit_code: int = 0) -> None:
        self._exit_code = exit_code
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _keep_going(self) -> None:
        seen = newest_change(self._watch)
        guarded_at = time.monotonic()
        while not self._stopping.wait(0.3):
            if self._guard and time.monotonic() - guarded_at > 1:
                self._guard()
                guarded_at = time.monotonic()
            for child in self.children:
                self._look_after(child)
            if self._watch and (newest := newest_change(self._watch)) != seen:
                seen = newest
                for child in self.children:
                    if child.reload:
                        self._end([child])
                        self._start(child)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due_at:
                self._start(child)
            return
        if child.process.poll() is None:
            if now - child.started_at > HEALTHY_AFTER_S:
                child.failures = 0
            return
        _kill_group(child.process)  # what a killed parent left behind would keep its port
        child.failures += 1
        if child.failures >= 5 and child.critical:
            self._say(f"{child.name} ended again ({child.process.returncode}); giving up.")
            self.stop(exit_code=1)
            return
        pause = min(RESTART_PAUSE_S * 2 ** (child.failures - 1), RESTART_PAUSE_MAX_S)
        self._say(f"{child.name} ended ({child.process.returncode}); starting it again in {pause:g} s.")
        child.process, child.due_at = None, now + pause

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            list(child.command),
            env={**os.environ, **child.env},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        child.started_at = time.monotonic()

    def _end_all(self) -> None:
        self._end(self.children)

    def _end(self, children: Sequence[Child]) -> None:
        """Ask, wait, insist. All at once, so that the slowest decides how long it takes."""
        running = [child.process for child in children if child.process is not None]
        for process in running:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _kill_group(process)
            process.wait()
        for child in children:
            child.process = None

    @staticmethod
    def _say(sentence: str) -> None:
        print(f"zhike: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  the supervisor's own voice


def newest_change(folders: Sequence[Path]) -> float:
    """When any Python or template file below the folders changed last."""
    newest = 0.0
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix in (".py", ".html", ".mo", ".sql"):
                with contextlib.suppress(FileNotFoundError):
                    newest = max(newest, path.stat().st_mtime)
    return newest


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _die_with_parent() -> None:
    """In the child, before it becomes its program: SIGTERM when the supervisor is killed without a chance to say so."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

"""Progress of long work on the command line: a bar on a terminal, a line every few seconds elsewhere.

Nothing is shown for work that ends within two seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from types import TracebackType
from typing import Self, TextIO, TypeVar

T = TypeVar("T")

QUIET_S = 2.0
LINE_EVERY_S = 5.0


class Progress:
    """Counts towards `total` (None if unknown): `with Progress("Reading", 500) as progress: progress.advance(10)`."""

    def __init__(self, label: str, total: int | None = None, *, stream: TextIO | None = None) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self._stream = stream or sys.stderr
        self._started = time.monotonic()
        self._line_at = self._started + QUIET_S
        self._bar: _Bar | None = None

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        moment = time.monotonic()
        if moment < self._line_at:
            return
        if self._stream.isatty():
            self._bar = self._bar or _Bar(self)
            self._bar.update()
            self._line_at = moment + 0.1
        else:
            self._print_line(moment)
            self._line_at = moment + LINE_EVERY_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        moment = time.monotonic()
        if self._bar:
            self._bar.close()
        elif moment - self._started >= QUIET_S:
            self._print_line(moment)

    def _print_line(self, moment: float) -> None:
        of = f" / {self.total:,}" if self.total is not None else ""
        rate = self.done / max(moment - self._started, 0.001)
        print(f"{self.label}: {self.done:,}{of} ({rate:,.0f}/s)", file=self._stream, flush=True)


class _Bar:
    """The bar of `rich`, imported only when one is drawn."""

    def __init__(self, progress: Progress) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._progress = progress
        self._rich = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=progress._stream),
        )
        self._task = self._rich.add_task(progress.label, total=progress.total)
        self._rich.start()

    def update(self) -> None:
        self._rich.update(self._task, completed=self._progress.done)

    def close(self) -> None:
        self.update()
        self._rich.stop()


def track(iterable: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Pass the items through and show how far it is."""
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    with Progress(label, total) as progress:
        for item in iterable:
            yield item
            progress.advance()

"""Loading with several processes: members do not share accounts, so their histories do not wait for each other.

A new process imports this module before Django is set up, so nothing here may import a model.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from zhike.kernel.access import Viewer
from zhike.simulator.history import Size, build_history

if TYPE_CHECKING:
    from zhike.simulator.founding import World

DATABASE_KEYS = ("HOST", "PORT", "NAME", "USER", "PASSWORD")


class HelperFailed(RuntimeError):
    """A process that was to load a share ended without having done so. What it did stands; loading again goes on."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a helper needs to know to imagine the same history and load its share of it."""

    actor: Viewer
    size: Size
    seed: int
    today: dt.date
    now: dt.datetime
    share: int
    of: int
    database: Mapping[str, Any]


@dataclass(slots=True)
class Helper:
    """A process that imagines the history while we do, loads its share once the mall stands, then plants its lanes."""

    process: Any
    pipe: Connection
    progress: dict[str, tuple[int, int]] = field(default_factory=dict)
    result: Counter[str] | None = None

    def pump(self) -> None:
        """Take in what it has told so far."""
        while self.result is None and self.pipe.poll():
            self._receive()

    def finish(self) -> Counter[str]:
        """Wait until it has done what it was told last; what it did. Raises HelperFailed."""
        while self.result is None:
            self._receive()
        return self.result

    def plant(self) -> None:
        """Everybody's history stands: the lanes of its share may begin."""
        self.result = None
        self.pipe.send("plant")

    def _receive(self) -> None:
        try:
            message = self.pipe.recv()
        except EOFError:
            raise HelperFailed("a loading process ended before its time") from None
        if isinstance(message, Counter):
            self.result = message
        else:
            stage, done, total = message
            self.progress[stage] = done, total


@contextmanager
def lazy_commits() -> Iterator[None]:
    """Commits of this connection do not wait for the disk: a crash loses the last ones, and loading goes on before them."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET synchronous_commit")


def take_stock() -> None:
    """The planner counts what was loaded: what reads it next would otherwise be planned for empty tables."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def start_helper(task: Task) -> Helper:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_help, args=(task, theirs), daemon=True)
    process.start()
    theirs.close()
    return Helper(process, ours)


def _help(task: Task, pipe: Connection) -> None:
    """The helper's whole life."""
    import django

    django.setup()
    from django.db import connections
    from django.utils import translation

    connections["default"].settings_dict.update(task.database)
    from zhike.simulator.afterwards import Ground, plant
    from zhike.simulator.loading import Loader
    from zhike.simulator.operations import LANGUAGE

    history = build_history(task.size, task.seed, task.today)
    world: World = pipe.recv()
    loader = Loader(
        task.actor,
        world,
        history,
        task.now,
        lambda stage, done, total: pipe.send((stage, done, total)),
        task.share,
        task.of,
    )
    with lazy_commits(), translation.override(LANGUAGE):
        loader.load()
        pipe.send(loader.done)
        pipe.recv()
        plant(Ground(task.actor, loader, task.seed, task.now), task.share, task.of)
        pipe.send(Counter())
    connections["default"].close()

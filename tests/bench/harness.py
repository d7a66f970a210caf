"""What the benchmarks share: the shape of a result, the server, percentiles."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parent.parent.parent
HOME = ROOT / ".zhike" / "bench"


class Result(TypedDict):
    """One measured figure.

    `limit` is the same work done by hand as fast as the database allows, measured in the same run. `ratio` says how
    near we come: 1 is as fast as the limit, 0.5 takes twice as long, whether the unit is a rate or a time; it passes
    when it is at least `target`. Without a target the figure is only told.
    """

    name: str
    value: float
    limit: float | None
    ratio: float | None
    target: float | None
    unit: str
    p50_ms: float | None
    p99_ms: float | None


TIME_UNITS = {"s", "ms", "µs", "us"}


def result(
    name: str,
    value: float,
    unit: str,
    *,
    limit: float | None = None,
    target: float | None = None,
    seconds: Sequence[float] = (),
) -> Result:
    """A result; the ratio follows from the unit, the percentiles from the durations of the single calls."""
    ratio = None
    if limit:
        ratio = limit / value if unit in TIME_UNITS else value / limit
    return Result(
        name=name,
        value=value,
        limit=limit,
        ratio=ratio,
        target=target,
        unit=unit,
        p50_ms=percentile(seconds, 0.50) * 1000 if seconds else None,
        p99_ms=percentile(seconds, 0.99) * 1000 if seconds else None,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by `share` of all values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def timed(action: Callable[[], object], times: int) -> list[float]:
    """Seconds of each of `times` calls."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return seconds


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Yields a function that tells the seconds since the block began."""
    began = time.perf_counter()
    yield lambda: time.perf_counter() - began


def server_url(database: str) -> str:
    """The address of a database on the benchmark server, started when it is not running. Durable, unlike the tests'."""
    from zhike.kernel import embedded_postgres

    return embedded_postgres.ensure_running(HOME).url(database)

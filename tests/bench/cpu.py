"""CPU seconds of processes, read from /proc. On a machine that does other things too they compare better than rates."""

import os
import resource
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def of_family(pid: int) -> float:
    """Seconds of a process, its descendants, and those of its children that have ended."""
    children: dict[int, list[int]] = {}
    seconds: dict[int, tuple[float, float]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (found := _stat(folder)) is not None:
            parent, own, ended = found
            children.setdefault(parent, []).append(int(folder.name))
            seconds[int(folder.name)] = own, ended
    total, waiting = 0.0, [pid]
    while waiting:
        one = waiting.pop()
        total += sum(seconds.get(one, ()))
        waiting += children.get(one, [])
    return total


def of_this_process() -> float:
    return _used(resource.RUSAGE_SELF)


def of_ended_children() -> float:
    return _used(resource.RUSAGE_CHILDREN)


def _used(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def _stat(folder: Path) -> tuple[int, float, float] | None:
    """(parent, own seconds, seconds of ended children); None when the process has gone meanwhile."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    own, ended = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return int(fields[1]), own / _TICKS, ended / _TICKS

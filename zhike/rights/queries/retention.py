"""For how long what is kept, and what was let go."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from zhike.kernel.access import Viewer, require
from zhike.rights.models import RetentionLine, RetentionPolicy, RetentionRun
from zhike.rights.queries.catalogue import contexts, keepings

VIEW = "rights.view"


@dataclass(frozen=True, slots=True)
class ClassView:
    """A class of data with the policy in force; ``version`` 0 is what it comes with."""

    code: str
    context: str
    table: str
    only_empties: bool
    days: int
    days_default: int
    days_min: int
    version: int
    published_at: dt.datetime | None
    published_by: str
    note: str


@dataclass(frozen=True, slots=True)
class LineView:
    code: str
    version: int
    days: int
    before: dt.datetime
    rows: int
    done_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class RunView:
    day: dt.date
    started_at: dt.datetime
    finished_at: dt.datetime | None
    lines: tuple[LineView, ...]

    @property
    def rows(self) -> int:
        return sum(line.rows for line in self.lines)


def days_in_force(code: str) -> tuple[int, int]:
    """(days, version) of a class."""
    row = RetentionPolicy.objects.filter(code=code).order_by("-version").first()
    return (row.days, row.version) if row else (keepings()[code].days, 0)


def classes(viewer: Viewer) -> list[ClassView]:
    """Every class of data that is kept for a time. Raises NotAllowed."""
    require(viewer, VIEW)
    newest = {row.code: row for row in RetentionPolicy.objects.order_by("code", "-version").distinct("code")}
    found = []
    for context in reversed(contexts()):
        for one in context.keepings:
            row = newest.get(one.code)
            found.append(
                ClassView(
                    one.code, context.name, one.table, bool(one.blanks), row.days if row else one.days, one.days,
                    one.days_min, row.version if row else 0, row.published_at if row else None,
                    row.published_by if row else "", row.note if row else "",
                )
            )  # fmt: skip
    return found


def runs(viewer: Viewer, limit: int = 30) -> list[RunView]:
    """The nightly purges, newest first: what went, by which policy. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = list(RetentionRun.objects.order_by("-day")[:limit])
    lines: dict[int, list[LineView]] = {row.pk: [] for row in rows}
    for line in RetentionLine.objects.filter(run__in=rows).order_by("id"):
        view = LineView(line.code, line.version, line.days, line.before, line.rows, line.done_at)
        lines[line.run_id].append(view)
    return [RunView(row.day, row.started_at, row.finished_at, tuple(lines[row.pk])) for row in rows]

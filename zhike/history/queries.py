"""What is told of the lake: its tables, how far it is behind, its runs, and the figures that came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from zhike.history._lake import source
from zhike.history.models import Figure, LakeRun
from zhike.history.rules import DEFINITIONS, TABLES, LakeTable, cohort_table
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound

VIEW = "segments.view"
RUNS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class RunView:
    """``tables`` as `rules.Reconciled`, ``checks`` as `rules.Check`, ``fault`` in our words or the machine's."""

    id: int
    kind: str
    state: str
    fault: str
    started_at: dt.datetime
    started_by: str
    took_ms: int | None
    tables: list[dict[str, Any]]
    checks: list[dict[str, Any]]

    @property
    def changed(self) -> int:
        return sum(one["changed"] for one in self.tables)


@dataclass(frozen=True, slots=True)
class LakeView:
    """``latest`` is the last run that filled the lake; ``waiting`` receipts and transfers were written since."""

    latest: RunView | None
    waiting: int
    runs: list[RunView]
    tables: tuple[LakeTable, ...]


@dataclass(frozen=True, slots=True)
class FigureView:
    """A definition's rows under the names of its columns, as of a moment."""

    code: str
    as_of: dt.datetime
    parameters: dict[str, Any]
    columns: list[str]
    rows: list[list[Any]]
    took_ms: int


def lake(viewer: Viewer) -> LakeView:
    """Raises NotAllowed; the lake is the whole group's."""
    require_touch(viewer, VIEW)
    runs = [_run(row) for row in LakeRun.objects.order_by("-id")[:RUNS_SHOWN]]
    filled = LakeRun.objects.filter(state__in=("done", "differs")).exclude(kind="forget")
    row = filled.order_by("-id").first()
    return LakeView(_run(row) if row else None, source.waiting(row.cursor if row else 0), runs, TABLES)


def lake_run(viewer: Viewer, run_id: int) -> RunView:
    """Raises NotFound, NotAllowed."""
    require_touch(viewer, VIEW)
    row = LakeRun.objects.filter(pk=run_id).first()
    if row is None:
        raise NotFound
    return _run(row)


def figure(viewer: Viewer, code: str) -> FigureView | None:
    """The newest figure of a definition; None before the first run. Raises NotFound, NotAllowed."""
    require_touch(viewer, VIEW)
    if code not in DEFINITIONS:
        raise NotFound
    row = Figure.objects.filter(code=code).order_by("-id").first()
    if row is None:
        return None
    return FigureView(row.code, row.as_of, row.parameters, row.columns, row.rows, row.took_ms)


def retention(viewer: Viewer) -> list[tuple[str, int, list[int]]]:
    """Cohorts as a triangle: month, members who bought first in it, how many of them bought 0, 1, 2 … months later."""
    found = figure(viewer, "cohort")
    return cohort_table(found.rows) if found else []


def _run(row: LakeRun) -> RunView:
    return RunView(
        row.pk,
        row.kind,
        row.state,
        row.fault,
        row.started_at,
        row.started_by,
        row.took_ms,
        row.tables,
        row.checks,
    )

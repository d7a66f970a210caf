"""Runs and what they came to."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count

from zhike.intake.files import BrokenRow, FileRefused, open_table
from zhike.intake.files.opening import FileFacts
from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.intake.rules.reconciliation import Reconciliation, reconciliation_of
from zhike.kernel.access import Viewer, load_visible, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.organization import queries as organization

PERMISSION = "imports.view"
COLUMNS = {"mall": "mall_id"}
NEWEST = Keyset((("created_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class RunView:
    """A run. `open_reasons` counts rows waiting in quarantine; `twin` is a finished run of the very same bytes."""

    id: uuid.UUID
    mall_id: int
    mall_name: str
    file_name: str
    size: int
    digest: str
    state: str
    stage: str
    lines_done: int
    lines_total: int
    mapping: dict[str, Any]
    columns: list[str]
    file_facts: dict[str, Any]
    checked: Reconciliation | None
    counts: Reconciliation | None
    failure: str
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    undone_at: dt.datetime | None
    actor_label: str
    open_reasons: dict[str, int] = field(default_factory=dict)
    replayed_rows: int = 0
    discarded_rows: int = 0
    twin: uuid.UUID | None = None

    @property
    def open_rows(self) -> int:
        return sum(self.open_reasons.values())

    @property
    def percent(self) -> int:
        """How far the present stage is, 0 to 100."""
        return min(100, self.lines_done * 100 // self.lines_total) if self.lines_total else 0

    @property
    def is_working(self) -> bool:
        return self.state in ("checking", "queued", "running", "undoing")


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of the file as it would be read with the run's mapping; `failure` instead, if it cannot be."""

    columns: list[str]
    rows: list[list[str]]
    encoding: str
    delimiter: str
    sheets: list[str]
    failure: str = ""


def runs(
    viewer: Viewer, *, mall_id: int | None = None, cursor: str | None = None, limit: int = 50
) -> Listing[RunView]:
    """Newest first. Raises BadCursor."""
    rows = visible(ImportRun.objects.all(), viewer, PERMISSION, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    page = NEWEST.page(rows, cursor, limit)
    names = {mall.id: mall.name for mall in organization.malls(viewer, PERMISSION)}
    tallies = _tallies([row.pk for row in page.items])
    views = [_view(row, names.get(row.mall_id, ""), tallies.get(row.pk, {})) for row in page.items]
    return Listing(views, page.next_cursor, page.previous_cursor)


def run(viewer: Viewer, run_id: uuid.UUID) -> RunView:
    """Raises NotFound."""
    row = load_visible(ImportRun.objects.all(), run_id, viewer, PERMISSION, COLUMNS)
    twins = visible(ImportRun.objects.all(), viewer, PERMISSION, COLUMNS).filter(
        digest=row.digest, state=ImportRun.State.DONE
    )
    twin = twins.exclude(pk=row.pk).order_by("-created_at").values_list("pk", flat=True).first()
    name = organization.mall(row.mall_id).name
    return _view(row, name, _tallies([row.pk]).get(row.pk, {}), twin)


def preview(viewer: Viewer, run_id: uuid.UUID, limit: int = 20) -> Preview:
    """Raises NotFound, also when the file is gone."""
    row = load_visible(ImportRun.objects.all(), run_id, viewer, PERMISSION, COLUMNS)
    path = Path(settings.UPLOAD_DIR) / row.path
    if not path.is_file():
        raise NotFound
    wanted = row.mapping.get("file", {})
    encoding = _chosen(wanted.get("encoding"), row.file_facts["encoding"])
    delimiter = _chosen(wanted.get("delimiter"), row.file_facts["delimiter"])
    sheets = list(row.file_facts["sheets"])
    facts = FileFacts(
        row.file_facts["kind"],
        row.digest,
        row.size,
        0,
        encoding,
        delimiter,
        row.file_facts["packed"],
        tuple(sheets),
    )
    try:
        with open_table(
            path, facts, sheet=wanted.get("sheet", ""), header=wanted.get("header", True)
        ) as table:
            rows = [_cells(found) for _, (_, found) in zip(range(limit), table, strict=False)]
            return Preview(table.columns, rows, encoding, delimiter, sheets)
    except FileRefused as refused:
        return Preview([], [], encoding, delimiter, sheets, failure=refused.sentence)
    except UnicodeDecodeError:
        return Preview([], [], encoding, delimiter, sheets, failure=FileRefused().sentence)


def _chosen(wanted: str | None, found: str) -> str:
    return found if wanted in (None, "auto") else str(wanted)


def _cells(row: list[str] | BrokenRow) -> list[str]:
    return [row.text] if isinstance(row, BrokenRow) else row


def _tallies(run_ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[tuple[str, str], int]]:
    """Rows in quarantine by run, status and reason."""
    rows = QuarantinedRow.objects.filter(run_id__in=run_ids).values_list("run_id", "status", "reason")
    tallies: dict[uuid.UUID, dict[tuple[str, str], int]] = {}
    for run_id, status, reason, count in rows.annotate(count=Count("id")).order_by("reason"):
        tallies.setdefault(run_id, {})[status, reason] = count
    return tallies


def _view(
    row: ImportRun, mall_name: str, tally: dict[tuple[str, str], int], twin: uuid.UUID | None = None
) -> RunView:
    def total(status: str) -> int:
        return sum(count for (found, _), count in tally.items() if found == status)

    is_final = row.state in (ImportRun.State.DONE, ImportRun.State.UNDOING, ImportRun.State.UNDONE)
    return RunView(
        id=row.pk,
        mall_id=row.mall_id,
        mall_name=mall_name,
        file_name=row.file_name,
        size=row.size,
        digest=row.digest,
        state=row.state,
        stage=row.stage,
        lines_done=row.lines_done,
        lines_total=row.lines_total,
        mapping=row.mapping,
        columns=list(row.file_facts.get("columns", [])),
        file_facts=row.file_facts,
        checked=reconciliation_of(row.checked),
        counts=reconciliation_of(row.counts) if is_final else None,
        failure=row.failure,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        undone_at=row.undone_at,
        actor_label=row.actor_label,
        open_reasons={reason: count for (status, reason), count in tally.items() if status == "open"},
        replayed_rows=total("replayed"),
        discarded_rows=total("discarded"),
        twin=twin,
    )

"""Rows that were set aside."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.intake.queries.reasons import reason_sentence
from zhike.intake.rules.export import harmless
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.paging import Keyset, Listing

PERMISSION = "imports.view"
RUN_COLUMNS = {"mall": "mall_id"}
ROW_COLUMNS = {"mall": "run__mall_id"}
IN_FILE_ORDER = Keyset((("row_no", "asc"), ("id", "asc")))


@dataclass(frozen=True, slots=True)
class QuarantinedView:
    """A row with the headings of its file; `is_corrected` when somebody changed its cells."""

    id: int
    run_id: uuid.UUID
    row_no: int
    receipt_number: str
    columns: list[str]
    cells: list[str]
    is_corrected: bool
    reason: str
    sentence: str
    detail: str
    status: str
    settled_at: dt.datetime | None
    settled_by: str


def quarantined(
    viewer: Viewer,
    run_id: uuid.UUID,
    *,
    reason: str | None = None,
    status: str = "open",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[QuarantinedView]:
    """Rows of a run in the order of the file. Raises NotFound, BadCursor."""
    run = load_visible(ImportRun.objects.all(), run_id, viewer, PERMISSION, RUN_COLUMNS)
    rows = QuarantinedRow.objects.filter(run_id=run_id, status=status)
    if reason:
        rows = rows.filter(reason=reason)
    page = IN_FILE_ORDER.page(rows, cursor, limit)
    columns = _columns(run)
    return Listing([_view(row, columns) for row in page.items], page.next_cursor, page.previous_cursor)


def quarantined_row(viewer: Viewer, row_id: int) -> QuarantinedView:
    """Raises NotFound."""
    rows = QuarantinedRow.objects.select_related("run")
    row = load_visible(rows, row_id, viewer, PERMISSION, ROW_COLUMNS)
    return _view(row, _columns(row.run))


def quarantine_csv(viewer: Viewer, run_id: uuid.UUID, *, reason: str | None = None) -> Iterator[str]:
    """The open rows as CSV with a byte order mark, piece by piece: row number, reason, and the cells of the file.

    A cell that a spreadsheet would run as a formula is written as text. Raises NotFound.
    """
    run = load_visible(ImportRun.objects.all(), run_id, viewer, PERMISSION, RUN_COLUMNS)
    rows = QuarantinedRow.objects.filter(run_id=run_id, status=QuarantinedRow.Status.OPEN).order_by("row_no")
    if reason:
        rows = rows.filter(reason=reason)
    return _csv(["#", "reason", *_columns(run)], rows.iterator(chunk_size=2000))


def _csv(header: Sequence[str], rows: Iterator[QuarantinedRow]) -> Iterator[str]:
    yield "\ufeff" + _csv_line(header)
    for row in rows:
        words = reason_sentence(row.reason) + (f" ({row.detail})" if row.detail else "")
        yield _csv_line([str(row.row_no), words, *row.cells])


def _csv_line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([harmless(cell) for cell in cells])
    return buffer.getvalue()


def _columns(run: ImportRun) -> list[str]:
    return list(run.file_facts.get("columns", []))


def _view(row: QuarantinedRow, columns: list[str]) -> QuarantinedView:
    return QuarantinedView(
        id=row.pk,
        run_id=row.run_id,
        row_no=row.row_no,
        receipt_number=row.receipt_number,
        columns=columns,
        cells=list(row.cells),
        is_corrected=row.corrected,
        reason=row.reason,
        sentence=reason_sentence(row.reason),
        detail=row.detail,
        status=row.status,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
    )

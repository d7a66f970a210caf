"""Rows that were set aside: corrected, replayed, discarded."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.intake.operations import _runs
from zhike.intake.operations._planning import late_rejects
from zhike.intake.operations._staging import Rows, fetch
from zhike.intake.operations._work import Work, drop_tables
from zhike.intake.rules import reasons
from zhike.intake.rules.reconciliation import Reconciliation
from zhike.kernel import audit
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.errors import Invalid

Status = QuarantinedRow.Status
ROW_COLUMNS = {"mall": "run__mall_id"}
CELLS_MAX = 500
CELL_CHARACTERS_MAX = 1000


class CellsInvalid(Invalid):
    code = "cells-invalid"
    title = _("The row must have %(width)s cells, none of them longer than 1,000 characters.")


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """Rows that went in, repeated rows that were merged, rows that are still in quarantine by their new reason."""

    accepted: int
    merged: int
    still: dict[str, int]


def correct_row(*, actor: Viewer, row_id: int, cells: Sequence[str], now: dt.datetime) -> None:
    """Change the cells of an open row; it is tried again when it is replayed. Raises CellsInvalid, NotFound."""
    with transaction.atomic():
        row = _open_row(row_id, actor)
        width = len(_columns(row.run))
        if len(cells) != width or any(len(cell) > CELL_CHARACTERS_MAX or "\0" in cell for cell in cells):
            raise CellsInvalid(width=width)
        changed = [place for place, cell in enumerate(cells) if row.cells[place : place + 1] != [cell]]
        row.cells, row.corrected = list(cells), True
        row.save(update_fields=["cells", "corrected"])
        audit.record(
            actor=actor,
            action="import.correct_row",
            subject=("import", row.run_id),
            after={"row": row.row_no, "columns": changed},
            now=now,
        )


def discard_rows(*, actor: Viewer, run_id: uuid.UUID, row_ids: Sequence[int] | None, now: dt.datetime) -> int:
    """Settle open rows as not wanted; all of the run without `row_ids`. Returns how many. Raises NotFound."""
    with transaction.atomic():
        _runs.visible_run(run_id, actor)
        count = _open_rows(run_id, row_ids).update(
            status=Status.DISCARDED, settled_at=now, settled_by=actor.audit_id
        )
        after = {"rows": count}
        audit.record(
            actor=actor, action="import.discard_rows", subject=("import", run_id), after=after, now=now
        )
    return count


def replay_rows(
    *, actor: Viewer, run_id: uuid.UUID, row_ids: Sequence[int] | None = None, now: dt.datetime
) -> ReplayOutcome:
    """Try open rows again, as they were corrected; all of the run without `row_ids`.

    Rows held back because of another row of their receipt come along with it. A row whose receipt went ahead without
    it becomes a receipt of its own: number + row, such as 536365+17. Raises ImportBusy, WrongState, NotFound.
    """
    run = _runs.visible_run(run_id, actor)
    with _runs.held(run_id), transaction.atomic():
        if run.state != ImportRun.State.DONE:
            raise _runs.WrongState
        wanted = _with_their_receipts(run_id, row_ids)
        rows = {row.row_no: row for row in _open_rows(run_id, None).filter(pk__in=wanted).select_for_update()}
        work = Work(
            actor=actor,
            run=run,
            mapping=_runs.checked_mapping(run.mapping),
            rows=partial(_quarantined, _columns(run), [(no, row.cells) for no, row in sorted(rows.items())]),
            now=now,
            progress=lambda stage, done, total: None,
            supplement=True,
        )
        account = work.plan()
        still = _still_refused()
        work.create_missing()
        work.record()
        still |= {row_no: (reason, "") for row_no, reason in work.refused}
        _settle(rows, still, actor, now)
        drop_tables()
        outcome = ReplayOutcome(account.accepted - len(work.refused), account.merged, _counts(still))
        _add_to_run(run, work, account)
        after = {"rows": len(rows), "accepted": outcome.accepted, "still": outcome.still}
        audit.record(
            actor=actor, action="import.replay_rows", subject=("import", run_id), after=after, now=now
        )
    return outcome


def _with_their_receipts(run_id: uuid.UUID, row_ids: Sequence[int] | None) -> list[int]:
    """The rows asked for, and the open rows of the same receipts that were held back with them."""
    rows = _open_rows(run_id, row_ids)
    numbers = set(rows.exclude(receipt_number="").values_list("receipt_number", flat=True))
    held = _open_rows(run_id, None).filter(receipt_number__in=numbers, reason=reasons.INCOMPLETE_RECEIPT)
    return sorted({*rows.values_list("pk", flat=True), *held.values_list("pk", flat=True)})


def _still_refused() -> dict[int, tuple[str, str]]:
    """Rows that cannot be used now either, with the reason of today."""
    early = fetch("SELECT row_no, reason, detail FROM stage_reject")
    late = [(row_no, reason, detail) for row_no, _, reason, detail in late_rejects()]
    known = fetch(
        """SELECT l.row_no, %s, '' FROM stage_receipt r JOIN stage_line l USING (receipt)
        WHERE r.status = 'known' AND NOT EXISTS (SELECT FROM stage_dropped d WHERE d.row_no = l.row_no)""",
        [reasons.ALREADY_RECORDED],
    )
    return {row_no: (reason, detail) for row_no, reason, detail in [*early, *late, *known]}


def _settle(
    rows: dict[int, QuarantinedRow], still: dict[int, tuple[str, str]], actor: Viewer, now: dt.datetime
) -> None:
    for row_no, row in rows.items():
        if row_no in still:
            row.reason, row.detail = still[row_no]
        else:
            row.status, row.settled_at, row.settled_by = Status.REPLAYED, now, actor.audit_id
    QuarantinedRow.objects.bulk_update(
        rows.values(), ["reason", "detail", "status", "settled_at", "settled_by"], batch_size=2000
    )


def _add_to_run(run: ImportRun, work: Work, account: Reconciliation) -> None:
    """What the replay added to the run's receipts. Rows stay accounted for by their own status."""
    counts = dict(run.counts or {})
    for name, count in (
        *work.made.items(),
        ("receipts", account.receipts),
        ("returns", account.returns),
        ("net_fen", account.net_fen),
        ("returned_fen", account.returned_fen),
    ):
        counts[name] = counts.get(name, 0) + count
    ImportRun.objects.filter(pk=run.pk).update(counts=counts)


@contextmanager
def _quarantined(columns: list[str], rows: list[tuple[int, list[str]]]) -> Iterator[tuple[list[str], Rows]]:
    yield columns, rows


def _columns(run: ImportRun) -> list[str]:
    return list(run.file_facts["columns"])


def _open_rows(run_id: uuid.UUID, row_ids: Sequence[int] | None) -> QuerySet[QuarantinedRow]:
    rows = QuarantinedRow.objects.filter(run_id=run_id, status=Status.OPEN)
    return rows if row_ids is None else rows.filter(pk__in=row_ids)


def _open_row(row_id: int, actor: Viewer) -> QuarantinedRow:
    rows = (
        QuarantinedRow.objects.filter(status=Status.OPEN)
        .select_related("run")
        .select_for_update(of=("self",))
    )
    return load_visible(rows, row_id, actor, _runs.PERMISSION, ROW_COLUMNS)


def _counts(still: dict[int, tuple[str, str]]) -> dict[str, int]:
    return dict(Counter(reason for reason, _ in still.values()))

"""Taking a whole import back."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction

from zhike.intake.events import ImportTakenBack
from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.intake.operations import _runs
from zhike.intake.operations._staging import Progress
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty

State = ImportRun.State
MAY_UNDO = (State.DONE, State.FAILED, State.UNDOING)


@dataclass(frozen=True, slots=True)
class UndoOutcome:
    """How many receipts and returns went."""

    receipts: int


def undo(
    *, actor: Viewer, run_id: uuid.UUID, now: dt.datetime, reason: str = "", progress: Progress | None = None
) -> UndoOutcome:
    """Take out every receipt of the run, all or nothing; its points are taken back through the ledger.

    Points that were spent meanwhile become debt. The members and articles that the run created stay. Rows in
    quarantine are discarded. Raises loyalty's ImportInUse when a receipt was returned or claimed since, ImportBusy,
    WrongState, NotFound.
    """
    _runs.visible_run(run_id, actor)
    report = _runs.Reporter(run_id, progress)
    with _runs.held(run_id):
        before = ImportRun.objects.get(pk=run_id)
        if before.state not in MAY_UNDO:
            raise _runs.WrongState
        report("undoing", 0, before.lines_total)
        try:
            with transaction.atomic():
                receipts = loyalty.undo_import(actor=actor, import_id=run_id, now=now, reason=reason)
                _close(actor, run_id, receipts, now)
        except Problem as problem:
            ImportRun.objects.filter(pk=run_id).update(
                state=State.DONE if before.counts else State.FAILED, failure=problem.sentence[:500]
            )
            raise
        report("undone", before.lines_total, before.lines_total)
    return UndoOutcome(receipts)


@transaction.atomic
def start_undo(*, actor: Viewer, run_id: uuid.UUID, now: dt.datetime) -> None:
    """Queue the undoing for the worker. Raises WrongState, NotFound."""
    _runs.visible_run(run_id, actor)
    if not ImportRun.objects.filter(pk=run_id, state__in=MAY_UNDO).update(state=State.UNDOING, failure=""):
        raise _runs.WrongState
    _runs.defer("undo_file", run_id, actor)
    audit.record(actor=actor, action="import.undo_file", subject=("import", run_id), now=now)


def _close(actor: Viewer, run_id: uuid.UUID, receipts: int, now: dt.datetime) -> None:
    ImportRun.objects.filter(pk=run_id).update(state=State.UNDONE, undone_at=now, failure="")
    QuarantinedRow.objects.filter(run_id=run_id, status=QuarantinedRow.Status.OPEN).update(
        status=QuarantinedRow.Status.DISCARDED, settled_at=now, settled_by=actor.audit_id
    )
    events.publish(ImportTakenBack(str(run_id), receipts), actor=actor, now=now)

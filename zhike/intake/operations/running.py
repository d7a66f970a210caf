"""Checking a file and loading it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction

from zhike.intake.events import ImportFinished
from zhike.intake.models import ImportRun
from zhike.intake.operations import _runs
from zhike.intake.operations._staging import Progress
from zhike.intake.operations._work import Work, drop_tables
from zhike.intake.operations.uploads import register_file
from zhike.intake.rules.reconciliation import Reconciliation
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem

State = ImportRun.State
MAY_CHECK = (State.UPLOADED, State.CHECKING, State.CHECKED, State.FAILED)
MAY_RUN = (State.UPLOADED, State.CHECKED, State.QUEUED, State.RUNNING, State.FAILED)


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What `import_file` did; `mapping` is the one it used."""

    run_id: uuid.UUID
    reconciliation: Reconciliation
    mapping: dict[str, Any]


def import_file(
    *,
    actor: Viewer,
    mall_id: int,
    path: Path,
    mapping: dict[str, Any] | None,
    dry_run: bool,
    now: dt.datetime,
    progress: Progress | None = None,
) -> ImportOutcome:
    """Load a file from where it lies, here and now; without a mapping one is made from its headings.

    A run of the same file that was interrupted is taken up again. Raises FileRefused, MappingInvalid, NotAllowed.
    """
    run_id = register_file(actor=actor, mall_id=mall_id, path=path, mapping=mapping, now=now)
    work = check if dry_run else run
    reconciliation = work(actor=actor, run_id=run_id, now=now, progress=progress)
    return ImportOutcome(run_id, reconciliation, ImportRun.objects.get(pk=run_id).mapping)


def check(
    *, actor: Viewer, run_id: uuid.UUID, now: dt.datetime, progress: Progress | None = None
) -> Reconciliation:
    """The dry run: the very counts that a run would give, and nothing written but them.

    Raises FileRefused, MappingInvalid, ImportBusy, WrongState, NotFound.
    """
    row = _runs.visible_run(run_id, actor)
    with _runs.held(run_id):
        _enter(run_id, MAY_CHECK, State.CHECKING, now)
        try:
            work = _work(actor, row, now, progress)
            account = work.with_samples(work.plan())
        except Exception as error:
            _fail(run_id, error, now)
            raise
        finally:
            _clean_up()
        ImportRun.objects.filter(pk=run_id).update(
            state=State.CHECKED, stage="", checked=account.as_json(), finished_at=now
        )
    return account


def run(
    *, actor: Viewer, run_id: uuid.UUID, now: dt.datetime, progress: Progress | None = None
) -> Reconciliation:
    """Load the file, chunk by chunk; each chunk is one transaction.

    A run that was killed is called again: what is in stays in and is not taken twice. Raises FileRefused and
    MappingInvalid before anything is changed; ImportBusy, WrongState, NotFound.
    """
    row = _runs.visible_run(run_id, actor)
    with _runs.held(run_id):
        _enter(run_id, MAY_RUN, State.RUNNING, now)
        try:
            work = _work(actor, row, now, progress)
            planned = work.plan()
            work.set_aside()
            work.create_missing()
            work.record()
            work.set_aside_refused()
            account = work.account(planned)
        except Exception as error:
            _fail(run_id, error, now)
            raise
        finally:
            _clean_up()
        _finish(actor, row, account, now)
    return account


def start_check(*, actor: Viewer, run_id: uuid.UUID, now: dt.datetime) -> None:
    """Queue the dry run for the worker. Raises WrongState, NotFound."""
    _queue(actor, run_id, MAY_CHECK, State.CHECKING, "check_file", now)


def start_run(*, actor: Viewer, run_id: uuid.UUID, now: dt.datetime) -> None:
    """Queue the run for the worker. Raises WrongState, NotFound."""
    _queue(actor, run_id, MAY_RUN, State.QUEUED, "load_file", now)


@transaction.atomic
def _queue(
    actor: Viewer, run_id: uuid.UUID, allowed: Sequence[str], state: str, job: str, now: dt.datetime
) -> None:
    row = _runs.visible_run(run_id, actor)
    _runs.checked_mapping(row.mapping)
    _enter(run_id, allowed, state, now)
    _runs.defer(job, run_id, actor)
    audit.record(actor=actor, action=f"import.{job}", subject=("import", run_id), now=now)


def _work(actor: Viewer, row: ImportRun, now: dt.datetime, progress: Progress | None) -> Work:
    mapping = _runs.checked_mapping(row.mapping)
    return Work(
        actor=actor,
        run=row,
        mapping=mapping,
        rows=partial(_runs.opened_rows, row, mapping),
        now=now,
        progress=_runs.Reporter(row.pk, progress),
    )


def _enter(run_id: uuid.UUID, allowed: Sequence[str], state: str, now: dt.datetime) -> None:
    entered = ImportRun.objects.filter(pk=run_id, state__in=allowed).update(
        state=state, stage="", lines_done=0, failure="", started_at=now, finished_at=None
    )
    if not entered:
        raise _runs.WrongState


def _fail(run_id: uuid.UUID, error: Exception, now: dt.datetime) -> None:
    if connection.needs_rollback:
        return  # the caller's transaction is lost anyway, and this row with it
    sentence = error.sentence if isinstance(error, Problem) else f"{type(error).__name__}: {error}"
    ImportRun.objects.filter(pk=run_id).update(state=State.FAILED, failure=sentence[:500], finished_at=now)


def _clean_up() -> None:
    """Give the temporary tables back; where that fails, they go with the session, or when the next file is staged."""
    if not connection.needs_rollback and connection.is_usable():
        with suppress(DatabaseError), transaction.atomic():
            drop_tables()


@transaction.atomic
def _finish(actor: Viewer, row: ImportRun, account: Reconciliation, now: dt.datetime) -> None:
    ImportRun.objects.filter(pk=row.pk).update(
        state=State.DONE,
        stage="done",
        lines_total=account.lines,
        lines_done=account.lines,
        counts=account.as_json(),
        finished_at=now,
    )
    after = {"lines": account.lines, "accepted": account.accepted, "quarantined": dict(account.quarantined)}
    audit.record(actor=actor, action="import.run", subject=("import", row.pk), after=after, now=now)
    fact = ImportFinished(str(row.pk), row.mall_id, account.lines, account.accepted, account.set_aside)
    events.publish(fact, actor=actor, now=now)

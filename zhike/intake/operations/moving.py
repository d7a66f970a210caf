"""A file of balances by the console: kept and tried at once, brought in when somebody says so; long ones by a worker."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.intake.files import inspect_file, open_table
from zhike.intake.models import BalanceMove
from zhike.intake.operations import _runs
from zhike.intake.operations.balances import import_balances, places_of
from zhike.intake.operations.uploads import file_name_of, write_file
from zhike.kernel import audit
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid, NotFound, Problem
from zhike.kernel.ids import uuid7

INLINE_ROWS = 300
SHOWN_REFUSALS = 200
BATCH_MAX = 30
PERMISSION = "imports.run"

State = BalanceMove.State


class MoveNotFound(NotFound):
    code = "balance-move-not-found"
    title = _("There is no such move of balances.")


class BatchNameUnusable(Invalid):
    code = "batch-name"
    title = _("Name the move with 1 to 30 letters, digits, dots or hyphens.")


def start_move(
    *, actor: Viewer, file_name: str, chunks: Iterable[bytes], batch: str, now: dt.datetime
) -> uuid.UUID:
    """Keep a file of balances and try it: nobody gets a point before `bring_in_move`. Short files are tried at once.

    Raises BatchNameUnusable, FileRefused and ColumnsMissing (nothing is kept then), NotAllowed.
    """
    require_touch(actor, PERMISSION)
    batch = batch.strip()
    if not 0 < len(batch) <= BATCH_MAX or not all(one.isalnum() or one in "-._" for one in batch):
        raise BatchNameUnusable(fields={"batch": [BatchNameUnusable.title]})
    move_id = uuid7()
    kept_as = f"intake/balances-{move_id.hex}"
    path = Path(settings.UPLOAD_DIR) / kept_as
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_file(path, chunks)
        facts = inspect_file(path)
        with open_table(path, facts) as table:
            places_of(table.columns)
        with transaction.atomic():
            BalanceMove.objects.create(
                id=move_id, batch=batch, file_name=file_name_of(file_name), path=kept_as, rows=facts.lines,
                created_at=now, actor=actor.audit_id, actor_label=actor.label[:120],
            )  # fmt: skip
            audit.record(
                actor=actor, action="balances.upload", subject=("balance_move", move_id),
                after={"batch": batch, "digest": facts.digest}, now=now,
            )  # fmt: skip
            _work(actor, move_id, facts.lines)
    except BaseException:
        with suppress(FileNotFoundError):
            path.unlink()
        raise
    if facts.lines <= INLINE_ROWS:
        work_on_move(actor=actor, move_id=move_id, now=now)
    return move_id


def bring_in_move(*, actor: Viewer, move_id: uuid.UUID, now: dt.datetime) -> None:
    """Give everybody what the tried file says. Said again, nothing more. Raises MoveNotFound, WrongState, NotAllowed."""
    require_touch(actor, PERMISSION)
    with transaction.atomic():
        row = _locked(move_id)
        if row.state in (State.RUNNING, State.DONE):
            return
        if row.state != State.CHECKED:
            raise _runs.WrongState
        row.state = State.RUNNING
        row.save(update_fields=["state"])
        _work(actor, move_id, row.rows)
    if row.rows <= INLINE_ROWS:
        work_on_move(actor=actor, move_id=move_id, now=now)


def discard_move(*, actor: Viewer, move_id: uuid.UUID, now: dt.datetime) -> None:
    """Forget a file that was not brought in. Raises MoveNotFound, WrongState, NotAllowed."""
    require_touch(actor, PERMISSION)
    with transaction.atomic():
        row = _locked(move_id)
        if row.state not in (State.CHECKED, State.FAILED) or row.counts:
            raise _runs.WrongState
        row.delete()
        audit.record(
            actor=actor, action="balances.discard", subject=("balance_move", move_id),
            after={"batch": row.batch}, now=now,
        )  # fmt: skip
    _forget_file(row)


def work_on_move(*, actor: Viewer, move_id: uuid.UUID, now: dt.datetime) -> None:
    """Try the move's file, or bring it in, whichever it waits for; a worker that was killed begins again, and nobody gets
    anything twice. What goes wrong is kept with the move. Raises MoveNotFound, NotAllowed.
    """
    require_touch(actor, PERMISSION)
    row = BalanceMove.objects.filter(id=move_id).first()
    if row is None:
        raise MoveNotFound
    if row.state not in (State.CHECKING, State.RUNNING):
        return
    dry_run = row.state == State.CHECKING
    try:
        outcome = import_balances(
            actor=actor, path=Path(settings.UPLOAD_DIR) / row.path, batch=row.batch, dry_run=dry_run, now=now
        )
    except (Problem, FileNotFoundError) as problem:
        row.state, row.finished_at = State.FAILED, now
        row.failure = str(getattr(problem, "sentence", "") or _runs.FileGone().sentence)[:500]
        row.save(update_fields=["state", "failure", "finished_at"])
        return
    found: dict[str, Any] = msgspec.to_builtins(outcome)
    found |= {"refusals": len(outcome.refused), "refused": found["refused"][:SHOWN_REFUSALS]}
    if dry_run:
        row.state, row.checked, row.rows = State.CHECKED, found, outcome.rows
        row.save(update_fields=["state", "checked", "rows"])
        return
    row.state, row.counts, row.finished_at, path = State.DONE, found, now, row.path
    row.path = ""
    row.save(update_fields=["state", "counts", "finished_at", "path"])
    row.path = path
    _forget_file(row)


def _locked(move_id: uuid.UUID) -> BalanceMove:
    row = BalanceMove.objects.select_for_update().filter(id=move_id).first()
    if row is None:
        raise MoveNotFound
    return row


def _work(actor: Viewer, move_id: uuid.UUID, rows: int) -> None:
    if rows > INLINE_ROWS:
        _runs.defer("work_on_balances", move_id, actor)


def _forget_file(row: BalanceMove) -> None:
    """Phones and cards of people are not kept longer than they are needed."""
    with suppress(FileNotFoundError):
        (Path(settings.UPLOAD_DIR) / row.path).unlink()

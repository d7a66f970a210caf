"""An export: what changed in the database goes into the lake, both are counted, and the figures are worked out anew."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.history import rules
from zhike.history._lake import engine, source
from zhike.history._lake.folder import Busy, Folder, LakeFile, Manifest
from zhike.history.models import LakeRun
from zhike.history.operations import figures
from zhike.history.rules import TABLES, Days, LakeTable, Reconciled
from zhike.kernel import audit
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict
from zhike.kernel.snapshots import one_snapshot

if TYPE_CHECKING:
    import duckdb

EDIT = "segments.edit"
JOB = "zhike.history.jobs.export_asked"
RUNS_KEPT = 500
WAIT_S = 0.0
FAULT_LENGTH = 200


class HistoryBusy(Conflict):
    code = "history-busy"
    title = _("The history is being written by another run; try again in a minute.")


@dataclass(slots=True)
class _Part:
    """What was read of one table: files below the folder that are not the lake's yet, and how the source counts."""

    table: LakeTable
    written: list[tuple[Path, int]]
    changed: int
    gone: list[str]
    source: Days
    removed: int = 0


def folder() -> Folder:
    return Folder(Path(settings.HISTORY_DIR))


def ask_export(*, actor: Viewer, now: dt.datetime) -> None:
    """Have a worker bring the lake up to date. Raises NotAllowed."""
    from procrastinate.contrib.django import app

    require_touch(actor, EDIT)
    with transaction.atomic():
        audit.record(actor=actor, action="history.ask", subject=("history", "lake"), now=now)
        app.configure_task(JOB, queue="default").defer(asked_by=actor.label)


def export_history(*, actor: Viewer, now: dt.datetime, asked_by: str = "") -> int:
    """Bring the lake up to a snapshot of now and work out the figures; the run's id. Raises HistoryBusy, NotAllowed.

    Rows whose transaction id is not below the cursor are taken, whether they were taken before or not, and replace what the
    lake has of them; the next cursor is the snapshot's xmin, below which every transaction is over. A row that is committed
    late has an id at or above it, so it comes with a later run; none is lost, and none is there twice.
    """
    return _run(actor, LakeRun.Kind.EXPORT, now, asked_by)


def rebuild_history(*, actor: Viewer, now: dt.datetime) -> int:
    """Throw every file away and read everything anew; the run's id. Raises HistoryBusy, NotAllowed."""
    return _run(actor, LakeRun.Kind.REBUILD, now)


def verify_history(*, actor: Viewer, now: dt.datetime) -> int:
    """Hold every file against its checksum; where all are whole, export, and look for keys that stand twice or lack a value.

    A file that is damaged ends the run with the state "differs" and its name: `rebuild_history` mends it.
    """
    return _run(actor, LakeRun.Kind.VERIFY, now)


def _run(actor: Viewer, kind: str, now: dt.datetime, asked_by: str = "") -> int:
    require_touch(actor, EDIT)
    place = folder()
    try:
        with place.locked(WAIT_S):
            LakeRun.objects.filter(state="working").update(state="failed", fault="broken-off")
            run = LakeRun.objects.create(
                kind=kind, state="working", started_at=now, started_by=asked_by or actor.label
            )
            began = time.perf_counter()
            with _told(run, began):
                _export(run, place, now)
            _forget_old_runs()
            return run.pk
    except Busy as busy:
        raise HistoryBusy from busy


@contextmanager
def _told(run: LakeRun, began: float) -> Iterator[None]:
    """Whatever happens is kept with the run."""
    try:
        yield
    except Exception as fault:
        run.state, run.fault = "failed", f"{type(fault).__name__}: {fault}"[:FAULT_LENGTH]
        raise
    finally:
        run.took_ms = int((time.perf_counter() - began) * 1000)
        run.save()


def _export(run: LakeRun, place: Folder, now: dt.datetime) -> None:
    with transaction.atomic():
        source.give_pseudonyms()
    before = place.read()
    place.sweep(before)
    if run.kind == LakeRun.Kind.VERIFY and (damaged := _damaged(place, before)):
        run.state, run.fault = "differs", ", ".join(damaged)[:FAULT_LENGTH]
        return
    with engine.engine(place) as connection:
        with one_snapshot():
            moment = source.moment()
            is_anew = run.kind == LakeRun.Kind.REBUILD or not _continues(before, moment)
            before = Manifest() if is_anew else before
            parts = [_read(connection, place, table, before.cursor, now) for table in TABLES]
            database = figures.of_database(now)
        after = Manifest(moment.home, moment.cursor, before.batch + 1, now.isoformat())
        for part in parts:
            after.tables[part.table.name] = _merged(connection, place, part, before, now)
        place.write(after)
        engine.open_tables(connection, place, after)
        found = [_reconciled(connection, part, after) for part in parts]
        doubled = _doubled(connection) if run.kind == LakeRun.Kind.VERIFY else []
        checks = figures.work_out(connection, run, now, database)
    run.cursor = after.cursor
    run.tables = [asdict(one) | {"agrees": one.agrees} for one in found]
    run.checks = [asdict(one) for one in checks]
    faults = [one.name for one in found if not one.agrees] + doubled
    faults += sorted({one.code for one in checks if not one.agrees})
    run.state, run.fault = ("differs", ", ".join(faults)[:FAULT_LENGTH]) if faults else ("done", "")


def _continues(before: Manifest, moment: source.Moment) -> bool:
    """Whether the files are this very database's: after a restore on another server its ids mean something else."""
    return before.home == moment.home and 0 < before.cursor <= moment.cursor


def _read(
    connection: duckdb.DuckDBPyConnection, place: Folder, table: LakeTable, since: int, now: dt.datetime
) -> _Part:
    target = place.path / table.name
    target.mkdir(exist_ok=True)
    part = _Part(table, [], 0, source.gone(table, since), source.days(table, now))
    lines = source.rows(table, since, now)
    csv = target / "rows.csv.new"
    for first in lines:
        rows = source.write_csv(chain([first], lines), csv, rules.CHUNK_ROWS)
        written = target / f"{len(part.written)}.parquet.new"
        engine.from_csv(connection, table, csv, written)
        part.written.append((written, rows))
        part.changed += rows
    csv.unlink(missing_ok=True)
    return part


def _merged(
    connection: duckdb.DuckDBPyConnection, place: Folder, part: _Part, before: Manifest, now: dt.datetime
) -> list[LakeFile]:
    """The table's files after this run: those of before without what changed, went or is too old, and the new ones."""
    table = part.table
    old = [] if table.whole else before.files(table.name)
    kept, part.removed = _without_changed(connection, place, part, old, now)
    new = [place.take_in(path, rows) for path, rows in part.written if rows]
    files = [*kept, *new]
    if small := engine.small(files):
        target = place.path / table.name / "merged.parquet.new"
        rows = engine.rewritten(connection, place, small, "*", target)
        files = [*(file for file in files if file not in small), place.take_in(target, rows)]
    return files


def _without_changed(
    connection: duckdb.DuckDBPyConnection, place: Folder, part: _Part, old: list[LakeFile], now: dt.datetime
) -> tuple[list[LakeFile], int]:
    """The old files, rewritten where a row of theirs must go; and how many rows went for good."""
    if not old:
        return [], 0
    table, key = part.table, part.table.key[0]
    kind = dict(table.columns)[key]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE changed (key {'VARCHAR' if kind == rules.TEXT else 'BIGINT'})"
    )
    for path, _rows in part.written:
        connection.execute(f"INSERT INTO changed SELECT DISTINCT {key} FROM read_parquet(?)", [str(path)])
    where = f"t.{key} IN (SELECT key FROM changed)"
    removed = 0
    if part.gone:
        connection.execute("CREATE OR REPLACE TEMP TABLE gone AS SELECT unnest(?) AS key", [part.gone])
        removed = sum(engine.touched(connection, place, old, f"t.{key} IN (SELECT key FROM gone)").values())
        where += f" OR t.{key} IN (SELECT key FROM gone)"
    if oldest := rules.oldest_day(table, now):
        too_old = f"t.{table.day} < DATE '{oldest.isoformat()}'"
        removed += sum(engine.touched(connection, place, old, too_old).values())
        where += f" OR {too_old}"
    hit = engine.touched(connection, place, old, where)
    kept = []
    for number, file in enumerate(old):
        if place.place(file) not in hit:
            kept.append(file)
        elif hit[place.place(file)] < file.rows:
            target = place.path / table.name / f"kept-{number}.parquet.new"
            rows = engine.without(connection, place, table, file, where, target)
            kept.append(place.take_in(target, rows))
    return kept, removed


def _reconciled(connection: duckdb.DuckDBPyConnection, part: _Part, after: Manifest) -> Reconciled:
    files = after.files(part.table.name)
    return rules.reconcile(
        part.table.name,
        engine.days(connection, part.table),
        part.source,
        changed=part.changed,
        removed=part.removed,
        files=len(files),
        size_bytes=sum(file.size_bytes for file in files),
    )


def _damaged(place: Folder, manifest: Manifest) -> list[str]:
    """Names of files that are gone, or whose content is not what was written. Only a rebuild mends them."""
    files = [file for files in manifest.tables.values() for file in files]
    paths = {file.name: Path(place.place(file)) for file in files}
    return [
        file.name
        for file in files
        if not paths[file.name].exists() or place.digest_of(paths[file.name]) != file.digest
    ]


def _doubled(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [f"{table.name}: keys" for table in TABLES if engine.doubles(connection, table)]


def _forget_old_runs() -> None:
    kept = LakeRun.objects.order_by("-id").values_list("id", flat=True)[RUNS_KEPT : RUNS_KEPT + 1]
    if oldest := list(kept):
        LakeRun.objects.filter(pk__lte=oldest[0]).delete()

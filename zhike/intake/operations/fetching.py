"""Connectors that fetch: files of a folder below the inbox, rows of another system's database.

Either way a file comes of it that goes through the same run as an uploaded one: mapping, quarantine, reconciliation, undo.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app

from zhike.intake.models import Connector, FetchedPart, ImportRun
from zhike.intake.operations import _runs
from zhike.intake.operations.connectors import cleaned_name, locked_connector, make_connector, save_connector
from zhike.intake.operations.running import import_file
from zhike.intake.queries.tills import SECRET_FIELD
from zhike.intake.rules import fetching
from zhike.kernel import audit, crypto
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, Problem
from zhike.kernel.ids import uuid7

RUN = "imports.run"
ROWS_PER_PULL = 50_000
PULLS_AT_ONCE = 20
FILES_AT_ONCE = 50
QUERY_MAX = 10_000
State = FetchedPart.State
CONNECTING: dict[str, dict[str, Any]] = {
    "postgresql": {"connect_timeout": 10, "options": "-c statement_timeout=600000"},
    "mysql": {"connect_timeout": 10, "read_timeout": 600},
    "mssql": {"login_timeout": 10, "timeout": 600},
}
"""A source that does not answer must not hold the worker."""


class SourceFailed(Conflict):
    code = "source-failed"
    title = _("The source did not answer as expected: %(why)s")


class WatermarkTooCoarse(Conflict):
    code = "watermark-too-coarse"
    title = _("More than %(limit)s rows have the same watermark, so they cannot be read in parts.")


class FolderGone(Conflict):
    code = "folder-gone"
    title = _("The folder is not there: %(folder)s")


def inbox() -> Path:
    """The only folder whose subfolders can be watched."""
    return Path(settings.INBOX_DIR)


def create_folder_connector(
    *,
    actor: Viewer,
    mall_id: int,
    name: str,
    folder: str,
    mapping: dict[str, Any] | None,
    every_minutes: int,
    now: dt.datetime,
) -> int:
    """Watch a folder below the inbox; without a mapping one is made from the headings of each file.

    Raises NotAllowed, Invalid, MappingInvalid, ConnectorNameTaken.
    """
    require_touch(actor, RUN, mall=mall_id)
    _check_schedule(every_minutes)
    if not fetching.is_folder(folder):
        raise Invalid(fields={"folder": [_("Name a folder below the inbox, such as “pos/daily”.")]})
    row = make_connector(
        actor=actor, mall_id=mall_id, name=name, kind=Connector.Kind.FOLDER, settings={"folder": folder}, now=now,
        mapping=_mapping(mapping), every_minutes=every_minutes, next_run_at=now,
    )  # fmt: skip
    return row.pk


def create_database_connector(
    *,
    actor: Viewer,
    mall_id: int,
    name: str,
    url: str,
    query: str,
    watermark_column: str,
    mapping: dict[str, Any] | None,
    every_minutes: int,
    now: dt.datetime,
) -> int:
    """Read rows of another system's database, each time those at and after the watermark. The address is kept encrypted.

    Raises NotAllowed, Invalid, MappingInvalid, ConnectorNameTaken.
    """
    require_touch(actor, RUN, mall=mall_id)
    _check_schedule(every_minutes)
    wrong: dict[str, list[Any]] = {}
    if url.partition("://")[0] not in fetching.DIALECTS or len(url) > 500:
        wrong["url"] = [_("An address such as postgresql+psycopg://user:password@host/database.")]
    elif not (fetching.is_elsewhere(url) or settings.SOURCE_SOCKETS):
        wrong["url"] = [
            _("Name the machine of the database, and no options but sslmode, charset and service_name.")
        ]
    if not fetching.is_one_select(query) or len(query) > QUERY_MAX:
        wrong["query"] = [_("One SELECT statement.")]
    if not fetching.is_column(watermark_column):
        wrong["watermark_column"] = [_("The name of a column of the query.")]
    if wrong:
        raise Invalid(fields=wrong)
    how = {"query": query.strip().removesuffix(";"), "watermark_column": watermark_column}
    with transaction.atomic():
        row = make_connector(
            actor=actor, mall_id=mall_id, name=name, kind=Connector.Kind.DATABASE, settings=how, now=now,
            mapping=_mapping(mapping), every_minutes=every_minutes, next_run_at=now,
        )  # fmt: skip
        row.secret = crypto.encrypt(json.dumps({"url": url}), field=SECRET_FIELD, row=row.pk)
        row.save(update_fields=["secret"])
    return row.pk


@transaction.atomic
def update_fetching(
    *, actor: Viewer, connector_id: int, name: str, is_on: bool, every_minutes: int, now: dt.datetime
) -> None:
    """Change name and schedule of a connector that fetches. Raises NotFound, Invalid, ConnectorNameTaken."""
    _check_schedule(every_minutes)
    row = locked_connector(connector_id, actor)
    if row.kind == Connector.Kind.TILLS:
        raise Invalid
    row.name, row.is_on, row.every_minutes = cleaned_name(name), is_on, every_minutes
    row.next_run_at = fetching.next_run(now, every_minutes, row.failures) if is_on else None
    save_connector(row, "name", "is_on", "every_minutes", "next_run_at")
    after = {"name": row.name, "is_on": is_on, "every_minutes": every_minutes}
    audit.record(actor=actor, action="connector.update", subject=("connector", row.pk), after=after, now=now)


@transaction.atomic
def start_fetch(*, actor: Viewer, connector_id: int, now: dt.datetime) -> None:
    """Let a worker fetch now, whatever the schedule says. Raises NotFound, Invalid for tills."""
    row = locked_connector(connector_id, actor)
    if row.kind == Connector.Kind.TILLS or not row.is_on:
        raise Invalid
    _defer(row.pk)
    audit.record(actor=actor, action="connector.start", subject=("connector", row.pk), now=now)


def defer_due(*, actor: Viewer, now: dt.datetime) -> int:
    """Hand every connector that is due to a worker, once; how many."""
    with transaction.atomic():
        due = Connector.objects.select_for_update(skip_locked=True).filter(is_on=True, next_run_at__lte=now)
        rows = list(due.order_by("id"))
        for row in rows:
            row.next_run_at = fetching.next_run(now, row.every_minutes, row.failures)
            row.save(update_fields=["next_run_at"])
            _defer(row.pk)
    return len(rows)


def _defer(connector_id: int) -> None:
    deferrer = app.configure_task(
        "zhike.intake.jobs.fetch_connector", queue="intake", lock=f"connector/{connector_id}"
    )
    deferrer.defer(connector_id=connector_id)


def fetch(*, actor: Viewer, connector_id: int, now: dt.datetime) -> int:
    """Take whatever is new at the source; how many parts. A part that fails is tried again the next time, five times.

    What went wrong is kept with the connector, and delays its next turn. Raises nothing that the source is to blame for.
    """
    row = Connector.objects.get(pk=connector_id)
    ways: dict[str, Callable[[Viewer, Connector, dt.datetime], int]] = {
        Connector.Kind.FOLDER: _fetch_folder,
        Connector.Kind.DATABASE: _fetch_database,
    }
    if row.kind not in ways or not row.is_on:
        return 0
    done, failure = 0, ""
    try:
        done = ways[row.kind](actor, row, now)
        failed = FetchedPart.objects.filter(connector=row, state=State.FAILED, fetched_at=now).first()
        failure = failed.failure if failed else ""
    except Problem as problem:
        failure = problem.sentence
    failures = row.failures + 1 if failure else 0
    Connector.objects.filter(pk=row.pk).update(
        failures=failures,
        last_error=failure[:500],
        last_run_at=now,
        next_run_at=fetching.next_run(now, row.every_minutes, failures),
    )
    return done


# --- a folder ------------------------------------------------------------------------------------------------------


def _fetch_folder(actor: Viewer, row: Connector, now: dt.datetime) -> int:
    """Raises FolderGone."""
    done = 0
    for path, stamp in _new_files(row, now)[:FILES_AT_ONCE]:
        done += _take_file(actor, row, path, path.name, stamp, now)
    return done


def _new_files(row: Connector, now: dt.datetime) -> list[tuple[Path, str]]:
    """Files nobody is writing any more and that were not taken as they look now; by name."""
    root = inbox().resolve()
    folder = (root / row.settings["folder"]).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise FolderGone(folder=row.settings["folder"])
    known = {
        (name, stamp)
        for name, stamp, state, tries in FetchedPart.objects.filter(connector=row).values_list(
            "name", "stamp", "state", "tries"
        )
        if state == State.DONE or tries >= fetching.TRIES_MAX
    }
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or not fetching.is_wanted(path.name):
            continue
        about = path.stat()
        changed = dt.datetime.fromtimestamp(about.st_mtime, dt.UTC)
        stamp = f"{about.st_size} {changed.isoformat()}"
        if fetching.is_settled(changed, now) and (path.name, stamp) not in known:
            found.append((path, stamp))
    return found


def _take_file(actor: Viewer, row: Connector, path: Path, name: str, stamp: str, now: dt.datetime) -> int:
    """Run the file as an import; 1, or 0 for one whose bytes were taken before, or that failed."""
    digest = _digest(path)
    part, _is_new = FetchedPart.objects.get_or_create(
        connector=row, digest=digest, defaults={"name": name[:255], "stamp": stamp, "fetched_at": now}
    )
    if part.state == State.DONE or part.tries >= fetching.TRIES_MAX:
        FetchedPart.objects.filter(pk=part.pk).update(name=name[:255], stamp=stamp)
        return 0
    FetchedPart.objects.filter(pk=part.pk).update(tries=part.tries + 1, fetched_at=now)
    mapping = row.mapping or None
    try:
        outcome = import_file(
            actor=actor, mall_id=row.mall_id, path=path, mapping=mapping, dry_run=False, now=now
        )
    except Problem as problem:
        FetchedPart.objects.filter(pk=part.pk).update(state=State.FAILED, failure=_said(problem)[:500])
        return 0
    FetchedPart.objects.filter(pk=part.pk).update(
        state=State.DONE,
        failure="",
        run=outcome.run_id,
        rows=ImportRun.objects.get(pk=outcome.run_id).lines_total,
    )
    return 1


def _said(problem: Problem) -> str:
    return " ".join([problem.sentence, *(text for texts in problem.fields.values() for text in texts)])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- a database ----------------------------------------------------------------------------------------------------


def _fetch_database(actor: Viewer, row: Connector, now: dt.datetime) -> int:
    """Pull after pull until nothing new comes. Raises SourceFailed, WatermarkTooCoarse."""
    done = 0
    for _turn in range(PULLS_AT_ONCE):
        pull = _pull(row)
        if not pull.rows or (pull.mark, pull.last_group) == (row.watermark, row.settings.get("last_group")):
            break
        path = Path(settings.UPLOAD_DIR) / "intake" / uuid7().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_csv(path, pull)
        taken = _take_file(actor, row, path, f"{row.name}.csv", "", now)
        if not taken:
            path.unlink(missing_ok=True)
            break
        done += taken
        row.watermark = pull.mark
        row.settings = row.settings | {"last_group": pull.last_group}
        Connector.objects.filter(pk=row.pk).update(watermark=row.watermark, settings=row.settings)
        if not pull.has_more:
            break
    return done


@dataclass(frozen=True, slots=True)
class _Pull:
    """Rows of a source, the watermark after them, and a digest of those that bear it."""

    columns: list[str]
    rows: list[list[str]]
    mark: str
    last_group: str
    has_more: bool


def _pull(row: Connector) -> _Pull:
    """What is new at the source. Nothing there is changed: the connection may only read.

    Rows at the watermark come again, for one may have been written later with the same: what is known then adds nothing.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    assert row.secret is not None
    url = json.loads(crypto.decrypt(bytes(row.secret), field=SECRET_FIELD, row=row.pk))["url"]
    column = row.settings["watermark_column"]
    since = fetching.watermark_value(row.watermark)
    where = f"WHERE src.{column} >= :watermark " if since is not None else ""
    statement = text(f"SELECT * FROM ({row.settings['query']}) src {where}ORDER BY src.{column}")
    try:
        engine = create_engine(
            _with_driver(url),
            poolclass=NullPool,
            connect_args=CONNECTING.get(url.partition(":")[0].partition("+")[0], {}),
        )
        options = {"postgresql_readonly": True} if engine.dialect.name == "postgresql" else {}
        with engine.connect().execution_options(stream_results=True, **options) as source:
            result = source.execute(statement, {"watermark": since} if since is not None else {})
            columns = list(result.keys())
            found = result.fetchmany(ROWS_PER_PULL + 1)
            source.rollback()
        place = columns.index(column)
    except (SQLAlchemyError, ImportError, ValueError, OSError) as error:
        raise SourceFailed(why=_without_secrets(str(error), url)) from None
    marks = [values[place] for values in found]
    taken = fetching.whole_groups(marks, ROWS_PER_PULL)
    if found and not taken:
        raise WatermarkTooCoarse(limit=ROWS_PER_PULL)
    try:
        mark = fetching.watermark_text(marks[taken - 1]) if taken else row.watermark
    except ValueError as error:
        raise SourceFailed(why=f"{column}: {error}") from None
    rows = [[_cell(value) for value in values] for values in found[:taken]]
    last = [cells for cells, value in zip(rows, marks, strict=False) if taken and value == marks[taken - 1]]
    digest = hashlib.sha256(json.dumps(sorted(last)).encode()).hexdigest()
    return _Pull(columns, rows, mark, digest, has_more=len(found) > taken)


def _with_driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _without_secrets(message: str, url: str) -> str:
    """The first line of what the driver said; never the address with its password."""
    first = message.strip().splitlines()[0][:200] if message.strip() else ""
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for secret in (url, password):
        if secret:
            first = first.replace(secret, "…")
    return first


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return str(value)


def _write_csv(path: Path, pull: _Pull) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(pull.columns)
        writer.writerows(pull.rows)


def _check_schedule(every_minutes: int) -> None:
    if not fetching.EVERY_MIN <= every_minutes <= fetching.EVERY_MAX:
        raise Invalid(fields={"every_minutes": [_("Between a minute and a week.")]})


def _mapping(mapping: dict[str, Any] | None) -> dict[str, Any]:
    """Raises MappingInvalid."""
    if mapping is None:
        return {}
    _runs.checked_mapping(mapping)
    return mapping

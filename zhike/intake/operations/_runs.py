"""One run at work: who holds it, how far it is, and the tables it is staged in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app

from zhike.intake.files import open_table
from zhike.intake.files.opening import FileFacts
from zhike.intake.models import ImportRun
from zhike.intake.operations._staging import Progress, Rows, fetch
from zhike.intake.rules.mapping import Mapping, MappingError, missing_columns, parse_mapping
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound

MALL_COLUMNS = {"mall": "mall_id"}
PERMISSION = "imports.run"


class ImportBusy(Conflict):
    code = "import-busy"
    title = _("This file is being worked on right now.")


class WrongState(Conflict):
    code = "import-wrong-state"
    title = _("This cannot be done with the file as it stands; load the page again.")


class FileGone(NotFound):
    code = "import-file-gone"
    title = _("The file is no longer where it was. Upload it again.")


class MappingInvalid(Invalid):
    code = "mapping-invalid"
    title = _("The mapping does not fit the file.")


FAULTS = {
    "malformed": _("This is not written as it must be: %(word)s"),
    "unknown-field": _("There is no field of this name: %(word)s"),
    "no-default": _("This field cannot be given once for the whole file: %(word)s"),
    "no-value-map": _("The words of this field cannot be translated: %(word)s"),
    "unknown-tender": _("This way to pay is not known: %(word)s"),
    "required": _("This is needed."),
    "needs-business-date": _("A time of day needs a column with the date beside it."),
    "unknown-encoding": _("This encoding is not supported: %(word)s"),
    "unknown-delimiter": _("This separator is not supported: %(word)s"),
    "same-as-decimal": _("The thousands separator must differ from the decimal point."),
    "unknown-zone": _("There is no such time zone: %(word)s"),
    "no-such-column": _("The file has no column “%(word)s”."),
}


def checked_mapping(data: Any, header: Sequence[str] | None = None) -> Mapping:
    """The mapping, if it can be used (on a file with these columns). Raises MappingInvalid naming each fault."""
    try:
        mapping = parse_mapping(data)
        if header is not None and (faults := missing_columns(mapping, header)):
            raise MappingError(faults)
    except MappingError as error:
        fields: dict[str, list[str]] = {}
        for fault in error.faults:
            fields.setdefault(fault.path, []).append(str(FAULTS[fault.code]) % {"word": fault.word})
        raise MappingInvalid(fields=fields) from None
    return mapping


def visible_run(run_id: uuid.UUID, actor: Viewer, permission: str = PERMISSION) -> ImportRun:
    """The run, if the viewer may. Raises NotFound."""
    return load_visible(ImportRun.objects.all(), run_id, actor, permission, MALL_COLUMNS)


def require_mall(actor: Viewer, mall_id: int) -> None:
    require_touch(actor, PERMISSION, mall=mall_id)


def file_path(run: ImportRun) -> Path:
    """Raises FileGone."""
    path = Path(run.path)
    path = path if path.is_absolute() else Path(settings.UPLOAD_DIR) / path
    if not path.is_file():
        raise FileGone
    return path


def facts_of(run: ImportRun) -> FileFacts:
    facts = run.file_facts
    return FileFacts(
        facts["kind"],
        run.digest,
        run.size,
        facts["lines"],
        facts["encoding"],
        facts["delimiter"],
        facts["packed"],
        tuple(facts["sheets"]),
    )


def effective_facts(run: ImportRun, mapping: Mapping) -> FileFacts:
    """What was found out about the file, with what the mapping says instead."""
    facts = facts_of(run)
    if mapping.file.encoding != "auto":
        facts = replace(facts, encoding=mapping.file.encoding)
    if mapping.file.delimiter != "auto":
        facts = replace(facts, delimiter=mapping.file.delimiter)
    return facts


@contextmanager
def opened_rows(run: ImportRun, mapping: Mapping) -> Iterator[tuple[list[str], Rows]]:
    """The columns and rows of the run's file. Raises FileRefused, MappingInvalid, FileGone."""
    facts = effective_facts(run, mapping)
    with open_table(file_path(run), facts, sheet=mapping.file.sheet, header=mapping.file.header) as table:
        checked_mapping(run.mapping, table.columns)
        yield table.columns, table


@contextmanager
def held(run_id: uuid.UUID) -> Iterator[None]:
    """Hold the run against everybody else, for as long as the session lives: a killed worker lets go at once."""
    key = run_id.int & 0x7FFF_FFFF_FFFF_FFFF
    if not fetch("SELECT pg_try_advisory_lock(%s)", [key])[0][0]:
        raise ImportBusy
    try:
        yield
    finally:
        if not connection.needs_rollback and connection.is_usable():
            fetch("SELECT pg_advisory_unlock(%s)", [key])


class Reporter:
    """Live progress: into the run's row for the page, and to whoever else wants to know."""

    def __init__(self, run_id: uuid.UUID, also: Progress | None) -> None:
        self._run_id = run_id
        self._also = also

    def __call__(self, stage: str, done: int, total: int) -> None:
        ImportRun.objects.filter(pk=self._run_id).update(stage=stage, lines_done=done, lines_total=total)
        if self._also:
            self._also(stage, done, total)


def defer(job: str, run_id: uuid.UUID, actor: Viewer) -> None:
    """Hand the run to a worker, in the caller's transaction; one job at a time works on one run."""
    deferrer = app.configure_task(f"zhike.intake.jobs.{job}", queue="intake", lock=f"intake/{run_id}")
    deferrer.defer(run_id=str(run_id), staff_id=actor.id if actor.kind == "staff" else None)

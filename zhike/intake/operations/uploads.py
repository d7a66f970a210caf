"""A file arrives; its mapping is set, and kept for the next one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.intake.files import BrokenRow, FileTooLarge, inspect_file, open_table
from zhike.intake.files.opening import FileFacts
from zhike.intake.models import ImportRun, SavedMapping
from zhike.intake.operations import _runs
from zhike.intake.rules.mapping import Mapping, mapping_data
from zhike.intake.rules.suggest import suggest_mapping
from zhike.kernel import audit
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Invalid
from zhike.kernel.ids import uuid7

UPLOAD_BYTES_MAX = 1024**3
POSLOG: dict[str, Any] = {"kind": {"return_values": ["return"]}}
"""What is known of a POSLog before its first return is seen."""
SAMPLE_ROWS = 200
NAME_MAX = 80

State = ImportRun.State


class NameMissing(Invalid):
    code = "name-missing"
    title = _("Give it a name of at most 80 characters.")


def start_upload(
    *, actor: Viewer, mall_id: int, file_name: str, chunks: Iterable[bytes], now: dt.datetime
) -> uuid.UUID:
    """Keep an uploaded file and find out what it is; the run gets the mapping that its headings suggest.

    Raises FileRefused (nothing is kept then), NotAllowed.
    """
    _runs.require_mall(actor, mall_id)
    run_id = uuid7()
    name = file_name_of(file_name)
    path = Path(settings.UPLOAD_DIR) / "intake" / run_id.hex
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_file(path, chunks)
        _register(actor, run_id, mall_id, name, path, f"intake/{run_id.hex}", None, now)
    except BaseException:
        with suppress(FileNotFoundError):
            path.unlink()
        raise
    return run_id


def register_file(
    *, actor: Viewer, mall_id: int, path: Path, mapping: dict[str, Any] | None, now: dt.datetime
) -> uuid.UUID:
    """A run for a file that stays where it is. One that was interrupted on the same bytes is given back instead.

    Raises FileRefused, MappingInvalid, NotAllowed.
    """
    _runs.require_mall(actor, mall_id)
    facts = inspect_file(path)
    unfinished = ImportRun.objects.filter(
        digest=facts.digest,
        mall_id=mall_id,
        state__in=(State.RUNNING, State.FAILED),
        path=str(path.resolve()),
    )
    if (row := unfinished.order_by("-created_at").first()) is not None:
        if mapping is not None:
            ImportRun.objects.filter(pk=row.pk).update(mapping=_full(mapping))
        return row.pk
    run_id = uuid7()
    _register(actor, run_id, mall_id, path.name, path, str(path.resolve()), mapping, now)
    return run_id


def set_mapping(*, actor: Viewer, run_id: uuid.UUID, mapping: dict[str, Any], now: dt.datetime) -> None:
    """What the run's columns mean. Raises MappingInvalid with a sentence per fault, WrongState once it has run."""
    with transaction.atomic():
        row = _runs.visible_run(run_id, actor)
        checked = _runs.checked_mapping(mapping)
        with open_table(
            _runs.file_path(row),
            _runs.effective_facts(row, checked),
            sheet=checked.file.sheet,
            header=checked.file.header,
        ) as table:
            _runs.checked_mapping(mapping, table.columns)
            facts = row.file_facts | {"columns": table.columns}
        changed = ImportRun.objects.filter(
            pk=run_id, state__in=(State.UPLOADED, State.CHECKED, State.FAILED), counts__isnull=True
        ).update(mapping=mapping_data(checked), file_facts=facts, state=State.UPLOADED, checked=None)
        if not changed:
            raise _runs.WrongState
        audit.record(actor=actor, action="import.set_mapping", subject=("import", run_id), now=now)


@transaction.atomic
def save_mapping(
    *, actor: Viewer, group_id: int, name: str, mapping: dict[str, Any], now: dt.datetime
) -> int:
    """Keep a mapping under a name, replacing the one of that name. Raises MappingInvalid, NameMissing, NotAllowed."""
    require(actor, _runs.PERMISSION)
    checked = _runs.checked_mapping(mapping)
    if not name.strip() or len(name) > NAME_MAX:
        raise NameMissing
    row, _created = SavedMapping.objects.update_or_create(
        group_id=group_id,
        name=name.strip(),
        defaults={"definition": mapping_data(checked), "saved_at": now, "saved_by": actor.audit_id},
    )
    audit.record(
        actor=actor, action="mapping.save", subject=("mapping", row.pk), after={"name": row.name}, now=now
    )
    return row.pk


@transaction.atomic
def delete_mapping(*, actor: Viewer, mapping_id: int, now: dt.datetime) -> None:
    """Forget a kept mapping; runs keep their own copy. Raises NotAllowed."""
    require_touch(actor, _runs.PERMISSION)
    if SavedMapping.objects.filter(pk=mapping_id).delete()[0]:
        audit.record(actor=actor, action="mapping.delete", subject=("mapping", mapping_id), now=now)


def file_name_of(sent: str) -> str:
    """The name of an uploaded file, without the folders a browser may send along."""
    return PurePath(sent.replace("\\", "/")).name[:255] or "upload"


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Raises FileTooLarge."""
    size = 0
    with path.open("xb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > UPLOAD_BYTES_MAX:
                raise FileTooLarge
            file.write(chunk)


def _register(
    actor: Viewer,
    run_id: uuid.UUID,
    mall_id: int,
    name: str,
    path: Path,
    kept_as: str,
    mapping: dict[str, Any] | None,
    now: dt.datetime,
) -> None:
    given = None if mapping is None else _runs.checked_mapping(mapping)
    facts = inspect_file(
        path,
        encoding=given.file.encoding if given else "auto",
        delimiter=given.file.delimiter if given else "auto",
    )
    chosen, columns = _fitting(path, facts, given)
    with transaction.atomic():
        ImportRun.objects.create(
            id=run_id,
            mall_id=mall_id,
            file_name=name,
            path=kept_as,
            size=facts.size,
            digest=facts.digest,
            file_facts=facts.as_json() | {"columns": columns},
            mapping=chosen,
            lines_total=facts.lines,
            created_at=now,
            actor=actor.audit_id,
            actor_label=actor.label[:120],
        )
        after = {"file": name, "size": facts.size, "digest": facts.digest}
        audit.record(actor=actor, action="import.upload", subject=("import", run_id), after=after, now=now)


def _fitting(path: Path, facts: FileFacts, given: Mapping | None) -> tuple[dict[str, Any], list[str]]:
    """The mapping given, if the file has its columns; else the one that its headings suggest; and the columns."""
    sheet, header = (given.file.sheet, given.file.header) if given else ("", True)
    with open_table(path, facts, sheet=sheet, header=header) as table:
        if given is not None:
            data = mapping_data(given)
            _runs.checked_mapping(data, table.columns)
            return data, table.columns
        rows = [row for _, (_, row) in zip(range(SAMPLE_ROWS), table, strict=False)]
        whole = [row for row in rows if not isinstance(row, BrokenRow)]
        said = POSLOG if facts.kind == "poslog" else {}
        return suggest_mapping(table.columns, whole) | said, table.columns


def _full(mapping: dict[str, Any]) -> dict[str, Any]:
    return mapping_data(_runs.checked_mapping(mapping))

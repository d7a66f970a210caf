"""What was answered: figures of each field, sheets page by page, one sheet with what it brought about."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.webforms.models import Answer, AnswerFile, Deed, FormVersion
from zhike.webforms.queries.found import ANSWERS, EXPORT, VIEW, phone_of, shown_values, visible_form
from zhike.webforms.rules import answers as rules
from zhike.webforms.rules import definition as definitions
from zhike.webforms.rules.definition import Definition, Field

_NEWEST = Keyset(order=(("answered_at", "desc"), ("id", "desc")))
EXPORT_CHUNK = 500


@dataclass(frozen=True, slots=True)
class FieldFigures:
    """``counts`` by option, score or consent; of a matrix by (row, option). ``answered`` sheets have an answer at all.

    ``mean`` is of scales and numbers, ``score`` the net promoter score.
    """

    field: Field
    answered: int
    counts: dict[Any, int]
    mean: float | None = None
    lowest: float | None = None
    highest: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """``by_day`` holds the days with answers, in the mall's zone."""

    answers: int
    persons: int
    open_leads: int
    by_day: list[tuple[dt.date, int]]
    fields: list[FieldFigures]


@dataclass(frozen=True, slots=True)
class FileRef:
    id: int
    field: str
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class DeedView:
    kind: str
    key: str
    reference: str
    refusal: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """``values`` by field; empty of words once they are erased. ``person_id`` is who stands for whoever answered."""

    id: UUID
    form_id: int
    version: int
    definition: Definition
    channel: str
    person_id: int | None
    values: dict[str, Any]
    files: tuple[FileRef, ...]
    lead: str
    phone: str
    deeds: tuple[DeedView, ...]
    answered_at: dt.datetime


# --- figures -------------------------------------------------------------------------------------------------------

# One row for each field and value: an answer is a value or a list of them ("$[*]" takes both).
_COUNTS = """
SELECT each.key, item.value::text, count(*)
FROM webforms_answer a, jsonb_each(a.choices) each, jsonb_path_query(each.value, '$[*]') item(value)
WHERE a.form_id = %s GROUP BY 1, 2
"""
_ANSWERED = """
SELECT each.key, count(*) FROM webforms_answer a, jsonb_object_keys(a.choices) each(key)
WHERE a.form_id = %s GROUP BY 1
"""
_DAYS = """
SELECT (answered_at AT TIME ZONE %s)::date, count(*) FROM webforms_answer WHERE form_id = %s GROUP BY 1 ORDER BY 1
"""


def figures(viewer: Viewer, form_id: int, zone: str) -> Figures:
    """Counts over all answers, for the fields of the newest published version. Raises NotFound."""
    form = visible_form(form_id, viewer, VIEW)
    newest = FormVersion.objects.filter(form=form).order_by("-version").first()
    fields = definitions.of_json(newest.definition).asked if newest else ()
    counts: dict[str, dict[Any, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [form.pk])
        for key, value, count in cursor.fetchall():
            said = json.loads(value)
            counts[key][tuple(said) if isinstance(said, list) else said] = count
        cursor.execute(_ANSWERED, [form.pk])
        answered = dict(cursor.fetchall())
        cursor.execute(_DAYS, [zone, form.pk])
        by_day = cursor.fetchall()
    rows = Answer.objects.filter(form=form)
    return Figures(
        answers=rows.count(),
        persons=rows.filter(person__isnull=False).values("person_id").distinct().count(),
        open_leads=rows.filter(lead=Answer.Lead.OPEN).count(),
        by_day=by_day,
        fields=[
            _field_figures(one, counts[one.key], answered.get(one.key, 0))
            for one in fields
            if one.kind not in definitions.WORDED
        ],
    )


def _field_figures(one: Field, counts: dict[Any, int], answered: int) -> FieldFigures:
    if one.kind not in (*definitions.SCALES, "number"):
        return FieldFigures(one, answered, counts)
    numbers = {value: count for value, count in counts.items() if isinstance(value, int | float)}
    total = sum(numbers.values())
    return FieldFigures(
        one,
        answered,
        numbers,
        mean=sum(value * count for value, count in numbers.items()) / total if total else None,
        lowest=min(numbers, default=None),
        highest=max(numbers, default=None),
        score=rules.net_promoters({int(value): count for value, count in numbers.items()})
        if one.kind == "nps"
        else None,
    )


# --- sheets --------------------------------------------------------------------------------------------------------


def answers_page(
    viewer: Viewer, form_id: int, *, lead: str = "", cursor: str | None = None, limit: int = 20
) -> Listing[AnswerView]:
    """Sheets newest first; ``lead`` "open" those that wait for a call. Raises NotFound, NotAllowed, BadCursor."""
    rows = Answer.objects.filter(form=visible_form(form_id, viewer, ANSWERS)).select_related("version")
    if lead:
        rows = rows.filter(lead=lead)
    page = _NEWEST.page(rows, cursor, limit)
    return Listing(_views(page.items), page.next_cursor, page.previous_cursor)


def answer(viewer: Viewer, form_id: int, answer_id: UUID) -> AnswerView:
    """One sheet with all it brought about. Raises NotFound."""
    rows = Answer.objects.filter(form=visible_form(form_id, viewer, ANSWERS)).select_related("version")
    row = rows.filter(pk=answer_id).first()
    if row is None:
        raise NotFound
    return _views([row])[0]


def answers_of(viewer: Viewer, person_id: int, limit: int = 20) -> list[AnswerView]:
    """Sheets of a person and of everybody merged with them, of forms in the viewer's scope, newest first."""
    rows = Answer.objects.filter(person_id__in=customers.family(person_id)).select_related("version", "form")
    found = rows.order_by("-answered_at", "-id")[:limit]
    return [one for one in _views(list(found)) if _may_read(viewer, one.form_id)]


def _may_read(viewer: Viewer, form_id: int) -> bool:
    try:
        visible_form(form_id, viewer, ANSWERS)
    except NotFound:
        return False
    return True


def answer_file(viewer: Viewer, form_id: int, answer_id: UUID, file_id: int) -> tuple[str, str, str]:
    """The path below the uploads, the name and the content type of a file. Raises NotFound."""
    form = visible_form(form_id, viewer, ANSWERS)
    row = AnswerFile.objects.filter(pk=file_id, answer_id=answer_id, answer__form=form).first()
    if row is None:
        raise NotFound
    return row.path, row.name, row.content_type


def exported(viewer: Viewer, form_id: int) -> Iterator[AnswerView]:
    """Every sheet, oldest first, for an export that was begun. Raises NotFound."""
    form = visible_form(form_id, viewer, EXPORT)
    oldest = Keyset(order=(("answered_at", "asc"), ("id", "asc")))
    cursor = None
    while True:
        page = oldest.page(Answer.objects.filter(form=form).select_related("version"), cursor, EXPORT_CHUNK)
        yield from _views(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _views(rows: Sequence[Answer]) -> list[AnswerView]:
    files: dict[UUID, list[FileRef]] = defaultdict(list)
    for file in AnswerFile.objects.filter(answer__in=rows).order_by("id"):
        files[file.answer_id].append(FileRef(file.pk, file.field, file.name, file.content_type, file.size))
    deeds: dict[UUID, list[DeedView]] = defaultdict(list)
    for deed in Deed.objects.filter(answer__in=rows).order_by("id"):
        deeds[deed.answer_id].append(DeedView(deed.kind, deed.key, deed.reference, deed.refusal))
    known: dict[int, Definition] = {}
    found = []
    for row in rows:
        version = row.version
        definition = known.setdefault(version.pk, definitions.of_json(version.definition))
        person_id = None if row.person_id is None else customers.survivor_of(row.person_id)
        phone = phone_of(row)
        found.append(
            AnswerView(
                row.pk, row.form_id, version.version, definition, row.channel, person_id, shown_values(row, definition),
                tuple(files[row.pk]), row.lead, customers.masked("phone", phone) if phone else "", tuple(deeds[row.pk]),
                row.answered_at,
            )
        )  # fmt: skip
    return found

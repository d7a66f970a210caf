"""Forms as they are built and as they are shown to whoever fills them in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Max

from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.webforms.models import Form, FormVersion
from zhike.webforms.queries.found import VIEW, visible_form, visible_forms
from zhike.webforms.rules import answers as rules
from zhike.webforms.rules import definition as definitions
from zhike.webforms.rules.definition import Definition, Fault


@dataclass(frozen=True, slots=True)
class FormView:
    """``version`` 0 was never published; ``is_changed``: the draft differs from what is published."""

    id: int
    name: str
    code: str
    mall_id: int | None
    state: rules.State
    draft: Definition
    revision: int
    used_keys: tuple[str, ...]
    version: int
    is_changed: bool
    faults: tuple[Fault, ...]
    is_open: bool
    opens_at: dt.datetime | None
    closes_at: dt.datetime | None
    answers_max: int
    members_only: bool
    once_per_member: bool
    kiosk_seconds: int
    answered: int
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class OpenForm:
    """A published form for whoever fills it in."""

    id: int
    code: str
    version: int
    definition: Definition
    state: rules.State
    opens_at: dt.datetime | None
    closes_at: dt.datetime | None
    members_only: bool
    kiosk_seconds: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: int
    fields: int
    published_at: dt.datetime
    published_by: str


def forms(viewer: Viewer, now: dt.datetime, mall_id: int | None = None) -> list[FormView]:
    """The forms in scope, newest first; those of a mall come with those of the whole group that the viewer may see."""
    rows = visible_forms(viewer).order_by("-created_at", "-id")
    if mall_id is not None:
        rows = rows.filter(mall_id__in=[mall_id]) | visible_forms(viewer).filter(mall=None).order_by(
            "-created_at", "-id"
        )
    found = list(rows[:200])
    newest = _newest([row.pk for row in found])
    return [_view(row, newest.get(row.pk), now) for row in found]


def form(viewer: Viewer, form_id: int, now: dt.datetime, permission: str = VIEW) -> FormView:
    """Raises NotFound."""
    row = visible_form(form_id, viewer, permission)
    return _view(row, _newest([row.pk]).get(row.pk), now)


def versions(viewer: Viewer, form_id: int) -> list[VersionRow]:
    """Raises NotFound."""
    rows = FormVersion.objects.filter(form_id=visible_form(form_id, viewer).pk).order_by("-version")
    return [
        VersionRow(row.version, len(row.definition["fields"]), row.published_at, row.published_by)
        for row in rows
    ]


def version_definition(viewer: Viewer, form_id: int, version: int) -> Definition:
    """Raises NotFound."""
    row = FormVersion.objects.filter(form_id=visible_form(form_id, viewer).pk, version=version).first()
    if row is None:
        raise NotFound
    return definitions.of_json(row.definition)


def open_form(code: str, now: dt.datetime) -> OpenForm:
    """The newest published version of a form, by the code of its address, whatever its state. Raises NotFound."""
    row = Form.objects.filter(code=code[:24]).first() if "\x00" not in code else None
    newest = _newest([row.pk]).get(row.pk) if row else None
    if row is None or newest is None:
        raise NotFound
    return OpenForm(
        id=row.pk,
        code=row.code,
        version=newest.version,
        definition=definitions.of_json(newest.definition),
        state=form_state(row, now, is_published=True),
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        members_only=row.members_only,
        kiosk_seconds=row.kiosk_seconds,
    )


def form_state(row: Form, now: dt.datetime, *, is_published: bool) -> rules.State:
    return rules.state_of(
        is_published=is_published,
        is_open=row.is_open,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        answered=row.answered,
        answers_max=row.answers_max,
        now=now,
    )


def _newest(form_ids: list[int]) -> dict[int, FormVersion]:
    newest = FormVersion.objects.filter(form_id__in=form_ids).values("form_id").annotate(last=Max("id"))
    return {row.form_id: row for row in FormVersion.objects.filter(pk__in=[one["last"] for one in newest])}


def _view(row: Form, newest: FormVersion | None, now: dt.datetime) -> FormView:
    draft = definitions.of_json(row.draft)
    return FormView(
        id=row.pk,
        name=row.name,
        code=row.code,
        mall_id=row.mall_id,
        state=form_state(row, now, is_published=newest is not None),
        draft=draft,
        revision=row.revision,
        used_keys=tuple(row.used_keys),
        version=newest.version if newest else 0,
        is_changed=newest is None or definitions.of_json(newest.definition) != draft,
        faults=tuple(definitions.faults(draft, has_mall=row.mall_id is not None)),
        is_open=row.is_open,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        answers_max=row.answers_max,
        members_only=row.members_only,
        once_per_member=row.once_per_member,
        kiosk_seconds=row.kiosk_seconds,
        answered=row.answered,
        created_at=row.created_at,
    )

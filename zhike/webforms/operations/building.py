"""Building a form: its draft change by change, its rules of taking answers, publishing and closing."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight import queries as insight
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid
from zhike.privacy import queries as privacy
from zhike.service import queries as service
from zhike.webforms.events import FormClosed, FormPublished
from zhike.webforms.models import Form, FormVersion
from zhike.webforms.queries.found import EDIT, visible_form
from zhike.webforms.rules import definition as rules
from zhike.webforms.rules.definition import Definition

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NAME_MAX, ANSWERS_MAX, KIOSK_SECONDS = 80, 1_000_000, range(3, 121)


class FormInvalid(Invalid):
    code = "form-invalid"
    title = _("Something about the form is not right.")


class FormMoved(Conflict):
    code = "form-moved"
    title = _("Somebody else changed this form meanwhile. Here it is as it stands now.")


class FormUnready(Conflict):
    code = "form-unready"
    title = _("The form is not ready. What is missing is marked.")


class NotPublished(Conflict):
    code = "form-not-published"
    title = _("Publish the form first.")


@dataclass(frozen=True, slots=True)
class Taking:
    """How answers are taken; ``answers_max`` 0 is no limit."""

    name: str
    opens_at: dt.datetime | None = None
    closes_at: dt.datetime | None = None
    answers_max: int = 0
    members_only: bool = False
    once_per_member: bool = False
    kiosk_seconds: int = 8


@transaction.atomic
def create_form(
    *,
    actor: Viewer,
    group_id: int,
    name: str,
    mall_id: int | None,
    draft: Definition | None = None,
    now: dt.datetime,
) -> int:
    """A new form, empty or from a pattern; its id. Raises FormInvalid, NotAllowed."""
    require_touch(actor, EDIT, mall=mall_id)
    row = Form(
        group_id=group_id,
        mall_id=mall_id,
        name=_name(name),
        code=secrets.token_urlsafe(9),
        created_at=now,
        created_by=actor.label,
    )
    draft = draft or Definition(title=row.name)
    _require_fits(draft)
    _put(row, draft)
    row.save(force_insert=True)
    audit.record(
        actor=actor, action="form.create", subject=("form", row.pk), after={"name": row.name}, now=now
    )
    return row.pk


@transaction.atomic
def change_draft(*, actor: Viewer, form_id: int, revision: int, draft: Definition, now: dt.datetime) -> int:
    """Put another draft in place of the one of this revision; the new revision.

    What is published stays as it is until the next publishing. Raises FormInvalid, FormMoved, NotFound, NotAllowed.
    """
    row = _locked(form_id, actor)
    if row.revision != revision:
        raise FormMoved
    _require_fits(draft)
    _put(row, draft)
    row.revision += 1
    row.save(update_fields=["draft", "used_keys", "revision"])
    audit.record(
        actor=actor, action="form.edit", subject=("form", row.pk),
        after={"revision": row.revision, "fields": len(draft.fields)}, now=now,
    )  # fmt: skip
    return row.revision


@transaction.atomic
def set_taking(*, actor: Viewer, form_id: int, taking: Taking, now: dt.datetime) -> None:
    """How answers are taken from now on. A limit below what is there already closes at once.

    Raises FormInvalid, NotFound, NotAllowed.
    """
    row = _locked(form_id, actor)
    faults: dict[str, list[StrOrPromise]] = {}
    if not 0 <= taking.answers_max <= ANSWERS_MAX:
        faults["answers_max"] = [_("Between 0 and %(most)s.") % {"most": ANSWERS_MAX}]
    elif 0 < taking.answers_max < row.answered:
        faults["answers_max"] = [_("There are %(count)s answers already.") % {"count": row.answered}]
    if taking.opens_at and taking.closes_at and taking.closes_at <= taking.opens_at:
        faults["closes_at"] = [_("It closes before it opens.")]
    if taking.kiosk_seconds not in KIOSK_SECONDS:
        faults["kiosk_seconds"] = [_("Between 3 and 120 seconds.")]
    if faults:
        raise FormInvalid(fields=faults)
    row.name = _name(taking.name)
    names = ("opens_at", "closes_at", "answers_max", "members_only", "once_per_member", "kiosk_seconds")
    before = {name: str(getattr(row, name)) for name in names}
    for name in names:
        setattr(row, name, getattr(taking, name))
    row.save(update_fields=["name", *names])
    audit.record(
        actor=actor, action="form.settle", subject=("form", row.pk), before=before,
        after={name: str(getattr(row, name)) for name in names}, now=now,
    )  # fmt: skip


@transaction.atomic
def publish_form(*, actor: Viewer, form_id: int, now: dt.datetime) -> int:
    """Freeze the draft as a version, and take answers; the version. The same draft again makes no new one.

    Raises FormUnready while something is missing, NotFound, NotAllowed.
    """
    row = _locked(form_id, actor)
    draft = rules.of_json(row.draft)
    if rules.faults(draft, has_mall=row.mall_id is not None) or _unknown_tags(actor, draft):
        raise FormUnready
    newest = FormVersion.objects.filter(form=row).order_by("-version").first()
    version = newest.version if newest else 0
    if newest is None or newest.definition != row.draft:
        version += 1
        FormVersion.objects.create(
            form=row, version=version, definition=row.draft, published_at=now, published_by=actor.label
        )
    elif row.is_open:
        return version
    row.is_open = True
    row.save(update_fields=["is_open"])
    audit.record(
        actor=actor, action="form.publish", subject=("form", row.pk), after={"version": version}, now=now
    )
    events.publish(FormPublished(row.pk, version), actor=actor, now=now)
    return version


@transaction.atomic
def close_form(*, actor: Viewer, form_id: int, now: dt.datetime) -> None:
    """No more answers until it is published again. Raises NotPublished, NotFound, NotAllowed."""
    row = _locked(form_id, actor)
    if not FormVersion.objects.filter(form=row).exists():
        raise NotPublished
    if not row.is_open:
        return
    row.is_open = False
    row.save(update_fields=["is_open"])
    audit.record(actor=actor, action="form.close", subject=("form", row.pk), now=now)
    events.publish(FormClosed(row.pk), actor=actor, now=now)


def _locked(form_id: int, actor: Viewer) -> Form:
    """The form, locked. Who may see it and not change it is told so."""
    if not actor.may(EDIT):
        visible_form(form_id, actor)
        require_touch(actor, EDIT)
    return visible_form(form_id, actor, EDIT, lock=True)


def _name(name: str) -> str:
    clean = " ".join(name.replace("\x00", "").split())
    if not 0 < len(clean) <= NAME_MAX:
        raise FormInvalid(fields={"name": [_("Between 1 and %(limit)s characters.") % {"limit": NAME_MAX}]})
    return clean


def _put(row: Form, draft: Definition) -> None:
    row.draft = rules.as_json(draft)
    row.used_keys = sorted({*row.used_keys, *(one.key for one in draft.fields)})


def _require_fits(draft: Definition) -> None:
    """What no draft may hold, however unready it is."""
    keys = [one.key for one in draft.fields]
    texts = [draft.title, draft.intro, draft.thanks]
    too_long = len(draft.title) > rules.LABEL_MAX or max(len(draft.intro), len(draft.thanks)) > rules.TEXT_MAX
    for one in draft.fields:
        texts += [one.label, one.help, *one.options, *one.rows]
        too_long = too_long or len(one.label) > rules.TEXT_MAX or len(one.help) > rules.TEXT_MAX
        too_long = too_long or any(len(text) > rules.OPTION_MAX for text in (*one.options, *one.rows))
        too_long = too_long or one.kind not in rules.KINDS or len(one.options) > rules.OPTIONS_MAX
    if (
        too_long
        or len(set(keys)) != len(keys)
        or len(keys) > rules.FIELDS_MAX
        or any("\x00" in text for text in texts)
    ):
        raise FormInvalid
    if any(one.purpose and not privacy.is_purpose(one.purpose, one.channel) for one in draft.fields):
        raise FormInvalid
    ticket = draft.ticket
    if ticket and (ticket.type not in service.TYPES or ticket.severity not in service.SEVERITIES):
        raise FormInvalid


def _unknown_tags(actor: Viewer, draft: Definition) -> bool:
    wanted = {tag_id for one in draft.fields for tag_id in one.tags.values()}
    return bool(wanted) and not wanted <= {one.id for one in insight.tags(actor) if one.state == "live"}

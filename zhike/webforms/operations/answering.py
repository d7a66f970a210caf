"""Taking an answer: in time, within the limit, once, checked against the version it was given to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import crypto, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.kernel.filetypes import content_type_of
from zhike.kernel.ids import uuid7
from zhike.kernel.uploads import drop_upload, keep_upload
from zhike.messaging import queries as messaging
from zhike.webforms.events import FormAnswered
from zhike.webforms.models import Answer, AnswerFile, Form, FormVersion
from zhike.webforms.queries.forms import form_state
from zhike.webforms.queries.found import PHONE_FIELD, SUBMIT, WORDS_FIELD
from zhike.webforms.rules import answers as rules
from zhike.webforms.rules.definition import WORDED, Definition, of_json

CHANNELS = ("link", "kiosk", "member", "api")
NONCE_MAX = 40
MEMBER_NAME_MAX = 80
"""A longer name is no member's: who gave it would be thanked and never enrolled."""


class AnswerUnusable(Invalid):
    code = "form-answer-unusable"
    title = _("Please look at the marked answers once more.")


class FormNotOpen(Conflict):
    code = "form-not-open"
    title = _("This form takes no answers now.")


class FormFull(Conflict):
    code = "form-full"
    title = _("All places are taken: this form takes no more answers.")


class AnsweredBefore(Conflict):
    code = "form-answered-before"
    title = _("You have answered this form already. Thank you!")


class MembersOnly(NotAllowed):
    code = "form-members-only"
    title = _("This form is for members. Please log in first.")


class TooFast(Invalid):
    code = "form-too-fast"
    title = _("That was very fast. Please look at your answers once more and send them again.")


class PhoneUnproved(Invalid):
    code = "form-phone-unproved"
    title = _("Please prove your phone with the code we send you.")


_FAULTS = {
    "missing": _("Please answer this."),
    "choice": _("Choose from what is offered."),
    "text": _("This is too long."),
    "number": _("Write a number."),
    "range": _("This number is too small or too large."),
    "date": _("Write a date such as 2026-05-31."),
    "phone": _("This is no phone number."),
    "file": _("Up to three pictures, PDF or MP4 files of 10 MB each."),
    "files": _("All files together may have up to 40 MB."),
    "signature": _("The signature could not be read. Please sign once more."),
}


def answer_form(
    *,
    actor: Viewer,
    code: str,
    version: int,
    nonce: str,
    channel: str,
    given: Mapping[str, Any],
    files: Mapping[str, Sequence[rules.Upload]] | None = None,
    person_id: int | None = None,
    proved_phone: str = "",
    shown_at: dt.datetime | None = None,
    now: dt.datetime,
) -> UUID:
    """Keep an answer to the version that was shown; its id. The same ``nonce`` again is the same answer.

    ``shown_at`` is when the sheet was shown, where somebody looked at one; ``proved_phone`` the phone whose code was entered just before.
    Raises NotFound, FormNotOpen, FormFull, MembersOnly, AnsweredBefore, TooFast, AnswerUnusable (with its fields),
    PhoneUnproved, NotAllowed.
    """
    sheet = Sheet(code, version, nonce, channel, given, files or {}, person_id, proved_phone, shown_at)
    written: list[str] = []
    try:
        with transaction.atomic():
            return _take(actor, sheet, written, now)
    except BaseException:
        for path in written:
            drop_upload(path)
        raise


@dataclass(frozen=True, slots=True)
class Sheet:
    """One form as it was sent; the arguments of `answer_form`."""

    code: str
    version: int
    nonce: str
    channel: str
    given: Mapping[str, Any]
    files: Mapping[str, Sequence[rules.Upload]]
    person_id: int | None
    proved_phone: str
    shown_at: dt.datetime | None


def _take(actor: Viewer, sheet: Sheet, written: list[str], now: dt.datetime) -> UUID:
    """Keep it, in one transaction; the files that were `written` are the caller's to remove if that fails."""
    code, nonce, channel, person_id = sheet.code, sheet.nonce, sheet.channel, sheet.person_id
    form = Form.objects.select_for_update().filter(code=code[:24]).first() if "\x00" not in code else None
    row = FormVersion.objects.filter(form=form, version=sheet.version).first() if form else None
    if form is None or row is None:
        raise NotFound
    if channel not in CHANNELS or not 0 < len(nonce) <= NONCE_MAX or "\x00" in nonce:
        raise AnswerUnusable
    if actor.kind == "api":
        require_touch(actor, SUBMIT, mall=form.mall_id)
    known = Answer.objects.filter(form=form, nonce=nonce).values_list("id", flat=True).first()
    if known is not None:
        return known
    _require_open(form, person_id, now)
    if sheet.shown_at is not None and now - sheet.shown_at < rules.FILLING_MIN:
        raise TooFast
    definition = of_json(row.definition)
    reading = _read(definition, sheet.given, sheet.files)
    phone = _phone_of(definition, reading)
    is_proved = bool(phone) and phone == sheet.proved_phone
    enrol = definition.enrol
    if enrol and enrol.needs_code and person_id is None and channel != "api" and not is_proved:
        raise PhoneUnproved(fields={enrol.phone: [PhoneUnproved.title]})
    if form.once_per_member and person_id is None and is_proved:
        _require_first(form, phone)
    answer = _kept(form, row, reading, phone, now)
    answer.channel, answer.nonce, answer.person_id = channel, nonce, person_id
    answer.phone_proved_at = now if is_proved else None
    if enrol and person_id is None and phone and not is_proved:
        answer.lead = Answer.Lead.OPEN
    answer.save(force_insert=True)
    _keep_files(answer, reading.files, written)
    form.answered += 1
    form.save(update_fields=["answered"])
    fact = FormAnswered(form.pk, str(answer.pk), row.version, channel, form.name, person_id)
    events.publish(fact, actor=actor, now=now)
    return answer.pk


def _require_open(form: Form, person_id: int | None, now: dt.datetime) -> None:
    """The form is locked, so whoever comes next counts this answer."""
    state = form_state(form, now, is_published=True)
    if state == "full":
        raise FormFull
    if state != "open":
        raise FormNotOpen
    if person_id is None:
        if form.members_only:
            raise MembersOnly
    elif form.once_per_member:
        family = customers.family(person_id)
        if Answer.objects.filter(form=form, person_id__in=family).exists():
            raise AnsweredBefore


def _require_first(form: Form, phone: str) -> None:
    """Who proved this phone is a member, or about to be made one: they have not answered before."""
    person_id = customers.person_id_by("phone", phone)
    theirs = Q(phone_index__in=messaging.address_indexes(phone), phone_proved_at__isnull=False)
    if person_id is not None:
        theirs |= Q(person_id__in=customers.family(person_id))
    if Answer.objects.filter(theirs, form=form).exists():
        raise AnsweredBefore


def _read(
    definition: Definition, given: Mapping[str, Any], files: Mapping[str, Sequence[rules.Upload]]
) -> rules.Reading:
    reading = rules.read(definition, given, files)
    faults: dict[str, str] = dict(reading.faults)
    for one in definition.asked:
        if one.kind == "phone" and one.key in reading.values:
            if customers.normalised("phone", reading.values[one.key]) is None:
                faults[one.key] = "phone"
    enrol = definition.enrol
    if enrol and len(reading.values.get(enrol.name, "")) > MEMBER_NAME_MAX:
        faults[enrol.name] = "text"
    if faults:
        raise AnswerUnusable(fields={key: [_FAULTS[fault]] for key, fault in faults.items()})
    return reading


def _phone_of(definition: Definition, reading: rules.Reading) -> str:
    """The phone to enrol with, or the first one given; "" without any."""
    keys = [one.key for one in definition.asked if one.kind == "phone"]
    if definition.enrol:
        keys.insert(0, definition.enrol.phone)
    text = next((reading.values[key] for key in keys if key in reading.values), "")
    return customers.normalised("phone", text) or ""


def _kept(form: Form, version: FormVersion, reading: rules.Reading, phone: str, now: dt.datetime) -> Answer:
    pk = uuid7()
    worded = {one.key for one in of_json(version.definition).asked if one.kind in (*WORDED, "signature")}
    words = {key: value for key, value in reading.values.items() if key in worded}
    row = Answer(id=pk, form=form, version=version, answered_at=now)
    row.choices = {key: value for key, value in reading.values.items() if key not in worded}
    if words:
        row.words = crypto.encrypt(json.dumps(words, ensure_ascii=False), field=WORDS_FIELD, row=str(pk))
    if phone:
        row.phone = crypto.encrypt(phone, field=PHONE_FIELD, row=str(pk))
        row.phone_index = messaging.address_index(phone)
    return row


def _keep_files(answer: Answer, files: Mapping[str, Sequence[rules.Upload]], written: list[str]) -> None:
    for key, uploads in files.items():
        for upload in uploads:
            written.append(keep_upload("forms", upload.content))
            AnswerFile.objects.create(
                answer=answer,
                field=key,
                name=_plain_name(upload.name),
                content_type=content_type_of(upload.content[:64]) or "",
                size=len(upload.content),
                path=written[-1],
            )


def _plain_name(name: str) -> str:
    plain = PurePath(name.replace("\\", "/")).name
    return "".join(letter for letter in plain if letter.isprintable())[-120:] or "file"

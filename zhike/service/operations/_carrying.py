"""What we say in a conversation that came through a line is put on its way in the transaction that says it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from zhike.kernel import crypto
from zhike.kernel.errors import Conflict
from zhike.service.models import Carriage, Contact, Conversation, Message
from zhike.service.operations._tickets import NewFile
from zhike.service.queries import lines as queries
from zhike.service.rules import lines

THREAD_KEPT = 12


class WindowOver(Conflict):
    code = "answer-window-over"
    title = _(
        "WeChat takes answers for 48 hours after the customer's last message. Wait until they write, or reach them another way."
    )


class AnswersUsedUp(Conflict):
    code = "answers-used-up"
    title = _(
        "WeChat takes %(limit)s answers to a message, and they are used up. Wait until the customer writes."
    )


class FilesNotCarried(Conflict):
    code = "files-not-carried"
    title = _("Only words can be sent through WeChat. Send pictures another way.")


def require_open(row: Conversation, files: Sequence[NewFile], now: dt.datetime) -> None:
    """Raises WindowOver, AnswersUsedUp, FilesNotCarried where the customer's vendor would refuse."""
    contact = Contact.objects.filter(conversation=row).first() if row.channel != "app" else None
    if contact is None:
        return
    voice = queries.voice(row.channel)
    why = lines.closed_since(contact.heard_at, contact.answers, voice.open_for, voice.answers_max, now)
    if why == "time":
        raise WindowOver
    if why == "count":
        raise AnswersUsedUp(limit=voice.answers_max)
    if not all(voice.carries(file.content[:64]) for file in files):
        raise FilesNotCarried


def enqueue(row: Conversation, message: Message, now: dt.datetime) -> None:
    """Put an answer on its way. Nothing happens for chats of our own, notes, events and what the customer says."""
    if row.channel == "app" or message.audience != "member" or message.kind != "text":
        return
    if message.author_kind not in ("staff", "bot"):
        return
    contact = Contact.objects.filter(conversation=row).first()
    if contact is None:
        return
    reference = lines.reference(queries.signing_secret(), row.pk, message.number)
    Carriage.objects.create(
        line_id=contact.line_id,
        conversation=row,
        number=message.number,
        reference=reference,
        due_at=now,
    )
    Contact.objects.filter(pk=contact.pk).update(answers=F("answers") + 1)


def remember_thread(contact: Contact, name: str) -> None:
    """One more name of a message at the vendor; the caller saves the contact."""
    known = queries.thread_of(contact) if contact.thread else []
    names = [one for one in known if one != name] + [name]
    contact.thread = crypto.encrypt(
        json.dumps(names[-THREAD_KEPT:]), field=queries.THREAD_FIELD, row=contact.pk
    )

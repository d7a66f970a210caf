"""Handing our answers to the vendors through whom customers wrote, and what came of it.

A vendor is called outside any transaction. Before the call the answer is marked as being sent, with a moment after which whoever
sends it must be dead. A vendor that knows the same message when it comes again (e-mail, by its Message-ID) then gets it again; with
any other the answer stays unsure, and one of us decides.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Conflict
from zhike.service.events import AnswerNotDelivered
from zhike.service.models import Carriage, Contact, Conversation, Line, Message, MessageFile
from zhike.service.operations import _carrying, _conversations
from zhike.service.operations._tickets import HANDLE
from zhike.service.ports import Bounce, Media, Parcel, Refused, TryLater, Unsure, Voice
from zhike.service.queries import lines as queries
from zhike.service.queries.conversations import BODY_FIELD
from zhike.service.rules import lines

Status = Carriage.Status
LEASE = dt.timedelta(minutes=3)
TEXT_KEPT = 200


class NothingToRepeat(Conflict):
    code = "nothing-to-repeat"
    title = gettext_lazy("This answer is on its way or has arrived.")


def carry_answers(*, actor: Viewer, now: dt.datetime, limit: int = 200) -> int:
    """Hand over what is due, in the order of each conversation; how many calls were made."""
    done = 0
    while done < limit:
        carriage = _claimed(now)
        if carriage is None:
            break
        done += 1
        _carry(actor, carriage, now)
    return done


@transaction.atomic
def _claimed(now: dt.datetime) -> Carriage | None:
    """The next one, marked as being sent; what somebody died over is sent again or becomes unsure."""
    live = Carriage.objects.filter(status__in=(Status.WAITING, Status.SENDING))
    before = live.filter(conversation=OuterRef("conversation"), number__lt=OuterRef("number"))
    rows = live.select_for_update(of=("self",), skip_locked=True).select_related("line")
    row = rows.filter(~Exists(before), due_at__lte=now, line__is_active=True).order_by("due_at", "id").first()
    if row is None:
        return None
    if row.status == Status.SENDING and not queries.voice(row.line.channel).is_repeatable:
        row.status, row.code, row.settled_at = Status.UNSURE, "no_answer", now
    else:
        row.status, row.due_at, row.tries = Status.SENDING, now + LEASE, row.tries + 1
    row.save(update_fields=["status", "code", "settled_at", "due_at", "tries"])
    return row


def _carry(actor: Viewer, row: Carriage, now: dt.datetime) -> None:
    if row.status == Status.UNSURE:
        _tell(actor, row, now)
        return
    voice = queries.voice(row.line.channel)
    try:
        parcel = _parcel(row, now)
        gone = voice.carry(queries.opened(row.line), parcel)
    except TryLater as error:
        _put_off(actor, row, error.code, "", now)
    except Refused as error:
        _put_off(actor, row, error.code, error.text, now)
        Line.objects.filter(pk=row.line_id).update(fault=f"{error.code} {error.text}".strip()[:120])
    except Unsure as error:
        if voice.is_repeatable:
            _put_off(actor, row, str(error), "", now)
        else:
            _settle(actor, row, Status.UNSURE, str(error), "", now)
    else:
        if gone is None:
            _settle(actor, row, Status.SENT, "", "", now)
        else:
            _settle(actor, row, Status.FAILED, gone.code, gone.text, now)


def _parcel(row: Carriage, now: dt.datetime) -> Parcel:
    message = Message.objects.get(conversation_id=row.conversation_id, number=row.number)
    contact = Contact.objects.get(conversation_id=row.conversation_id)
    offered = [f"· {choice}" for choice in message.details.get("choices", ())]
    return Parcel(
        reference=row.reference,
        address=queries.address_of(contact),
        text="\n".join(
            [crypto.decrypt(bytes(message.body), field=BODY_FIELD, row=str(message.pk)), *offered]
        ),
        title=queries.title_of(contact),
        answers=tuple(one for one in queries.thread_of(contact) if row.reference not in one),
        return_mark=lines.return_mark(queries.signing_secret(), row.conversation_id),
        author=message.author,
        files=tuple(_files(message)),
        at=message.written_at,
    )


def _files(message: Message) -> list[Media]:
    rows = MessageFile.objects.filter(message=message).order_by("id")
    found = [(row.name, Path(settings.UPLOAD_DIR) / row.path) for row in rows]
    return [Media(name, path.read_bytes()) for name, path in found if path.is_file()]


def _put_off(actor: Viewer, row: Carriage, code: str, text: str, now: dt.datetime) -> None:
    """Nothing can have arrived: again later, until it is enough."""
    again = lines.next_try(row.tries, now)
    if again is None:
        _settle(actor, row, Status.FAILED, code, text, now)
        return
    changed = {"status": Status.WAITING, "due_at": again, "code": code[:60], "text": text[:TEXT_KEPT]}
    Carriage.objects.filter(pk=row.pk, status=Status.SENDING, tries=row.tries).update(**changed)


@transaction.atomic
def _settle(
    actor: Viewer, row: Carriage, status: Carriage.Status, code: str, text: str, now: dt.datetime
) -> None:
    mine = Carriage.objects.filter(pk=row.pk, status=Status.SENDING, tries=row.tries)
    kept = {"status": status, "code": code[:60], "text": text[:TEXT_KEPT], "settled_at": now}
    if not mine.update(**kept):
        return
    row.status, row.code, row.text = status, code[:60], text[:TEXT_KEPT]
    if status == Status.SENT and row.line.channel in lines.THREADED:
        contact = Contact.objects.select_for_update().get(conversation_id=row.conversation_id)
        _carrying.remember_thread(contact, row.reference)
        contact.save(update_fields=["thread"])
    if status == Status.SENT:
        _conversations.told(row.conversation, "marks")
    else:
        _tell(actor, row, now)


@transaction.atomic
def _tell(actor: Viewer, row: Carriage, now: dt.datetime) -> None:
    """Somebody of ours has to know: a line in the conversation, which waits for us again."""
    conversation = Conversation.objects.select_for_update().get(pk=row.conversation_id)
    sentences = {
        Status.UNSURE: _("It is not sure that this answer arrived: “%(start)s”"),
        Status.BOUNCED: _("This answer came back: “%(start)s”"),
    }
    said = Message.objects.get(conversation_id=row.conversation_id, number=row.number)
    start = crypto.decrypt(bytes(said.body), field=BODY_FIELD, row=str(said.pk))[:20]
    why = " ".join(part for part in (row.code, row.text) if part)
    sentence = sentences.get(Status(row.status), _("This answer did not go out: “%(start)s”")) % {
        "start": start
    }
    _conversations.say(
        conversation,
        "system",
        f"{sentence}\n{why}".strip(),
        now,
        kind="note",
        audience="staff",
        author=row.line.name,
        undelivered=row.number,
    )
    if conversation.status != "closed":
        conversation.awaits_us = True
    fact = AnswerNotDelivered(*_conversations.names(conversation), row.number, row.status, row.code)
    events.publish(fact, actor=actor, now=now)
    _conversations.keep(conversation, now)


@transaction.atomic
def come_back(actor: Viewer, line_id: int, bounce: Bounce, now: dt.datetime) -> Carriage | None:
    """The vendor says that an answer of this line did not arrive; None when it is none of ours or is known already."""
    reference = lines.own_name(queries.signing_secret(), bounce.reference)
    row = (
        Carriage.objects.select_for_update(of=("self",))
        .select_related("line", "conversation")
        .filter(line_id=line_id, reference=reference, status__in=(Status.SENT, Status.UNSURE))
        .first()
    )
    if row is None:
        return None
    row.status, row.code, row.text = Status.BOUNCED, bounce.code[:60], bounce.text[:TEXT_KEPT]
    row.settled_at = now
    row.save(update_fields=["status", "code", "text", "settled_at"])
    _tell(actor, row, now)
    return row


@transaction.atomic
def repeat_answer(*, actor: Viewer, number: str, message: int, now: dt.datetime) -> None:
    """Send once more what did not arrive, or may not have. Raises NothingToRepeat, WindowOver, AnswersUsedUp, NotFound, NotAllowed."""
    conversation = _conversations.load(number, actor, HANDLE)
    row = Carriage.objects.select_for_update().filter(conversation=conversation, number=message).first()
    if row is None or row.status not in (Status.FAILED, Status.UNSURE, Status.BOUNCED):
        raise NothingToRepeat
    _carrying.require_open(conversation, (), now)
    row.status, row.due_at, row.tries, row.code, row.text = Status.WAITING, now, 0, "", ""
    row.save(update_fields=["status", "due_at", "tries", "code", "text"])
    audit.record(
        actor=actor,
        action="conversation.repeat",
        subject=("conversation", number),
        after={"message": message},
        now=now,
    )
    _conversations.told(conversation, "marks")


def show_typing(*, actor: Viewer, number: str, now: dt.datetime) -> bool:
    """Let the customer of a line see that one of us is writing; whether their vendor was told. Its refusal is no matter.

    Raises NotFound, NotAllowed.
    """
    with transaction.atomic():
        conversation = _conversations.load(number, actor, HANDLE)
        found = Contact.objects.select_related("line").filter(conversation=conversation).first()
        contact = found if found and found.line.is_active and conversation.status != "closed" else None
        if contact is None:
            return False
        voice: Voice = queries.voice(conversation.channel)
        if lines.closed_since(contact.heard_at, contact.answers, voice.open_for, voice.answers_max, now):
            return False
        door, address = queries.opened(contact.line), queries.address_of(contact)
    try:
        voice.show_typing(door, address)
    except (TryLater, Unsure, Refused):
        return False
    return True

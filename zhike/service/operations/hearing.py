"""What customers write through lines becomes conversations: once, in the right thread, and never anybody else's.

An address can be forged, so a message only ever joins a conversation whose other end has the same address, an answer goes back to
that address and no other, and the assistant does nothing in a member's name before the vendor vouches for the sender.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext as _

from zhike.customers import operations as customer_operations
from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.kernel.filetypes import content_type_of
from zhike.organization import queries as organization
from zhike.service.models import Contact, Conversation, Heard, Line, Message, MessageFile
from zhike.service.operations import _bot, _carrying, _conversations, _sharing, _starting, carrying, watch
from zhike.service.operations._tickets import NewFile, plain_name, store
from zhike.service.ports import Gone, Incoming, Media, ReadingVoice, Refused, TryLater, Unsure
from zhike.service.queries import lines as queries
from zhike.service.rules import lines, tickets

logger = logging.getLogger(__name__)
AT_ONCE = 100
NAME_MAX = 40


def hear(
    *,
    actor: Viewer,
    line_id: int,
    incoming: Incoming,
    mark: dict[str, object] | None = None,
    now: dt.datetime,
) -> str | None:
    """Take what came in through a line, once; the number of its conversation, None when it became no message.

    ``mark``, where the line is read, moves in the same transaction: whoever dies in between reads it again and takes it once.
    """
    with transaction.atomic():
        line = Line.objects.select_for_update(no_key=True).get(pk=line_id)
        key = fingerprint(incoming.key)
        number = None
        if not Heard.objects.filter(line=line, key=key).exists():
            heard = Heard(line=line, key=key, what="message", heard_at=now)
            number = _take(actor, line, heard, incoming, now)
            heard.save()
        if mark is not None:
            line.mark = mark
            line.save(update_fields=["mark"])
    return number


def fingerprint(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _take(actor: Viewer, line: Line, heard: Heard, incoming: Incoming, now: dt.datetime) -> str | None:
    normal = customers.normalised(queries.voice(line.channel).identifier, incoming.address)
    thread = _thread_of(line, normal, incoming)
    if incoming.bounce is not None:
        heard.what = "bounce"
        returned = carrying.come_back(actor, line.pk, incoming.bounce, now)
        heard.conversation_id = returned.conversation_id if returned else None
        return None
    if incoming.automatic or normal is None:
        heard.what = "automatic" if incoming.automatic else "failed"
        if thread is not None and incoming.automatic == "auto-replied":
            heard.conversation = thread
            _conversations.say(
                thread, "system", _("An automatic reply came: %(text)s") % {"text": incoming.text[:300]}, now,
                kind="note", audience="staff", author=line.name,
            )  # fmt: skip
            _conversations.keep(thread, now)
        return None
    row = _conversation(actor, line, thread, normal, incoming, now)
    message = _say(row, line, incoming, now)
    _keep_contact(row, line, normal, incoming, now)
    heard.conversation, heard.number, heard.media = row, message.number, incoming.media
    _answer(row, line, message, incoming, now)
    _conversations.keep(row, now)
    return row.number


def _thread_of(line: Line, normal: str | None, incoming: Incoming) -> Conversation | None:
    """The conversation that it goes on with, locked: named by a signature of ours or by an earlier message, and of the same address."""
    if normal is None or not incoming.thread:
        return None
    pk = lines.conversation_of(queries.signing_secret(), incoming.thread)
    if pk is None:
        known = Heard.objects.filter(line=line, key__in=[fingerprint(one) for one in incoming.thread])
        pk = (
            known.exclude(conversation=None).order_by("-id").values_list("conversation_id", flat=True).first()
        )
    mine = Contact.objects.filter(
        conversation_id=pk or 0, line=line, index__in=queries.address_indexes(normal)
    )
    if pk is None or not mine.exists():
        return None
    return Conversation.objects.select_for_update().get(pk=pk)


def _conversation(
    actor: Viewer, line: Line, thread: Conversation | None, normal: str, incoming: Incoming, now: dt.datetime
) -> Conversation:
    if thread is not None and thread.status != "closed":
        return thread
    person_id = _person(actor, line, normal, incoming, now)
    row = None
    if line.channel not in lines.THREADED:
        row = _starting.live(person_id, line.mall_id, line.channel)
    if row is None:
        row = _starting.begin(actor, person_id, line.mall_id, line.channel, now)
        row.skill = line.skill
        if thread is not None:
            _conversations.say(
                row, "system", _("Goes on with %(number)s.") % {"number": thread.number}, now,
                kind="note", audience="staff", author=line.name,
            )  # fmt: skip
    return row


def _person(actor: Viewer, line: Line, normal: str, incoming: Incoming, now: dt.datetime) -> int:
    """Whose address this is; else the guest who wrote from it before, else a new guest, who is known by nothing but this line."""
    known = customers.person_id_by(queries.voice(line.channel).identifier, normal)
    if known is None:
        earlier = Contact.objects.filter(
            line__mall_id=line.mall_id, line__channel=line.channel, index__in=queries.address_indexes(normal)
        )
        known = earlier.order_by("-pk").values_list("conversation__person_id", flat=True).first()
    if known is not None and customers.person(customers.survivor_of(known)).status != "erased":
        return customers.survivor_of(known)
    return customer_operations.create_person(
        actor=actor,
        group_id=organization.mall(line.mall_id).group_id,
        name=" ".join(incoming.name.split())[:NAME_MAX],
        identifiers=(),
        source=line.channel,
        mall_id=line.mall_id,
        now=now,
    )


def _say(row: Conversation, line: Line, incoming: Incoming, now: dt.datetime) -> Message:
    files, left_out = _usable(incoming)
    text = incoming.text.strip()[: lines.TEXT_MAX]
    if left_out:
        text += "\n\n" + _("Not kept: %(names)s") % {"names": "、".join(left_out)}
    if not (text.strip() or files or incoming.media):
        text = incoming.title[: lines.TITLE_MAX] or _("(empty message)")
    _conversations.move(row, "member_says")
    details: dict[str, Any] = {"proof": dict(incoming.proof)} if incoming.proof else {}
    message = _conversations.say(
        row,
        "member",
        text.strip(),
        now,
        author_id=row.person_id,
        files=files,
        folded=incoming.folded.strip()[: lines.FOLDED_MAX],
        **details,
    )
    watch.look(row, message, text, "member", now)
    row.awaits_us, row.snoozed_until = True, None
    row.member_received = row.member_read = message.number
    return message


def _usable(incoming: Incoming) -> tuple[list[NewFile], list[str]]:
    """Files that are taken as any upload is, and the names of the rest."""
    files: list[NewFile] = []
    left_out = list(incoming.left_out)
    for file in incoming.files:
        fits = content_type_of(file.content[:64]) and len(file.content) <= tickets.FILE_BYTES_MAX
        if fits and len(files) < tickets.FILES_MAX:
            files.append(NewFile(file.name, file.content))
        else:
            left_out.append(plain_name(file.name))
    return files, left_out[:20]


def _keep_contact(row: Conversation, line: Line, normal: str, incoming: Incoming, now: dt.datetime) -> None:
    contact = Contact.objects.select_for_update().filter(pk=row.pk).first()
    if contact is None:
        title = " ".join(incoming.title.split())[: lines.TITLE_MAX]
        contact = Contact(
            pk=row.pk,
            conversation=row,
            line=line,
            address=crypto.encrypt(normal, field=queries.ADDRESS_FIELD, row=row.pk),
            index=queries.address_index(normal),
            masked=customers.masked(queries.voice(line.channel).identifier, normal),
            title=crypto.encrypt(title, field=queries.TITLE_FIELD, row=row.pk),
            thread=crypto.encrypt("[]", field=queries.THREAD_FIELD, row=row.pk),
        )
    contact.line, contact.heard_at, contact.answers = line, now, 0
    contact.is_proven = incoming.is_proven
    if line.channel in lines.THREADED:
        _carrying.remember_thread(contact, incoming.key)
    contact.save()


def _answer(row: Conversation, line: Line, message: Message, incoming: Incoming, now: dt.datetime) -> None:
    """The assistant answers, where the line has it; else it waits for one of us."""
    if row.status != "bot":
        return
    is_enough = line.channel in lines.THREADED and row.bot_answers >= lines.BOT_ANSWERS_MAX
    if not line.has_bot:
        _sharing.enqueue(row, "no_bot", now)
    elif is_enough:
        _sharing.enqueue(row, "unsure", now)
    else:
        member = customers.viewer_of_person(row.person_id)
        is_proven = incoming.is_proven and _is_own(line, row.person_id, incoming.address)
        _bot.answer(row, member, message, incoming.text.strip(), now, is_proven=is_proven)


def _is_own(line: Line, person_id: int, address: str) -> bool:
    """Whether the address is one that this person has shown to be theirs."""
    kind = queries.voice(line.channel).identifier
    normal = customers.normalised(kind, address)
    held = [one for one in customers.person(person_id).identifiers if one.kind == kind]
    is_theirs = normal is not None and customers.person_id_by(kind, normal) == person_id
    return is_theirs and (kind == "openid" or any(one.verified_at for one in held))


# --- lines that are read -------------------------------------------------------------------------------------------


def listen_to_lines(*, actor: Viewer, now: dt.datetime) -> int:
    """Read what came in through every line that is due; how many messages. A line that fails waits, longer each time."""
    rows = Line.objects.filter(is_active=True).exclude(due_at__gt=now).order_by("id")
    return sum(listen_to_line(actor, row, now) for row in rows)


def listen_to_line(actor: Viewer, row: Line, now: dt.datetime) -> int:
    """Outside any transaction; each message in one of its own."""
    voice = queries.voices().get(row.channel)
    if voice is None or not hasattr(voice, "listen"):
        return 0
    taken = 0
    try:
        for mark, found in cast(ReadingVoice, voice).listen(queries.opened(row), AT_ONCE):
            for incoming in found:
                taken += _heard(actor, row.pk, incoming, dict(mark), now)
            if not found:
                Line.objects.filter(pk=row.pk).update(mark=dict(mark))
    except (TryLater, Unsure, Refused) as error:
        why = f"{getattr(error, 'code', '') or error} {getattr(error, 'text', '')}".strip()
        failures = row.failures + 1
        due = lines.next_check(failures, now)
        Line.objects.filter(pk=row.pk).update(
            checked_at=now, due_at=due, failures=min(failures, 100), fault=why[:120]
        )
        return taken
    Line.objects.filter(pk=row.pk).update(checked_at=now, due_at=None, failures=0, fault="")
    return taken


def _heard(
    actor: Viewer, line_id: int, incoming: Incoming, mark: dict[str, object], now: dt.datetime
) -> bool:
    try:
        return hear(actor=actor, line_id=line_id, incoming=incoming, mark=mark, now=now) is not None
    except Problem as problem:
        logger.warning("line %s: a message was not taken: %s", line_id, problem.code)
        with transaction.atomic():
            heard = {"what": "failed", "heard_at": now}
            Heard.objects.get_or_create(line_id=line_id, key=fingerprint(incoming.key), defaults=heard)
            Line.objects.filter(pk=line_id).update(mark=mark)
        return False


def fetch_media(*, actor: Viewer, now: dt.datetime, limit: int = 50) -> int:
    """Fetch the files that customers sent and their vendor keeps for us for some days; how many came."""
    rows = Heard.objects.exclude(media="").select_related("line", "conversation").order_by("heard_at", "id")
    came = 0
    for row in rows[:limit]:
        voice = queries.voice(row.line.channel)
        found: Media | Gone | None
        try:
            found = voice.fetch(queries.opened(row.line), row.media)
        except (TryLater, Unsure, Refused) as error:
            found = Gone(str(error)) if row.tries + 1 >= lines.MEDIA_TRIES else None
        came += _attach(row, found, now)
    return came


@transaction.atomic
def _attach(heard: Heard, found: Media | Gone | None, now: dt.datetime) -> bool:
    """The file joins its message; what will not come is said in its place."""
    row = Heard.objects.select_for_update().get(pk=heard.pk)
    if not row.media or row.conversation_id is None:
        return False
    row.tries += 1
    if found is None:
        row.save(update_fields=["tries"])
        return False
    conversation = Conversation.objects.select_for_update().get(pk=row.conversation_id)
    message = Message.objects.get(conversation=conversation, number=row.number)
    is_fine = isinstance(found, Media) and bool(content_type_of(found.content[:64]))
    if isinstance(found, Media) and is_fine and len(found.content) <= tickets.FILE_BYTES_MAX:
        MessageFile.objects.create(message=message, **store(NewFile(found.name, found.content)))
    else:
        is_fine = False
        code = found.code if isinstance(found, Gone) else "type"
        _conversations.say(
            conversation, "system", _("The file could not be fetched (%(code)s).") % {"code": code}, now,
            kind="note", audience="staff", author=heard.line.name,
        )  # fmt: skip
    row.media = ""
    row.save(update_fields=["tries", "media"])
    _conversations.keep(conversation, now)
    return is_fine

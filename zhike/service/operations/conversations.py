"""What is said in a conversation, by members and by us, and how far each side has read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F

from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.organization import queries as organization
from zhike.service.events import ConversationClosed
from zhike.service.models import Agent, Conversation, Looking, Mention, Message, Phrase
from zhike.service.operations import _bot, _carrying, _conversations, _sharing, _starting, watch
from zhike.service.operations._tickets import HANDLE, OPEN, NewFile
from zhike.service.rules import conversations


@transaction.atomic
def write_as_member(
    *,
    actor: Viewer,
    person_id: int,
    mall_id: int,
    text: str,
    key: UUID,
    files: Sequence[NewFile] = (),
    channel: str = "app",
    now: dt.datetime,
) -> str:
    """Say something to the desk of a mall: in the live conversation, or in a new one; its number.

    Sent again under the same key it changes nothing. Raises MessageMissing, FileUnusable, NotFound, NotAllowed.
    """
    text = _conversations.require_words(text, files)
    require_touch(actor, OPEN, person=person_id, mall=mall_id)
    row = _starting.live(person_id, mall_id, channel) or _starting.begin(
        actor, person_id, mall_id, channel, now
    )
    if _conversations.sent_before(row, key) is not None:
        return row.number
    _conversations.move(row, "member_says")
    message = _conversations.say(row, "member", text, now, key=key, files=files, author_id=person_id)
    watch.look(row, message, text, "member", now)
    row.awaits_us, row.snoozed_until = True, None
    row.member_received = row.member_read = message.number
    if row.status == "bot":
        _bot.answer(row, actor, message, text, now)
    _conversations.keep(row, now)
    return row.number


@transaction.atomic
def ask_for_agent(*, actor: Viewer, number: str, now: dt.datetime) -> None:
    """The member wants a person. In the queue or with somebody already it changes nothing. Raises ConversationOver, NotFound."""
    row = _conversations.load_for_writer(number, actor)
    if row.status == "bot":
        _sharing.enqueue(row, "asked", now)
        _conversations.keep(row, now)
        if actor.kind != "member":
            _conversations.note(actor, row, "hand_over", now)
    elif row.status == "closed":
        _conversations.move(row, "hand_over")


@transaction.atomic
def write_as_staff(
    *,
    actor: Viewer,
    number: str,
    text: str,
    key: UUID | None = None,
    audience: str = "member",
    files: Sequence[NewFile] = (),
    phrase_id: int | None = None,
    now: dt.datetime,
) -> int:
    """Answer the member, or leave a note for colleagues; the number of the message.

    Who answers what nobody has taken takes it. A note calls colleagues by "@name". Sent again under the same key it
    changes nothing. Raises MessageMissing, FileUnusable, WindowOver, ConversationOver, NotFound, NotAllowed.
    """
    text = _conversations.require_words(text, files)
    row = _conversations.load(number, actor, HANDLE)
    sent = _conversations.sent_before(row, key)
    if sent is not None:
        return sent
    if audience == "staff":
        message = _note(actor, row, text, key, files, now)
    else:
        _carrying.require_open(row, files, now)
        _conversations.move(row, "staff_says")
        if row.assignee_id is None:
            _sharing.give(row, actor.id or 0, actor.label, now, by=actor)
        message = _conversations.say(
            row, "staff", text, now, author=actor.label, author_id=actor.id, key=key, files=files
        )
        watch.look(row, message, text, "staff", now)
        row.awaits_us, row.snoozed_until = False, None
        row.first_answered_at = row.first_answered_at or now
        row.staff_read = message.number
    if phrase_id is not None:
        Phrase.objects.filter(pk=phrase_id).update(uses=F("uses") + 1)
    _conversations.keep(row, now)
    return message.number


@transaction.atomic
def write_as_program(
    *, actor: Viewer, number: str, text: str, audience: str = "member", now: dt.datetime
) -> int:
    """Another system answers, or leaves a note for colleagues; the number of the message.

    While the conversation is with the assistant it answers in the assistant's place; with somebody of ours it adds to what they say,
    and they keep it. What waits in the queue is for people. Raises MessageMissing, ConversationState, WindowOver, ConversationOver,
    NotFound, NotAllowed.
    """
    text = _conversations.require_words(text, ())
    row = _conversations.load(number, actor, HANDLE)
    if audience == "staff":
        message = _note(actor, row, text, None, (), now)
    else:
        if row.status == "queued":
            raise _conversations.ConversationState
        _carrying.require_open(row, (), now)
        is_bot = row.status == "bot"
        if not is_bot:
            _conversations.move(row, "staff_says")
        kind = "bot" if is_bot else "staff"
        message = _conversations.say(row, kind, text, now, author=actor.label)
        watch.look(row, message, text, "staff", now)
        row.bot_answers += is_bot
        row.first_answered_at = row.first_answered_at if is_bot else row.first_answered_at or now
        row.awaits_us = False
    _conversations.note(actor, row, "write", now, message=message.number)
    _conversations.keep(row, now)
    return message.number


def _note(
    actor: Viewer, row: Conversation, text: str, key: UUID | None, files: Sequence[NewFile], now: dt.datetime
) -> Message:
    message = _conversations.say(
        row,
        "staff",
        text,
        now,
        kind="note",
        audience="staff",
        author=actor.label,
        author_id=actor.id if actor.kind == "staff" else None,
        key=key,
        files=files,
    )
    called = conversations.mentioned(text, organization.staff_at(HANDLE, row.mall_id))
    Mention.objects.bulk_create(
        Mention(conversation=row, staff_id=pk, number=message.number, mentioned_at=now)
        for pk in called
        if pk != actor.id
    )
    return message


@transaction.atomic
def mark_seen(*, actor: Viewer, number: str, received: int = 0, read: int = 0, now: dt.datetime) -> None:
    """How far the actor's side has received and read; marks only go forward. Raises NotFound, NotAllowed."""
    row = _conversations.load_for_writer(number, actor)
    before = (row.member_received, row.member_read, row.staff_read)
    received, read = min(max(received, read), row.last_number), min(read, row.last_number)
    if _conversations.is_member(actor, row):
        row.member_received = max(row.member_received, received)
        row.member_read = max(row.member_read, read)
    else:
        row.staff_read = max(row.staff_read, read)
    if before != (row.member_received, row.member_read, row.staff_read):
        row.save(update_fields=["member_received", "member_read", "staff_read"])
        _conversations.told(row, "marks")


@transaction.atomic
def tell_typing(*, actor: Viewer, number: str, now: dt.datetime) -> None:
    """Let the other side see that somebody is writing; nothing is kept. Raises NotFound, NotAllowed."""
    row = _conversations.load_for_writer(number, actor)
    if row.status != "closed":
        side = "member" if _conversations.is_member(actor, row) else "staff"
        _conversations.told(row, "typing", side=side, who=actor.id or 0)


@transaction.atomic
def keep_looking(*, actor: Viewer, number: str, is_open: bool = True, now: dt.datetime) -> None:
    """The actor has the conversation open on a screen, or has just left it. Raises NotFound, NotAllowed."""
    row = _conversations.load(number, actor, HANDLE)
    mine = Looking.objects.filter(conversation=row, staff_id=actor.id or 0)
    was_there = mine.filter(seen_at__gt=now - conversations.LOOKING_WITHIN).exists()
    if is_open:
        Looking.objects.update_or_create(conversation=row, staff_id=actor.id or 0, defaults={"seen_at": now})
        Agent.objects.filter(pk=actor.id or 0).update(seen_at=now)
        Mention.objects.filter(conversation=row, staff_id=actor.id or 0, seen_at=None).update(seen_at=now)
    else:
        mine.delete()
    if was_there != is_open:
        _conversations.told(row, "looking")


@transaction.atomic
def close_conversation(*, actor: Viewer, number: str, now: dt.datetime) -> None:
    """The end, by us or by the member; a new word begins a new one. Closing again changes nothing.

    Raises NotFound, NotAllowed.
    """
    row = _conversations.load_for_writer(number, actor)
    if row.status == "closed":
        return
    end(row, "member" if _conversations.is_member(actor, row) else "staff", actor, now)
    if actor.kind != "member":
        _conversations.note(actor, row, "close", now)


def end(row: Conversation, closed_by: str, actor: Viewer, now: dt.datetime) -> None:
    """Close a locked conversation; whoever waits gets the place."""
    _conversations.move(row, "close")
    _conversations.happened(row, "closed", now, member_sees=True, by=closed_by)
    row.closed_at, row.closed_by, row.awaits_us, row.snoozed_until = now, closed_by, False, None
    row.staff_read = row.last_number
    _conversations.keep(row, now)
    helped = {(True, True): "both", (True, False): "bot", (False, True): "staff"}
    by_bot, by_staff = row.bot_answers > 0, row.first_answered_at is not None
    fact = ConversationClosed(
        *_conversations.names(row),
        closed_by,
        helped.get((by_bot, by_staff), "nobody"),
        row.last_number,
        row.ticket_id,
    )
    events.publish(fact, actor=actor, now=now)
    _sharing.share_out(row.mall_id, now)

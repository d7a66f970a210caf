"""What all writes of conversations share: loading with permission, saying something, telling who watches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, broadcast, crypto
from zhike.kernel.access import Viewer, load_visible, may_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.kernel.ids import uuid7
from zhike.service.models import Conversation, Message, MessageFile
from zhike.service.operations import _carrying
from zhike.service.operations._tickets import HANDLE, OPEN, NewFile, check_files, store
from zhike.service.queries.conversations import BODY_FIELD, COLUMNS
from zhike.service.queries.lines import FOLDED_FIELD
from zhike.service.rules import conversations, tickets


class ConversationOver(Conflict):
    code = "conversation-over"
    title = _("This conversation is closed.")


class ConversationState(Conflict):
    code = "conversation-wrong-state"
    title = _("This cannot be done with the conversation as it stands now.")


class MessageMissing(Invalid):
    code = "message-missing"
    title = _("Write between 1 and %(limit)s characters, or attach a file.")


def load(number: str, actor: Viewer, *permissions: str) -> Conversation:
    """The conversation, locked, if the actor has one of the permissions there. Raises NotFound, NotAllowed."""
    pk = Conversation.objects.filter(number=number).values_list("id", flat=True).first()
    if pk is None:
        raise NotFound
    rows = Conversation.objects.select_for_update()
    for permission in permissions:
        if actor.may(permission):
            try:
                return load_visible(rows, pk, actor, permission, COLUMNS)
            except NotFound:
                continue
    load_visible(rows, pk, actor, "tickets.view", COLUMNS)
    raise NotAllowed


def load_for_writer(number: str, actor: Viewer) -> Conversation:
    """For the member whose it is, or whoever handles conversations there. Raises NotFound, NotAllowed."""
    return load(number, actor, OPEN if actor.kind == "member" else HANDLE)


def is_member(actor: Viewer, row: Conversation) -> bool:
    return actor.kind == "member" and may_touch(actor, OPEN, person=row.person_id)


def move(row: Conversation, act: conversations.Act) -> None:
    """Raises ConversationOver, ConversationState."""
    status = conversations.after(row.status, act)  # type: ignore[arg-type]
    if status is None:
        raise ConversationOver if row.status == "closed" else ConversationState
    row.status = status


def require_words(text: str, files: Sequence[NewFile]) -> str:
    """Raises MessageMissing, FileUnusable."""
    text = text.strip()
    if len(text) > conversations.TEXT_MAX or not (text or files):
        raise MessageMissing(limit=conversations.TEXT_MAX)
    check_files(files)
    return text


def sent_before(row: Conversation, key: UUID | None) -> int | None:
    """The number of the message that was sent under this key already."""
    if key is None:
        return None
    found = Message.objects.filter(conversation=row, key=key)
    return found.values_list("number", flat=True).first()


def say(
    row: Conversation,
    author_kind: str,
    text: str,
    now: dt.datetime,
    *,
    kind: str = "text",
    audience: tickets.Audience = "member",
    author: str = "",
    author_id: int | None = None,
    key: UUID | None = None,
    files: Sequence[NewFile] = (),
    folded: str = "",
    **details: Any,
) -> Message:
    """The next message; the caller holds the lock and saves the conversation. What we say goes out through its line."""
    row.last_number += 1
    pk = uuid7()
    message = Message.objects.create(
        id=pk,
        conversation=row,
        number=row.last_number,
        key=key,
        kind=kind,
        audience=audience,
        author_kind=author_kind,
        author=author,
        author_id=author_id,
        body=crypto.encrypt(text, field=BODY_FIELD, row=str(pk)),
        folded=crypto.encrypt(folded, field=FOLDED_FIELD, row=str(pk)) if folded else None,
        details=details,
        written_at=now,
    )
    for file in files:
        MessageFile.objects.create(message=message, **store(file))
    _carrying.enqueue(row, message, now)
    return message


def happened(row: Conversation, what: str, now: dt.datetime, *, member_sees: bool, **details: Any) -> None:
    """A line between the messages: assigned, closed, a ticket was opened."""
    audience: tickets.Audience = "member" if member_sees else "staff"
    say(row, "system", "", now, kind="event", audience=audience, what=what, **details)


def link_ticket(row: Conversation, ticket_id: int, ticket: str, now: dt.datetime) -> None:
    """Remember the ticket of a locked conversation and tell the member its number."""
    row.ticket_id = ticket_id
    happened(row, "ticket", now, member_sees=True, ticket=ticket)


def keep(row: Conversation, now: dt.datetime) -> None:
    """Write the conversation after a change, and tell who watches it and who watches the inbox."""
    row.changed_at = now
    row.save()
    told(row)
    broadcast.say(f"inbox:{row.mall_id}")


def told(row: Conversation, what: str = "news", **values: Any) -> None:
    broadcast.say(f"conversation:{row.pk}", what=what, **values)


def names(row: Conversation) -> tuple[int, str, int, int]:
    return row.pk, row.number, row.person_id, row.mall_id


def note(actor: Viewer, row: Conversation, what: str, now: dt.datetime, **after: object) -> None:
    """The audit entry of something a person changed."""
    audit.record(
        actor=actor,
        action=f"conversation.{what}",
        subject=("conversation", row.number),
        after={"status": row.status, **after},
        now=now,
    )

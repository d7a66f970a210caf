"""Conversations: the inbox, one of them as staff or the member may read it, and what watchers are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, F, Q, QuerySet

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, load_visible, may_touch, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.kernel.reencryption import EncryptedColumn
from zhike.organization import queries as organization
from zhike.service.models import Conversation, Looking, Mention, Message, MessageFile, Ticket
from zhike.service.queries.agents import agents_there
from zhike.service.queries.lines import FOLDED_FIELD, OtherEnd, contact_of
from zhike.service.queries.lines import encrypted_columns as line_columns
from zhike.service.queries.tickets import FileView
from zhike.service.rules import conversations

VIEW = "tickets.view"
HANDLE = "tickets.handle"
COLUMNS = {"mall": "mall_id", "person": "person_id"}
BODY_FIELD = "service.message.body"
NEWEST = Keyset((("changed_at", "desc"), ("id", "desc")))
QUEUES = ("mine", "queued", "open", "bot", "snoozed", "closed", "all")
MESSAGES_MAX = 200
PREVIEW_MAX = 60
HANDLING_OVER = dt.timedelta(days=14)


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(BODY_FIELD, "service_message", "body"),
        EncryptedColumn(FOLDED_FIELD, "service_message", "folded"),
        *line_columns(),
        EncryptedColumn("service.botexample.text", "service_botexample", "text"),
        EncryptedColumn(
            "service.alertcontact.address", "service_alertcontact", "address", row_column="staff_id"
        ),
    ]


@dataclass(frozen=True, slots=True)
class MessageView:
    """``author`` is empty for the member. ``kind`` is text, note, card or event; an event's ``what`` is in ``details``."""

    conversation_id: int
    number: int
    key: str
    kind: str
    audience: str
    author_kind: str
    author: str
    text: str
    details: dict[str, Any]
    written_at: dt.datetime
    files: tuple[FileView, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One line of the inbox. ``preview`` is the beginning of what was said last; ``unread`` by us."""

    id: int
    number: str
    mall_id: int
    person_id: int
    person_name: str
    channel: str
    status: str
    subject: str
    skill: str
    rank: int
    assignee_id: int | None
    assignee: str
    preview: str
    preview_by: str
    unread: int
    awaits_us: bool
    opened_at: dt.datetime
    changed_at: dt.datetime
    queued_at: dt.datetime | None
    snoozed_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ConversationFile:
    """What the head and the side of an open conversation show; ``looking`` are colleagues who have it open too."""

    row: ConversationRow
    channel: str
    last_number: int
    member_received: int
    member_read: int
    staff_read: int
    handover: dict[str, Any]
    ticket: str
    closed_at: dt.datetime | None
    closed_by: str
    looking: tuple[str, ...]
    queue_place: int | None
    wait_s: int | None
    agents_there: int


# --- lists ---------------------------------------------------------------------------------------------------------


def inbox_page(
    viewer: Viewer,
    *,
    queue: str = "mine",
    mall_id: int | None = None,
    person_id: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[ConversationRow]:
    """Conversations in scope: the queue in its own order, everything else by the last change. Raises NotAllowed, BadCursor."""
    require(viewer, VIEW)
    rows = _queue(_in_scope(viewer, mall_id), queue, viewer)
    if person_id is not None:
        rows = rows.filter(person_id=person_id)
    if queue == "queued":
        return Listing(_rows(list(rows.order_by("-rank", "queued_at", "id")[:limit])), None, None)
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing(_rows(page.items), page.next_cursor, page.previous_cursor)


def inbox_counts(viewer: Viewer, mall_id: int | None = None) -> dict[str, int]:
    """How many conversations stand in each queue of live ones. Raises NotAllowed."""
    require(viewer, VIEW)
    mine = Q(assignee_id=viewer.id or 0, status="open")
    counts: dict[str, int] = (
        _in_scope(viewer, mall_id)
        .exclude(status="closed")
        .aggregate(
            mine=Count("id", filter=mine),
            waiting=Count("id", filter=mine & Q(awaits_us=True)),
            queued=Count("id", filter=Q(status="queued")),
            open=Count("id", filter=Q(status="open")),
            bot=Count("id", filter=Q(status="bot")),
            snoozed=Count("id", filter=Q(status="snoozed")),
        )
    )
    return counts


def _in_scope(viewer: Viewer, mall_id: int | None) -> QuerySet[Conversation]:
    rows = visible(Conversation.objects.all(), viewer, VIEW, COLUMNS)
    return rows if mall_id is None else rows.filter(mall_id=mall_id)


def _queue(rows: QuerySet[Conversation], queue: str, viewer: Viewer) -> QuerySet[Conversation]:
    if queue == "mine":
        return rows.filter(assignee_id=viewer.id or 0, status__in=("open", "snoozed"))
    return rows if queue == "all" else rows.filter(status=queue)


def _rows(found: Sequence[Conversation]) -> list[ConversationRow]:
    people = customers.summaries([row.person_id for row in found])
    staff = {pk: organization.staff_member(pk).name for pk in {r.assignee_id for r in found if r.assignee_id}}
    spoken = Message.objects.filter(conversation__in=found, audience="member").exclude(kind="event")
    last = {
        message.conversation_id: message
        for message in spoken.order_by("conversation_id", "-number").distinct("conversation_id")
    }
    unread = dict(
        Message.objects.filter(
            conversation__in=found, author_kind="member", number__gt=F("conversation__staff_read")
        )
        .values_list("conversation_id")
        .annotate(many=Count("number"))
    )
    rows = []
    for row in found:
        person, message = people.get(row.person_id), last.get(row.pk)
        rows.append(
            ConversationRow(
                id=row.pk,
                number=row.number,
                mall_id=row.mall_id,
                person_id=row.person_id,
                person_name=person.name if person else "",
                channel=row.channel,
                status=row.status,
                subject=row.subject,
                skill=row.skill,
                rank=row.rank,
                assignee_id=row.assignee_id,
                assignee=staff.get(row.assignee_id or 0, ""),
                preview=" ".join(text_of(message).split())[:PREVIEW_MAX] if message else "",
                preview_by=message.author_kind if message else "",
                unread=unread.get(row.pk, 0),
                awaits_us=row.awaits_us,
                opened_at=row.opened_at,
                changed_at=row.changed_at,
                queued_at=row.queued_at,
                snoozed_until=row.snoozed_until,
            )
        )
    return rows


# --- one conversation ----------------------------------------------------------------------------------------------


def visible_conversation(viewer: Viewer, number: str) -> Conversation:
    """Raises NotFound."""
    pk = Conversation.objects.filter(number=number).values_list("id", flat=True).first()
    if pk is None:
        raise NotFound
    return load_visible(Conversation.objects.all(), pk, viewer, VIEW, COLUMNS)


def current_conversation(viewer: Viewer, person_id: int) -> Conversation | None:
    """The live chat of a member in the viewer's scope, or the newest one."""
    rows = visible(Conversation.objects.filter(person_id=person_id, channel="app"), viewer, VIEW, COLUMNS)
    return rows.exclude(status="closed").order_by("-id").first() or rows.order_by("-id").first()


def reader_of(viewer: Viewer, row: Conversation) -> str:
    """Staff of the mall read everything, the member what was said to them."""
    return "staff" if viewer.kind != "member" and may_touch(viewer, VIEW, mall=row.mall_id) else "member"


def conversation(viewer: Viewer, number: str, now: dt.datetime) -> ConversationFile:
    """One conversation as it stands. Raises NotFound for a missing and for a hidden one."""
    return conversation_file(viewer, visible_conversation(viewer, number), now)


def conversation_file(viewer: Viewer, row: Conversation, now: dt.datetime) -> ConversationFile:
    place = queue_place(row)
    there = agents_there(row.mall_id, now)
    is_staff = reader_of(viewer, row) == "staff"
    ticket = Ticket.objects.filter(pk=row.ticket_id or 0).values_list("number", flat=True).first()
    return ConversationFile(
        row=_rows([row])[0],
        channel=row.channel,
        last_number=row.last_number,
        member_received=row.member_received,
        member_read=row.member_read,
        staff_read=row.staff_read,
        handover=row.handover if is_staff else {},
        ticket=ticket or "",
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        looking=tuple(looking_at(row.pk, now, besides=viewer.id)) if is_staff else (),
        queue_place=place,
        wait_s=conversations.wait_estimate_s(place, len(there), handling_s(row.mall_id, now))
        if place
        else None,
        agents_there=len(there),
    )


def other_end(viewer: Viewer, number: str, now: dt.datetime) -> OtherEnd | None:
    """Who is at the other end of a conversation that came through a line; None for a chat of our own. Raises NotFound."""
    return contact_of(visible_conversation(viewer, number), now)


def queue_place(row: Conversation) -> int | None:
    """Which place it has in its mall's queue, counted from 1; None outside the queue."""
    if row.status != "queued":
        return None
    before = Q(rank__gt=row.rank) | Q(rank=row.rank, queued_at__lt=row.queued_at)
    before |= Q(rank=row.rank, queued_at=row.queued_at, id__lt=row.pk)
    return Conversation.objects.filter(before, mall_id=row.mall_id, status="queued").count() + 1


def handling_s(mall_id: int, now: dt.datetime) -> float | None:
    """How long an agent was busy with a conversation on average in the last two weeks, in seconds; None without any."""
    rows = Conversation.objects.filter(
        mall_id=mall_id, status="closed", assigned_at__isnull=False, closed_at__gte=now - HANDLING_OVER
    )
    found = rows.aggregate(mean=Avg(F("closed_at") - F("assigned_at")))["mean"]
    return found.total_seconds() if found is not None else None


def looking_at(conversation_id: int, now: dt.datetime, *, besides: int | None = None) -> list[str]:
    """Names of ours who have the conversation open now."""
    rows = Looking.objects.filter(
        conversation_id=conversation_id, seen_at__gt=now - conversations.LOOKING_WITHIN
    ).exclude(staff_id=besides or 0)
    return list(rows.order_by("staff__name").values_list("staff__name", flat=True))


# --- messages ------------------------------------------------------------------------------------------------------


def messages_of(
    viewer: Viewer, row: Conversation, *, after: int = 0, limit: int = MESSAGES_MAX
) -> list[MessageView]:
    """What this viewer may read of a conversation they hold, oldest first: the newest of those after a number."""
    rows = Message.objects.filter(conversation=row, number__gt=after)
    if reader_of(viewer, row) != "staff":
        rows = rows.filter(audience="member")
    return views_of(sorted(rows.order_by("-number")[:limit], key=lambda one: one.number))


def messages_after(marks: Iterable[tuple[int, int]]) -> list[MessageView]:
    """Everything after a number in each conversation, for the program itself: whoever hands it on minds the audience."""
    wanted = Q(pk__in=())
    for conversation_id, number in marks:
        wanted |= Q(conversation_id=conversation_id, number__gt=number)
    return views_of(list(Message.objects.filter(wanted).order_by("conversation_id", "number")))


def last_numbers(conversation_ids: Iterable[int]) -> dict[int, int]:
    return dict(Conversation.objects.filter(pk__in=list(conversation_ids)).values_list("id", "last_number"))


def views_of(rows: Sequence[Message]) -> list[MessageView]:
    files: dict[Any, list[FileView]] = {}
    for file in MessageFile.objects.filter(message_id__in=[row.pk for row in rows]).order_by("id"):
        files.setdefault(file.message_id, []).append(
            FileView(file.pk, file.name, file.content_type, file.size)
        )
    return [
        MessageView(
            row.conversation_id,
            row.number,
            str(row.key or ""),
            row.kind,
            row.audience,
            row.author_kind,
            row.author,
            text_of(row),
            row.details,
            row.written_at,
            tuple(files.get(row.pk, ())),
        )
        for row in rows
    ]


def text_of(row: Message) -> str:
    return crypto.decrypt(bytes(row.body), field=BODY_FIELD, row=str(row.pk))


def message_file(viewer: Viewer, number: str, file_id: int) -> tuple[FileView, bytes]:
    """A file of a message that the viewer may read, with its bytes. Raises NotFound."""
    row = visible_conversation(viewer, number)
    readable = Q(message__conversation=row)
    if reader_of(viewer, row) != "staff":
        readable &= Q(message__audience="member")
    file = MessageFile.objects.filter(readable, pk=file_id).first()
    path = Path(settings.UPLOAD_DIR) / file.path if file else None
    if file is None or path is None or not path.is_file():
        raise NotFound
    return FileView(file.pk, file.name, file.content_type, file.size), path.read_bytes()


# --- mentions ------------------------------------------------------------------------------------------------------


def unseen_mentions(viewer: Viewer, limit: int = 20) -> list[tuple[str, dt.datetime]]:
    """(conversation, when) of notes in which the viewer was called by name and has not looked yet, newest first."""
    rows = Mention.objects.filter(staff_id=viewer.id or 0, seen_at=None).order_by("-id")[:limit]
    return list(rows.values_list("conversation__number", "mentioned_at"))

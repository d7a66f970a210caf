"""What the desk does with conversations: take, hand over, snooze, make a ticket of them; and the clockwork behind."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.errors import Invalid
from zhike.organization import queries as organization
from zhike.service.models import Agent, Conversation
from zhike.service.operations import _conversations, _sharing
from zhike.service.operations import conversations as talking
from zhike.service.operations import tickets as ticket_operations
from zhike.service.operations._conversations import ConversationState
from zhike.service.operations._tickets import HANDLE
from zhike.service.queries.conversations import COLUMNS
from zhike.service.rules import conversations, lines

SNOOZE_MAX = dt.timedelta(days=30)
ABANDONED_AFTER = dt.timedelta(minutes=3)
BOT_IDLE = dt.timedelta(minutes=30)
MEMBER_IDLE = dt.timedelta(hours=24)
LETTER_IDLE = dt.timedelta(days=7)
"""Whoever writes e-mails takes their time."""
AT_ONCE = 200


class SnoozeInvalid(Invalid):
    code = "snooze-invalid"
    title = _("Choose a moment within the next thirty days.")


class SkillUnknown(Invalid):
    code = "skill-unknown"
    title = _("There is no such skill.")


@transaction.atomic
def take_conversation(*, actor: Viewer, number: str, now: dt.datetime) -> None:
    """It is mine now. Taking one's own changes nothing. Raises ConversationOver, NotFound, NotAllowed."""
    row = _conversations.load(number, actor, HANDLE)
    if row.assignee_id == actor.id and row.status == "open":
        return
    _conversations.move(row, "assign")
    _sharing.give(row, actor.id or 0, actor.label, now, by=actor)
    _conversations.keep(row, now)
    _conversations.note(actor, row, "take", now)


@transaction.atomic
def transfer_conversation(
    *,
    actor: Viewer,
    number: str,
    staff_id: int | None = None,
    skill: str = "",
    note: str = "",
    now: dt.datetime,
) -> None:
    """Give it to a colleague, or back into the queue for whoever has the skill; ``note`` is for them.

    Raises SkillUnknown, ConversationOver, ConversationState, NotFound, NotAllowed.
    """
    if skill and skill not in conversations.SKILLS:
        raise SkillUnknown
    row = _conversations.load(number, actor, HANDLE)
    if staff_id is not None:
        load_visible(
            Conversation.objects.all(), row.pk, organization.viewer_of_staff(staff_id), HANDLE, COLUMNS
        )
        _conversations.move(row, "assign")
    else:
        _conversations.move(row, "release")
        row.assignee_id, row.queued_at, row.skill = None, now, skill or row.skill
    if note.strip():
        text = note.strip()[: conversations.TEXT_MAX]
        _conversations.say(
            row,
            "staff",
            text,
            now,
            kind="note",
            audience="staff",
            author=actor.label,
            author_id=actor.id,
        )
    if staff_id is not None:
        _sharing.give(row, staff_id, organization.staff_member(staff_id).name, now, by=actor)
    else:
        _conversations.happened(row, "released", now, member_sees=False, skill=row.skill)
        row.save()
        _sharing.share_out(row.mall_id, now, held=row)
    _conversations.keep(row, now)
    _conversations.note(actor, row, "transfer", now, staff_id=staff_id, skill=skill)


@transaction.atomic
def snooze_conversation(*, actor: Viewer, number: str, until: dt.datetime, now: dt.datetime) -> None:
    """Out of sight until a moment, or until the member writes. Raises SnoozeInvalid, ConversationState, NotFound, NotAllowed."""
    if not now < until <= now + SNOOZE_MAX:
        raise SnoozeInvalid
    row = _conversations.load(number, actor, HANDLE)
    _conversations.move(row, "snooze")
    row.snoozed_until = until
    _conversations.happened(row, "snoozed", now, member_sees=False, until=until.isoformat())
    _conversations.keep(row, now)
    _conversations.note(actor, row, "snooze", now, until=until.isoformat())
    _sharing.share_out(row.mall_id, now)


@transaction.atomic
def ticket_of_conversation(
    *,
    actor: Viewer,
    number: str,
    type: str,
    text: str,
    severity: str = "normal",
    merchant_id: int | None = None,
    receipt_id: UUID | None = None,
    close: bool = False,
    now: dt.datetime,
) -> str:
    """Open a ticket for the member of a conversation and tell them its number; ``close``: and end the conversation.

    One conversation, one ticket. Raises what open_ticket raises, ConversationState, NotFound, NotAllowed.
    """
    row = _conversations.load(number, actor, HANDLE)
    if row.ticket_id is not None:
        raise ConversationState
    ticket = ticket_operations.open_ticket(
        actor=actor,
        type=type,
        text=text,
        channel="chat",
        severity=severity,
        mall_id=row.mall_id,
        merchant_id=merchant_id,
        person_id=row.person_id,
        receipt_id=receipt_id,
        now=now,
    )
    _conversations.link_ticket(row, ticket_operations.id_of(ticket), ticket, now)
    _conversations.keep(row, now)
    if close and row.status != "closed":
        talking.end(row, "staff", actor, now)
    _conversations.note(actor, row, "ticket", now, ticket=ticket)
    return ticket


# --- the clockwork -------------------------------------------------------------------------------------------------


def sweep_inbox(*, actor: Viewer, now: dt.datetime) -> int:
    """What time brings about; how many conversations changed. Each in a transaction of its own, so it can stop anywhere.

    Snoozed ones wake; what an agent who is gone left unanswered goes back into the queue; what the bot answered and
    nobody took up again for half an hour ends, and so does what waited for the member for a day; e-mails both after a week.
    """
    gone = Agent.objects.filter(seen_at__lt=now - ABANDONED_AFTER).values_list("pk", flat=True)
    live = Conversation.objects.exclude(status="closed")
    letters, talks = Q(channel__in=lines.THREADED), ~Q(channel__in=lines.THREADED)
    due = [
        (live.filter(status="snoozed", snoozed_until__lte=now), _wake),
        (
            live.filter(
                status="open",
                awaits_us=True,
                assignee_id__in=list(gone),
                changed_at__lt=now - ABANDONED_AFTER,
            ),
            _requeue,
        ),
        (live.filter(talks, status="bot", changed_at__lt=now - BOT_IDLE), _end),
        (live.filter(talks, status="open", awaits_us=False, changed_at__lt=now - MEMBER_IDLE), _end),
        (live.filter(letters, status="bot", changed_at__lt=now - LETTER_IDLE), _end),
        (live.filter(letters, status="open", awaits_us=False, changed_at__lt=now - LETTER_IDLE), _end),
    ]
    changed = 0
    for rows, act in due:
        for pk in rows.order_by("id").values_list("id", flat=True)[:AT_ONCE]:
            with transaction.atomic():
                row = rows.select_for_update(skip_locked=True).filter(pk=pk).first()
                if row is not None:
                    act(row, actor, now)
                    changed += 1
    for mall_id in Conversation.objects.filter(status="queued").values_list("mall_id", flat=True).distinct():
        with transaction.atomic():
            changed += _sharing.share_out(mall_id, now)
    return changed


def _wake(row: Conversation, actor: Viewer, now: dt.datetime) -> None:
    _conversations.move(row, "assign")
    row.snoozed_until, row.awaits_us = None, True
    _conversations.happened(row, "woke", now, member_sees=False)
    _conversations.keep(row, now)


def _requeue(row: Conversation, actor: Viewer, now: dt.datetime) -> None:
    _conversations.move(row, "release")
    row.assignee_id, row.queued_at = None, now
    _conversations.happened(row, "released", now, member_sees=False, skill=row.skill)
    _conversations.keep(row, now)


def _end(row: Conversation, actor: Viewer, now: dt.datetime) -> None:
    talking.end(row, "system", actor, now)

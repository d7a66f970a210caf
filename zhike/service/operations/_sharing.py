"""Into the queue, and from the queue to whoever is there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from zhike.kernel import broadcast, events
from zhike.kernel.access import Viewer, system_viewer
from zhike.organization import queries as organization
from zhike.service.events import ConversationAssigned, ConversationQueued
from zhike.service.models import Agent, Conversation
from zhike.service.operations import _conversations
from zhike.service.queries import agents as agent_queries
from zhike.service.rules import conversations

SHARER = system_viewer("inbox")
QUEUE_AT_ONCE = 200


def enqueue(row: Conversation, reason: str, now: dt.datetime, **understood: Any) -> None:
    """A person has to answer: put a locked conversation into the queue and give it out if somebody is there."""
    _conversations.move(row, "hand_over")
    row.queued_at, row.handover = now, {"reason": reason, **understood}
    opens_at = agent_queries.desk_opens_at(organization.mall(row.mall_id).group_id, now)
    when = opens_at.isoformat() if opens_at else ""
    _conversations.happened(row, "queued", now, member_sees=True, reason=reason, opens_at=when)
    fact = ConversationQueued(*_conversations.names(row), reason, row.skill)
    events.publish(fact, actor=SHARER, now=now)
    row.save()
    share_out(row.mall_id, now, held=row)


def share_out(mall_id: int, now: dt.datetime, held: Conversation | None = None) -> int:
    """Give what waits in a mall to those who are there; how many. ``held`` is the row the caller has locked.

    Seats are locked first and in order, so two who share out at once do it one after the other; conversations that
    somebody else holds are left to them.
    """
    there = {one.staff_id: one for one in agent_queries.agents_there(mall_id, now)}
    list(Agent.objects.select_for_update().filter(pk__in=there).order_by("pk"))
    there = {one.staff_id: one for one in agent_queries.agents_there(mall_id, now)}
    rows = Conversation.objects.select_for_update(skip_locked=True).filter(mall_id=mall_id, status="queued")
    waiting = {row.pk: row for row in rows.order_by("-rank", "queued_at", "id")[:QUEUE_AT_ONCE]}
    if held is not None and held.pk in waiting:
        waiting[held.pk] = held
    given = conversations.share_out(
        [conversations.Waiting(row.pk, row.skill) for row in waiting.values()],
        [
            conversations.Candidate(one.staff_id, one.skills, one.places, one.load, one.assigned_at)
            for one in there.values()
        ],
    )
    for conversation_id, staff_id in given:
        row = waiting.pop(conversation_id)
        _conversations.move(row, "assign")
        give(row, staff_id, there[staff_id].name, now, by=None)
        if row is not held:
            _conversations.keep(row, now)
    for row in waiting.values():
        _conversations.told(row, "marks")  # their place in the queue has changed
    return len(given)


def give(row: Conversation, staff_id: int, name: str, now: dt.datetime, *, by: Viewer | None) -> None:
    """Make somebody the one who answers a locked conversation; the caller has moved it and saves it."""
    waited = int((now - row.queued_at).total_seconds()) if row.queued_at else None
    row.assignee_id, row.assigned_at, row.queued_at, row.snoozed_until = staff_id, now, None, None
    Agent.objects.filter(pk=staff_id).update(assigned_at=now)
    _conversations.happened(row, "assigned", now, member_sees=True, to=name)
    fact = ConversationAssigned(*_conversations.names(row), staff_id, by is None, waited)
    events.publish(fact, actor=by or SHARER, now=now)
    broadcast.say(f"staff:{staff_id}", what="assigned", number=row.number)

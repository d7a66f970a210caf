"""The live conversation of a person with a mall on a channel, and the beginning of a new one."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, connection, transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.service.events import ConversationStarted
from zhike.service.models import Conversation
from zhike.service.operations import _conversations
from zhike.service.rules import conversations


def live(person_id: int, mall_id: int, channel: str) -> Conversation | None:
    """Locked; the newest where there may be several."""
    rows = Conversation.objects.select_for_update().filter(
        person_id=person_id, mall_id=mall_id, channel=channel
    )
    return rows.exclude(status="closed").order_by("-id").first()


def begin(actor: Viewer, person_id: int, mall_id: int, channel: str, now: dt.datetime) -> Conversation:
    """A new conversation; whoever begins the same one at the same moment gets that one."""
    organization.mall(mall_id)
    pk = _next_id()
    row = Conversation(
        pk=pk,
        number=f"C{now:%y%m%d}-{pk:05d}",
        mall_id=mall_id,
        person_id=person_id,
        channel=channel,
        status="bot",
        rank=_rank(person_id, now),
        opened_at=now,
        changed_at=now,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        found = live(person_id, mall_id, channel)
        if found is None:
            raise
        return found
    events.publish(ConversationStarted(*_conversations.names(row), channel), actor=actor, now=now)
    return row


def _rank(person_id: int, now: dt.datetime) -> int:
    member_id = loyalty.member_id_of_person(person_id)
    return conversations.rank_of(loyalty.tier_rank(member_id)) if member_id is not None else 0


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('service_conversation', 'id'))")
        return int(cursor.fetchone()[0])

"""What a supervisor needs this minute: who waits in the chat, who is there, what will be left tonight."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min, Q

from zhike.kernel.access import Viewer, require, visible
from zhike.service.models import Conversation, Ticket
from zhike.service.queries.agents import AgentView, seats
from zhike.service.queries.conversations import COLUMNS as CHAT_COLUMNS
from zhike.service.queries.tickets import COLUMNS, HANDLE
from zhike.service.rules import forecast as rules

LIVE = ("new", "open", "waiting")
LOOKED_BACK = 28
WEEKEND = (5, 6)


@dataclass(frozen=True, slots=True)
class ChatQueue:
    """``waited`` is the longest wait in the queue now; ``places`` free ones of those who are there."""

    queued: int
    with_agents: int
    with_bot: int
    waited: dt.timedelta | None
    agents: tuple[AgentView, ...]
    places: int

    @property
    def there(self) -> int:
        return sum(1 for one in self.agents if one.is_there)


def chat_queue(viewer: Viewer, mall_id: int | None, now: dt.datetime) -> ChatQueue:
    """Conversations now, in the viewer's malls; agents of one mall. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = visible(Conversation.objects.exclude(status="closed"), viewer, HANDLE, CHAT_COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    found = rows.aggregate(
        queued=Count("id", filter=Q(status="queued")),
        ours=Count("id", filter=Q(status="open")),
        bot=Count("id", filter=Q(status="bot")),
        since=Min("queued_at", filter=Q(status="queued")),
    )
    agents = seats(mall_id, now) if mall_id is not None else []
    known = sorted(
        (one for one in agents if one.state != "away" or one.load),
        key=lambda one: (not one.is_there, one.name),
    )
    free = sum(max(0, one.places - one.load) for one in known if one.is_there)
    waited = now - found["since"] if found["since"] else None
    return ChatQueue(found["queued"], found["ours"], found["bot"], waited, tuple(known), free)


def backlog_tonight(
    viewer: Viewer, *, mall_id: int | None, zone: dt.tzinfo, now: dt.datetime
) -> rules.Forecast | None:
    """Tickets that will be open at midnight, from the rest of the day on workdays (or weekends) of the last four weeks.

    None with under four such days. Raises NotAllowed.
    """
    require(viewer, HANDLE)
    rows = visible(Ticket.objects.filter(merged_into=None), viewer, HANDLE, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    local = now.astimezone(zone)
    days = [local.date() - dt.timedelta(days=back) for back in range(1, LOOKED_BACK + 1)]
    alike = [day for day in days if (day.weekday() in WEEKEND) == (local.weekday() in WEEKEND)]
    since = dt.datetime.combine(days[-1], dt.time(), zone)
    first = rows.aggregate(first=Min("opened_at"))["first"]
    alike = [day for day in alike if first and day >= first.astimezone(zone).date()]
    changes = dict.fromkeys(alike, 0)
    for column, sign in (("opened_at", 1), ("resolved_at", -1)):
        found = rows.filter(**{f"{column}__gte": since, f"{column}__lt": now})
        for moment in found.values_list(column, flat=True):
            at = moment.astimezone(zone)
            if at.date() in changes and at.time() >= local.time():
                changes[at.date()] += sign
    return rules.backlog(rows.filter(status__in=LIVE).count(), list(changes.values()))

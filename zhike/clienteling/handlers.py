"""What clienteling does when a member of somebody's opens a ticket, or it is solved."""

from __future__ import annotations

from zhike.clienteling import operations
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.service.events import TicketClosed, TicketOpened, TicketResolved

ACTOR = system_viewer("reminders")


def on_ticket(event: StoredEvent) -> None:
    if event.data.get("person_id") is not None:
        operations.remind_of_ticket(
            actor=ACTOR,
            person_id=int(event.data["person_id"]),
            number=str(event.data["number"]),
            mall_id=int(event.data["mall_id"]),
            opened_at=event.time,
            now=event.recorded_at,
        )


def on_solved(event: StoredEvent) -> None:
    operations.settle_ticket(actor=ACTOR, number=str(event.data["number"]), now=event.recorded_at)


# From now on: a ticket of long ago is nothing to call about.
ticket_reminders = Consumer(
    "ticket_reminders",
    {TicketOpened: on_ticket, TicketResolved: on_solved, TicketClosed: on_solved},
    start="end",
)

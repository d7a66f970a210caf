"""What messaging does when a member gets another associate."""

from __future__ import annotations

from zhike.customers.events import AssociateAssigned
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.messaging import operations

ACTOR = system_viewer("postman")


def on_assigned(event: StoredEvent) -> None:
    staff_id = event.data.get("staff_id")
    operations.follow_associate(
        actor=ACTOR,
        person_id=int(event.data["person_id"]),
        staff_id=None if staff_id is None else int(staff_id),
        now=event.recorded_at,
    )


# From now on: contacts of long ago stay where they are.
contact_transfers = Consumer("contact_transfers", {AssociateAssigned: on_assigned}, start="end")

"""What loyalty derives from the log."""

from __future__ import annotations

from zhike.customers.events import PersonsMerged, PersonsParted
from zhike.kernel.events import Consumer, StoredEvent
from zhike.loyalty.events import MemberEnrolled
from zhike.loyalty.operations import activity
from zhike.sales.events import ReceiptClaimed, ReceiptRecorded, ReceiptsTakenOut


def on_receipt(event: StoredEvent) -> None:
    """A person bought, returned, claimed, or a receipt of theirs was taken out again."""
    person_id = event.data.get("person_id")
    if person_id is not None:
        activity.recount_activity(actor=activity.ACTOR, person_id=int(person_id))


def on_family(event: StoredEvent) -> None:
    """Two persons became one, or two again."""
    for name in ("person_id", "merged_id"):
        activity.recount_activity(actor=activity.ACTOR, person_id=int(event.data[name]))


member_activity = Consumer(
    "member_activity",
    {
        MemberEnrolled: on_receipt,
        ReceiptRecorded: on_receipt,
        ReceiptClaimed: on_receipt,
        ReceiptsTakenOut: on_receipt,
        PersonsMerged: on_family,
        PersonsParted: on_family,
    },
    reset=activity.forget_activity,
)

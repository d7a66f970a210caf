"""What rewards does when the log tells of purchases, returns and people who turn out to be one."""

from __future__ import annotations

from zhike.customers.events import PersonsMerged, PersonsParted
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.rewards import operations
from zhike.sales.events import ReceiptClaimed, ReceiptRecorded, ReceiptsTakenOut

ACTOR = system_viewer("gifts")


def on_receipt(event: StoredEvent) -> None:
    """What stands behind somebody's gifts may be another: more was bought, goods came back, two were one."""
    for name in ("person_id", "merged_id"):
        person_id = event.data.get(name)
        if person_id is not None:
            operations.review_gifts(actor=ACTOR, person_id=int(person_id), now=event.recorded_at)


gifts = Consumer(
    "gifts",
    {
        ReceiptRecorded: on_receipt,
        ReceiptClaimed: on_receipt,
        ReceiptsTakenOut: on_receipt,
        PersonsMerged: on_receipt,
        PersonsParted: on_receipt,
    },
    start="end",
    batch_size=1,
)
